"""The commands of detect: from data to an artifact, its scores, its answers, its pictures."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from dlkit.data import scenes

# A network and a training that take seconds on a slow machine.
SMALL = ("--set", "network.widths=8,8,16,16,16", "--set", "network.channels=32", "--batch-size",
         "8", "--threads", "1", "--precision", "fp32")  # fmt: skip


def train(dlkit, *arguments, check=0):
    return dlkit("cnn", "detect", "train", *arguments, *SMALL, check=check)


def test_the_way_from_scenes_to_an_artifact_scores_answers_and_files(dlkit, tmp_path):
    data = ("builtin:shapes-detect", "--limit", "24", "--size", "64")
    done = train(dlkit, *data, "--epochs", "2", "--dry-run", "--json")
    tried = json.loads(done.stdout)
    assert (tried["training images"], tried["test images"], tried["size"]) == (22, 6, "64x64")
    assert not (dlkit.home / "detect").exists() or not any((dlkit.home / "detect").iterdir())
    done = train(dlkit, *data, "--epochs", "2", "--json")
    told = json.loads(done.stdout)
    assert told["artifact"] == "detect/shapes-detect"
    assert "next: dlkit cnn detect eval --from detect/shapes-detect" in done.stderr
    folder = dlkit.home / "detect" / "shapes-detect"
    names = {path.name for path in folder.iterdir()}
    assert {"weights.safetensors", "labels.txt", "report.html", "README.md", "figures"} <= names
    document = json.loads((folder / "artifact.json").read_text(encoding="utf-8"))
    assert document["kind"] == "detector"
    assert 0 <= document["threshold"] <= 1
    assert "dlkit cnn detect FILE" in (folder / "README.md").read_text(encoding="utf-8")

    done = dlkit("cnn", "detect", "eval", "--per-class", "--worst", "2", "--confusion",
                 "--report", "--json")  # fmt: skip
    scores = json.loads(done.stdout)
    assert scores["images"] == 6
    assert len(scores["classes"]) == len(scenes.CLASSES)
    assert np.array(scores["confusion"]).shape == (11, 11)
    assert len(scores["worst"]) == 2
    report = dlkit.home / "reports" / "detect" / "shapes-detect" / "eval-1"
    assert {"report.html", "precision-recall.svg", "classes.svg", "confusion.svg"} <= {
        path.name for path in report.iterdir()
    }
    done = dlkit("cnn", "detect", "eval", "--per-class", "--header")
    assert done.stdout.splitlines()[0] == "class\tAP\tAP50\tboxes"
    refused = dlkit("cnn", "detect", "eval", "--per-class", "--worst", "2", check=2)
    assert "in a pipe one at a time" in refused.stderr

    again = train(dlkit, *data, "--epochs", "2", "--name", "again", "--quiet", "--json")
    assert json.loads(again.stdout)["artifact"] == "detect/again"
    assert (folder / "weights.safetensors").read_bytes() == (
        dlkit.home / "detect" / "again" / "weights.safetensors"
    ).read_bytes()
    done = train(dlkit, "--from", "again", "--epochs", "1", "--name", "more", "--json")
    assert json.loads(done.stdout)["artifact"] == "detect/more"
    begin = ("cnn", "detect", "train", "--from", "again")
    done = dlkit(*begin, "--set", "network.channels=64", check=2)
    assert "channels cannot change to 64 from what detect/again has" in done.stderr
    done = dlkit(*begin, "--pretrained", "x.safetensors", check=2)
    assert "detect/again has weights already" in done.stderr


@pytest.fixture
def detector(dlkit):
    """A trained detector, and images on the disk."""
    train(dlkit, "builtin:shapes-detect", "--limit", "16", "--size", "64", "--epochs", "1", "-q")
    images = dlkit.folder / "图"
    images.mkdir()
    for number, scene in enumerate(scenes.draw(3, size=(48, 70), seed=9)):
        Image.fromarray(scene.image).save(images / f"{number}.png")
    return images


def test_images_are_answered_as_they_are_named_and_drawn(dlkit, detector):
    done = dlkit("cnn", "detect", "图", "--json", "--threshold", "0")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["file"] for each in answers] == [f"图/{n}.png" for n in range(3)]
    for each in answers:
        assert (each["width"], each["height"]) == (70, 48)
        scores = [one["score"] for one in each["objects"]]
        assert scores == sorted(scores, reverse=True)
        for one in each["objects"]:
            left, top, right, bottom = one["box"]
            assert 0 <= left < right <= 70
            assert 0 <= top < bottom <= 48
            assert one["class"] in scenes.CLASSES
    named = dlkit("cnn", "detect", "-", "--json", "--threshold", "0", stdin="图/2.png\n图/0.png\n")
    again = [json.loads(line) for line in named.stdout.splitlines()]
    assert [each["file"] for each in again] == ["图/2.png", "图/0.png"]
    assert len(again[0]["objects"]) == len(answers[2]["objects"])
    piped = dlkit("cnn", "detect", "predict", "-", "--threshold", "1",
                  stdin=(detector / "0.png").read_bytes())  # fmt: skip
    assert piped.stdout == "standard input" + "\t" * 6 + "\n"
    assert "nothing was found" in piped.stderr

    (detector / "bad.png").write_bytes(b"no image")
    refused = dlkit("cnn", "detect", "图", check=1)
    assert "图/bad.png: no image" in refused.stderr
    assert "hint: --skip-bad" in refused.stderr
    done = dlkit("cnn", "detect", "图", "--skip-bad", "-o", "drawn", "--threshold", "0.05",
                 "--header")  # fmt: skip
    assert done.stdout.splitlines()[0].split("\t")[:3] == ["file", "class", "score"]
    assert "left out: 图/bad.png" in done.stderr
    assert {path.name for path in (dlkit.folder / "drawn").iterdir()} == {
        f"{number}.jpg" for number in range(3)
    }
    with Image.open(dlkit.folder / "drawn" / "0.jpg") as image:
        assert image.size == (70, 48)
    assert "is there already" in dlkit("cnn", "detect", "图/0.png", "-o", "drawn", check=2).stderr
    dlkit("cnn", "detect", "图/0.png", "-o", "drawn", "--svg")
    assert b"<image" in (dlkit.folder / "drawn" / "0.svg").read_bytes()


def test_a_detector_is_inspected_and_exported(dlkit, detector):
    done = dlkit("cnn", "detect", "inspect", "--json")
    told = json.loads(done.stdout)
    assert [each["stride"] for each in told["levels"]] == [8, 16, 32]
    assert sum(each["boxes"] for each in told["sizes"]) == sum(
        each["boxes"] for each in told["levels"]
    )
    assert len(told["figures"]) == 5
    parts = dlkit("cnn", "detect", "inspect", "--table", "parts", "--no-figures").stdout
    assert "backbone.pyramid\t" in parts
    model = dlkit("cnn", "detect", "inspect", "--model", "ssdlite", "--size", "320").stdout
    assert model.splitlines()[0].startswith("0\t672\t20x20\t16.0\t6")

    dlkit("cnn", "detect", "export", "shapes.onnx")
    beside = json.loads((dlkit.folder / "shapes.onnx.json").read_text(encoding="utf-8"))
    assert beside["classes"] == list(scenes.CLASSES)
    import onnxruntime

    session = onnxruntime.InferenceSession(str(dlkit.folder / "shapes.onnx"))
    with Image.open(detector / "0.png") as image:
        pixels = np.zeros((64, 64, 3), np.uint8)
        small = np.asarray(image.convert("RGB").resize((64, 44), Image.Resampling.BILINEAR))
        pixels[10:54] = small
    (dense,) = session.run(None, {"images": pixels.transpose(2, 0, 1)[None].repeat(3, axis=0)})
    assert dense.shape == (3, 84, 14)
    done = dlkit("cnn", "detect", "图/0.png", "--json", "--threshold", "0")
    first = json.loads(done.stdout)["objects"][0]
    place, label = np.unravel_index(dense[0, :, 4:].argmax(), (84, 10))
    assert scenes.CLASSES[label] == first["class"]
    assert dense[0, place, 4 + label] == pytest.approx(first["score"], abs=1e-4)
    left, top, right, bottom = dense[0, place, :4]
    box = np.array([left, top - 10, right, bottom - 10]) * 70 / 64
    assert box.clip(0, [70, 48, 70, 48]) == pytest.approx(first["box"], abs=0.7)


def test_mistakes_are_told_in_a_line(dlkit, tmp_path):
    told = train(dlkit, check=2).stderr
    assert "hint: dlkit cnn detect train builtin:shapes-detect" in told
    for arguments, words in (
        (("builtin:shapes",), "builtin:shapes-detect has"),
        (("builtin:shapes-detect", "--model", "yolo"), "--model"),
        (("builtin:shapes-detect", "--augment", "crop"), "there is flip"),
        (("builtin:shapes-detect", "--size", "16"), "from 32 to 4,096"),
        (("builtin:shapes-detect", "--boxes", "xxyy"), "boxes"),
        (("nowhere.json",), "no such file"),
    ):
        done = train(dlkit, *arguments, check=None)
        assert done.returncode in (1, 2)
        assert done.stderr.count("error: ") == 1
        assert words in done.stderr
    assert "no detector" in dlkit("cnn", "detect", "eval", check=3).stderr
    assert "inspect" in dlkit("cnn", "detect", "inspct", check=2).stderr
    done = dlkit("cnn", "detect", "inspect", "--model", "yolo", check=2)
    assert "model" in done.stderr


@pytest.mark.slow
def test_shapes_are_found(dlkit):
    """The recipe finds drawn shapes: mAP50 of 0.9 and more on test scenes."""
    dlkit("cnn", "detect", "train", "-r", "shapes", "--quiet", timeout=3000)
    done = dlkit("cnn", "detect", "eval", "--json", "--quiet", timeout=600)
    assert json.loads(done.stdout)["map50"] >= 0.9
