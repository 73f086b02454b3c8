"""Rows of tables become lines of text, whichever the format; what cannot be read is said."""

from __future__ import annotations

import csv
import gzip
import io
import json

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import feather, ipc, parquet

from dlkit.data import tables
from dlkit.data.columns import choose, looks_like_text
from dlkit.data.config import TextConfig
from dlkit.data.reading import Reading, read
from dlkit.data.sources import locate
from dlkit.errors import DlkitError
from dlkit.records import Noted

ROWS = ["a b", '饭, "x"', "two\nlines", "", "last"]
TEXT = "".join(row + "\n" for row in ROWS)


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


def rows_of(function, text, column=None, size=3, **options):
    chunks = (text[place : place + size] for place in range(0, len(text), size))
    from collections import Counter

    tally = Counter()
    parts = list(function(chunks, "t", column, tally, **options))
    return [part for part in parts if isinstance(part, str)], tally


def write_table(path, kind):
    columns = {"id": list(range(5)), "review": ROWS, "label": [0, 1, 0, 1, 0]}
    if kind in ("csv", "tsv"):
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter="\t" if kind == "tsv" else ",")
            writer.writerows([columns, *zip(*columns.values(), strict=True)])
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


def test_rows_without_text_are_counted(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"text": "a"}\n{"text": null}\n{"other": 1}\n{"text": "b"}\n')
    text, _, reading = text_of(path)
    assert text == "a\nb\n"
    assert reading.tally["rows"] == 2


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\x00")), min_size=1),
    size=st.integers(1, 9),
)
def test_csv_in_any_chunks_equals_the_csv_module(rows, size):
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerows([["n", "text"], *([number, row] for number, row in enumerate(rows))])
    found, _ = rows_of(tables.csv_rows, file.getvalue(), "text", size=size, tabs=False)
    assert found == [row + "\n" for row in rows]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.fixed_dictionaries({"text": st.text(), "x": st.recursive(
        st.none() | st.floats(allow_nan=False) | st.text(), lambda inner: st.lists(inner))})),
    size=st.integers(1, 9),
    indent=st.sampled_from([None, 1]),
    lines=st.booleans(),
    ascii=st.booleans(),
)  # fmt: skip
def test_json_in_any_chunks_equals_the_json_module(rows, size, indent, lines, ascii):
    if lines:
        text = "\n".join(json.dumps(row, ensure_ascii=ascii, indent=indent) for row in rows)
    else:
        text = json.dumps(rows, ensure_ascii=ascii, indent=indent)
    chunks = (text[place : place + size] for place in range(0, len(text), size))
    assert list(tables.json_values(chunks, "t")) == rows


@pytest.mark.parametrize(
    "text",
    [
        '{"text": "a"} {"text": ', "{text: 1}", '{"text": "a\nb"}', '[{"text": "a"}, nonsense]',
        '{"text": ' + "[" * 100_000, '{"text": ' + "9" * 10_000 + "}", "plain text", '{"text": "a}',
    ],
)  # fmt: skip
def test_what_is_not_json_is_an_error(text):
    with pytest.raises(DlkitError, match="t is not JSON"):
        rows_of(tables.json_rows, text, size=100)


def test_invalid_json_is_found_early():
    def chunks():
        yield '{"text": "a"}\n{text}\n'
        for _ in range(10):
            yield " " * 10
        raise AssertionError("read on behind the mistake")

    with pytest.raises(DlkitError, match="not JSON"):
        list(tables.json_values(chunks(), "t"))


def test_json_strings_are_rows_and_other_values_are_not():
    assert rows_of(tables.json_rows, '"a"\n"饭"\n')[0] == ["a\n", "饭\n"]
    with pytest.raises(DlkitError, match="'text' of row 3 is not text but int"):
        rows_of(tables.json_rows, '{"text": "a"}\n{"text": "b"}\n{"text": 1}\n')


def test_a_quotation_mark_that_never_closes_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(tables, "LONGEST_ROW", 1000)
    before = csv.field_size_limit()
    with pytest.raises(DlkitError, match=r"t: line \d+ is not CSV: field larger"):
        rows_of(tables.csv_rows, 'text,n\n"' + "word\n" * 1000, tabs=False)
    with pytest.raises(DlkitError, match="a line has more than 1,000 characters"):
        rows_of(tables.csv_rows, "text,n\n" + "x" * 5000, tabs=False)
    assert csv.field_size_limit() == before


def test_fields_longer_than_the_csv_module_allows_by_default_are_read():
    assert rows_of(tables.csv_rows, "text,n\n" + "x " * 100_000 + ",1\n", size=4096, tabs=False)[
        0
    ] == ["x " * 100_000 + "\n"]


@pytest.mark.parametrize(
    "text", ["text;n\na b;1\n", "text\tn\na b\t1\n", "text\na b\n", "n,text\r\n1,a b\r\n"]
)
def test_the_delimiter_is_found_in_the_header(text):
    assert rows_of(tables.csv_rows, text, tabs=False)[0] == ["a b\n"]


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


def test_a_folder_that_datasets_saved_is_read_without_it(tmp_path):
    import datasets

    data = datasets.Dataset.from_dict({"text": ROWS, "label": [0, 1, 0, 1, 0]})
    datasets.disable_progress_bars()
    datasets.DatasetDict({"train": data, "test": data.select([0])}).save_to_disk(tmp_path / "d")
    assert text_of(tmp_path / "d")[0] == TEXT
    assert text_of(tmp_path / "d", split="test")[0] == "a b\n"
