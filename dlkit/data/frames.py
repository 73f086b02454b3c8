"""Tables with columns of every kind: CSV, TSV, JSON, Parquet, Arrow and the hub's data sets."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from dlkit.data import formats
from dlkit.data.arrowfiles import arrow_batches, blamed
from dlkit.data.cells import column_names, looks_numeric, rows_of
from dlkit.data.lists import are_lists, spread
from dlkit.data.raw import open_file
from dlkit.data.wording import shown
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    from dlkit.data.config import SampleConfig

ColumnKind = Literal["image", "classes", "number", "text", "list", "other"]

SAMPLE: Final = 1_000  # rows that the kinds of columns are told from
_BATCH: Final = 256  # rows of a columnar file at a time, where images may be large
_BYTES: Final = 1 << 24  # of them at most, on average
_BUFFER: Final = 1 << 22  # bytes of a column that are read ahead
_LIGHT: Final = 4096  # where there are none


class Row(NamedTuple):
    """Where a row is, such as ``data/train.csv:17``, and its cells in the columns' order.

    The number is that of its first line in CSV, TSV and JSON lines, and that of the row, from 1, in
    all other tables.
    """

    place: str
    cells: Sequence[Any]


@dataclass(frozen=True, eq=False)
class Frame:
    """One split of a table, read in one pass.

    Attributes:
        name: what a person calls it.
        kinds: what each column holds, in order; of a text format, as its first rows look.
        declared: the class names of columns that declare them.
        sample: the first values of each column.
        rows: reads the columns asked for, in order.
        count: how many rows there are, None where that is known only at the end.
        folder: what relative paths in cells are relative to.
        notes: what was chosen on the user's behalf.
        files: what is read.
        identity: what names the content where no file does: the hub's fingerprint.
        bad: what was wrong with the rows that the last reading left out.

    """

    name: str
    kinds: dict[str, ColumnKind]
    declared: dict[str, tuple[str, ...]]
    sample: dict[str, list[Any]]
    rows: Callable[[Sequence[str]], Iterator[Row]]
    count: int | None
    folder: Path | None
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    identity: str = ""
    bad: list[str] = field(default_factory=list)


def open_frame(files: Sequence[Path], config: SampleConfig) -> Frame:
    """The table in one or several files of one format.

    Args:
        files: the files.
        config: the encoding.

    Raises:
        DlkitError: damaged, empty, or files that do not go together.

    """
    kinds = {formats.by_name(path.name)[0] for path in files}
    if len(kinds) > 1:
        listed = ", ".join(shown(path) for path in files[:3])
        raise DlkitError(f"{listed} are of different formats ({', '.join(sorted(kinds))})")
    if kinds & {"parquet", "arrow"}:
        return spread(_arrow_frame(files))
    return spread(_plain_frame(files, config))


def hub_frame(name: str, split: str, data: Any) -> Frame:
    """The table of one split of a hub data set (a ``datasets.Dataset``)."""
    view = data.with_format("arrow")

    def batches(columns: Sequence[str], size: int) -> Iterator[tuple[str, Any]]:
        chosen = view.select_columns(list(columns))
        for start in range(0, len(data), size):
            yield f"{name}/{split}", chosen[start : start + size]

    schema = data.features.arrow_schema
    found = _from_batches(f"{name}/{split}", schema, batches, len(data), None)
    found = spread(found)
    return replace(found, identity=f"{name}/{split}/{getattr(data, '_fingerprint', '')}")


def _arrow_frame(files: Sequence[Path]) -> Frame:
    import pyarrow
    from pyarrow import parquet

    def pieces(path: Path, columns: Sequence[str] = (), size: int = 1) -> Iterator[Any]:
        kind = formats.by_name(path.name)[0]
        with blamed(shown(path), kind), open_file(path, shown(path)) as (descriptor, _):
            opened = os.fdopen(os.dup(descriptor), "rb")
            with opened:
                if kind == "parquet":
                    table = parquet.ParquetFile(opened, buffer_size=_BUFFER)
                    yield table.schema_arrow
                    yield table.metadata.num_rows
                    size = min(size, _rows_at_once(table.metadata))
                    yield from table.iter_batches(size, columns=list(columns))
                    return
                found = arrow_batches(opened)
                yield next(found)
                yield None
                for batch in found:
                    yield batch.select(list(columns))

    def batches(columns: Sequence[str], size: int) -> Iterator[tuple[str, Any]]:
        for path in files:
            each = pieces(path, columns, size)
            next(each)
            next(each)
            for batch in each:
                yield str(path), batch

    schema, count = None, 0
    for path in files:
        head = pieces(path)
        found, rows = next(head), next(head)
        head.close()  # type: ignore[attr-defined]
        if schema is not None and found.names != schema.names:
            raise DlkitError(
                f"{shown(path)} and {shown(files[0])} have different columns",
                hint="give the files that belong together",
            )
        schema = schema or found
        count = -1 if rows is None or count < 0 else count + rows
    assert isinstance(schema, pyarrow.Schema)
    name = shown(files[0]) if len(files) == 1 else shown(files[0].parent)
    found = _from_batches(name, schema, batches, None if count < 0 else count, files[0].parent)
    return replace(found, files=tuple(files))


def _rows_at_once(metadata: Any) -> int:
    """How many rows of a Parquet file are a few megabytes."""
    groups = (metadata.row_group(place) for place in range(metadata.num_row_groups))
    total: int = sum(group.total_byte_size for group in groups)
    return max(1, _BYTES * int(metadata.num_rows) // max(1, total))


def _from_batches(
    name: str,
    schema: Any,
    batches: Callable[[Sequence[str], int], Iterator[tuple[str, Any]]],
    count: int | None,
    folder: Path | None,
) -> Frame:
    kinds = {field.name: _arrow_kind(field.type) for field in schema}
    declared: dict[str, tuple[str, ...]] = {}
    for column, feature in _features(schema).items():
        if not isinstance(feature, dict) or column not in kinds:
            continue
        names = feature.get("names")
        if feature.get("_type") == "ClassLabel" and isinstance(names, list):
            kinds[column], declared[column] = "classes", tuple(map(str, names))
        elif feature.get("_type") == "Image":
            kinds[column] = "image"

    def rows(columns: Sequence[str]) -> Iterator[Row]:
        before: dict[str, int] = {}
        heavy = any(kinds[column] == "image" for column in columns)
        for file, batch in batches(columns, _BATCH if heavy else _LIGHT):
            start = before.get(file, 0)
            cells = [_values(file, batch, column) for column in columns]
            for place, row in enumerate(zip(*cells, strict=True), start + 1):
                yield Row(f"{file}:{place}", row)
            before[file] = start + batch.num_rows

    simple = [column for column, kind in kinds.items() if kind != "other"]
    first = list(islice(rows(simple), SAMPLE if "image" not in kinds.values() else 10))
    sample = {column: [row.cells[i] for row in first] for i, column in enumerate(simple)}
    return Frame(name, kinds, declared, sample, rows, count, folder)


def _values(file: str, batch: Any, column: str) -> list[Any]:
    """A column's cells as Python's values."""
    try:
        values: list[Any] = batch.column(batch.schema.get_field_index(column)).to_pylist()
    except ValueError as error:  # text that is not UTF-8
        raise DlkitError(f"{file}: the column {shown(column)} is damaged: {error}") from error
    return values


def _features(schema: Any) -> dict[str, Any]:
    """What the library ``datasets`` notes about columns in a schema."""
    try:
        document = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = document["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}
    return features if isinstance(features, dict) else {}


def _arrow_kind(kind: Any) -> ColumnKind:
    import pyarrow.types as types

    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return "number"
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        of = kind.value_type
        return "list" if types.is_integer(of) or types.is_floating(of) else "other"
    if types.is_string(kind) or types.is_large_string(kind) or types.is_boolean(kind):
        return "text"
    if types.is_binary(kind) or types.is_large_binary(kind):
        return "image"
    if types.is_struct(kind) and {field.name for field in kind} >= {"bytes"}:
        return "image"
    return "other"


def _plain_frame(files: Sequence[Path], config: SampleConfig) -> Frame:
    """CSV, TSV or JSON; the columns are those of the first file."""
    names, headed, note = column_names(files[0], config)
    bad: list[str] = []

    def rows(columns: Sequence[str]) -> Iterator[Row]:
        places = [names.index(column) for column in columns]
        # One place makes itemgetter give a cell, not a row of one.
        pick = itemgetter(*places) if len(places) > 1 else lambda cells: [cells[i] for i in places]
        bad.clear()
        for path in files:
            # All of a JSON array may lie in one line.
            by_row = ".json" in path.suffixes[-2:]
            skipped = bad if config.skip_bad else None
            found = rows_of(path, names, config, headed=headed, bad=skipped)
            for row, (line, cells) in enumerate(found, 1):
                yield Row(f"{path}:{row if by_row else line}", pick(cells))

    first = list(islice(rows(names), SAMPLE))
    if not first:
        raise DlkitError(f"{shown(files[0])} has no rows")
    sample = {name: [row.cells[i] for row in first] for i, name in enumerate(names)}
    kinds: dict[str, ColumnKind] = {name: _plain_kind(values) for name, values in sample.items()}
    notes = (note,) if note else ()
    return Frame(shown(files[0]), kinds, {}, sample, rows, None, files[0].parent, notes, bad=bad)


def _plain_kind(values: Sequence[Any]) -> ColumnKind:
    if any(isinstance(value, (dict, list)) for value in values):
        return "list" if are_lists(values) else "other"
    return "number" if looks_numeric(values) else "text"
