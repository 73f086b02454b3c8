"""Rows of CSV and TSV become lines of text; what is not a row like the header is refused."""

from __future__ import annotations

import csv
import io
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.data import delimited
from dlkit.data.delimited import csv_rows
from dlkit.errors import DlkitError


def rows_of(text, column=None, size=3, *, tabs=False):
    chunks = (text[place : place + size] for place in range(0, len(text), size))
    tally = Counter()
    parts = list(csv_rows(chunks, "t", column, tally, tabs=tabs))
    return [part for part in parts if isinstance(part, str)], tally["rows"]


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\x00")), min_size=1),
    size=st.integers(1, 9),
)
def test_csv_in_any_chunks_equals_the_csv_module(rows, size):
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerows([["n", "text"], *([number, row] for number, row in enumerate(rows))])
    found, skipped = rows_of(file.getvalue(), "text", size=size)
    assert found == [row + "\n" for row in rows if row.strip()]
    assert skipped == len(rows) - len(found)


def test_a_quotation_mark_that_never_closes_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(delimited, "LONGEST_ROW", 1000)
    before = csv.field_size_limit()
    with pytest.raises(DlkitError, match="t: line 2 is not CSV: field larger"):
        rows_of('text,n\n"' + "word\n" * 1000)
    with pytest.raises(DlkitError, match="a line has more than 1,000 characters"):
        rows_of("text,n\n" + "x" * 5000)
    assert csv.field_size_limit() == before


def test_fields_longer_than_the_csv_module_allows_by_default_are_read():
    assert rows_of("text,n\n" + "x " * 100_000 + ",1\n", size=4096)[0] == ["x " * 100_000 + "\n"]


@pytest.mark.parametrize(
    "text", ["text;n\na b;1\n", "text\tn\na b\t1\n", "text\na b\n", "n,text\r\n1,a b\r\n"]
)
def test_the_delimiter_is_found_in_the_header(text):
    assert rows_of(text)[0] == ["a b\n"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("text,label\na,0\nhello, world foo,1\n", "t: line 3 has 3 cells, but the header has 2"),
        ("\n\ntext\na\n\n,b\n", "t: line 6 has 2 cells, but the header has 1"),
        ('text,label\n"a\nb",0\nc;,1,\n', "t: line 4 has 3 cells, but the header has 2"),
    ],
)
def test_a_row_longer_than_the_header_is_refused_with_its_line(text, message):
    with pytest.raises(DlkitError) as caught:
        rows_of(text)
    assert caught.value.message == message
    assert "needs quotation marks" in caught.value.hint


def test_a_long_row_is_refused_behind_the_rows_that_the_column_is_chosen_from():
    with pytest.raises(DlkitError, match="t: line 502 has 3 cells"):
        rows_of("text,n\n" + "a,1\n" * 500 + "a,b,1\n", size=100)


def test_rows_without_text_are_counted_and_shorter_rows_with_text_are_read():
    text = "n,text,x\n1,a,x\n2\n3,b\n4,,y\n5, ,y\n\n6,c,z\n"
    assert rows_of(text) == (["a\n", "b\n", "c\n"], 3)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('text,n\na,1\n"b,2\nc,3\n', 3),
        ('text,n\n"a\nb",1\n"b,2\nc,3\n"d",4\n', 4),
        ('text,n\n"a"b,1\n', 2),
        ("text,n\na\rb,1\n", 2),
    ],
)
def test_what_is_not_csv_is_an_error_with_the_line_where_its_row_begins(text, line):
    with pytest.raises(DlkitError, match=f"^t: line {line} is not CSV: [^\\n]*$") as caught:
        rows_of(text)
    assert caught.value.hint == 'close its quotation marks, and write a " in a cell as ""'


def test_quotation_marks_in_tsv_are_characters_like_all_others():
    text = 'text\tn\n"a\t1\nb" "\t2\nit is 5", c\t3\n'
    assert rows_of(text, tabs=True) == (['"a\n', 'b" "\n', 'it is 5", c\n'], 0)
    with pytest.raises(DlkitError, match="line 2 has 3 cells") as caught:
        rows_of("text\tn\na\tb\t1\n", tabs=True)
    assert caught.value.hint == "put a space for the tab in its text"


def test_dates_are_no_text():
    text = "date,load\n2016-07-01 00:00:00,5.8\n2016-07-01 01:00:00,5.6\n"
    with pytest.raises(DlkitError, match="t: no column looks like text: date, load") as caught:
        rows_of(text)
    assert caught.value.hint == "--text-column NAME"
    assert rows_of(text, column="date")[0][0] == "2016-07-01 00:00:00\n"
