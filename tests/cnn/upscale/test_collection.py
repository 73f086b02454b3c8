"""Images are found wherever they are, divided by content, and cut to patches; all is counted."""

from __future__ import annotations

import csv
import io
import shutil

import numpy as np
import pytest
from PIL import Image

from dlkit.cnn.upscale.collection import collect
from dlkit.cnn.upscale.config import ImagesConfig, UpscaleConfig
from dlkit.cnn.upscale.patches import Grid, pairs
from dlkit.cnn.upscale.prepare import prepare
from dlkit.config.resolve import resolve
from dlkit.errors import DlkitError
from dlkit.records import Noted, Warned

RANDOM = np.random.default_rng(6)


def texts(records, kind=Noted):
    return [each.text for each in records if isinstance(each, kind)]


def noise(path, height=20, width=20, channels=3):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = RANDOM.integers(0, 256, (height, width, channels), dtype=np.uint8)
    Image.fromarray(pixels[..., 0] if channels == 1 else pixels).save(path)
    return pixels


def collected(drive, *data, seed=1, **options):
    how = {name: options.pop(name) for name in ("only_test", "other") if name in options}
    return drive(collect(list(map(str, data)), ImagesConfig(**options), seed=seed, **how))


def test_what_is_held_out_depends_on_the_content_alone(drive, tmp_path):
    for number in range(20):
        noise(tmp_path / "a" / f"{number}.png")
    for number in range(20):
        target = tmp_path / "b" / "deep" / f"{19 - number}-x.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(tmp_path / "a" / f"{number}.png", target)
    shutil.copy(tmp_path / "b" / "deep" / "3-x.png", tmp_path / "b" / "again.png")
    _, first = collected(drive, tmp_path / "a", test_share=0.3)
    _, second = collected(drive, tmp_path / "b", test_share=0.3)
    assert first.held_out
    assert len(first.splits["test"]) == 6
    assert set(first.splits["test"].digests) == set(second.splits["test"].digests)
    assert not set(second.splits["test"].digests) & set(second.splits["train"].digests)
    records, none = collected(drive, tmp_path / "a", test_share=0.0)
    assert "test" not in none.splits
    assert any("nothing is held out (--test-share 0)" in text for text in texts(records))


def test_equal_images_are_not_divided_between_training_and_validation(drive, tmp_path):
    for number in range(6):
        noise(tmp_path / "in" / f"{number}.png")
        for copy in range(5):
            shutil.copy(tmp_path / "in" / f"{number}.png", tmp_path / "in" / f"{number}-{copy}.png")
    options = {"data": [str(tmp_path / "in")], "input.test_share": 0, "training.validation": 0.4}
    _, ready = drive(prepare(resolve(UpscaleConfig, options=options)))
    assert len(ready.validation) > 0
    assert not set(ready.validation.digests) & set(ready.train.digests)


def test_tables_arrays_and_builtin_sets_need_no_labels_here(drive, tmp_path):
    pixels = [noise(tmp_path / "t" / f"{number}.png") for number in range(5)]
    with (tmp_path / "t" / "list.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["photo", "note"])
        writer.writerows([f"{number}.png", "x"] for number in range(5))
    _, table = collected(drive, tmp_path / "t" / "list.csv", test_share=0.0)
    np.testing.assert_array_equal(table.splits["train"].read(3)[0], pixels[3])
    files = [tmp_path / "t" / f"{number}.png" for number in range(5)]
    _, listed = collected(drive, *files, test_share=0.0)
    assert (
        listed.splits["train"].fingerprint
        == collected(drive, *files, test_share=0.0)[1].splits["train"].fingerprint
    )
    images = RANDOM.integers(0, 256, (12, 9, 8), dtype=np.uint8)
    np.savez(tmp_path / "some.npz", x_train=images, y_train=np.zeros(12, np.int64))
    _, arrays = collected(drive, tmp_path / "some.npz", test_share=0.0)
    np.testing.assert_array_equal(arrays.splits["train"].read(5)[0][..., 0], images[5])
    _, digits = collected(drive, "builtin:digits", limit=50)
    assert digits.name == "digits"
    assert sum(map(len, digits.splits.values())) == 50
    with pytest.raises(DlkitError, match="spirals holds no images"):
        collected(drive, "builtin:spirals")


def test_only_what_is_judged_on_is_read(drive, tmp_path):
    for number in range(4):
        noise(tmp_path / "in" / "train" / f"{number}.png")
        noise(tmp_path / "in" / "test" / f"{number}.png")
    shutil.copy(tmp_path / "in" / "train" / "0.png", tmp_path / "in" / "test" / "9.png")
    records, whole = collected(drive, tmp_path / "in")
    assert {name: len(each) for name, each in whole.splits.items()} == {"train": 4, "test": 5}
    assert any("1 of the 5 test images are in training, too" in t for t in texts(records, Warned))
    _, test = collected(drive, tmp_path / "in", only_test=True)
    assert list(test.splits) == ["test"]
    assert test.splits["test"].fingerprint == whole.splits["test"].fingerprint
    _, other = collected(drive, tmp_path / "in", other=True)
    assert len(other.splits["test"]) == 5
    _, named = collected(drive, tmp_path / "in", other=True, test_split="train")
    assert len(named.splits["test"]) == 4
    with pytest.raises(DlkitError, match="has no split nothing"):
        collected(drive, tmp_path / "in", other=True, test_split="nothing")


def test_images_of_more_than_8_bits_are_cut_to_8_for_training(drive, tmp_path):
    deep = RANDOM.integers(0, 65_536, (8, 8), dtype=np.uint16)
    deep[0, 0] = 65_535
    Image.fromarray(deep).save(tmp_path / "deep.png")
    _, found = collected(drive, tmp_path / "deep.png", test_share=0.0)
    pixels, done = found.splits["train"].read(0)
    np.testing.assert_array_equal(pixels[..., 0], deep >> 8)
    assert done == ("of 16 bits a channel cut to 8",)


def test_patches_are_those_of_the_images_and_too_small_ones_are_counted(drive, tmp_path):
    sizes = {"a.png": (30, 41), "b.png": (24, 24), "c.png": (6, 50)}
    pixels = {name: noise(tmp_path / "in" / name, *size) for name, size in sizes.items()}
    for number in range(40):
        noise(tmp_path / "in" / f"more-{number}.png", 24, 24)
    options = {"data": [str(tmp_path / "in")], "input.test_share": 0, "training.validation": 0,
               "patch": 12}  # fmt: skip
    records, ready = drive(prepare(resolve(UpscaleConfig, options=options)))
    grid = Grid(2, 12, 1)
    assert ready.grid == grid
    assert any("1 image of 43 left out, with a side below 24" in text for text in texts(records))
    whole = np.concatenate([pairs(pixels["a.png"], grid), pairs(pixels["b.png"], grid)])
    np.testing.assert_array_equal(ready.rows[: len(whole)], whole)
    assert len(ready.rows) == len(whole) + 40
    records, some = drive(prepare(resolve(UpscaleConfig, options={**options, "patches": 9})))
    assert len(some.rows) == 9
    assert {row.tobytes() for row in some.rows} <= {row.tobytes() for row in ready.rows}
    assert any("9 of 45 patches taken" in text for text in texts(records))


def test_what_cannot_be_read_stops_it_or_is_left_out_and_counted(drive, tmp_path):
    for number in range(4):
        noise(tmp_path / "in" / f"{number}.png")
    stream = io.BytesIO()
    Image.fromarray(RANDOM.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(stream, "PNG")
    (tmp_path / "in" / "cut.png").write_bytes(stream.getvalue()[:-900])
    options = {"data": [str(tmp_path / "in")], "input.test_share": 0, "training.validation": 0}
    with pytest.raises(DlkitError, match=r"cut\.png: damaged"):
        drive(prepare(resolve(UpscaleConfig, options=options)))
    options["input.skip_bad"] = True
    records, ready = drive(prepare(resolve(UpscaleConfig, options=options)))
    assert any("1 bad image left out" in text for text in texts(records, Warned))
    assert len(ready.rows) == 4
