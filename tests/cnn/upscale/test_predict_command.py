"""``dlkit cnn upscale FILE -o FILE``: what is written, where, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from dlkit.cnn.upscale.tiles import computed

RANDOM = np.random.default_rng(3)


@pytest.fixture
def image(tmp_path):
    """Writes an image of noise into the command's folder."""

    def write(name, height=11, width=14, channels=3, **options):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = RANDOM.integers(0, 256, (height, width, channels), dtype=np.uint8)
        Image.fromarray(pixels[..., 0] if channels == 1 else pixels).save(path, **options)
        return pixels

    return write


def test_one_image_into_one_file_without_naming_the_verb(dlkit, artifact, image, lines, tmp_path):
    model = artifact()
    pixels = image("small.png")
    told = lines(dlkit("cnn", "upscale", "small.png", "-o", "large.png", "--json"))
    assert told == [
        {"file": "small.png", "path": "large.png", "width": 28, "height": 22, "mode": "RGB"}
    ]
    wanted = computed(model, pixels[None])[0]
    found = np.asarray(Image.open(tmp_path / "large.png"))
    np.testing.assert_allclose(found.astype(int), wanted, atol=1)
    done = dlkit("cnn", "upscale", "small.png", "-o", "large.png", check=2)
    assert "large.png is there already" in done.stderr
    assert "--force" in done.stderr
    done = dlkit("cnn", "upscale", "predict", "small.png", "-o", "large.png", "--force", "--tile",
                 "16", "--header")  # fmt: skip
    assert done.stdout == "file\tpath\twidth\theight\tmode\nsmall.png\tlarge.png\t28\t22\tRGB\n"
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "large.png")), found)
    with Image.open(tmp_path / "large.png") as made:
        made.load()
    assert not [each.name for each in tmp_path.iterdir() if each.name.startswith(".tmp")]
    done = dlkit("cnn", "upscale", "small.png", "-o", "small.png", "--force", check=2)
    assert "would replace the image itself" in done.stderr
    done = dlkit("cnn", "upscale", "small.png", "-o", "large.gif", check=2)
    assert "the suffix is none of .png" in done.stderr
    done = dlkit("cnn", "upscale", "smal.png", "-o", "new.png", check=1)
    assert "did you mean small.png" in done.stderr


def test_several_images_go_into_a_folder_under_their_names(dlkit, artifact, image, lines, tmp_path):
    artifact(scale=3, channels=3)
    image("in/a.png", channels=4)
    image("in/deep/b.jpg")
    image("in/c.gif", channels=1)
    image("d.bmp")
    done = dlkit("cnn", "upscale", "in", "d.bmp", "-o", "out", "--json")
    told = lines(done)
    assert [(each["path"], each["mode"]) for each in told] == [
        ("out/in/a.png", "RGBA"), ("out/in/c.png", "RGB"), ("out/in/deep/b.jpg", "RGB"),
        ("out/d.bmp", "RGB"),
    ]  # fmt: skip
    assert "1 image of a palette made RGB" in done.stderr or told[1]["mode"] == "L"
    for each in told:
        with Image.open(tmp_path / each["path"]) as made:
            assert made.size == (each["width"], each["height"]) == (42, 33)
    done = dlkit("cnn", "upscale", "in", "-o", "one.png", check=2)
    assert "one.png is one file, and there are 3 images" in done.stderr
    done = dlkit("cnn", "upscale", "in", "-o", "out", check=2)
    assert "out/in/a.png is there already" in done.stderr
    done = dlkit("cnn", "upscale", "in/a.png", "d.bmp", "-o", "jpg", "--suffix", "jpg", check=1)
    assert "transparent pixels, and JPEG has none" in done.stderr
    assert not (tmp_path / "jpg").exists()
    image("other/d.png")
    done = dlkit("cnn", "upscale", "d.bmp", "other/d.png", "-o", "png", "--suffix", "png", check=2)
    assert "d.bmp and other/d.png would both be written to png/d.png" in done.stderr


def test_stdin_names_files_or_is_an_image(dlkit, artifact, image, lines, tmp_path):
    artifact()
    for name in ("a.png", "b.png"):
        image(name)
    told = lines(dlkit("cnn", "upscale", "-", "-o", "out", "--json", stdin="a.png\nb.png\n"))
    assert [each["path"] for each in told] == ["out/a.png", "out/b.png"]
    image("deep/a.png")
    told = lines(
        dlkit("cnn", "upscale", "-", "-o", "more", "--json", stdin="./deep/a.png\na.png\n")
    )
    assert [each["path"] for each in told] == ["more/deep/a.png", "more/a.png"]
    content = (tmp_path / "a.png").read_bytes()
    dlkit("cnn", "upscale", "-", "-o", "c.png", stdin=content)
    assert (tmp_path / "c.png").read_bytes() == (tmp_path / "out/a.png").read_bytes()
    done = dlkit("cnn", "upscale", "-", "-o", "d.png", stdin="a.png\nb.png\n", check=2)
    assert "stdin names several images" in done.stderr
    done = dlkit("cnn", "upscale", "-", "-o", "e.png", stdin=b"", check=1)
    assert "standard input is empty" in done.stderr


def test_a_damaged_image_stops_it_or_is_left_out_and_counted(dlkit, artifact, image, tmp_path):
    artifact()
    image("in/b.png")
    (tmp_path / "in/a.png").write_bytes(b"no image")
    done = dlkit("cnn", "upscale", "in", "-o", "out", check=1)
    assert "in/a.png: no image" in done.stderr
    assert "--skip-bad" in done.stderr
    assert not (tmp_path / "out").exists()
    done = dlkit("cnn", "upscale", "in", "-o", "out", "--skip-bad")
    assert done.stdout.split("\t")[0] == "in/b.png"
    assert "left out: in/a.png" in done.stderr
    dlkit("cnn", "upscale", "in/a.png", "-o", "none.png", "--skip-bad", check=3)
    dlkit("cnn", "upscale", "in/b.png", "-o", "no.png", "--precision", "fp8", check=2)


def test_transparency_is_interpolated_and_16_bits_stay(dlkit, artifact, image, lines, tmp_path):
    artifact(scale=2)
    pixels = image("a.png", channels=4)
    deep = RANDOM.integers(0, 65_536, (6, 5), dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    told = lines(dlkit("cnn", "upscale", "a.png", "deep.png", "-o", "out", "--json"))
    assert [each["mode"] for each in told] == ["RGBA", "I;16"]
    alpha = Image.fromarray(pixels[..., 3]).resize((28, 22), Image.Resampling.BICUBIC)
    found = np.asarray(Image.open(tmp_path / "out/a.png"))
    np.testing.assert_array_equal(found[..., 3], np.asarray(alpha))
    assert np.asarray(Image.open(tmp_path / "out/deep.png")).max() > 255


def test_what_is_exported_gives_the_same_bytes_for_any_size(dlkit, artifact, tmp_path):
    import torch

    runtime = pytest.importorskip("onnxruntime")
    model = artifact("both", scale=3)
    dlkit("cnn", "upscale", "export", "x.onnx")
    dlkit("cnn", "upscale", "export", "x.pt2", "--channels", "1")
    dlkit("cnn", "upscale", "export", "x.safetensors")
    done = dlkit("cnn", "upscale", "export", "x.txt", check=2)
    assert "the suffix is none of .onnx" in done.stderr
    session = runtime.InferenceSession(str(tmp_path / "x.onnx"))
    program = torch.export.load(tmp_path / "x.pt2").module()
    for shape in ((1, 1), (1, 8), (9, 13)):
        pixels = RANDOM.integers(0, 256, (2, *shape, 3), dtype=np.uint8)
        (found,) = session.run(None, {"images": pixels.transpose(0, 3, 1, 2)})
        wanted = computed(model, pixels).transpose(0, 3, 1, 2).astype(int)
        assert np.abs(found - wanted).max() <= 1
        grey = computed(model, pixels[..., :1]).transpose(0, 3, 1, 2).astype(int)
        given = torch.from_numpy(np.ascontiguousarray(pixels[..., :1].transpose(0, 3, 1, 2)))
        assert np.abs(program(given).numpy() - grey).max() <= 1
