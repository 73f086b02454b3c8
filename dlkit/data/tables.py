"""Rows of tables as text: CSV, JSON, Parquet, Arrow and data sets of the hub, in bounded memory."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

from dlkit.data import hub
from dlkit.data.columns import choose
from dlkit.errors import DlkitError
from dlkit.records import Noted, Record

if TYPE_CHECKING:
    from dlkit.data.config import TextConfig
    from dlkit.data.raw import Meter
    from dlkit.data.sources import Source

LONGEST_ROW: Final = 1 << 26  # characters; a quote that never closes must not fill the memory
_SAMPLE: Final = 100  # rows that a column is chosen from
_BATCH: Final = 1024  # rows of a columnar file at a time


def csv_rows(
    chunks: Iterator[str], name: str, column: str | None, tally: Counter[str], *, tabs: bool
) -> Iterator[str | Record]:
    """The text column of a CSV or TSV stream whose first row names the columns.

    Raises:
        DlkitError: no such column, or a row that has no end.

    """
    lines = _lines(chunks, name)
    header = next(lines, "")
    header = header.removeprefix("\ufeff")
    delimiter = "\t" if tabs else _delimiter(header)
    before = csv.field_size_limit(LONGEST_ROW)
    try:
        rows = csv.reader(chain([header], lines), delimiter=delimiter)
        names = [cell.strip() for cell in next(rows, [])]
        sample = list(islice(rows, _SAMPLE))
        found = {
            heading: [row[place] for row in sample if place < len(row)]
            for place, heading in enumerate(names)
        }
        chosen, note = choose(name, names, found, column)
        if note:
            yield Noted(note)
        place = names.index(chosen)
        for row in chain(sample, rows):
            if place < len(row):
                yield row[place] + "\n"
            elif row:
                tally["rows"] += 1
    except csv.Error as error:
        raise DlkitError(
            f"{name}: line {rows.line_num:,} is not CSV: {error}",
            hint="look for a quotation mark that is never closed",
        ) from error
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


def json_rows(
    chunks: Iterator[str], name: str, column: str | None, tally: Counter[str]
) -> Iterator[str | Record]:
    """The text of JSON objects (or strings): one a line, one after the other, or in one array.

    Raises:
        DlkitError: not JSON, no column of text, or a value that is not text.

    """
    rows = json_values(chunks, name)
    sample = list(islice(rows, _SAMPLE))
    chosen: str | None = None
    if any(isinstance(row, dict) for row in sample):
        found: dict[str, list[Any]] = {}
        for row in sample:
            for key, value in row.items() if isinstance(row, dict) else ():
                found.setdefault(key, []).append(value)
        chosen, note = choose(name, list(found), found, column)
        if note:
            yield Noted(note)
    for number, row in enumerate(chain(sample, rows), start=1):
        value = row.get(chosen) if isinstance(row, dict) else row
        if value is None:
            tally["rows"] += 1
        elif isinstance(value, str):
            yield value + "\n"
        else:
            what = f"{chosen!r} of row {number:,}" if chosen else f"row {number:,}"
            raise DlkitError(f"{name}: {what} is not text but {type(value).__name__}")


def json_values(chunks: Iterator[str], name: str) -> Iterator[Any]:
    """The values of a JSON stream; the items of one outer array count as values of their own."""
    decoder = json.JSONDecoder()
    text, place, wanted = "", 0, 1
    in_array: bool | None = None
    ended = False
    while True:
        while not ended and len(text) - place < wanted:
            chunk = next(chunks, None)
            ended = chunk is None
            text, place = text[place:] + (chunk or ""), 0
        place = _skip(text, place, " \t\r\n,\ufeff" if in_array is not None else " \t\r\n\ufeff")
        if in_array is None and place < len(text):
            in_array = text[place] == "["
            place += in_array
            continue
        if place >= len(text):
            if ended:
                return
            wanted = 1
            continue
        if in_array and text[place] == "]":
            return
        try:
            value, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            if not ended and _may_go_on(error, len(text)) and len(text) - place < LONGEST_ROW:
                wanted = 2 * (len(text) - place)  # doubling keeps the whole work linear
                continue
            reason = getattr(error, "msg", None) or str(error)
            raise DlkitError(f"{name} is not JSON: {reason}") from error
        else:
            # A number at the chunk's end may have more digits to come; rows are not numbers.
            wanted = 1
            yield value


def _may_go_on(error: Exception, size: int) -> bool:
    """Whether a JSON value is perhaps only cut off by the end of the chunk."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.msg.startswith(("Unterminated", "Invalid \\")) or error.pos >= size - 8


def _skip(text: str, place: int, blanks: str) -> int:
    while place < len(text) and text[place] in blanks:
        place += 1
    return place


def column_rows(
    source: Source, file: int, config: TextConfig, meter: Meter
) -> Iterator[str | Record]:
    """The text column of a Parquet file or an Arrow stream, batch by batch.

    Raises:
        DlkitError: damaged, or no such column.

    """
    import pyarrow

    start = meter.done
    with os.fdopen(os.dup(file), "rb") as opened:
        try:
            if source.format == "parquet":
                from pyarrow import parquet

                table = parquet.ParquetFile(opened)
                schema, total = table.schema_arrow, max(1, table.metadata.num_rows)
                batches = None
            else:
                reader = _arrow_reader(opened)
                schema, total, batches = reader.schema, 0, reader
            column, note = choose_typed(source.name, schema, config.text_column)
            if note:
                yield Noted(note)
            if batches is None:
                batches = table.iter_batches(batch_size=_BATCH, columns=[column])
            done = 0
            for batch in batches:
                done += batch.num_rows
                texts = batch.column(batch.schema.get_field_index(column)).to_pylist()
                yield from _joined(texts)
                meter.done = start + (
                    int(source.size or 0) * done // total if total else opened.tell()
                )
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise DlkitError(f"{source.name} is not readable {source.format}: {reason}") from error
    meter.done = start + int(source.size or 0)


def _arrow_reader(opened: Any) -> Any:
    """Batches of an Arrow stream (what ``datasets`` writes) or file."""
    import pyarrow
    from pyarrow import ipc

    if opened.peek(6)[:6] == b"ARROW1":
        whole = ipc.open_file(opened)
        return pyarrow.RecordBatchReader.from_batches(
            whole.schema, (whole.get_batch(place) for place in range(whole.num_record_batches))
        )
    return ipc.open_stream(opened)


def _joined(texts: Sequence[str | None]) -> Iterator[str]:
    kept = [text for text in texts if text is not None]
    if kept:
        yield "\n".join(kept) + "\n"


def choose_typed(name: str, schema: Any, column: str | None) -> tuple[str, str]:
    """The text column of an Arrow schema: among columns of type string."""
    import pyarrow.types as types

    texts = [
        field.name
        for field in schema
        if types.is_string(field.type)
        or types.is_large_string(field.type)
        or (types.is_dictionary(field.type) and types.is_string(field.type.value_type))
    ]
    found = {heading: ["text"] if heading in texts else [0] for heading in schema.names}
    return choose(name, list(schema.names), found, column)


def hub_rows(name: str, config: TextConfig, stopping: Callable[[], None]) -> Iterator[str | Record]:
    """The text column of a data set of the hub.

    Raises:
        DlkitError: it cannot be loaded, or has no column of text.

    """
    data = hub.rows(name, config.split)
    column, note = choose_typed(name, data.features.arrow_schema, config.text_column)
    if note:
        yield Noted(note)
    for batch in data.select_columns([column]).iter(batch_size=_BATCH):
        stopping()
        yield from _joined(batch[column])
