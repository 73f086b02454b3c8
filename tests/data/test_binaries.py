"""The binary files of MNIST and CIFAR, and everything that can be wrong with them."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from dlkit.data.config import SampleConfig
from dlkit.data.loading import load
from dlkit.errors import DlkitError
from dlkit.records import Noted

IMAGES = np.random.default_rng(0).integers(0, 256, (9, 4, 3), np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2], np.uint8)


def loaded(folder, **config):
    work = load([str(folder)], SampleConfig(**config))
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def idx(array: np.ndarray) -> bytes:
    head = bytes((0, 0, 8, array.ndim)) + b"".join(n.to_bytes(4) for n in array.shape)
    return head + array.tobytes()


@pytest.fixture
def mnist(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(IMAGES))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(LABELS))
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(IMAGES[::-1] + 1)))
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(LABELS[::-1])))
    return tmp_path


@pytest.fixture
def cifar(tmp_path):
    rows = np.random.default_rng(1).integers(0, 256, (6, 3073), np.uint8)
    rows[:, 0] = [0, 1, 2, 0, 1, 2]
    (tmp_path / "data_batch_1.bin").write_bytes(rows[:2].tobytes())
    (tmp_path / "data_batch_2.bin").write_bytes(rows[2:4].tobytes())
    (tmp_path / "test_batch.bin").write_bytes(rows[4:].tobytes())
    (tmp_path / "batches.meta.txt").write_text("airplane\nautomobile\nbird\n\n", encoding="utf-8")
    return tmp_path, rows


def test_idx_files_are_the_splits_that_their_names_say(mnist):
    samples = loaded(mnist)
    assert np.array_equal(samples.train.images[..., 0], IMAGES)
    assert np.array_equal(samples.test.images[..., 0], IMAGES[::-1] + 1)
    assert samples.train.labels.tolist() == LABELS.tolist()
    assert samples.classes == ("0", "1", "2")
    assert loaded(mnist, size="2", colour="rgb").shape == (2, 2, 3)
    assert len(loaded(mnist, limit=3).train) == 3


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data[:-1], "is cut off: sizes 9x4x3 need 108 bytes, there are 107"),
        (lambda data: data + b"xy", "has 2 bytes too many for sizes 9x4x3"),
        (lambda data: b"\0\0\x09\3" + data[4:], "begins 00 00 09 03; IDX of bytes with 3 axes"),
        (lambda data: b"\0\0\x08\1" + data[4:], "begins 00 00 08 01"),
        (lambda data: data[:4] + b"\xff" * 12 + data[16:], "is damaged"),
        (lambda data: data[:4] + bytes(12), "is damaged"),
        (lambda data: data[:7], "is damaged"),
        (lambda data: b"", "begins ;"),
        (lambda data: idx(IMAGES[:8]), "has 8 images, train-labels-idx1-ubyte 9 labels"),
    ],
)
def test_a_damaged_idx_file_is_named(mnist, damage, said):
    path = mnist / "train-images-idx3-ubyte"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DlkitError) as caught:
        loaded(mnist)
    assert "train-images-idx3-ubyte" in caught.value.message
    assert said in caught.value.message


def test_images_without_labels_are_refused(mnist):
    (mnist / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DlkitError, match="needs one IDX file of images and one of labels"):
        loaded(mnist)


def test_cifars_planes_become_pixels(cifar):
    folder, rows = cifar
    samples = loaded(folder)
    assert samples.classes == ("airplane", "automobile", "bird")
    assert samples.train.labels.tolist() == [0, 1, 2, 0]
    for image, row in zip(samples.train.images, rows, strict=False):
        assert image[5, 7].tolist() == [row[1 + plane * 1024 + 5 * 32 + 7] for plane in range(3)]
    assert len(samples.test) == 2


def test_cifar_100_takes_the_fine_label(tmp_path):
    rows = np.zeros((4, 3074), np.uint8)
    rows[:, 0], rows[:, 1] = 7, [0, 1, 0, 1]
    rows[:, 2] = [1, 2, 3, 4]
    for name in ("train", "test"):
        (tmp_path / f"{name}.bin").write_bytes(rows.tobytes())
    (tmp_path / "fine_label_names.txt").write_text("apple\nfish\n", encoding="utf-8")
    assert loaded(tmp_path).classes == ("apple", "fish")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data[:-1], "bytes too many for rows of 3,073 bytes"),
        (lambda data: data + b"x", "has 1 byte too many"),
        (lambda data: b"\x09" + data[1:], "the label 9 is not one of 3 classes"),
    ],
)
def test_a_damaged_cifar_file_is_named(cifar, damage, said):
    path = cifar[0] / "data_batch_1.bin"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DlkitError) as caught:
        loaded(cifar[0])
    assert "data_batch_1.bin" in caught.value.message
    assert said in caught.value.message


def test_the_file_of_class_names_is_read_and_not_told_to_be_left_out(cifar):
    folder, _ = cifar
    (folder / "notes.md").write_text("x", encoding="utf-8")
    records = list(load([str(folder)], SampleConfig()))
    said = "\n".join(record.text for record in records if isinstance(record, Noted))
    assert "1 other file not read: notes.md" in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"airplane\nauto\xffmobile\nbird\n", "line 2 is not UTF-8: byte 0xff"),
        (b"x" * (1 << 20) + b"y", "has more than 1,048,576 bytes: no list of class names"),
        (b"airplane\nautomobile\n", "the label 2 is not one of 2 classes"),
    ],
)
def test_a_bad_file_of_class_names_is_refused(cifar, content, said):
    (cifar[0] / "batches.meta.txt").write_bytes(content)
    with pytest.raises(DlkitError) as caught:
        loaded(cifar[0])
    assert said in caught.value.message


def said_by(data, **config):
    records = []
    work = load(list(map(str, data)), SampleConfig(**config))
    while True:
        try:
            records.append(next(work))
        except StopIteration as end:
            return end.value, "\n".join(getattr(each, "text", "") for each in records)


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"])
def test_an_idx_file_by_name_is_read_with_its_partner(mnist, name):
    samples, said = said_by([mnist / name])
    assert (len(samples.train) + len(samples.test), samples.held_out) == (9, True)
    assert "read together: " in said
    assert "train-labels-idx1-ubyte" in said


def test_idx_files_of_both_splits_by_name_are_the_splits(mnist):
    names = ("train-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz")
    samples, _ = said_by([mnist / name for name in names])
    assert np.array_equal(samples.test.images[..., 0], IMAGES[::-1] + 1)
    assert samples.train.paths[:2] == [f"{mnist / names[0]}:1", f"{mnist / names[0]}:2"]


def test_cifars_batches_by_name_are_those_and_no_others(cifar):
    folder, rows = cifar
    samples, _ = said_by([folder / "data_batch_2.bin", folder / "test_batch.bin"])
    assert (len(samples.train), len(samples.test), samples.held_out) == (2, 2, False)
    assert samples.train.labels.tolist() == rows[2:4, 0].tolist()
    assert samples.train.paths == [f"{folder / 'data_batch_2.bin'}:{row}" for row in (1, 2)]
    assert samples.classes[0] == "airplane"


def test_rows_of_several_batches_are_named_after_their_file(cifar):
    folder, _ = cifar
    paths = loaded(folder).train.paths
    assert paths == [f"{folder / f'data_batch_{n}.bin'}:{row}" for n in (1, 2) for row in (1, 2)]


def test_files_of_two_data_sets_and_lonely_ones_are_refused(mnist, cifar):
    with pytest.raises(DlkitError, match="do not go together"):
        said_by([mnist / "train-images-idx3-ubyte", cifar[0] / "data_batch_1.bin"])
    (mnist / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DlkitError, match="needs one IDX file of images and one of labels"):
        said_by([mnist / "train-images-idx3-ubyte"])


@pytest.mark.parametrize(
    ("name", "width", "column", "label", "classes"),
    [("data_batch_1", 3073, 0, 10, 10), ("train", 3074, 0, 20, 20), ("train", 3074, 1, 100, 100)],
)
def test_a_label_that_cifar_has_not_is_refused_with_its_row(
    tmp_path, name, width, column, label, classes
):
    rows = np.random.default_rng(3).integers(0, 10, (6, width), np.uint8)
    rows[:, :2] = label - 1
    rows[:, 1 - column] = 3
    path = tmp_path / f"{name}.bin"
    path.write_bytes(rows.tobytes())
    loaded(tmp_path)
    rows[4, column] = label
    path.write_bytes(rows.tobytes())
    with pytest.raises(DlkitError) as caught:
        loaded(tmp_path)
    told = f"{name}.bin: row 5: the label {label} is not one of {classes} classes"
    assert told in caught.value.message
