"""Rows of tables become lines of text, whichever the format; what cannot be read is said."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter

import pyarrow
import pytest
from pyarrow import feather, ipc, parquet

from dlkit.data import hub, tables
from dlkit.data.columns import choose, looks_like_text
from dlkit.data.config import TextConfig
from dlkit.data.reading import Reading, read
from dlkit.data.sources import locate
from dlkit.errors import DlkitError
from dlkit.records import Noted

ROWS = ["a b", '饭, "x"', "two\nlines", "", "last"]
TEXT = "".join(row + "\n" for row in ROWS if row)


def text_of(path, **settings):
    config = TextConfig(**settings)
    reading = Reading()
    text, notes = "", []
    for source in locate([str(path)], config):
        for part in read(source, config, reading):
            if isinstance(part, str):
                text += part
            else:
                assert isinstance(part, Noted)
                notes.append(part.text)
    return text, notes, reading


def write_table(path, kind):
    columns = {"id": list(range(5)), "review": ROWS, "label": [0, 1, 0, 1, 0]}
    if kind == "csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([columns, *zip(*columns.values(), strict=True)])
        return
    if kind == "tsv":  # its cells hold no line ends
        rows = [f"1\t{line}\t0\n" for row in ROWS for line in row.split("\n")]
        path.write_text("".join(["id\treview\tlabel\n", *rows]), encoding="utf-8")
        return
    records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    table = pyarrow.table(columns)
    if kind == "json":
        path.write_text(json.dumps(records, indent=1), encoding="utf-8")
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in records), encoding="utf-8")
    elif kind == "parquet":
        parquet.write_table(table, path, row_group_size=2)
    elif kind == "arrow":
        with ipc.new_stream(str(path), table.schema) as writer:
            writer.write_table(table, max_chunksize=2)


@pytest.mark.parametrize("kind", ["csv", "tsv", "json", "jsonl", "parquet", "arrow"])
@pytest.mark.parametrize("column", [None, "review"])
def test_each_format_gives_the_same_text(tmp_path, kind, column):
    path = tmp_path / f"t.{kind}"
    write_table(path, kind)
    text, notes, reading = text_of(path, text_column=column)
    assert text == TEXT
    assert reading.tally["rows"] == 1
    assert notes == ([] if column else [f"{path}: the text is in the column review"])
    assert reading.meter.done == path.stat().st_size


@pytest.mark.parametrize("kind", ["csv", "tsv", "json", "jsonl"])
def test_compressed_tables_are_read(tmp_path, kind):
    write_table(tmp_path / f"t.{kind}", kind)
    path = tmp_path / f"t.{kind}.gz"
    path.write_bytes(gzip.compress((tmp_path / f"t.{kind}").read_bytes()))
    assert text_of(path)[0] == TEXT


@pytest.mark.parametrize("kind", ["csv", "tsv", "json", "jsonl", "parquet", "arrow"])
def test_a_column_that_does_not_exist_is_refused_with_those_that_do(tmp_path, kind):
    path = tmp_path / f"t.{kind}"
    write_table(path, kind)
    with pytest.raises(DlkitError, match="has no column 'body'") as caught:
        text_of(path, text_column="body")
    assert caught.value.hint == "it has id, review, label"


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_a_damaged_columnar_file_is_an_error(tmp_path, kind):
    path = tmp_path / f"t.{kind}"
    write_table(path, kind)
    data = path.read_bytes()
    for bad in (b"", data[:40], data[: len(data) // 2], b"x" * 100):
        path.write_bytes(bad)
        with pytest.raises(DlkitError, match=f"t.{kind} is not readable {kind}"):
            text_of(path)


def test_arrow_files_are_read_as_streams_are(tmp_path):
    path = tmp_path / "t.arrow"
    feather.write_feather(pyarrow.table({"text": ROWS}), str(path), compression="uncompressed")
    assert text_of(path)[0] == TEXT


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_cells_without_text_are_counted_in_columnar_files(tmp_path, kind):
    table = pyarrow.table({"text": [None] * 200 + ["a", "", " \t", None, "b"], "n": [1] * 205})
    path = tmp_path / f"t.{kind}"
    if kind == "parquet":
        parquet.write_table(table, path)
    else:
        feather.write_feather(table, str(path), compression="uncompressed")
    text, _, reading = text_of(path)
    assert text == "a\nb\n"
    assert reading.tally["rows"] == 203


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_columns_of_dates_are_no_text_and_columns_of_numbers_never(tmp_path, kind):
    table = pyarrow.table({"date": ["2016-07-01 00:00:00", "2016-07-01 01:00:00"], "load": [1, 2]})
    path = tmp_path / f"t.{kind}"
    if kind == "parquet":
        parquet.write_table(table, path)
    else:
        feather.write_feather(table, str(path), compression="uncompressed")
    with pytest.raises(DlkitError, match="no column looks like text: date, load") as caught:
        text_of(path)
    assert caught.value.hint == "--text-column NAME"
    assert text_of(path, text_column="date")[0].startswith("2016-07-01 00:00:00\n")
    with pytest.raises(DlkitError, match="the column load is not text but int64") as caught:
        text_of(path, text_column="load")
    assert caught.value.hint == "--text-column date"


def test_cells_without_text_are_counted_in_data_sets_of_the_hub(monkeypatch):
    import datasets

    data = datasets.Dataset.from_dict(
        {"day": ["2016-07-01"] * 4, "words": ["a", None, "", "b"], "n": [1, 2, 3, 4]}
    )
    monkeypatch.setattr(hub, "rows", lambda name, split: data)
    tally = Counter()
    note, *texts = tables.hub_rows("a/b", TextConfig(), lambda: None, tally)
    assert texts == ["a\nb\n"]
    assert note == Noted("a/b: the text is in the column words, the only one with text")
    assert tally["rows"] == 2


@pytest.mark.parametrize(
    ("columns", "chosen"),
    [
        ({"text": ["a"], "title": ["b"]}, "text"),
        ({"title": ["b"], "Review": ["a"]}, "Review"),
        ({"标签": ["1"], "评论": ["好"]}, "评论"),
        ({"id": ["1"], "words": ["a"]}, "words"),
        ({"text": ["1", "2"], "body": ["a"]}, "body"),
        ({"text": [], "label": []}, "text"),
    ],
)
def test_the_text_column_is_found_by_name_or_by_being_the_only_one(columns, chosen):
    column, note = choose("t", list(columns), columns, None)
    assert column == chosen
    assert column in note


@pytest.mark.parametrize(
    "columns", [{"a": ["x"], "b": ["y"]}, {"a": ["1"], "b": ["2.5"]}, {"a": [None], "b": [True]}]
)
def test_a_table_without_one_clear_text_column_is_refused_with_its_columns(columns):
    with pytest.raises(DlkitError, match=r"a, b$") as caught:
        choose("t", list(columns), columns, None)
    assert caught.value.hint == "--text-column NAME"


def test_an_empty_table_is_an_error(tmp_path):
    for name in ("t.csv", "t.jsonl", "t.json"):
        (tmp_path / name).write_text("")
    with pytest.raises(DlkitError, match=r"t\.csv has no rows"):
        text_of(tmp_path / "t.csv")
    assert text_of(tmp_path / "t.jsonl")[0] == ""


def test_numbers_and_truth_values_are_not_text():
    assert not looks_like_text(["1", "2.5", "-1e3", "nan", "True", "", None])
    assert looks_like_text(["a", "1", "b"])


@pytest.mark.parametrize(
    "value",
    [
        "2016-07-01 00:00:00", "2016-07-01T00:00:00.5Z", "20160701T000000+0200", "1/7/2016",
        "01.07.2016", "12:30 PM", "12:30pm", "Fri, 01 Jul 2016 00:00:00 GMT", "July 1st, 2016",
        "2016年7月1日 上午8点", "1,234.50", "$12", "¥ 3", "12 %", "1_000", "(12)", "١٢",
    ],
)  # fmt: skip
def test_dates_times_and_amounts_are_not_text(value):
    assert not looks_like_text([value])


@pytest.mark.parametrize(
    "value",
    ["饭", "3 stars", "May I?", "I am 5", "12 monkeys", "第1天", "may", "2nd best"],
)
def test_words_beside_numbers_are_text(value):
    assert looks_like_text([value])


def test_a_column_named_text_may_begin_with_empty_cells():
    assert choose("t", ["n", "text"], {"n": ["1"], "text": ["", None]}, None)[0] == "text"


def test_a_folder_that_datasets_saved_is_read_without_it(tmp_path):
    import datasets

    data = datasets.Dataset.from_dict({"text": ROWS, "label": [0, 1, 0, 1, 0]})
    datasets.disable_progress_bars()
    datasets.DatasetDict({"train": data, "test": data.select([0])}).save_to_disk(tmp_path / "d")
    assert text_of(tmp_path / "d")[0] == TEXT
    assert text_of(tmp_path / "d", split="test")[0] == "a b\n"
