"""Rows of CSV and TSV as text, read strictly: what is not a row like the header is refused."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from typing import Final

from dlkit.data.columns import LONGEST_ROW, SAMPLE, choose, has_text
from dlkit.data.wording import counted
from dlkit.errors import DlkitError
from dlkit.records import Noted, Record

_MARKS: Final = {",": "comma", ";": "semicolon", "\t": "tab"}


def csv_rows(
    chunks: Iterator[str], name: str, column: str | None, tally: Counter[str], *, tabs: bool
) -> Iterator[str | Record]:
    """The text column of a CSV or TSV stream whose first row names the columns.

    Args:
        chunks: the characters.
        name: what a person calls the source.
        column: the one asked for, if any.
        tally: rows without text are counted in ``tally["rows"]``.
        tabs: tabs part the cells and quotation marks are characters like all others, as in
            https://www.iana.org/assignments/media-types/text/tab-separated-values; else RFC 4180.

    Raises:
        DlkitError: no such column, a quotation mark that does not close, or a row with more cells
            than the header.

    """
    rows = (row for _, row in table_rows(chunks, name, tabs=tabs))
    names = [cell.strip() for cell in next(rows, [])]
    sample = list(islice(rows, SAMPLE))
    found = {
        heading: [row[place] for row in sample if place < len(row)]
        for place, heading in enumerate(names)
    }
    chosen, note = choose(name, names, found, column)
    if note:
        yield Noted(note)
    place = names.index(chosen)
    for row in chain(sample, rows):
        if has_text(row[place] if place < len(row) else None, tally):
            yield row[place] + "\n"


def table_rows(
    chunks: Iterator[str], name: str, *, tabs: bool, ragged: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """The header and the rows, each with the number of its first line.

    Args:
        chunks: the characters.
        name: what a person calls the source.
        tabs: as in ``csv_rows``.
        ragged: rows may have more cells than the header.

    Raises:
        DlkitError: a quotation mark that does not close, or unless ``ragged`` a row with more cells
            than the header.

    """
    lines = _lines(chunks, name)
    skipped = 0
    header = ""
    for line in lines:
        header = line.removeprefix("\ufeff")
        if header.strip("\r\n"):
            break
        skipped += 1
    mark = "\t" if tabs else _delimiter(header)
    reader = csv.reader(
        chain([header], lines),
        delimiter=mark,
        quoting=csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL,
        strict=True,
    )
    width = 0
    while True:
        number = skipped + reader.line_num + 1  # where the row begins
        try:
            row = _next(reader)
        except csv.Error as error:
            reason = str(error).partition(" - ")[0]
            raise DlkitError(
                f"{name}: line {number:,} is not {'TSV' if tabs else 'CSV'}: {reason}",
                hint="" if tabs else 'close its quotation marks, and write a " in a cell as ""',
            ) from error
        if row is None:
            return
        width = width or len(row)
        if len(row) > width and not ragged:
            kind = _MARKS[mark]
            raise DlkitError(
                f"{name}: line {number:,} has {counted(len(row), 'cell')}, "
                f"but the header has {width:,}",
                hint=f"put a space for the {kind} in its text"
                if tabs
                else f'a cell with a {kind} needs quotation marks: "hello{mark} world"',
            )
        if row:
            yield number, row


def _next(reader: Iterator[list[str]]) -> list[str] | None:
    """The next row; blank lines are empty ones."""
    # The limit is one of the whole process: it is another for this row alone.
    before = csv.field_size_limit(LONGEST_ROW)
    try:
        return next(reader, None)
    finally:
        csv.field_size_limit(before)


def _delimiter(header: str) -> str:
    """The comma, unless the header has none but has a tab or a semicolon."""
    if "," in header:
        return ","
    return next((mark for mark in "\t;" if mark in header), ",")


def _lines(chunks: Iterator[str], name: str) -> Iterator[str]:
    """Lines with their line feeds, as the csv module asks for; others' line ends stay inside."""
    parts: list[str] = []
    size = 0
    for chunk in chunks:
        start = 0
        while end := chunk.find("\n", start) + 1:
            yield "".join([*parts, chunk[start:end]])
            parts, size, start = [], 0, end
        parts.append(chunk[start:])
        size += len(chunk) - start
        if size > LONGEST_ROW:
            raise DlkitError(f"{name}: a line has more than {LONGEST_ROW:,} characters")
    if last := "".join(parts):
        yield last
