"""What belongs together is never divided, however it is read."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace

import numpy as np
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pyarrow import parquet

from dlkit.data import kept
from dlkit.data.config import SampleConfig
from dlkit.data.group_cells import group_name
from dlkit.data.groups import deal, hold_out_groups, units
from dlkit.data.loading import load, load_test
from dlkit.data.samples import digests_of
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Noted, Warned

# Group, content and class of each sample.
SAMPLES = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 60), st.integers(0, 2)), min_size=1, max_size=60
)


def columns(samples):
    groups, contents, labels = zip(*samples, strict=True)
    return [f"病人{each}" for each in groups], [str(each) for each in contents], np.array(labels)


def brute_units(groups, contents) -> set[frozenset[int]]:
    """The places that hang together: neighbours of neighbours, until nothing more comes."""
    found = set()
    for start in range(len(groups)):
        inside, size = {start}, 0
        while len(inside) > size:
            size = len(inside)
            inside |= {
                place
                for place in range(len(groups))
                if any(
                    groups[place] == groups[each] or contents[place] == contents[each]
                    for each in inside
                )
            }
        found.add(frozenset(inside))
    return found


@settings(max_examples=60, deadline=None)
@given(SAMPLES.map(lambda samples: samples[:25]))
def test_units_are_what_groups_and_equal_contents_connect(samples):
    groups, contents, _ = columns(samples)
    unit = units(groups, digests_of(contents))
    got = {frozenset(np.flatnonzero(unit == each).tolist()) for each in range(unit.max() + 1)}
    assert got == brute_units(groups, contents)


@settings(max_examples=100, deadline=None)
@given(SAMPLES, st.floats(0.05, 0.9), st.randoms(use_true_random=False))
def test_no_group_and_no_content_is_divided_in_whatever_order_samples_lie(samples, share, random):
    held = []
    for _ in range(2):
        groups, contents, labels = columns(samples)
        train, test = hold_out_groups(digests_of(contents), labels, groups, share)
        assert sorted([*train, *test]) == list(range(len(samples)))
        assert not {groups[i] for i in train} & {groups[i] for i in test}
        assert not {contents[i] for i in train} & {contents[i] for i in test}
        assert set(labels[train]) == set(labels)
        held.append(sorted(samples[i] for i in test))
        samples = random.sample(samples, len(samples))
    assert held[0] == held[1]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 2)), min_size=2, max_size=40),
    st.floats(0.05, 0.6),
)
def test_each_class_comes_as_near_to_its_share_as_its_largest_group_allows(sizes, share):
    groups, labels = [], []
    for number, (size, label) in enumerate(sizes):
        groups += [f"g{number}"] * size
        labels += [label] * size
    labels = np.array(labels)
    _, test = hold_out_groups(
        digests_of([str(i) for i in range(len(groups))]), labels, groups, share
    )
    for label in set(labels.tolist()):
        of_class = [size for size, its in sizes if its == label]
        count, taken = sum(of_class), int((labels[test] == label).sum())
        if len(of_class) == 1:
            assert taken == 0
            continue
        assert abs(taken - min(max(1, round(share * count)), count - 1)) <= max(of_class)
    if max(np.bincount([its for _, its in sizes])) > 1:
        assert len(test)


def test_a_group_keeps_its_side_when_others_grow():
    groups = [f"p{i // 4}" for i in range(400)]
    labels = np.arange(400) % 2
    contents = [str(i) for i in range(400)]
    _, test = hold_out_groups(digests_of(contents), labels, groups, 0.2)
    held = {groups[i] for i in test}
    assert len(test) == 80
    more = ["p3", "p50", "p51"]
    grown = digests_of([*contents, "a", "b", "c"])
    _, test = hold_out_groups(grown, np.append(labels, [0, 1, 0]), groups + more, 0.2)
    again = {[*groups, *more][i] for i in test}
    assert len(held ^ again) <= 2


def test_no_share_holds_nothing_out():
    train, test = hold_out_groups(digests_of(["a", "b"]), np.array([0, 0]), ["x", "y"], 0)
    assert train.tolist() == [0, 1]
    assert not len(test)


@settings(max_examples=100, deadline=None)
@given(SAMPLES, st.integers(2, 6), st.integers(0, 3))
def test_parts_keep_units_whole_and_none_is_empty(samples, parts, seed):
    groups, contents, labels = columns(samples)
    unit = units(groups, digests_of(contents))
    parts = min(parts, int(unit.max()) + 1)
    part = deal(labels, unit, parts, seed=seed)
    assert set(part.tolist()) == set(range(parts))
    for each in set(unit.tolist()):
        assert len(set(part[unit == each].tolist())) == 1
    one = deal(np.zeros(len(unit), np.int64), unit, parts, seed=seed)
    assert np.ptp(np.bincount(one)) <= np.bincount(unit).max()


def test_parts_have_their_share_of_each_class():
    rng = np.random.default_rng(0)
    labels, unit = rng.integers(0, 3, 3000), rng.integers(0, 300, 3000)
    part = deal(labels, unit, 5, seed=1)
    for each in range(5):
        assert np.all(np.abs(np.bincount(labels[part == each]) / np.bincount(labels) - 0.2) < 0.01)


def test_cells_name_groups():
    values = [7, 7.0, "7.0", " 7 ", "007", True, "张三", None, "", "NA", float("nan")]
    assert [group_name(each) for each in values] == [
        "7", "7", "7", "7", "007", "true", "张三", None, None, None, None,
    ]  # fmt: skip
    assert group_name(1, ["a", "b"]) == "b"
    assert group_name(-1, ["a", "b"]) is None
    for value in ([1], {"a": 1}, b"x"):
        with pytest.raises(ValueError, match="is not a group"):
            group_name(value)


def run(work):
    records = []
    while True:
        try:
            records.append(next(work))
        except StopIteration as end:
            said = [r.text for r in records if isinstance(r, (Noted, Warned))]
            warned = [r.text for r in records if isinstance(r, Warned)]
            return SimpleNamespace(samples=end.value, said="\n".join(said), warned=warned)


def loaded(*data, **config):
    config = {"group_column": "patient"} | config
    return run(load([str(each) for each in data], SampleConfig(**config), seed=1))


def refused(*data, **config) -> DlkitError:
    with pytest.raises(DlkitError) as caught:
        loaded(*data, **config)
    return caught.value


def rows(kind: str, first: int = 0, patients: int = 12, each: int = 5) -> list[dict[str, object]]:
    """Samples whose input tells their patient: a text, or a number."""
    found = []
    for number in range(first * each, (first + patients) * each):
        patient = number // each
        inputs = {"text": f"p{patient} 说了第{number}句"} if kind == "texts" else {
            "a": 100.0 * patient + number % each, "b": float(number * number % 17)}  # fmt: skip
        found.append({**inputs, "patient": f"p{patient}", "label": "xy"[number * 7 % 3 % 2]})
    return found


def written(path, rows):
    """The rows as a file of the format that its name says."""
    names = list(rows[0])
    if path.suffix == ".parquet":
        parquet.write_table(pyarrow.table({n: [row[n] for row in rows] for n in names}), path)
        return path
    if path.suffix in (".json", ".jsonl"):
        lines = [json.dumps(row) for row in rows]
        text = f"[{','.join(lines)}]" if path.suffix == ".json" else "\n".join(lines)
    else:
        mark = "\t" if path.suffix == ".tsv" else ","
        lines = [
            mark.join("" if each is None else str(each) for each in row.values()) for row in rows
        ]
        text = "\n".join([mark.join(names), *lines]) + "\n"
    path.write_text(text, encoding="utf-8")
    return path


def patients_of(samples, split) -> list[str]:
    """Whose each sample is, as its input tells."""
    if samples.kind == "texts":
        return [text.split()[0] for text in samples.splits[split].texts]
    if samples.kind == "images":
        return [f"p{value}" for value in samples.splits[split].images[:, 0, 0, 0] // 5]
    place = samples.columns.index("a")
    return [f"p{int(value) // 100}" for value in samples.splits[split].rows[:, place]]


def check(found):
    """Each sample has its own group, and none is on both sides."""
    train, test = (patients_of(found.samples, split) for split in ("train", "test"))
    assert list(found.samples.train.groups) == train
    assert list(found.samples.test.groups) == test
    assert train
    assert test
    assert not set(train) & set(test)
    assert found.samples.document()["groups"] == {"train": len(set(train)), "test": len(set(test))}


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.json", "t.jsonl", "t.parquet"])
@pytest.mark.parametrize("kind", ["texts", "table"])
def test_groups_are_read_from_every_table_and_are_no_inputs(tmp_path, name, kind):
    samples = rows(kind)
    found = loaded(written(tmp_path / name, samples))
    assert found.samples.kind == kind
    assert "patient" not in found.samples.columns
    check(found)
    assert "of 12 groups (column patient)" in found.said
    held = set(found.samples.test.groups)
    again = loaded(written(tmp_path / name, samples[::-1]))
    assert set(again.samples.test.groups) == held
    # Samples without a label or a group are left out, and others taken away: groups go along.
    samples[3]["label"] = samples[4]["patient"] = samples[17]["patient"] = None
    path = written(tmp_path / name, samples)
    place = {"t.json": 5, "t.parquet": 5, "t.jsonl": 5}.get(name, 6)
    if kind == "texts" and name == "t.csv":
        error = refused(path, skip_bad=False)
        assert "t.csv:5" in error.message  # the label is looked at first
        samples[3]["label"] = "x"
        error = refused(written(path, samples))
        assert f"2 samples of 60 without a group (column patient), the first at {path}:{place}" in (
            error.message
        )
        assert "--skip-bad" in error.hint
        samples[3]["label"] = None
        written(path, samples)
    found = loaded(path, skip_bad=True, limit=40)
    check(found)
    assert "2 samples of 59 without a group (column patient) left out" in found.warned[1]
    total = len(found.samples.train) + len(found.samples.test)
    assert total == 40


def test_images_that_a_table_names_have_groups(tmp_path):
    lines = ["file_name,patient,label"]
    for number in range(40):
        pixels = np.full((4, 4), number, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        lines.append(f"{number}.png,p{number // 5},{'xy'[number % 2]}")
    (tmp_path / "0.png").write_bytes(b"no image")
    lines[7] = lines[7].replace("p1", "")
    (tmp_path / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    error = refused(tmp_path, skip_bad=False)
    assert "metadata.csv:8" in error.message
    found = loaded(tmp_path, skip_bad=True)
    check(found)
    assert len(found.samples.train) + len(found.samples.test) == 38


def test_decoded_images_from_the_cache_keep_their_groups(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(kept, "WORTHWHILE", 0.0)
    pictures = []
    for number in range(40):
        file = io.BytesIO()
        Image.fromarray(np.full((4, 4), number, np.uint8)).save(file, "PNG")
        pictures.append(b"no image" if number == 3 else file.getvalue())
    samples = [
        {"image": each, "patient": number // 5, "label": "xy"[number % 2]}
        for number, each in enumerate(pictures)
    ]
    path = written(tmp_path / "t.parquet", samples)
    for again in (False, True):
        found = loaded(path, skip_bad=True)
        assert ("taken from the cache" in found.said) is again
        names = [f"p{name}" for name in found.samples.train.groups]
        assert names == patients_of(found.samples, "train")
        assert len(found.samples.train) + len(found.samples.test) == 39


def test_groups_in_two_splits_of_the_data_are_told(tmp_path):
    written(tmp_path / "train.csv", rows("texts"))
    written(tmp_path / "test.csv", rows("texts", first=10))
    found = loaded(tmp_path)
    equal, told = found.warned
    assert "equal content" in equal
    assert told == (
        "2 of 12 groups (column patient) of the test samples are in training, too, with 10 "
        f"samples: p10 at {tmp_path / 'test.csv'}:2"
    )
    written(tmp_path / "test.csv", [{**row, "patient": "q"} for row in rows("texts", first=20)])
    assert not loaded(tmp_path).warned
    alone = [{name: row[name] for name in ("text", "label")} for row in rows("texts", first=20)]
    written(tmp_path / "test.csv", alone)
    (told,) = loaded(tmp_path).warned
    assert "has no column patient: which groups of training are in the split test" in told


def test_other_data_need_no_groups_but_a_column_of_them_is_no_class(tmp_path):
    samples = [
        {"a": row["a"], "b": row["b"], "kind": row["label"], "patient": row["patient"]}
        for row in rows("table")
    ]
    first = loaded(written(tmp_path / "t.csv", samples)).samples
    config = SampleConfig(group_column="patient")
    known = {"form": first.form, "classes": first.classes}
    samples[3]["patient"] = None
    path = written(tmp_path / "other.csv", samples)
    assert len(run(load_test([str(path)], config, **known)).samples.test) == 60
    for row in samples:
        del row["patient"]
    path = written(tmp_path / "other.csv", samples)
    assert len(run(load_test([str(path)], config, **known)).samples.test) == 60


def test_what_has_no_groups_says_so(tmp_path):
    path = written(tmp_path / "t.csv", rows("texts"))
    error = refused(path, group_column="who")
    assert error.message == f"--group-column who: {path} has no such column"
    assert error.hint == "it has text, patient, label"
    error = refused(path, group_column="text", text_column="text")
    assert "is a column of --text-column, too" in error.message
    assert "--label-column" in refused(path, group_column="label", label_column="label").message
    np.savez(tmp_path / "a.npz", X=np.random.default_rng(0).random((20, 3)), y=np.arange(20) % 2)
    for label in "xy":
        (tmp_path / "folders" / label).mkdir(parents=True)
        for number in range(3):
            (tmp_path / "folders" / label / f"{number}.txt").write_text(f"{label} {number}")
    for data in ("builtin:digits", tmp_path / "a.npz", tmp_path / "folders"):
        error = refused(data)
        assert error.message == "--group-column patient: the data have no columns"
        assert error.code == USAGE


def test_groups_that_cannot_be_divided_say_why(tmp_path):
    path = written(tmp_path / "t.csv", [{**row, "patient": "p"} for row in rows("texts")])
    error = refused(path)
    assert "1 group in the column patient: all samples are of the group p" in error.message
    assert "--test-split NAME" in error.hint
    samples = [{**row, "patient": f"p{row['label']}"} for row in rows("texts")]
    error = refused(written(path, samples))
    assert "2 groups in the column patient: each has all samples of a class" in error.message
    same = [{**row, "patient": f"p{number}"} for row in rows("texts")[:6] for number in range(4)]
    samples = [*same, *({**row, "text": "一样"} for row in same)]
    error = refused(written(path, samples))
    assert "4 groups, 1 where equal samples join them in the column patient" in error.message
    assert loaded(path, test_share=0).samples.train.groups is not None


def test_a_fingerprint_covers_the_groups_where_there_are_any(tmp_path):
    def fingerprint(patients, column="patient"):
        lines = ["a,patient,kind"]
        lines += [f"{a},{name},{'xy'[a % 2]}" for a, name in enumerate(patients)]
        (tmp_path / "t.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        found = loaded(tmp_path / "t.csv", test_share=0, columns=("a",), group_column=column)
        return found.samples.fingerprint("train")

    names, others = ["p", "p", "q", "q", "r", "r"], ["p", "p", "q", "r", "r", "r"]
    assert fingerprint(names) == fingerprint(names) != fingerprint(others)
    assert fingerprint(names, None) == fingerprint(others, None) != fingerprint(names)
