"""Rows of a table from standard input, to be predicted as they come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from dlkit.data.decode import decoded
from dlkit.data.delimited import table_rows
from dlkit.data.frames import Frame, Row
from dlkit.data.jsontext import json_values
from dlkit.data.spool import suffix_of
from dlkit.data.wording import counted, shown
from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    from dlkit.data.config import SampleConfig
    from dlkit.data.forms import TableForm

_NAME: Final = "standard input"
_PIECE: Final = 1 << 16  # bytes
_MOST: Final = 4096  # rows together


def stdin_frames(stdin: BinaryIO | None, form: TableForm, config: SampleConfig) -> Iterator[Frame]:
    """The rows in tables that grow: one row, two, four, and so on.

    Args:
        stdin: CSV, TSV or JSON, recognised by its first bytes.
        form: whose columns are read.
        config: the encoding.

    Raises:
        DlkitError: no rows, none of these formats, or no such columns.

    """
    if stdin is None:
        raise DlkitError("there is no standard input to read", code=USAGE)
    read = getattr(stdin, "read1", stdin.read)
    head = read(_PIECE)
    suffix = suffix_of(head)
    if suffix in (".parquet", ".arrow", ".npz"):
        raise DlkitError(f"{_NAME} is {suffix[1:]}, which is read in places", hint="give a file")
    texts = decoded(
        chain([head] if head else [], iter(lambda: read(_PIECE), b"")),
        name=_NAME, encoding=config.encoding, errors="strict", tally=Counter(),
        replaceable=False,
    )  # fmt: skip
    wanted = [column.name for column in form.sources]
    rows = (
        _of_json(texts, wanted, suffix)
        if suffix[:5] == ".json"
        else _of_lines(texts, wanted, suffix)
    )
    names = next(rows).cells
    size = 1
    while batch := list(islice(rows, size)):
        yield _frame(names, batch, form)
        size = min(2 * size, _MOST)
    if size == 1:
        raise DlkitError(f"{_NAME} has no rows")


def _frame(names: Sequence[str], batch: list[Row], form: TableForm) -> Frame:
    place = {name: at for at, name in enumerate(names)}
    words = {column.name for column in form.sources if column.levels is not None}

    def rows(columns: Sequence[str]) -> Iterator[Row]:
        order = [place[name] for name in columns]
        for row in batch:
            yield Row(row.place, [row.cells[at] for at in order])

    kinds: dict[str, Any] = {name: "text" if name in words else "number" for name in names}
    return Frame(_NAME, kinds, {}, {}, rows, len(batch), None)


def _of_lines(texts: Iterator[str], wanted: Sequence[str], suffix: str) -> Iterator[Row]:
    """First the columns' names, then the rows, each as long as the names."""
    rows = table_rows(texts, _NAME, tabs=suffix == ".tsv")
    first = next(rows, None)
    if first is None:
        raise DlkitError(f"{_NAME} has no rows")
    names = [cell.strip() for cell in first[1]]
    numbered = [f"column {place}" for place in range(1, len(names) + 1)]
    if not set(wanted) <= set(names) and set(wanted) <= set(numbered):
        names, rows = numbered, chain([first], rows)  # the artifact learnt from such a table
    if twice := next((name for name in wanted if names.count(name) > 1), None):
        raise DlkitError(f"{_NAME}: two columns are called {shown(twice)!r}")
    yield Row("", names)
    for line, cells in rows:
        if len(cells) != len(names):
            raise DlkitError(
                f"{_NAME}: line {line:,} has {counted(len(cells), 'cell')}, but there are "
                f"{len(names):,} columns"
            )
        yield Row(f"-:{line}", cells)


def _of_json(texts: Iterator[str], wanted: Sequence[str], suffix: str) -> Iterator[Row]:
    """The same of objects; ``v[3]`` is the place 3 of the list ``v``."""
    names: list[str] | None = None
    for number, (line, value) in enumerate(json_values(texts, _NAME), 1):
        if not isinstance(value, dict):
            raise DlkitError(f"{_NAME}: line {line:,} is no object with columns")
        row = dict(value)
        for key, cells in value.items():
            if isinstance(cells, list):
                row |= {f"{key}[{place}]": cell for place, cell in enumerate(cells)}
                del row[key]
        if names is None:
            names = [*wanted, *(key for key in row if key not in wanted)]
            if absent := next((name for name in wanted if name not in row), None):
                raise DlkitError(
                    f"{_NAME} has no column {shown(absent)}, which the artifact learnt from"
                )
            yield Row("", names)
        place = number if suffix == ".json" else line
        yield Row(f"-:{place}", [row.get(name) for name in names])
    if names is None:
        raise DlkitError(f"{_NAME} has no rows")
