"""What an image file holds is kept, or said to be lost: nothing goes silently."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from dlkit.cnn.upscale import files
from dlkit.data.pixels import BadImageError, limits
from dlkit.errors import DlkitError

RANDOM = np.random.default_rng(0)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def noise(*shape, kind=np.uint8):
    return RANDOM.integers(0, np.iinfo(kind).max, shape, dtype=kind, endpoint=True)


def saved(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def read(content, scale=2):
    with limits():
        return files.read(content, scale=scale)


def through(picture, name, tmp_path, quality=95):
    """The picture written and opened again, and what was lost."""
    path = tmp_path / name
    picture, lost = files.fitting(picture, path)
    with path.open("wb") as stream:
        files.write(picture, path, stream, quality=quality)
    return Image.open(io.BytesIO(path.read_bytes())), lost


def test_transparency_profile_and_exif_go_through_every_format_that_has_room(tmp_path):
    pixels = noise(9, 7, 4)
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    content = saved(Image.fromarray(pixels), icc_profile=PROFILE, exif=exif)
    picture = read(content)
    np.testing.assert_array_equal(picture.colours, pixels[..., :3])
    np.testing.assert_array_equal(picture.alpha, pixels[..., 3:])
    for name in ("a.png", "a.tif", "a.webp"):
        made, lost = through(picture, name, tmp_path)
        assert (made.mode, lost) == ("RGBA", [])
        assert made.info["icc_profile"] == PROFILE
        assert made.getexif()[0x010F] == "a camera"
    made, _ = through(picture, "b.png", tmp_path)
    np.testing.assert_array_equal(np.asarray(made), pixels)
    for name, kind in (("a.jpg", "JPEG"), ("a.bmp", "BMP"), ("a.ppm", "PPM")):
        with pytest.raises(DlkitError, match=f"transparent pixels, and {kind} has none"):
            files.fitting(picture, tmp_path / name)
    opaque = picture._replace(alpha=None)
    made, lost = through(opaque, "c.jpg", tmp_path)
    assert (made.mode, made.info["icc_profile"], lost) == ("RGB", PROFILE, [])
    _, lost = through(opaque, "c.bmp", tmp_path)
    assert lost == ["without colour profile, which BMP has no room for"]


@pytest.mark.parametrize("turn", range(2, 9))
def test_pictures_are_upright_and_say_so(tmp_path, turn):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = turn, "a camera"
    image = Image.fromarray(noise(5, 8, 3))
    picture = read(saved(image, exif=exif))
    wanted = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }[turn]  # fmt: skip
    np.testing.assert_array_equal(picture.colours, np.asarray(image.transpose(wanted)))
    assert picture.done == ("turned by EXIF orientation",)
    made, _ = through(picture, "a.png", tmp_path)
    assert made.getexif().get(0x0112, 1) == 1
    assert made.getexif()[0x010F] == "a camera"


def test_grey_of_16_bits_stays_so_where_the_format_has_them(tmp_path):
    deep = noise(6, 5, kind=np.uint16)
    picture = read(saved(Image.fromarray(deep)))
    np.testing.assert_array_equal(picture.colours[..., 0], deep)
    for name in ("a.png", "a.tif"):
        made, lost = through(picture, name, tmp_path)
        assert lost == []
        np.testing.assert_array_equal(np.asarray(made), deep)
    made, lost = through(picture, "a.webp", tmp_path)
    assert lost == ["of 16 bits cut to 8, which WEBP has"]


def test_what_of_a_file_is_not_kept_is_said(tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    image = Image.fromarray(noise(9, 7, 3))
    assert any("without its EXIF" in each for each in read(saved(image, "TIFF", exif=exif)).done)
    assert read(saved(image, "TIFF")).done == ()
    deep = Image.fromarray(np.arange(63, dtype=np.uint16).reshape(9, 7) * 1000)
    assert any("transparent shade" in each for each in read(saved(deep, transparency=3)).done)
    assert read(saved(deep)).done == ()


def test_colours_of_16_bits_are_read_as_8_and_that_is_said():
    content = bytearray(saved(Image.fromarray(noise(4, 4, 3))))
    deep = _png_of_16_bits(noise(3, 4, 3, kind=np.uint16))
    assert read(bytes(content)).done == ()
    picture = read(deep)
    assert picture.done == ("of 16 bits a channel, of which 8 are read",)
    assert picture.colours.dtype == np.uint8


def _png_of_16_bits(pixels):
    """A PNG file of 16 bits a channel, which Pillow does not write."""
    import struct
    import zlib

    def chunk(kind, content):
        tail = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + tail

    height, width = pixels.shape[:2]
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )  # fmt: skip


def test_other_modes_become_grey_or_colours_and_that_is_said(tmp_path):
    grey = Image.fromarray(noise(6, 6))
    colours = Image.fromarray(noise(6, 6, 3))
    assert read(saved(grey)).colours.shape == (6, 6, 1)
    two = read(saved(grey.convert("1")))
    assert (two.colours.shape, two.done) == ((6, 6, 1), ("of black and white made L",))
    palette = read(saved(colours.quantize(7)))
    assert (palette.colours.shape, palette.done) == ((6, 6, 3), ("of a palette made RGB",))
    see_through = colours.quantize(7)
    see_through.info["transparency"] = 0
    found = read(saved(see_through, transparency=0))
    assert found.done == ("of a palette made RGBA",)
    np.testing.assert_array_equal(found.alpha[..., 0] == 0, np.asarray(see_through) == 0)
    both = Image.merge("LA", [grey, grey.transpose(Image.Transpose.ROTATE_90)])
    found = read(saved(both))
    np.testing.assert_array_equal(np.concatenate([found.colours, found.alpha], 2), np.asarray(both))
    made, _ = through(found, "a.png", tmp_path)
    assert made.mode == "LA"


def test_ink_becomes_srgb_by_its_profile_and_without_one_by_arithmetic():
    ink = Image.fromarray(noise(6, 6, 3)).convert("CMYK")
    found = read(saved(ink, "TIFF"))
    assert found.done == ("of mode CMYK made RGB without a profile",)
    np.testing.assert_array_equal(found.colours, np.asarray(ink.convert("RGB")))
    damaged = read(saved(ink, "TIFF", icc_profile=PROFILE))  # of colours, not of ink
    assert damaged.done == ("of mode CMYK made RGB without a profile",)
    assert damaged.profile is None


def test_hidden_colours_do_not_reach_the_visible_edge():
    colours, alpha = np.zeros((4, 6, 3), np.uint8), np.zeros((4, 6, 1), np.uint8)
    colours[:, :3], alpha[:, :3] = (200, 10, 10), 255
    colours[:, 3:] = (0, 255, 0)
    picture = files.Picture(colours, alpha, None, b"", ())
    assert (files.filled(picture) == (200, 10, 10)).all()
    np.testing.assert_array_equal(files.filled(picture._replace(alpha=None)), colours)
    hidden = picture._replace(alpha=np.zeros_like(alpha))
    np.testing.assert_array_equal(files.filled(hidden), colours)


def test_what_is_no_single_sound_image_is_refused():
    frames = [Image.fromarray(noise(4, 4, 3)) for _ in range(3)]
    several = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    with pytest.raises(BadImageError, match="3 images in one file"):
        read(several)
    with pytest.raises(BadImageError, match="damaged"):
        read(saved(Image.fromarray(noise(40, 40, 3)))[:-300])
    with pytest.raises(BadImageError, match="no image"):
        read(b"some text")
    with pytest.raises(BadImageError, match="real numbers"):
        read(saved(Image.fromarray(np.ones((3, 3), np.float32)), "TIFF"))
    with pytest.raises(BadImageError, match="6000x3000, made 4 times as large, has more than"):
        read(saved(Image.new("1", (6000, 3000))), scale=4)


def test_a_side_that_a_format_has_not_is_refused(tmp_path):
    wide = files.Picture(np.broadcast_to(np.uint8(0), (1, 70_000, 1)), None, None, b"", ())
    with pytest.raises(DlkitError, match="JPEG has at most 65,535 a side"):
        files.fitting(wide, tmp_path / "a.jpg")
    with pytest.raises(DlkitError, match="the suffix is none of"):
        files.fitting(wide, tmp_path / "a.gif")
    assert files.fitting(wide, tmp_path / "a.png") == (wide, [])
