"""Bad images, tables and binary files through the real command: one line, a hint, nothing else."""

from __future__ import annotations

import csv
import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from PIL import Image
from pyarrow import parquet


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


def saved(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def sized(width: int, height: int) -> bytes:
    """A PNG of 4x4 pixels whose header says another size."""
    content = bytearray(picture(0))
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
    return bytes(content)


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
    "sky.png": (b"SIMPLE  =                    T".ljust(80), "no image (FITS)"),
    "layers.png": (b"8BPS\0\1" + bytes(60), "no image (PSD)"),
    "gd.png": (b"\xff\xfe\0\4\0\4\1" + bytes(80), "no image (not PNG"),
    "real.tiff": (
        saved(Image.fromarray(np.full((4, 4), np.nan, np.float32)), "TIFF"),
        "pixels are real numbers, whose range is not known",
    ),
    "flat.png": (sized(0, 4), "damaged|no image|no pixels"),
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
    assert any(each in line for each in why.split("|")), line
    assert "hint: --s" in error  # --skip-bad, or --size
    assert not (dlkit.folder / "artifacts").exists()


def test_bad_images_are_skipped_and_counted_when_that_is_asked_for(dlkit):
    folder = class_folders(dlkit.folder)
    for name, (content, _) in BAD.items():
        (folder / "狗" / name).write_bytes(content)
    done = dlkit("knn", "eval", folder, "--k", "1", "--skip-bad", "--size", "4", check=0)
    assert f"{len(BAD) - 1} bad images (" in done.stderr
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
    assert "the one test sample is in training, too" in told
    assert "all training samples are of one class, a" in told


def test_a_binary_file_of_the_wrong_length_is_refused(dlkit):
    for split in ("train", "t10k"):
        head = bytes((0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 3))
        labels = bytes((0, 0, 8, 1, 0, 0, 0, 2, 0, 1))
        (dlkit.folder / f"{split}-images-idx3-ubyte").write_bytes(head + bytes(17))
        (dlkit.folder / f"{split}-labels-idx1-ubyte").write_bytes(labels)
    told = dlkit("knn", "eval", ".", "--k", "1", check=1).stderr
    assert "train-images-idx3-ubyte is cut off" in told


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return picture(3, 4, 4, 3, kind="JPEG", exif=exif)


COLOURS = np.random.default_rng(1).integers(0, 256, (4, 4, 4), np.uint8)
ODD = {
    "cmyk.jpg": (saved(Image.fromarray(COLOURS, "CMYK"), "JPEG"), "1 image of mode CMYK made RGB"),
    "deep.png": (
        saved(Image.fromarray(COLOURS[..., 0].astype(np.uint16) << 8 | 1), "PNG"),
        "1 image of 16 bits a channel cut to 8",
    ),
    "integers.tiff": (
        saved(Image.fromarray(COLOURS[..., 0].astype(np.int32), "I"), "TIFF"),
        "1 image of more than 8 bits a channel taken for 8 bits: no value above 255",
    ),
    "clear.png": (
        saved(Image.fromarray(COLOURS[..., :3]).quantize(4), "PNG", transparency=0),
        "1 image with transparency laid on white",
    ),
    "turned.jpg": (turned(), "1 image turned by EXIF orientation"),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_image_is_read_and_what_was_done_is_said(dlkit, name):
    content, said = ODD[name]
    folder = class_folders(dlkit.folder)
    (folder / "狗" / name).write_bytes(content)
    done = dlkit("knn", "eval", folder, "--k", "1", "--colour", "rgb", check=0)
    assert said in done.stderr
    assert "13 files in 2 class folders" in done.stderr


def test_a_very_long_image_needs_a_size(dlkit):
    folder = class_folders(dlkit.folder)
    for path in folder.rglob("*.png"):
        path.write_bytes(saved(Image.new("L", (100_000, 1), int(path.stem)), "PNG"))
    error = dlkit("knn", "eval", folder, "--k", "1", check=1).stderr
    assert "is 100000x1; inputs have at most 16,384 pixels a side" in error
    assert "hint: --size" in error
    assert dlkit("knn", "eval", folder, "--k", "1", "--size", "9", check=0).stdout


def hub_table(path: Path, labels: list[int | None], names: tuple[str, ...] = ("猫", "狗")) -> None:
    """Images and classes as the library datasets writes them."""
    features = {
        "image": {"_type": "Image"},
        "label": {"_type": "ClassLabel", "names": list(names)},
    }
    images = [{"bytes": picture(seed), "path": None} for seed in range(len(labels))]
    table = pyarrow.table({"image": images, "label": pyarrow.array(labels, pyarrow.int64())})
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    parquet.write_table(table.replace_schema_metadata(metadata), path)


@pytest.mark.parametrize(
    ("label", "said"),
    [
        (2, "t.parquet:5: the label column label: 2 is not one of the 2 declared classes"),
        (-2, "t.parquet:5: the label column label: -2 is not one of the 2 declared classes"),
        (-1, "1 sample of 7 without a label, the first at t.parquet:5"),
        (None, "1 sample of 7 without a label, the first at t.parquet:5"),
    ],
)
def test_a_label_that_is_no_class_is_refused_with_its_place(dlkit, label, said):
    hub_table(dlkit.folder / "t.parquet", [0, 1, 0, 1, label, 0, 1])
    assert said in dlkit("knn", "eval", "t.parquet", "--k", "1", check=1).stderr
    if label in (-1, None):
        done = dlkit("knn", "eval", "t.parquet", "--k", "1", "--skip-bad", check=0)
        assert "1 sample of 7 without a label left out" in done.stderr


def test_classes_need_not_follow_each_other(dlkit):
    rows = "".join(f"{i},{(3, 1000, -7)[i % 3]}\n" for i in range(30))
    (dlkit.folder / "t.csv").write_text(f"x,label\n{rows}", encoding="utf-8")
    told = dlkit("knn", "eval", "t.csv", "--k", "1", "--per-class", "--header", check=0).stdout
    table = list(csv.DictReader(io.StringIO(told), delimiter="\t"))
    assert {row["class"] for row in table} == {"-7", "3", "1000"}


def two_tables(folder: Path, train: str, test: str) -> None:
    (folder / "train.csv").write_text(f"x,label\n{train}", encoding="utf-8")
    (folder / "test.csv").write_text(f"x,label\n{test}", encoding="utf-8")


def accuracy(dlkit, *options: str) -> list[str]:
    files = ("train.csv", "test.csv")
    told = dlkit("knn", "eval", *files, *options, "--header", check=0).stdout
    return [row["accuracy"] for row in csv.DictReader(io.StringIO(told), delimiter="\t")]


def test_one_training_sample_is_the_neighbour_of_all(dlkit):
    two_tables(dlkit.folder, "1,a\n", "5,a\n-9,a\n")
    assert accuracy(dlkit, "--k", "1") == ["1.0"]
    error = dlkit("knn", "eval", "train.csv", "test.csv", "--k", "2", check=2).stderr
    assert "k is 2, but there are 1 points to find" in error
    assert "hint: use a k of at most 1" in error


def test_ties_of_distances_and_votes_are_for_the_first(dlkit):
    two_tables(dlkit.folder, "1,b\n-1,a\n1,a\n-1,b\n", "0,b\n")
    # All distances are equal: the neighbours are the first rows, and votes of 2 to 2 are decided.
    assert accuracy(dlkit, "--k", "1") == ["1.0"]
    for k in ("2", "4"):
        assert accuracy(dlkit, "--k", k) == accuracy(dlkit, "--k", k, "--threads", "2")


def test_a_column_of_one_value_is_standardised_to_zero(dlkit):
    train = "".join(f"{i * i},{'ab'[i > 4]}\n" for i in range(10))
    (dlkit.folder / "train.csv").write_text("x,k,label\n" + train.replace(",", ",7,"), "utf-8")
    (dlkit.folder / "test.csv").write_text("x,k,label\n2,7,a\n60,9e9,b\n", "utf-8")
    for step in ("standardise", "scale"):
        assert accuracy(dlkit, "--k", "1", "--preprocess", step) == ["1.0"]


def idx_files(folder: Path, *, head: bytes = b"\0\0\x08\3", more: bytes = b"", labels: int = 4):
    for split in ("train", "t10k"):
        pixels = np.random.default_rng(len(split)).integers(0, 256, (4, 3, 3), np.uint8).tobytes()
        sizes = struct.pack(">III", 4, 3, 3)
        (folder / f"{split}-images-idx3-ubyte").write_bytes(head + sizes + pixels + more)
        classes = bytes(place % 2 for place in range(labels))
        start = b"\0\0\x08\1" + struct.pack(">I", labels)
        (folder / f"{split}-labels-idx1-ubyte").write_bytes(start + classes)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"head": b"\0\0\x0d\3"}, "train-images-idx3-ubyte begins 00 00 0d 03; IDX of bytes"),
        ({"head": b"\x89PNG"}, "train-images-idx3-ubyte begins 89 50 4e 47"),
        ({"more": b"\0"}, "train-images-idx3-ubyte has 1 byte too many for sizes 4x3x3"),
        ({"labels": 3}, "has 4 images, train-labels-idx1-ubyte 3 labels"),
    ],
)
def test_damaged_idx_files_are_refused(dlkit, damage, said):
    folder = dlkit.folder / "mnist"
    folder.mkdir()
    idx_files(folder, **damage)
    assert said in dlkit("knn", "eval", folder, "--k", "1", check=1).stderr
    idx_files(folder)
    assert dlkit("knn", "eval", folder, "--k", "1", check=0).stdout


@pytest.mark.parametrize(
    ("damage", "names", "said"),
    [
        (lambda data: data + b"xy", "a\nb\n", "data_batch_1.bin has 2 bytes too many for rows"),
        (lambda data: data[:-5], "a\nb\n", "data_batch_1.bin"),
        (lambda data: b"\7" + data[1:], "a\nb\n", "the label 7 is not one of 2 classes"),
        (lambda data: data, "a\n\udcff\n", "batches.meta.txt: line 2 is not UTF-8: byte 0xff"),
    ],
)
def test_damaged_cifar_files_are_refused(dlkit, damage, names, said):
    folder = dlkit.folder / "cifar"
    folder.mkdir()
    rows = np.random.default_rng(2).integers(0, 256, (6, 3073), np.uint8)
    rows[:, 0] = [0, 1] * 3
    (folder / "test_batch.bin").write_bytes(rows[4:].tobytes())
    (folder / "data_batch_1.bin").write_bytes(damage(rows[:4].tobytes()))
    (folder / "batches.meta.txt").write_bytes(names.encode("utf-8", "surrogateescape"))
    assert said in dlkit("knn", "eval", folder, "--k", "1", check=1).stderr


def test_seconds_since_1970_are_told_apart(dlkit):
    lines = [f"{1_700_000_000 + i},{'ab'[i // 10 % 2]}\n" for i in range(60)]
    two_tables(dlkit.folder, "".join(lines[::2]), "".join(lines[1::2]))
    assert float(accuracy(dlkit, "--k", "1")[0]) >= 0.9
    assert float(accuracy(dlkit, "--k", "1", "--preprocess", "standardise")[0]) >= 0.9
    told = dlkit("knn", "eval", "train.csv", "test.csv", "--k", "1", check=0).stderr
    assert "in training, too" not in told
