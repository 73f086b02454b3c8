"""Cells of CSV, TSV and JSON, in the columns' order; what is a number and what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dlkit.data import formats
from dlkit.data.columns import LABELS, SAMPLE
from dlkit.data.decode import decoded, plain_bytes
from dlkit.data.delimited import table_rows
from dlkit.data.jsontext import json_values
from dlkit.data.raw import Meter, RawReader, open_file
from dlkit.data.wording import counted, shown
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    from dlkit.data.config import SampleConfig

# How tables write that there is no value, without case.
MISSING: Final = frozenset(("", "na", "n/a", "nan", "null", "none", "?"))
_MOSTLY: Final = 0.9  # of a column's first values are numbers: it is a column of numbers


def is_missing(value: Any) -> bool:
    """Whether a cell says that there is no value."""
    if isinstance(value, str):
        return value.strip().lower() in MISSING
    return value is None or value != value


def number(value: Any) -> float:
    """A cell as a number, NaN where it is missing.

    Raises:
        ValueError: it is none.

    """
    if is_missing(value):
        return float("nan")
    if isinstance(value, str) and not _plain(value.strip()):
        raise ValueError
    try:
        return float(value)
    except (TypeError, OverflowError) as error:
        raise ValueError from error


def plain_numbers(values: Sequence[Any]) -> bool:
    """Whether no text among values has what ``float`` reads and tables do not mean by a number."""
    try:
        return _plain("".join(values))
    except TypeError:  # not all are text
        return all(_plain(value) for value in values if isinstance(value, str))


def _plain(text: str) -> bool:
    """Not Python's 1_000, nor digits of other scripts."""
    return text.isascii() and "_" not in text


def is_number(value: Any) -> bool:
    """Whether a cell is a number or missing."""
    try:
        number(value)
    except ValueError:
        return False
    return not isinstance(value, bool)


def looks_numeric(values: Sequence[Any]) -> bool:
    """Whether a column is of numbers: nearly all of the values that are not missing are."""
    if all(isinstance(value, str) for value in values):
        with suppress(ValueError):  # most columns of numbers are of nothing else
            found = list(map(float, values))
            if plain_numbers(values):
                return any(value == value for value in found)
    there = [value for value in values if not is_missing(value)]
    return bool(there) and sum(map(is_number, there)) >= _MOSTLY * len(there)


@contextmanager
def characters(path: Path, config: SampleConfig) -> Iterator[Iterator[str]]:
    """The characters of a file, decompressed and decoded strictly.

    Raises:
        DlkitError: it cannot be read.

    """
    name = shown(path)
    with open_file(path, name) as (descriptor, _):
        meter = Meter()
        raw = RawReader(descriptor, name=name, meter=meter, stopping=lambda: None)
        codec, _ = formats.settle(name, raw.peek(formats.HEAD))
        chunks = plain_bytes(raw, codec, name=name, meter=meter)
        tally: Counter[str] = Counter()
        yield decoded(
            chunks,
            name=name,
            encoding=config.encoding,
            errors="strict",
            tally=tally,
            replaceable=False,
        )


def column_names(path: Path, config: SampleConfig) -> tuple[list[str], bool, str]:
    """The columns of a text-format table, whether its first line names them, and what to tell.

    Raises:
        DlkitError: it has no rows, names twice, or rows that are no objects.

    """
    kind = formats.by_name(path.name)[0]
    with characters(path, config) as chunks:
        if kind == "json":
            names: dict[str, None] = {}
            for line, value in json_values(chunks, shown(path)):
                names.update(dict.fromkeys(_object(path, line, value)))
            if not names:
                raise DlkitError(f"{shown(path)} has no rows")
            return list(names), True, ""
        rows = table_rows(chunks, shown(path), tabs=kind == "tsv", ragged=config.skip_bad)
        first = list(islice(rows, SAMPLE + 1))
    if not first:
        raise DlkitError(f"{shown(path)} has no rows")
    header = [cell.strip() for cell in first[0][1]]
    note = ""
    filled = [cell for cell in header if not is_missing(cell)]
    if 2 * sum(map(is_number, filled)) > len(filled):
        sign = _name_among(header, [row for _, row in first[1:]])
        if sign is None:
            note = f"{shown(path)}: the first line is a row, not names; columns are numbered from 1"
            return [f"column {place}" for place in range(1, len(header) + 1)], False, note
        note = f"{shown(path)}: the first line, with {shown(sign)}, is taken for names"
    if twice := next((name for name in header if header.count(name) > 1), None):
        raise DlkitError(f"{shown(path)}: two columns are called {shown(twice)!r}")
    return header, True, note


def _name_among(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str | None:
    """What shows that a first line, mostly of numbers, names columns; None: it is a row.

    A word above numbers is a name, and so is the usual name of a label that is no value below.
    """
    for place, cell in enumerate(header):
        if is_number(cell):
            continue
        below = [row[place] for row in rows if place < len(row)]
        if looks_numeric(below):
            return cell
        if cell.lower() in LABELS and cell not in map(str.strip, below):
            return cell
    return None


def rows_of(
    path: Path,
    names: Sequence[str],
    config: SampleConfig,
    *,
    headed: bool,
    bad: list[str] | None = None,
) -> Iterator[tuple[int, Sequence[Any]]]:
    """The rows of a text-format table: first line of each, and cells in the order of ``names``.

    Args:
        path: the file.
        names: the columns.
        config: the encoding.
        headed: the first row names the columns.
        bad: takes what is wrong with rows that are shorter or longer, which are left out.

    Raises:
        DlkitError: other columns, or without ``bad`` a row that is shorter or longer.

    """
    kind = formats.by_name(path.name)[0]
    with characters(path, config) as chunks:
        if kind == "json":
            for line, value in json_values(chunks, shown(path)):
                row = _object(path, line, value)
                if unknown := next((key for key in row if key not in names), None):
                    raise DlkitError(f"{shown(path)}: line {line:,}: unknown column {unknown!r}")
                yield line, [row.get(name) for name in names]
            return
        order: list[int] | None = None
        as_they_are = True
        ragged = bad is not None
        for line, cells in table_rows(chunks, shown(path), tabs=kind == "tsv", ragged=ragged):
            if headed and order is None:
                header = [cell.strip() for cell in cells]
                if sorted(header) != sorted(names):
                    raise DlkitError(
                        f"{shown(path)} has other columns than the first file: "
                        f"{', '.join(map(shown, header[:20]))}",
                        hint="give the files that belong together",
                    )
                order = [header.index(name) for name in names]
                as_they_are = order == list(range(len(names)))
                continue
            if len(cells) != len(names):
                message = (
                    f"{shown(path)}: line {line:,} has {counted(len(cells), 'cell')}, "
                    f"but there are {len(names):,} columns"
                )
                if bad is None:
                    raise DlkitError(
                        message,
                        hint="--skip-bad leaves out, and counts, rows that cannot be read",
                    )
                bad.append(message)
                continue
            yield line, cells if as_they_are else [cells[place] for place in order or ()]


def _object(path: Path, line: int, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DlkitError(f"{shown(path)}: line {line:,} is no object with columns")
    return value
