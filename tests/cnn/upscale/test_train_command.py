"""``dlkit cnn upscale train``, ``eval`` and ``inspect``: from a folder of images to scores."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal

import numpy as np
import pytest
from PIL import Image

from dlkit.artifacts.tensors import read_tensors
from dlkit.errors import StoppedError
from dlkit.records import Epoch


def document(dlkit, name):
    return json.loads((dlkit.home / "upscale" / name / "artifact.json").read_text("utf-8"))


def test_a_flat_folder_of_images_of_any_size_is_learnt_from_and_judged_on(
    dlkit, photos, small, lines
):
    (photos / "notes.txt").write_text("no image", "utf-8")
    done = dlkit("cnn", "upscale", "train", photos, *small, "--epochs", "2", "--test-share", "0.2")
    assert "1 other file not read" in done.stderr
    assert "held out by content" in done.stderr
    assert "next: dlkit cnn upscale eval --from upscale/photos-x2" in done.stderr
    told = document(dlkit, "photos-x2")
    assert told["kind"] == "upscaler"
    assert told["model"] == {"name": "espcn", "scale": 2, "channels": 1, "widths": [8, 8]}
    counts = told["data"]["samples"]
    assert counts["train"] + counts["test"] == 24
    assert counts["learnt"] + counts["validated"] == counts["train"]
    assert told["data"]["patches"]["side"] == 12
    folder = dlkit.home / "upscale" / "photos-x2"
    names = {each.name for each in folder.iterdir()}
    assert {"report.html", "README.md", "figures", "config.yaml", "metrics.jsonl"} <= names
    card = (folder / "README.md").read_text("utf-8")
    assert "network - bicubic" in card
    history = [
        json.loads(line) for line in (folder / "metrics.jsonl").read_text("utf-8").splitlines()
    ]
    assert {"epoch", "loss", "psnr", "validation_loss", "validation_psnr"} <= set(history[0])
    # It began as bicubic interpolation: two epochs of a tiny network are near it.
    (judged,) = lines(dlkit("cnn", "upscale", "eval", "--json", "--per-image", "--report"))
    assert judged["images"] == len(judged["per_image"]) == counts["test"]
    assert judged["network_psnr"] > judged["bicubic_psnr"] - 0.3 > judged["nearest_psnr"] - 1
    each = np.mean([row["network_psnr"] for row in judged["per_image"]])
    assert judged["network_psnr"] == pytest.approx(each)
    assert judged["gain_psnr"] == pytest.approx(judged["network_psnr"] - judged["bicubic_psnr"])
    rows = dlkit("cnn", "upscale", "eval", "--header", "--on", "rgb").stdout.splitlines()
    assert [row.split("\t")[0] for row in rows] == [
        "method", "network", "bicubic", "nearest", "network - bicubic"
    ]  # fmt: skip
    reports = dlkit.home / "reports" / "upscale" / "photos-x2"
    assert (reports / "eval-1" / "images.svg").exists()
    # Other data: all of a folder without splits; what was learnt from is told.
    other = dlkit("cnn", "upscale", "eval", photos, "--limit", "9", "--json")
    assert lines(other)[0]["images"] == 9
    assert "are in the artifact's training data, too" in other.stderr
    done = dlkit("cnn", "upscale", "eval", "--test-split", "x", check=2)
    assert "an artifact is judged on what was recorded" in done.stderr
    _look_into(dlkit, lines, photos)
    os.remove(next(photos.glob("*.png")))
    done = dlkit("cnn", "upscale", "eval", check=1)
    assert "the test images of upscale/photos-x2 have changed" in done.stderr


def _look_into(dlkit, lines, photos):
    """``inspect`` of the artifact that was just trained."""
    (told,) = lines(dlkit("cnn", "upscale", "inspect", "--sample", "1,3", "--json"))
    assert [each["multiply_adds"] for each in told["layers"]] == [
        25 * 8, 9 * 8 * 8, 9 * 8 * 4
    ]  # fmt: skip
    assert [each["sees"] for each in told["layers"]] == [5, 7, 9]
    assert told["radius"] == 4
    assert 1 <= told["held_95"] <= 9
    assert len(told["images"]) == 2
    for name in ("images", "errors", "spectrum", "filters", "field", "curves"):
        assert any(path.endswith(f"{name}.svg") for path in told["figures"])
    rows = dlkit("cnn", "upscale", "inspect", "--no-figures").stdout.splitlines()
    assert [row.split("\t")[2] for row in rows] == ["5x5, 1 -> 8", "3x3, 8 -> 8", "3x3, 8 -> 4"]
    done = dlkit("cnn", "upscale", "inspect", photos / "1.png", "--table", "images", "--png")
    assert done.stdout.startswith(str(photos / "1.png"))
    done = dlkit("cnn", "upscale", "inspect", "--sample", "99", check=3)
    assert "--sample 99" in done.stderr


def test_splits_of_a_folder_are_taken_and_labels_are_not_needed(dlkit, photos, small, tmp_path):
    data = tmp_path / "data"
    images = sorted(photos.rglob("*.png"))
    for number, path in enumerate(images):
        split = ("train", "train", "val", "test")[number % 4]
        (data / split / "any").mkdir(parents=True, exist_ok=True)
        shutil.copy(path, data / split / "any" / f"{number}.png")
    (data / "test" / "any" / "bad.png").write_bytes(b"no image")
    done = dlkit("cnn", "upscale", "train", data, *small, "--epochs", "1", "--channels", "rgb",
                 "--scale", "3", "--skip-bad", "-n", "three")  # fmt: skip
    assert "validation: the data's own split of 6 images" in done.stderr
    told = document(dlkit, "three")
    assert told["data"]["samples"] == {
        "train": 12, "validation": 6, "test": 7, "learnt": 12, "validated": 6
    }  # fmt: skip
    assert told["model"]["channels"] == 3
    done = dlkit("cnn", "upscale", "eval", "--skip-bad", "--header")
    assert "1 bad image left out" in done.stderr
    assert len(done.stdout.splitlines()) == 5
    done = dlkit("cnn", "upscale", "train", "--from", "three", "--epochs", "1", "-n", "more",
                 "--batch-size", "16", "--threads", "1")  # fmt: skip
    told = document(dlkit, "more")
    assert told["began"]["artifact"] == "upscale/three"
    assert told["model"]["scale"] == 3
    done = dlkit("cnn", "upscale", "train", "--from", "three", "--scale", "2", check=2)
    assert "scale cannot change from 3, which upscale/three has" in done.stderr
    done = dlkit("cnn", "upscale", "train", "--from", "three", "--widths", "9", check=2)
    assert "widths cannot change to (9,) from what upscale/three has" in done.stderr


def test_a_dry_run_tells_what_it_would_take_and_writes_nothing(dlkit, photos, small, lines):
    done = dlkit("cnn", "upscale", "train", photos, *small, "--dry-run", "--json")
    (told,) = lines(done)
    assert told["sees"] == "9 pixels of the small image"
    assert told["parameters"] == 8 * 25 + 8 + 8 * 8 * 9 + 8 + 4 * 8 * 9 + 4
    assert not (dlkit.home / "upscale" / "photos-x2").exists()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--scale", "5"), "scale"),
        (("--model", "srcnn"), "model"),
        (("--blocks", "2", "--model", "espcn"), "network.blocks is of edsr"),
        (("--optimizer", "lbfgs"), "finds optima of linear classifiers"),
        (("-s", "training.label_smoothing=0.1"), "are of classifiers"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(dlkit, photos, options, why):
    done = dlkit("cnn", "upscale", "train", photos, *options, check=2)
    assert why in done.stderr


def test_images_that_are_too_small_are_told(dlkit, tmp_path):
    for number in range(4):
        path = tmp_path / "tiny" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("L", (7, 9), number).save(path)
    done = dlkit("cnn", "upscale", "train", "tiny", check=1)
    assert re.search(r"images of 6 pixels are too small to learn x2 from: 8", done.stderr)
    done = dlkit("cnn", "upscale", "train", "builtin:spirals", check=2)
    assert "spirals holds no images" in done.stderr
    done = dlkit("cnn", "upscale", "train", check=2)
    assert "dlkit cnn upscale train builtin:mnist5k" in done.stderr


def test_a_run_that_was_stopped_goes_on_to_the_same_bits(
    photos, tmp_path, drive, monkeypatch, one_thread
):
    from dlkit.cnn.upscale import train
    from dlkit.cnn.upscale.config import UpscaleConfig
    from dlkit.config.resolve import resolve

    monkeypatch.setenv("DLKIT_HOME", str(tmp_path / "store"))
    options = {
        "data": [str(photos)], "model": "espcn", "network.widths": "6", "patch": 12,
        "training.epochs": 3, "training.batch_size": 16, "training.threads": 1,
        "training.ema": 0.9,
    }  # fmt: skip
    config = resolve(UpscaleConfig, options=options)
    _, whole = drive(train.run(config, name="whole"))

    def stop_after_the_first_epoch():
        for record in train.run(config, name="parts"):
            if isinstance(record, Epoch):
                assert record.number == 1
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(StoppedError) as stopped:
        stop_after_the_first_epoch()
    assert stopped.value.hint == "dlkit cnn upscale train --resume --name parts"
    records, parts = drive(train.resume("parts"))
    assert [each.number for each in records if isinstance(each, Epoch)] == [2, 3]
    first, second = (read_tensors(each.path / "weights.safetensors") for each in (whole, parts))
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        np.testing.assert_array_equal(tensor, second[name])
    assert (whole.path / "metrics.jsonl").read_bytes() == (
        parts.path / "metrics.jsonl"
    ).read_bytes()


@pytest.mark.slow
def test_minutes_of_training_are_a_decibel_above_bicubic_interpolation(dlkit, lines):
    dlkit("cnn", "upscale", "train", "-r", "mnist5k", timeout=900)
    (told,) = lines(dlkit("cnn", "upscale", "eval", "--json", timeout=300))
    assert told["gain_psnr_low"] > 1
    assert told["gain_ssim_low"] > 0
