"""Images of every kind that folders and tables hold: decoded alike, or named and refused."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from dlkit.data import arrays, canvas, pixels
from dlkit.data import images as module
from dlkit.data.config import SampleConfig
from dlkit.data.forms import ImageForm
from dlkit.data.images import read_images
from dlkit.errors import DlkitError
from dlkit.records import Noted, Step, Warned


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def png(*shape: int, seed: int = 0) -> bytes:
    return encoded(Image.fromarray(noise(*shape, seed=seed)))


def read(*contents, names=None, form=None, exact=False, **config):
    cells = [(names[i] if names else f"{i}.png", content) for i, content in enumerate(contents)]
    work = read_images(iter(cells), len(cells), SampleConfig(**config), form=form, exact=exact)
    records = []
    while True:
        try:
            records.append(next(work))
        except StopIteration as end:
            said = "\n".join(r.text for r in records if isinstance(r, (Noted, Warned)))
            return SimpleNamespace(found=end.value, records=records, said=said)


def refused(*contents, **config) -> DlkitError:
    with pytest.raises(DlkitError) as caught:
        read(*contents, **config)
    return caught.value


def test_many_images_keep_their_order_whatever_thread_is_first():
    contents = [png(5, 7, 3, seed=seed) for seed in range(700)]
    got = read(*contents)
    assert got.found.pixels.shape == (700, 5, 7, 3)
    for seed in range(700):
        assert np.array_equal(got.found.pixels[seed], noise(5, 7, 3, seed=seed))
    assert got.found.form == ImageForm(5, 7, 3)
    steps = [record for record in got.records if isinstance(record, Step)]
    assert steps[-1].done == steps[-1].total == 700
    with pytest.raises(ValueError, match="read-only"):
        got.found.pixels[0] = 0


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "GIF"])
def test_lossless_formats_give_the_pixels_that_were_written(kind):
    grey = noise(6, 6)
    got = read(encoded(Image.fromarray(grey), kind)).found.pixels
    assert np.array_equal(got[0, ..., 0], grey)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_formats_are_read_as_pillow_reads_them(kind):
    content = encoded(Image.fromarray(noise(16, 16, 3)), kind)
    assert np.array_equal(
        read(content).found.pixels[0], np.asarray(Image.open(io.BytesIO(content)))
    )


def test_grey_stays_one_channel_and_among_colour_becomes_three():
    grey, colour = png(4, 4), png(4, 4, 3, seed=1)
    assert read(grey, grey).found.form.channels == 1
    for order in ((grey, colour), (colour, grey)):
        got = read(*order)
        place = order.index(grey)
        assert got.found.pixels.shape == (2, 4, 4, 3)
        assert (got.found.pixels[place] == noise(4, 4)[..., None]).all()
        assert np.array_equal(got.found.pixels[1 - place], noise(4, 4, 3, seed=1))
        assert "1 grey among 2 images: all are RGB" in got.said


def test_colour_can_be_asked_for():
    colour = png(4, 4, 3)
    got = read(colour, colour="grey")
    wanted = np.asarray(Image.fromarray(noise(4, 4, 3)).convert("L"))
    assert np.array_equal(got.found.pixels[0, ..., 0], wanted)
    assert "1 image made grey" in got.said
    assert read(png(4, 4), colour="rgb").found.form.channels == 3


def test_sixteen_bits_are_cut_to_eight_and_said():
    deep = np.arange(0, 65_536, 16_384 // 4, dtype=np.uint16).reshape(4, 4)
    for kind in ("PNG", "TIFF"):
        got = read(encoded(Image.fromarray(deep), kind))
        assert np.array_equal(got.found.pixels[0, ..., 0], deep >> 8)
        assert "of 16 bits a channel cut to 8" in got.said


def deep(values: np.ndarray, kind: str = "PNG", bits: int = 16) -> bytes:
    """A file of values of ``bits`` bits, of which a TIFF file can say that it has fewer than 16."""
    content = encoded(Image.fromarray(values), kind)
    if bits == 16:
        return content
    # One strip of two values in three bytes, the first value's high bits first.
    height, width = values.shape
    flat = values.astype(np.uint16).ravel()
    pairs = np.stack([flat[::2] >> 4, (flat[::2] & 15) << 4 | flat[1::2] >> 8, flat[1::2] & 255], 1)
    data = pairs.astype(np.uint8).tobytes()
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: 1, 273: 8, 277: 1, 278: height}
    tags[279] = len(data)
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    start = struct.pack("<2sHI", b"II", 42, 8 + len(data) + len(data) % 2)
    folder = struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)
    return start + data + bytes(len(data) % 2) + folder


@pytest.mark.parametrize(("most", "depth"), [(255, 8), (900, 10), (4_095, 12), (9_999, 14)])
def test_deep_images_are_cut_alike_by_the_largest_value_of_all(most, depth):
    ramps = [np.linspace(0, top, 16, dtype=np.uint16).reshape(4, 4) for top in (most // 3, most)]
    got = read(*map(deep, ramps))
    for image, ramp in zip(got.found.pixels, ramps, strict=True):
        assert np.array_equal(image[..., 0], ramp >> (depth - 8))
    assert got.found.form == ImageForm(4, 4, 1, depth=depth)
    assert f"2 images of {'more than 8' if depth == 8 else 'up to 16'} bits a channel" in got.said
    assert f"taken for {depth} bits" in got.said


def test_32_bit_integers_below_256_are_bytes():
    values = noise(4, 4).astype(np.int32)
    got = read(encoded(Image.fromarray(values, "I"), "TIFF"))
    assert np.array_equal(got.found.pixels[0, ..., 0], values)
    assert "1 image of more than 8 bits a channel taken for 8 bits" in got.said


def test_the_depth_that_a_file_declares_counts():
    values = np.arange(16, dtype=np.uint16).reshape(4, 4) * 20
    content = deep(values, bits=12)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(content))), values)  # it is such a file
    assert np.array_equal(read(content).found.pixels[0, ..., 0], values >> 4)


def test_deep_images_among_others_and_in_another_size():
    values = np.full((4, 4), 40_000, np.uint16)
    for order in ((0, 1, 2), (1, 0, 2), (1, 2, 0)):
        files = [deep(values), png(4, 4), png(4, 4, 3, seed=1)]
        got = read(*(files[i] for i in order)).found.pixels
        assert (got[order.index(0)] == 40_000 >> 8).all()
        assert (got[order.index(1)] == noise(4, 4)[..., None]).all()
        assert np.array_equal(got[order.index(2)], noise(4, 4, 3, seed=1))
    ramp = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1_000
    half = read(deep(ramp), size="4").found.pixels[0, ..., 0]
    means = ramp.reshape(4, 2, 4, 2).mean(axis=(1, 3)) / 256
    assert np.abs(half[1:3, 1:3] - means[1:3, 1:3]).max() <= 1
    assert read(deep(ramp), colour="rgb").found.pixels.shape == (1, 8, 8, 3)


def test_later_images_keep_the_training_images_depth():
    form = read(deep(np.full((2, 2), 4_000, np.uint16))).found.form
    assert form.depth == 12
    later = read(deep(np.full((2, 2), 160, np.uint16)), form=form)
    assert (later.found.pixels == 10).all()
    bright = read(deep(np.full((2, 2), 5_000, np.uint16)), form=form)
    assert (bright.found.pixels == 255).all()
    assert "1 image with values above 4,095, the most that training images have" in bright.said
    unknown = ImageForm(2, 2, 1)
    assert (read(deep(np.full((2, 2), 512, np.uint16)), form=unknown).found.pixels == 2).all()


def test_decoding_leaves_pillow_and_warnings_as_they_were():
    before = (Image.MAX_IMAGE_PIXELS, list(warnings.filters))
    read(png(2, 2))
    assert (Image.MAX_IMAGE_PIXELS, list(warnings.filters)) == before


def test_transparent_images_are_laid_on_white():
    layered = np.zeros((2, 2, 4), np.uint8)
    layered[0, 0] = (10, 20, 30, 255)
    layered[0, 1] = (10, 20, 30, 0)
    got = read(encoded(Image.fromarray(layered)))
    assert got.found.pixels[0, 0].tolist() == [[10, 20, 30], [255, 255, 255]]
    assert "laid on white" in got.said
    faint = Image.fromarray(np.array([[[100, 255], [100, 0]]], np.uint8), "LA")
    assert read(encoded(faint)).found.pixels[0, 0].ravel().tolist() == [100, 255]


def test_palettes_become_their_colours_and_grey_ones_stay_grey():
    flat = Image.fromarray(noise(5, 5, 3)).quantize(8)
    got = read(encoded(flat)).found
    assert np.array_equal(got.pixels[0], np.asarray(flat.convert("RGB")))
    grey = Image.fromarray(noise(5, 5)).quantize(8)
    assert read(encoded(grey)).found.form.channels == 1
    clear = flat.copy()
    clear.info["transparency"] = 0
    content = encoded(clear, transparency=0)
    assert (read(content).found.pixels[0][np.asarray(flat) == 0] == 255).all()


def test_black_and_white_and_cmyk_are_read():
    bits = Image.fromarray((noise(4, 4) > 127).astype(np.uint8) * 255).convert("1")
    assert set(np.unique(read(encoded(bits)).found.pixels)) <= {0, 255}
    content = encoded(Image.fromarray(noise(8, 8, 4), "CMYK"), "JPEG")
    got = read(content)
    wanted = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    assert np.array_equal(got.found.pixels[0], wanted)
    assert "of mode CMYK made RGB" in got.said


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_turns_the_image(orientation):
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(Image.fromarray(noise(6, 9, 3)), "JPEG", exif=exif)
    got = read(content)
    wanted = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))))
    assert np.array_equal(got.found.pixels[0], wanted)
    assert ("EXIF" in got.said) == (orientation != 1)


def test_images_are_of_one_size_if_they_are_once_turned():
    for orientation in (5, 6, 7, 8):
        exif = Image.Exif()
        exif[0x0112] = orientation
        turned = encoded(Image.fromarray(noise(6, 9, 3)), "JPEG", exif=exif)
        assert read(turned, png(9, 6, 3)).found.pixels.shape == (2, 9, 6, 3)


def test_sizes_that_differ_are_named_and_a_size_makes_them_alike():
    error = refused(png(4, 6), png(8, 8), names=["a.png", "b.png"])
    assert "a.png is 6x4, b.png is 8x8" in error.message
    assert "--size 6x4" in error.hint
    got = read(png(4, 6), png(8, 8), size="5")
    assert got.found.pixels.shape == (2, 5, 5, 1)
    assert "2 images resized" in got.said


def test_a_later_split_must_have_the_training_images_size():
    form = ImageForm(4, 4, 1)
    assert "first training image is 4x4" in (refused(png(5, 5), form=form, exact=True).message)
    assert read(png(5, 5), form=form, exact=True, size="4").found.pixels.shape == (1, 4, 4, 1)
    assert read(png(5, 5), form=form).found.pixels.shape == (1, 4, 4, 1)


def test_fits_crop_stretch_and_pad():
    wide = np.zeros((2, 8), np.uint8)
    wide[:, 3:5] = 200  # the middle
    content = encoded(Image.fromarray(wide))
    crop = read(content, size="2", fit="crop").found.pixels[0, ..., 0]
    assert (crop == 200).all()
    stretch = read(content, size="2", fit="stretch").found.pixels[0, ..., 0]
    assert (stretch < 200).all()
    assert (stretch > 0).all()
    pad = read(content, size="8", fit="pad").found.pixels[0, ..., 0]
    assert not pad[:3].any()
    assert not pad[5:].any()
    assert (pad[3:5, 3:5] == 200).all()


def test_an_image_of_the_asked_size_is_left_alone():
    content = png(4, 6)
    got = read(content, size="6x4")
    assert np.array_equal(got.found.pixels[0, ..., 0], noise(4, 6))
    assert not got.said


def bomb(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = zlib.compress(bytes((width + 7) // 8 + 1) * height, 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


GIF = [Image.fromarray(noise(4, 4, seed=seed)) for seed in range(3)]
BAD = {
    "empty": (b"", "empty"),
    "text": (b"hello", "no image"),
    "svg": (b"<svg xmlns='x'/>", "SVG"),
    "fits": (b"SIMPLE  =                    T", "FITS"),
    "psd": (b"8BPS\0\1" + bytes(40), "PSD"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1", "git LFS"),
    "heif": (b"\0\0\0\x18ftypheic" + bytes(20), "HEIF"),
    "truncated png": (png(20, 20)[:300], "damaged"),
    "truncated jpeg": (encoded(Image.fromarray(noise(64, 64, 3)), "JPEG")[:900], "damaged"),
    "header only": (png(20, 20)[:20], "damaged|no image"),
    "animated gif": (encoded(GIF[0], "GIF", save_all=True, append_images=GIF[1:]), "3 images"),
    "animated png": (encoded(GIF[0], "PNG", save_all=True, append_images=GIF[1:]), "3 images"),
    "animated webp": (
        encoded(GIF[0].convert("RGB"), "WEBP", save_all=True, append_images=GIF[1:]),
        "3 images",
    ),
    "tiff pages": (encoded(GIF[0], "TIFF", save_all=True, append_images=GIF[1:]), "3 images"),
    "bomb": (bomb(9_000, 9_000), "pixels"),
    "large bomb": (bomb(30_000, 30_000), "pixels"),
    "real numbers": (encoded(Image.fromarray(np.ones((3, 3), np.float32)), "TIFF"), "real"),
    "nothing": (None, "no image"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_image_is_named_and_stops_unless_it_may_be_skipped(name):
    content, why = BAD[name]
    good = encoded(Image.fromarray(noise(4, 4)))
    error = refused(good, content, names=["good.png", f"{name}.png"])
    assert error.message.startswith(f"{name}.png: ")
    assert any(each in error.message for each in why.split("|")), error.message
    assert "\n" not in error.message
    assert "--skip-bad" in error.hint
    got = read(good, content, good, names=["a", f"{name}.png", "b"], skip_bad=True)
    assert got.found.places.tolist() == [0, 2]
    assert len(got.found.pixels) == 2
    assert f"1 bad image ({name}.png: " in got.said


def test_only_bad_images_are_an_error_even_where_they_may_be_skipped():
    assert "no images left: 2 bad images" in refused(b"", b"x", skip_bad=True).message


def test_one_pixel_high_images_are_read_and_empty_ones_refused():
    assert read(png(1, 3000)).found.pixels.shape == (1, 1, 3000, 1)
    flat = bytearray(png(4, 4))
    flat[16:24] = struct.pack(">II", 0, 0)
    flat[29:33] = struct.pack(">I", zlib.crc32(bytes(flat[12:29])))
    refused(bytes(flat))


def test_a_large_set_is_mapped_from_a_file_that_has_no_name(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(arrays, "memory_for_arrays", lambda: 100)
    contents = [png(4, 4, seed=seed) for seed in range(20)] + [png(4, 4, 3)]
    got = read(*contents).found.pixels
    base = got
    while not isinstance(base, np.memmap):
        base = base.base
        assert base is not None
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    monkeypatch.undo()
    assert np.array_equal(got, read(*contents).found.pixels)


def test_a_full_disk_is_told_before_decoding(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(arrays, "memory_for_arrays", lambda: 100)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(arrays.os, "posix_fallocate", full, raising=False)
    error = refused(*[png(8, 8, seed=seed) for seed in range(3)])
    assert "No space left" in error.message
    assert "--limit" in error.hint


def test_decoding_holds_few_images_at_a_time():
    taken, told = 0, []

    def cells():
        nonlocal taken
        for place in range(20 * canvas.CHUNK):
            taken += 1
            yield f"{place}", png(2, 2)

    work = read_images(cells(), 20 * canvas.CHUNK, SampleConfig())
    for record in work:
        if isinstance(record, Step):
            told.append(taken - record.done)
    workers = min(16, module.cores())
    assert max(told) <= 2 * workers * canvas.CHUNK


def test_threads_take_fewer_images_the_larger_they_are(monkeypatch):
    monkeypatch.setattr(module, "_BYTES", 3_000)
    taken = []
    real = module._decode

    def counting(cells, wanted):
        taken.append(len(cells))
        return real(cells, wanted)

    monkeypatch.setattr(module, "_decode", counting)
    monkeypatch.setattr(module, "cores", lambda: 1)
    contents = [png(10, 30, 3, seed=seed) for seed in range(40)]  # 900 bytes each
    got = read(*contents).found.pixels
    assert all(np.array_equal(got[i], noise(10, 30, 3, seed=i)) for i in range(40))
    assert max(taken) <= 4
    assert taken[-2] == 3


def test_formats_beyond_the_list_are_never_opened(monkeypatch):
    opened = []
    real = Image.open

    def spying(file, *args, formats=None, **kwargs):
        opened.append(formats)
        return real(file, *args, formats=formats, **kwargs)

    monkeypatch.setattr(Image, "open", spying)
    read(png(2, 2))
    assert opened == [pixels.FORMATS]
