"""The text column of Parquet and Arrow files and of the hub's data sets, in bounded memory."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from dlkit.data import hub
from dlkit.data.arrowfiles import arrow_batches, blamed
from dlkit.data.columns import SAMPLE, choose, has_text
from dlkit.errors import DlkitError
from dlkit.records import Noted, Record

if TYPE_CHECKING:
    from dlkit.data.config import TextConfig
    from dlkit.data.raw import Meter
    from dlkit.data.sources import Source

_BATCH: Final = 1024  # rows of a columnar file at a time


def column_rows(
    source: Source, file: int, config: TextConfig, meter: Meter, tally: Counter[str]
) -> Iterator[str | Record]:
    """The text column of a Parquet file or an Arrow stream, batch by batch.

    Args:
        source: the file's name, format and size.
        file: its descriptor.
        config: names the column, perhaps.
        meter: bytes read, by the share of rows or the place in the file.
        tally: rows without text are counted in ``tally["rows"]``.

    Raises:
        DlkitError: damaged, or no such column.

    """
    start = meter.done
    kind = str(source.format)
    with os.fdopen(os.dup(file), "rb") as opened, blamed(source.name, kind):
        if source.format == "parquet":
            from pyarrow import parquet

            table = parquet.ParquetFile(opened)
            schema, total = table.schema_arrow, max(1, table.metadata.num_rows)
            batches: Iterator[Any] = table.iter_batches(SAMPLE, columns=_texts(schema))
        else:
            batches = arrow_batches(opened)
            schema, total = next(batches), 0
        # A column of Parquet is read for the sample only where there is a choice to make.
        parquet_asked = source.format == "parquet" and config.text_column is not None
        first = None if parquet_asked else next(batches, None)
        sample = _sample(first, schema) if first is not None else {}
        column, note = choose_typed(source.name, schema, sample, config.text_column)
        if note:
            yield Noted(note)
        if source.format == "parquet":
            batches = table.iter_batches(batch_size=_BATCH, columns=[column])
        elif first is not None:
            batches = chain([first], batches)
        done = 0
        for batch in batches:
            done += batch.num_rows
            texts = batch.column(batch.schema.get_field_index(column)).to_pylist()
            yield from _joined(texts, tally)
            meter.done = start + (int(source.size or 0) * done // total if total else opened.tell())
    meter.done = start + int(source.size or 0)


def _sample(batch: Any, schema: Any) -> dict[str, list[Any]]:
    """The first values of each column of strings."""
    return {
        name: batch.column(batch.schema.get_field_index(name)).slice(0, SAMPLE).to_pylist()
        for name in _texts(schema)
    }


def _joined(texts: Sequence[str | None], tally: Counter[str]) -> Iterator[str]:
    kept = [text for text in texts if has_text(text, tally)]
    if kept:
        yield "\n".join(map(str, kept)) + "\n"


def _texts(schema: Any) -> list[str]:
    """The columns of strings."""
    import pyarrow.types as types

    return [
        field.name
        for field in schema
        if types.is_string(field.type)
        or types.is_large_string(field.type)
        or (types.is_dictionary(field.type) and types.is_string(field.type.value_type))
    ]


def choose_typed(
    name: str, schema: Any, sample: Mapping[str, Sequence[Any]], column: str | None
) -> tuple[str, str]:
    """The text column of an Arrow schema: among columns of type string.

    Args:
        name: the table's name, for messages.
        schema: names and types of the columns.
        sample: some values of the columns of strings.
        column: the one asked for, if any.

    Raises:
        DlkitError: there is no such column, it is not of type string, or no way to choose.

    """
    texts = _texts(schema)
    if column in schema.names and column not in texts:
        kind = schema.field(schema.get_field_index(column)).type
        raise DlkitError(
            f"{name}: the column {column} is not text but {kind}",
            hint=f"--text-column {texts[0]}" if texts else "",
        )
    found: dict[str, Sequence[Any]] = {}
    for heading in schema.names:
        values = [value for value in sample.get(heading, ()) if value]
        found[heading] = (values or ["text"]) if heading in texts else [0]
    return choose(name, list(schema.names), found, column)


def hub_rows(
    name: str, config: TextConfig, stopping: Callable[[], None], tally: Counter[str]
) -> Iterator[str | Record]:
    """The text column of a data set of the hub.

    Args:
        name: the data set's id.
        config: names the split, and perhaps the column.
        stopping: called batch by batch; raises to end the work.
        tally: rows without text are counted in ``tally["rows"]``.

    Raises:
        DlkitError: it cannot be loaded, or has no column of text.

    """
    data = hub.rows(name, config.split)
    schema = data.features.arrow_schema
    texts = _texts(schema)
    sample = data.select_columns(texts)[:SAMPLE] if texts and len(data) else {}
    column, note = choose_typed(name, schema, sample, config.text_column)
    if note:
        yield Noted(note)
    for batch in data.select_columns([column]).iter(batch_size=_BATCH):
        stopping()
        yield from _joined(batch[column], tally)
