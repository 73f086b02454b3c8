"""Reading a source as text, chunk by chunk, whatever its format."""

from __future__ import annotations

import codecs
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from dlkit.data import formats, tables
from dlkit.data.decode import decoded, plain_bytes
from dlkit.data.delimited import csv_rows
from dlkit.data.jsontext import json_rows, refuse_json_lines
from dlkit.data.raw import Meter, RawReader, changed, open_file
from dlkit.data.wording import counted
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Noted, Record, Warned

if TYPE_CHECKING:
    from dlkit.data.config import TextConfig
    from dlkit.data.sources import Source


def _never() -> None:
    """Nothing asks to stop."""


@dataclass
class Reading:
    """What reading counts, and how it is told to stop.

    Attributes:
        meter: bytes on disk read so far.
        tally: what was found on the way: replaced bytes, rows without text.
        stopping: called several times a second; raises to end the work.

    """

    meter: Meter = field(default_factory=Meter)
    tally: Counter[str] = field(default_factory=Counter)
    stopping: Callable[[], None] = _never


def read(
    source: Source, config: TextConfig, reading: Reading, *, stdin: BinaryIO | None = None
) -> Iterator[str | Record]:
    """A source's text in chunks of any boundaries; each row of a table ends with a line end.

    Raises:
        DlkitError: it cannot be read or decoded, or a table has no column of text.

    """
    for note in source.notes:
        yield Noted(note)
    if source.format == "hub":
        yield from tables.hub_rows(source.name, config, reading.stopping, reading.tally)
        return
    with ExitStack() as stack:
        before: os.stat_result | None = None
        if source.path is None:
            if stdin is None:
                raise DlkitError("there is no standard input to read", code=USAGE)
            file: BinaryIO | int = stdin
        else:
            file, before = stack.enter_context(open_file(source.path, source.name))
        if source.format in ("parquet", "arrow"):
            assert isinstance(file, int)
            yield from tables.column_rows(source, file, config, reading.meter, reading.tally)
        else:
            yield from _text(source, file, config, reading)
        if before is not None and isinstance(file, int) and changed(before, os.fstat(file)):
            yield Warned(f"{source.name} was written to while it was read")


def _text(
    source: Source, file: BinaryIO | int, config: TextConfig, reading: Reading
) -> Iterator[str | Record]:
    raw = RawReader(file, name=source.name, meter=reading.meter, stopping=reading.stopping)
    name = source.name if source.path is None else str(source.path)
    codec, note = formats.settle(name, raw.peek(formats.HEAD))
    if note:
        yield Noted(note.replace(name, source.name, 1))
    chunks = plain_bytes(raw, codec, name=source.name, meter=reading.meter)
    first = next(chunks, b"")
    if codecs.lookup(config.encoding).name == "utf-8":
        formats.refuse_wide(source.name, first[: formats.HEAD])

    def all_chunks() -> Iterator[bytes]:
        yield first
        yield from chunks

    text = decoded(
        all_chunks() if first else iter(()),
        name=source.name,
        encoding=config.encoding,
        errors=config.encoding_errors,
        tally=reading.tally,
    )
    if source.format == "text":
        yield from refuse_json_lines(text, source.name) if source.path is None else text
    elif source.format == "json":
        yield from json_rows(text, source.name, config.text_column, reading.tally)
    else:
        yield from csv_rows(
            text, source.name, config.text_column, reading.tally, tabs=source.format == "tsv"
        )


def findings(tally: Counter[str], encoding: str) -> Iterator[Record]:
    """What was found in the text that a user should know.

    Args:
        tally: the counts of cleaning and reading.
        encoding: the text's.

    """
    if number := tally["invisible"]:
        what = counted(
            number,
            "bidirectional control or byte order mark",
            "bidirectional controls and byte order marks",
        )
        yield Noted(f"{what} removed")
    if number := tally["rows"]:
        yield Noted(f"{counted(number, 'row')} without text skipped")
    if number := tally["nul"]:
        they = "It separates" if number == 1 else "They separate"
        yield Warned(f"{counted(number, 'NUL byte')} in the text; is it text? {they} words")
    if number := tally["replaced"]:
        sequences = counted(number, f"invalid {encoding.upper()} sequence")
        yield Warned(f"{sequences} replaced by U+FFFD")
    if number := tally["surrogates"]:
        yield Warned(f"{counted(number, 'lone surrogate')} replaced by U+FFFD")
