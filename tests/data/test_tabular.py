"""Tables of numbers and words become rows by rules that training rows alone decide."""

from __future__ import annotations

import csv
import json
from types import SimpleNamespace

import numpy as np
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from dlkit.data import cells
from dlkit.data.config import SampleConfig
from dlkit.data.delimited import table_rows
from dlkit.data.forms import Column, TableForm
from dlkit.data.loading import load, load_test
from dlkit.errors import DlkitError
from dlkit.records import Noted, Warned


def run(work):
    records = []
    while True:
        try:
            records.append(next(work))
        except StopIteration as end:
            said = "\n".join(r.text for r in records if isinstance(r, (Noted, Warned)))
            return SimpleNamespace(samples=end.value, said=said)


def written(tmp_path, text: str, name: str = "t.csv") -> str:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def pair(tmp_path, train: str, test: str, **config):
    """Samples of two files, a training and a test split."""
    files = [written(tmp_path, train, "train.csv"), written(tmp_path, test, "test.csv")]
    return run(load(files, SampleConfig(**config)))


def refused(tmp_path, text: str, **config) -> DlkitError:
    with pytest.raises(DlkitError) as caught:
        run(load([written(tmp_path, text)], SampleConfig(**config)))
    return caught.value


def test_numbers_and_words_become_columns_of_numbers(tmp_path):
    got = pair(
        tmp_path,
        "高,色,label\n1.5,红,a\n-2e3,蓝,b\n 7 ,红,a\n",
        "高,色,label\n0,蓝,b\n",
    )
    samples = got.samples
    assert samples.kind == "table"
    assert samples.columns == ("高", "色=红", "色=蓝")
    assert samples.train.rows.tolist() == [[1.5, 1, 0], [-2000, 0, 1], [7, 1, 0]]
    assert samples.test.rows.tolist() == [[0, 0, 1]]
    assert samples.train.paths == [f"{tmp_path / 'train.csv'}:{line}" for line in (2, 3, 4)]
    assert "the column 色: 2 words" in got.said


def test_a_missing_number_becomes_the_training_median_and_is_counted(tmp_path):
    got = pair(
        tmp_path,
        "x,y,label\n1,1,a\n?,2,b\n3,NA,a\n10,nan,b\n",
        "x,y,label\n,5,a\n100,null,b\n",
    )
    assert got.samples.form == TableForm((Column("x", 3.0), Column("y", 1.5)))
    assert got.samples.train.rows.tolist() == [[1, 1], [3, 2], [3, 1.5], [10, 1.5]]
    assert got.samples.test.rows.tolist() == [[3, 5], [100, 1.5]]
    assert "train: 3 missing values (x 1, y 2)" in got.said
    assert "test: 2 missing values (x 1, y 1)" in got.said


def test_words_that_training_has_not_and_missing_words_are_no_word(tmp_path):
    got = pair(tmp_path, "c,label\nred,a\nblue,b\n,a\nred,b\n", "c,label\ngreen,a\nred,b\nn/a,b\n")
    assert got.samples.columns == ("c=blue", "c=red")
    assert got.samples.train.rows.tolist() == [[0, 1], [1, 0], [0, 0], [0, 1]]
    assert got.samples.test.rows.tolist() == [[0, 0], [0, 1], [0, 0]]
    assert "test: 1 word that training has not (c 1)" in got.said


def test_rules_never_see_test_rows_that_are_held_out(tmp_path):
    rows = "".join(f"{value},{'ab'[value % 2]}\n" for value in range(50))
    got = run(load([written(tmp_path, "x,label\n" + rows + ",a\n")], SampleConfig()))
    train = np.concatenate([got.samples.train.rows.ravel()])
    median = got.samples.form.sources[0].fill
    filled = [p for p in got.samples.train.paths if p.endswith(":52")]
    real = train[:-1] if filled else train
    assert median == np.median(real)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("wrong", "'wrong' is not a number"),
        ("inf", "inf is infinite or too large"),
        ("-Infinity", "-Infinity is infinite"),
        ("1e39", "1e39 is infinite or too large"),
        ("1,5", "more cells|2 cells|4 cells"),
    ],
)
def test_what_is_no_number_is_named_with_row_and_column(tmp_path, cell, said):
    rows = "".join(f"{value},{value},a\n{value},0,b\n" for value in range(20))
    text = f"x,y,label\n{rows}1,{cell},a\n"
    error = refused(tmp_path, text)
    assert any(each in error.message for each in said.split("|")), error.message
    if "cells" not in said:
        assert error.message.startswith(f"{tmp_path / 't.csv'}:42: column y: ")
        got = run(load([written(tmp_path, text)], SampleConfig(skip_bad=True)))
        assert len(got.samples.train) + len(got.samples.test) == 40
        assert f"1 bad row ({tmp_path / 't.csv'}:42: column y: " in got.said


def test_a_short_row_is_refused(tmp_path):
    assert "line 3 has 1 cell, but there are 2 columns" in (
        refused(tmp_path, "x,label\n1,a\n2\n3,b\n").message
    )


def test_a_constant_column_is_told_and_kept(tmp_path):
    got = pair(tmp_path, "x,k,label\n1,5,a\n2,5,b\n", "x,k,label\n3,6,a\n")
    assert "1 column of one value in training: k" in got.said
    assert got.samples.columns == ("x", "k")


def test_a_column_that_tells_rows_apart_is_left_out_and_told(tmp_path):
    rows = "".join(f"id{value},{value % 7},{'ab'[value % 2]}\n" for value in range(60))
    got = run(load([written(tmp_path, "id,x,label\n" + rows)], SampleConfig()))
    assert got.samples.columns == ("x",)
    assert "the column id has" in got.said
    assert "left out, it tells rows apart" in got.said


def test_columns_can_be_chosen(tmp_path):
    text = "a,b,c,y\n1,2,3,u\n4,5,6,v\n7,8,9,u\n1,0,1,v\n"
    got = run(load([written(tmp_path, text)], SampleConfig(columns=("c", "a"))))
    assert got.samples.columns == ("c", "a")
    assert "no such column" in refused(tmp_path, text, columns=("d",)).message
    assert "--label-column d" in refused(tmp_path, text, label_column="d").message


def test_the_label_is_known_by_name_or_guessed_from_the_last_column_and_said(tmp_path):
    named = run(load([written(tmp_path, "Label,x\na,1\nb,2\na,3\nb,4\n")], SampleConfig()))
    assert named.samples.classes == ("a", "b")
    assert "the classes are in the column Label" in named.said
    guess = run(load([written(tmp_path, "x,kind\n1,a\n2,b\n3,a\n4,b\n")], SampleConfig()))
    assert guess.samples.classes == ("a", "b")
    assert "the last one, kind, is taken for it (--label-column NAME)" in guess.said
    rows = "".join(f"{value},{value * 1.5}\n" for value in range(9))
    assert "no column looks like the class" in refused(tmp_path, "x,z\n" + rows).message


def test_measured_numbers_are_no_classes(tmp_path):
    error = refused(tmp_path, "x,label\n1,0.5\n2,1\n", label_column="label")
    assert error.message.startswith(
        f"{tmp_path / 't.csv'}:2: the label column label: 0.5 is a measured number"
    )


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (["10", "9", "10", "9"], ("9", "10")),
        (["007", "7", "007", "7"], None),
        (["true", "false", "true", "false"], ("false", "true")),
        (["1.0", "2.0", "1.0", "2.0"], ("1", "2")),
        (["x2", "x10", "x2", "x10"], ("x2", "x10")),
        (["否", "是", "否", "是"], ("否", "是")),
    ],
)
def test_class_names_are_the_cells_in_the_order_of_a_person(tmp_path, values, classes):
    text = "x,label\n" + "".join(f"{i},{value}\n" for i, value in enumerate(values))
    got = run(load([written(tmp_path, text)], SampleConfig())).samples.classes
    assert got == classes or (classes is None and set(got) == {"007", "7"})


def test_a_table_without_names_has_its_columns_numbered_and_said(tmp_path):
    got = run(load([written(tmp_path, "1,2,a\n3,4,b\n5,6,a\n7,8,b\n")], SampleConfig()))
    assert got.samples.columns == ("column 1", "column 2")
    assert len(got.samples.train) + len(got.samples.test) == 4
    assert "the first line is a row, not names" in got.said


def test_two_columns_of_one_name_are_refused(tmp_path):
    assert "two columns are called 'x'" in refused(tmp_path, "x,x,label\n1,2,a\n").message


def test_all_formats_give_the_same_samples(tmp_path):
    rows = [
        {"x": 1.5, "c": "红", "n": 3, "label": "a"},
        {"x": None, "c": "蓝", "n": 4, "label": "b"},
        {"x": -2.0, "c": None, "n": 5, "label": "a"},
        {"x": 0.25, "c": "红", "n": 6, "label": "b"},
        {"x": 9.0, "c": "蓝", "n": 7, "label": "a"},
        {"x": 8.0, "c": "蓝", "n": 8, "label": "b"},
    ]
    cell = lambda value: "" if value is None else str(value)
    for mark, suffix in ((",", "csv"), ("\t", "tsv"), (";", "semi.csv")):
        lines = [mark.join(rows[0])] + [mark.join(map(cell, row.values())) for row in rows]
        (tmp_path / f"t.{suffix}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "t.json").write_text(json.dumps(rows), encoding="utf-8")
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "t.parquet")
    prints = {
        path.name: run(load([str(path)], SampleConfig())).samples for path in tmp_path.iterdir()
    }
    assert len(prints) == 6
    assert len({samples.fingerprint("train") for samples in prints.values()}) == 1
    assert len({samples.fingerprint("test") for samples in prints.values()}) == 1


def test_a_finished_artifact_finds_columns_by_name_and_keeps_its_rules(tmp_path):
    trained = pair(tmp_path, "x,c,label\n1,u,a\n2,v,b\n3,u,a\n", "x,c,label\n1,u,b\n").samples
    other = written(tmp_path, "label,extra,c,x\nb,9,w,\na,9,v,8\n", "other.csv")
    got = run(load_test([other], SampleConfig(), form=trained.form, classes=trained.classes))
    assert got.samples.test.rows.tolist() == [[2, 0, 0], [8, 0, 1]]
    assert got.samples.test.labels.tolist() == [1, 0]
    lacking = written(tmp_path, "label,x\nb,1\na,2\n", "lacking.csv")
    with pytest.raises(DlkitError, match="has no column c"):
        run(load_test([lacking], SampleConfig(), form=trained.form, classes=trained.classes))


def test_json_rows_may_lack_a_column_and_nothing_else(tmp_path):
    text = '{"x": 1, "label": "a"}\n{"label": "b", "z": 3}\n{"x": 2, "z": 4, "label": "a"}\n'
    got = run(
        load([written(tmp_path, text, "t.jsonl")], SampleConfig(label_column="label"))
    ).samples
    assert got.columns == ("x", "z")
    assert "is no object" in refused_json(tmp_path, "[1, 2]")
    assert "is not JSON" in refused_json(tmp_path, '{"x": 1,\n')


def refused_json(tmp_path, text: str) -> str:
    with pytest.raises(DlkitError) as caught:
        run(load([written(tmp_path, text, "bad.json")], SampleConfig()))
    return caught.value.message


@settings(max_examples=60, deadline=None)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_numbers_are_read_as_python_writes_them(value):
    assert cells.number(repr(value)) == value
    assert cells.number(f"  {value!r} ") == value


@pytest.mark.parametrize("cell", ["", " ", "NA", "n/a", "NaN", "NULL", "None", "?", None])
def test_ways_to_say_that_nothing_is_there(cell):
    assert cells.is_missing(cell)
    assert np.isnan(cells.number(cell))


@pytest.mark.parametrize("cell", ["x", "1.2.3", "1 2", "12%", "2020-01-01", [1], {"a": 1}])
def test_what_is_no_number(cell):
    with pytest.raises(ValueError):  # noqa: PT011 - it has no message of its own
        cells.number(cell)


def seconds(tmp_path, step: int = 1) -> tuple[str, list[list[str]]]:
    """A table of times in seconds since 1970, in whose order classes come in blocks of 20."""
    rows = [[str(1_700_000_000 + step * i), "ab"[i // 20 % 2]] for i in range(400)]
    return written(tmp_path, "time,label\n" + "".join(f"{t},{c}\n" for t, c in rows)), rows


def test_large_numbers_that_differ_little_stay_apart_as_in_scikit_learn(tmp_path):
    from sklearn.neighbors import KNeighborsClassifier

    from dlkit.neighbours.search import search

    path, lines = seconds(tmp_path)
    samples = run(load([path], SampleConfig())).samples
    place = lambda split: [int(name.rpartition(":")[2]) - 2 for name in split.paths]
    taken = {name: [lines[i] for i in place(split)] for name, split in samples.splits.items()}
    numbers = {name: [[float(time)] for time, _ in rows] for name, rows in taken.items()}
    for name, split in samples.splits.items():
        assert split.rows.tolist() == numbers[name]
    oracle = KNeighborsClassifier(1).fit(numbers["train"], [label for _, label in taken["train"]])
    found = search(samples.train.rows, samples.test.rows, 1)
    wanted = oracle.kneighbors(numbers["test"])[0]
    assert found.distances.tolist() == wanted.tolist()
    labels = [samples.classes[i] for i in samples.train.labels[found.indices[:, 0]]]
    truth = [label for _, label in taken["test"]]
    right = np.mean([a == b for a, b in zip(labels, truth, strict=True)])
    assert right > 0.9
    assert abs(right - oracle.score(numbers["test"], truth)) <= 0.05  # ties


def test_numbers_that_only_float32_would_make_equal_are_no_leak(tmp_path):
    said = pair(tmp_path, "t,label\n1700000000,a\n1700000900,b\n", "t,label\n1700000001,a\n").said
    assert "in training, too" not in said
    leak = pair(tmp_path, "t,label\n1700000000,a\n0,b\n", "t,label\n1.7e9,a\n-0.0,b\n").said
    assert "all 2 test samples are in training, too" in leak


def test_rows_are_float32_exactly_where_that_has_every_number(tmp_path):
    for cell, kind in (("16777216", "float32"), ("16777217", "float64"), ("0.1", "float64")):
        got = pair(tmp_path, f"x,label\n0.5,a\n{cell},b\n", "x,label\n2,a\n").samples
        assert str(got.train.rows.dtype) == kind
        assert got.train.rows.tolist() == [[0.5], [float(cell)]]
        assert str(got.test.rows.dtype) == "float32"


def test_what_was_filled_in_is_no_equal_content(tmp_path):
    train = "x,c,label\n1,u,a\n2,u,b\n3,v,a\n"
    assert "in training, too" not in pair(tmp_path, train, "x,c,label\n,u,a\n3,w,a\n").said


@pytest.mark.parametrize("cell", ["1_000", "1__0", "１２", "٣", "_1", "0x10", "1e", "1,5"])
def test_what_only_python_takes_for_a_number_is_none(tmp_path, cell):
    with pytest.raises(ValueError):  # noqa: PT011 - it has no message of its own
        cells.number(cell)
    assert not cells.looks_numeric([cell, cell])
    rows = "".join(f"{i};{'ab'[i % 2]}\n" for i in range(30))
    assert "t.csv:32: column x: " in refused(tmp_path, f"x;label\n{rows}{cell};a\n").message


@pytest.mark.parametrize("cell", ["1e3", "-.5", "+7.", "1E-3", " 2 ", "1\u3000"])
def test_plain_decimals_are_numbers(cell):
    assert cells.number(cell) == float(cell)
    assert cells.looks_numeric([cell])


@pytest.mark.parametrize(
    ("header", "rows", "columns"),
    [
        ("0,1,2,label", "1,2,3,cat 4,5,6,dog 7,8,9,cat 3,2,1,dog", ("0", "1", "2")),
        ("1,2,3,sum,y", "1,2,3,3,a 4,5,6,2,b 7,8,9,1,a 2,2,2,2,b", ("1", "2", "3", "sum")),
        ("0,1,2,wide,kind", "1,2,3,4,u 4,5,6,7,v 7,8,9,8,u 2,1,3,1,v", ("0", "1", "2", "wide")),
        ("0,1,2,y", "1,2,3,n 4,5,6,y 7,8,9,n", None),
        ("0,1,2,cat", "1,2,3,dog 4,5,6,cat 7,8,9,dog", None),
        ("0,1,?,cat", "1,2,3,dog 4,5,6,cat 7,8,9,dog", None),
    ],
)
def test_a_first_line_of_numbers_with_a_name_among_them_is_a_header(
    tmp_path, header, rows, columns
):
    text = "\n".join([header, *rows.split(), ""])
    got = run(load([written(tmp_path, text)], SampleConfig()))
    assert got.samples.columns == (columns or ("column 1", "column 2", "column 3"))
    assert len(got.samples.train) + len(got.samples.test) == 4
    assert ("is taken for names" in got.said) == (columns is not None)


def test_classes_are_numbers_where_the_training_split_says_so(tmp_path):
    train = "x,label\n" + "".join(f"{i},{1 + i % 2}.0\n" for i in range(20))
    got = pair(tmp_path, train, "x,label\n1,1.0\n2,2.0\n3,maybe\n")
    assert got.samples.classes == ("1", "2", "maybe")
    assert got.samples.test.labels.tolist() == [0, 1, 2]
    assert "1 class (maybe) in the split test and not in training: never learnt" in got.said
    words = pair(tmp_path, "x,label\n1,1.0\n2,two\n3,1.0\n", "x,label\n1,1.0\n2,1.0\n")
    assert words.samples.classes == ("1.0", "two")
    assert words.samples.test.labels.tolist() == [0, 0]
    other = written(tmp_path, "x,label\n1,2.0\n2,1.0\n3,x\n", "other.csv")
    form, known = got.samples.form, ("1", "2", "x")
    judged = run(load_test([other], SampleConfig(), form=form, classes=known)).samples
    assert judged.test.labels.tolist() == [1, 0, 2]


def test_what_an_artifact_learnt_from_is_known_again_in_other_data(tmp_path):
    rows = "".join(f"n{i},{i},{'uv'[i % 2]},{'ab'[i % 2]}\n" for i in range(30))
    train = f"id,x,c,label\nz,1700000000,u,a\n{rows}"
    trained = pair(tmp_path, train, "id,x,c,label\nn,1,u,a\n").samples
    assert trained.columns == ("x", "c=u", "c=v")
    later = "label,c,x,id\na,u,1700000000,new\nb,v,300,n1\na,u,1700000001,z\n"
    other = written(tmp_path, later, "o.csv")
    got = run(
        load_test(
            [other],
            SampleConfig(),
            form=trained.form,
            classes=trained.classes,
            learnt=trained.train.digests,
        )
    )
    assert "1 of the 3 test samples is in the artifact's training data, too" in got.said
    assert "o.csv:2" in got.said


def test_rows_of_files_with_one_name_are_told_apart(tmp_path):
    for name, cell in (("x", "1"), ("y", "what")):
        (tmp_path / "d" / "train" / name).mkdir(parents=True)
        rows = "".join(f"{i},{'ab'[i % 2]}\n" for i in range(20))
        written(tmp_path / "d" / "train" / name, f"x,label\n{rows}{cell},a\n", "p.csv")
    with pytest.raises(DlkitError, match=r"/d/train/y/p.csv:22: column x: 'what' is not a number"):
        run(load([str(tmp_path / "d")], SampleConfig()))
    table = pyarrow.table({"x": [1.0, 2.0], "label": ["a", "b"]})
    for split in ("train", "test"):
        (tmp_path / "e" / split).mkdir(parents=True)
        parquet.write_table(table, tmp_path / "e" / split / "p.parquet")
    samples = run(load([str(tmp_path / "e")], SampleConfig())).samples
    assert samples.train.paths == [f"{tmp_path}/e/train/p.parquet:{row}" for row in (1, 2)]
    assert samples.test.paths == [f"{tmp_path}/e/test/p.parquet:{row}" for row in (1, 2)]


def test_the_csv_modules_limit_is_what_it_was_while_rows_are_read():
    before = csv.field_size_limit()
    long = "x" * (before + 1)
    rows = table_rows(iter([f"a,b\n1,2\n3,{long}\n"]), "t", tabs=False)
    for _ in range(3):
        last = next(rows)
        assert csv.field_size_limit() == before
    assert len(last[1][1]) == before + 1
