"""Arrays in NumPy's files become samples and queries, or say why they do not."""

from __future__ import annotations

import io
import pickle
import shlex
import subprocess
import sys
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

from dlkit.data.config import SampleConfig
from dlkit.data.forms import Column, ImageForm, TableForm
from dlkit.data.loading import load, load_test
from dlkit.data.queries import read_queries
from dlkit.errors import DlkitError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3))
Y = np.arange(30) % 3
IMAGES = RNG.integers(0, 256, (20, 5, 4), np.uint8)


def run(work):
    said = []
    while True:
        try:
            said.append(getattr(next(work), "text", ""))
        except StopIteration as end:
            return SimpleNamespace(got=end.value, said="\n".join(said))


def loaded(*paths, **config):
    return run(load(list(map(str, paths)), SampleConfig(**config)))


def refused(*paths, **config) -> DlkitError:
    with pytest.raises(DlkitError) as caught:
        loaded(*paths, **config)
    return caught.value


def npz(path, **arrays):
    np.savez_compressed(path, **arrays)
    return path


@pytest.mark.parametrize(
    ("inputs", "labels"),
    [("points", "labels"), ("X", "y"), ("x", "Y"), ("data", "target"), ("train_x", "train_y")],
)
def test_inputs_and_labels_under_their_usual_names(tmp_path, inputs, labels):
    path = npz(tmp_path / "t.npz", **{inputs: X, labels: Y, "more": np.zeros(3)})
    found = loaded(path)
    samples = found.got
    assert (samples.kind, samples.held_out, samples.columns) == ("table", True, ("x0", "x1", "x2"))
    assert samples.classes == ("0", "1", "2")
    assert "1 other array not read: more" in found.said
    for split in samples.splits.values():
        for row, label, place in zip(split.rows, split.labels, split.paths, strict=True):
            name, _, number = place.rpartition(":")
            assert name == str(path)
            assert np.array_equal(row, X[int(number) - 1])
            assert label == Y[int(number) - 1]


def test_arrays_of_two_splits_are_those_splits(tmp_path):
    path = npz(
        tmp_path / "m.npz",
        x_train=IMAGES[:15],
        y_train=Y[:15],
        x_test=IMAGES[15:],
        y_test=Y[15:20, None],
    )
    samples = loaded(path).got
    assert (samples.kind, samples.shape, samples.held_out) == ("images", (5, 4, 1), False)
    assert np.array_equal(samples.test.images[..., 0], IMAGES[15:])
    assert samples.test.labels.tolist() == Y[15:20].tolist()
    assert samples.train.paths[0] == f"{path}/x_train:1"
    assert loaded(path, size="2", colour="rgb").got.shape == (2, 2, 3)
    colour = npz(
        tmp_path / "c.npz", images=RNG.integers(0, 256, (9, 2, 2, 3), np.uint8), labels=Y[:9]
    )
    assert loaded(colour).got.shape == (2, 2, 3)


def test_names_of_classes_and_columns_are_taken(tmp_path):
    path = npz(
        tmp_path / "t.npz", points=X, labels=Y, classes=["猫", "狗", "c"], columns=["a", "b", "长"]
    )
    samples = loaded(path).got
    assert (samples.classes, samples.columns) == (("猫", "狗", "c"), ("a", "b", "长"))
    words = npz(tmp_path / "w.npz", X=X, y=np.array(["猫", "狗", "c"])[Y])
    assert set(loaded(words).got.classes) == {"猫", "狗", "c"}


def test_two_npy_files_are_inputs_and_labels(tmp_path):
    np.save(tmp_path / "digits.npy", X)
    np.save(tmp_path / "y.npy", Y)
    samples = loaded(tmp_path / "digits.npy", tmp_path / "y.npy").got
    assert len(samples.train) + len(samples.test) == 30
    assert samples.train.paths[0].startswith(f"{tmp_path / 'digits.npy'}:")
    assert "give both" in refused(tmp_path / "digits.npy").hint


def test_an_artifact_is_judged_on_arrays_of_its_form(tmp_path):
    path = npz(tmp_path / "t.npz", X=X, y=Y, columns=["a", "b", "c"])
    form = TableForm((Column("c"), Column("a")))
    work = load_test([str(path)], SampleConfig(), form=form, classes=("2", "1", "0"))
    samples = run(work).got
    assert np.allclose(samples.test.rows, X[:, [2, 0]])
    assert samples.test.labels.tolist() == (2 - Y).tolist()


def asked(path, form):
    return run(read_queries([str(path)], form, SampleConfig()))


def test_arrays_are_predicted_without_their_labels(tmp_path):
    table = TableForm((Column("x0"), Column("x1", fill=7.0), Column("x2")))
    holes = X.copy()
    holes[4, 1] = np.nan
    np.save(tmp_path / "q.npy", holes)
    split = asked(tmp_path / "q.npy", table).got
    assert split.rows[4, 1] == 7
    assert split.paths[4] == f"{tmp_path / 'q.npy'}:5"
    path = npz(
        tmp_path / "m.npz", x_train=IMAGES[:15], y_train=Y[:15], x_test=IMAGES[15:], y_test=Y[:5]
    )
    split = asked(path, ImageForm(5, 4, 1)).got
    assert np.array_equal(split.images[..., 0], IMAGES[15:])
    with pytest.raises(DlkitError, match="of another kind"):
        asked(path, table)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"X": X}, "has no inputs with labels"),
        ({"X": X, "y": Y[:5]}, "a label for each sample is needed"),
        ({"X": X, "y": Y + 0.5}, "t.npz:1: the labels"),
        ({"X": X, "y": Y, "classes": ["a", "b"]}, "2 is not one of the 2 declared classes"),
        ({"X": X.astype(complex), "y": Y}, "no numbers or text"),
        ({"X": X[:, 0], "y": Y}, "a row for each sample"),
        ({"X": X.reshape(30, 3, 1), "y": Y}, "images are bytes"),
        ({"X": np.zeros((30, 3, 8, 8), np.uint8), "y": Y}, "1 or 3"),
        ({"X": np.where(X > 2, np.inf, X), "y": Y}, "is infinite"),
        ({"X": X.astype(object), "y": Y}, "holds Python objects"),
    ],
)
def test_arrays_that_are_no_samples_are_refused(tmp_path, arrays, said):
    assert said in refused(npz(tmp_path / "t.npz", **arrays)).message


def test_bad_rows_can_be_left_out(tmp_path):
    bad = X.copy()
    bad[3, 1] = np.inf
    path = npz(tmp_path / "t.npz", X=bad, y=Y)
    found = loaded(path, skip_bad=True)
    assert len(found.got.train) + len(found.got.test) == 29
    assert f"1 bad row ({path}:4: column x1: inf is infinite" in found.said


class Trap:
    def __reduce__(self):
        return (print, ("unpickled",))


def test_nothing_is_unpickled(tmp_path, capsys):
    path = tmp_path / "x.npy"
    path.write_bytes(pickle.dumps(Trap()))
    assert "is not a readable NumPy file" in refused(path).message
    np.save(path, np.array([Trap()], object), allow_pickle=True)
    assert "holds Python objects (a pickle), which are never loaded" in refused(path).message
    assert capsys.readouterr().out == ""


def member(shape, data: bytes) -> bytes:
    file = io.BytesIO()
    head = {"descr": "<f8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, head)
    return file.getvalue() + data


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (member((1 << 40, 4), b"x" * 64), "is cut off"),
        (member((2, 4), b"x" * 80), "has bytes too many"),
        (member((2, 4), b"x" * 64)[:20], "not a readable NumPy file"),
        (b"\x93NUMPY\x09\x00" + bytes(90), "version (9, 0)"),
        (b"", "not a readable NumPy file"),
    ],
)
def test_a_header_that_promises_other_than_there_is_takes_no_memory(tmp_path, content, said):
    with zipfile.ZipFile(tmp_path / "t.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("X.npy", content)
    assert said in refused(tmp_path / "t.npz").message
    (tmp_path / "X.npy").write_bytes(content)
    assert said in refused(tmp_path / "X.npy").message


def test_a_bomb_and_a_damaged_archive_are_refused(tmp_path):
    path = npz(tmp_path / "t.npz", X=np.zeros((30, 500_000)), y=Y)
    assert "promises 120,000,128 bytes" in refused(path).message
    whole = npz(tmp_path / "u.npz", X=X, y=Y).read_bytes()
    for damaged in (whole[:-30], whole[:100] + bytes([whole[100] ^ 255]) + whole[101:], b"PK"):
        path.write_bytes(damaged)
        assert "t.npz" in refused(path).message


def test_a_file_of_svmlight_is_refused_with_what_makes_arrays_of_it(tmp_path):
    path = tmp_path / "heart disease.svm"
    path.write_text("".join(f"{n % 2 * 2 - 1} 1:{n} 3:0.5 # {n}\n" for n in range(10)))
    problem = refused(path)
    assert "is of the svmlight format" in problem.message
    words = shlex.split(problem.hint)
    assert words[0] == "python"
    subprocess.run([sys.executable, *words[1:]], cwd=tmp_path, check=True)
    samples = loaded(tmp_path / "heart disease.npz").got
    assert samples.classes == ("-1", "1")
    assert samples.columns == ("x0", "x1", "x2")
    assert sorted(samples.train.rows[:, 0].tolist() + samples.test.rows[:, 0].tolist()) == [
        *range(10)
    ]
