"""Bad images, tables and binary files through the real command: one line, a hint, nothing else."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def picture(seed: int, *shape: int, kind: str = "PNG", **options) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, shape or (4, 4), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def bomb(side: int) -> bytes:
    """A PNG of a few kilobytes that says it is ``side`` pixels wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    body = zlib.compress(bytes(side // 8 + 1) * side, 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def class_folders(root: Path) -> Path:
    for seed in range(12):
        path = root / "set" / "猫狗"[seed % 2] / f"{seed}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(seed))
    return root / "set"


FRAMES = [Image.fromarray(np.full((4, 4), value, np.uint8)) for value in (0, 99)]
BAD = {
    "bomb.png": (bomb(9_000), "more than 67,108,864 pixels"),
    "cut.jpg": (picture(0, 64, 64, 3, kind="JPEG")[:900], "damaged"),
    "several.gif": (picture(0, kind="GIF", save_all=True, append_images=FRAMES), "3 images"),
    "empty.png": (b"", "empty"),
    "drawing.png": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no image (SVG)"),
    "other.png": (picture(0, 5, 6), "the images differ in size"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_image_stops_the_command_and_names_itself(dlkit, name):
    content, why = BAD[name]
    folder = class_folders(dlkit.folder)
    (folder / "狗" / name).write_bytes(content)
    error = dlkit("knn", "eval", folder, "--k", "1", check=1).stderr
    line = next(line for line in error.splitlines() if line.startswith("error: "))
    assert name in line
    assert why in line
    assert "hint: --s" in error  # --skip-bad, or --size
    assert not (dlkit.folder / "artifacts").exists()


def test_bad_images_are_skipped_and_counted_when_that_is_asked_for(dlkit):
    folder = class_folders(dlkit.folder)
    for name, (content, _) in BAD.items():
        (folder / "狗" / name).write_bytes(content)
    done = dlkit("knn", "eval", folder, "--k", "1", "--skip-bad", "--size", "4", check=0)
    assert "5 bad images (" in done.stderr
    assert done.stdout


TABLES = {
    "number": ("x,label\n" + "1,a\n2,b\n" * 20 + "?,a\nmany,b\n", "t.csv:43: column x: 'many' is"),
    "infinite": ("x,label\n1,a\n2,b\n-inf,a\n4,b\n", "t.csv:4: column x: -inf is infinite"),
    "short": ("x,label\n1,a\n2\n", "line 3 has 1 cell"),
    "no label": ("x,label\n1,a\n2,\n3,b\n4,a\n", "without a label, the first at t.csv:3"),
    "no class": ("x,label\n1,0.5\n2,1.5\n3,0.5\n", "0.5 is a measured number, not a class"),
    "one row": ("x,label\n1,a\n", "too small for a test split"),
    "no rows": ("x,label\n", "has no rows"),
    "empty": ("", "has no rows"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_bad_table_is_refused_with_its_place(dlkit, name):
    text, why = TABLES[name]
    (dlkit.folder / "t.csv").write_text(text, encoding="utf-8")
    assert why in dlkit("knn", "eval", "t.csv", "--k", "1", check=1).stderr


def test_missing_words_constants_and_new_words_are_told(dlkit):
    train = "x,k,c,label\n1,5,red,a\n,5,blue,b\n3,5,red,a\n4,5,blue,b\n"
    (dlkit.folder / "train.csv").write_text(train, encoding="utf-8")
    (dlkit.folder / "test.csv").write_text("x,k,c,label\n2,5,green,a\n", encoding="utf-8")
    told = dlkit("knn", "eval", "train.csv", "test.csv", "--k", "1", check=0).stderr
    assert "1 missing value (x 1)" in told
    assert "1 column of one value in training: k" in told
    assert "1 word that training has not (c 1)" in told


def test_a_leak_and_one_class_are_told(dlkit):
    (dlkit.folder / "train.csv").write_text("x,label\n1,a\n2,a\n", encoding="utf-8")
    (dlkit.folder / "test.csv").write_text("x,label\n2,a\n", encoding="utf-8")
    told = dlkit("knn", "eval", "train.csv", "test.csv", "--k", "1", check=0).stderr
    assert "1 of the 1 test sample is in training, too" in told
    assert "all training samples are of one class, a" in told


def test_a_binary_file_of_the_wrong_length_is_refused(dlkit):
    for split in ("train", "t10k"):
        head = bytes((0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 3))
        labels = bytes((0, 0, 8, 1, 0, 0, 0, 2, 0, 1))
        (dlkit.folder / f"{split}-images-idx3-ubyte").write_bytes(head + bytes(17))
        (dlkit.folder / f"{split}-labels-idx1-ubyte").write_bytes(labels)
    told = dlkit("knn", "eval", ".", "--k", "1", check=1).stderr
    assert "train-images-idx3-ubyte is cut off" in told
