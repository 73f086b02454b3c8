"""Rows of JSON as text: objects or strings, one a line, in arrays, or one after the other."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, Final

from dlkit.data.columns import LONGEST_ROW, SAMPLE, choose, has_text
from dlkit.errors import DlkitError
from dlkit.records import Noted, Record

_LOOK: Final = 1 << 24  # characters in which two lines of JSON must end to be known as such


def json_rows(
    chunks: Iterator[str], name: str, column: str | None, tally: Counter[str]
) -> Iterator[str | Record]:
    """The text of JSON objects (or strings): one a line, one after the other, or in arrays.

    Args:
        chunks: the characters.
        name: what a person calls the source.
        column: the one asked for, if any.
        tally: rows without text are counted in ``tally["rows"]``.

    Raises:
        DlkitError: not JSON, no column of text, or a value that is not text.

    """
    rows = json_values(chunks, name)
    sample = list(islice(rows, SAMPLE))
    chosen: str | None = None
    if any(isinstance(row, dict) for _, row in sample):
        found: dict[str, list[Any]] = {}
        for _, row in sample:
            for key, value in row.items() if isinstance(row, dict) else ():
                found.setdefault(key, []).append(value)
        chosen, note = choose(name, list(found), found, column)
        if note:
            yield Noted(note)
    elif column is not None and sample:
        raise DlkitError(
            f"{name} has no column {column!r}: its values are no objects",
            hint="leave out --text-column",
        )
    for line, row in chain(sample, rows):
        value = row.get(chosen) if chosen is not None and isinstance(row, dict) else row
        if value is not None and not isinstance(value, str):
            what = "the value" if value is row else repr(chosen)
            raise DlkitError(f"{name}: {what} in line {line:,} is not text but {_kind(value)}")
        if has_text(value, tally):
            yield f"{value}\n"


def _kind(value: object) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    return "true or false" if isinstance(value, bool) else "a number"


def json_values(chunks: Iterator[str], name: str) -> Iterator[tuple[int, Any]]:
    """The values of a JSON stream, each with the line that it begins in.

    The items of an outer array count as values of their own; there may be several such arrays.

    Raises:
        DlkitError: not JSON, or cut off.

    """
    decoder = json.JSONDecoder()
    text, place, wanted = "", 0, 1
    line, counted = 1, 0  # the line of text[counted]
    array = 0  # the line where the outer array began
    ended = False
    while True:
        if not ended and len(text) - place < wanted:
            line += text.count("\n", counted, place)
            parts = [text[place:]]
            size = len(parts[0])
            while not ended and size < wanted:
                chunk = next(chunks, None)
                ended = chunk is None
                parts.append(chunk or "")
                size += len(parts[-1])
            text, place, counted = "".join(parts), 0, 0
        wanted = 1
        place = _skip(text, place)
        line, counted = line + text.count("\n", counted, place), place
        if place >= len(text):
            if not ended:
                continue
            if array:
                raise DlkitError(
                    f"{name} is cut off: the array that begins in line {array:,} does not end"
                )
            return
        if text[place] == "[" and not array:
            array, place = line, place + 1
            continue
        if text[place] == "]" and array:
            array, place = 0, place + 1
            continue
        try:
            value, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            if not ended and _may_go_on(error, len(text)) and len(text) - place < LONGEST_ROW:
                wanted = 2 * (len(text) - place)  # doubling keeps the whole work linear
                continue
            raise _not_json(name, text, place, line, error) from error
        # A number at the chunk's end may have more digits to come; rows are not numbers.
        yield line, value


def _not_json(name: str, text: str, place: int, line: int, error: Exception) -> DlkitError:
    """The error for ``text[place:]``, which begins in ``line``."""
    reason = getattr(error, "msg", None) or str(error)
    last = line + text.count("\n", place, getattr(error, "pos", place))
    lines = f"line {line:,}" if last == line else f"lines {line:,} to {last:,}"
    return DlkitError(f"{name} is not JSON in {lines}: {reason}")


def _may_go_on(error: Exception, size: int) -> bool:
    """Whether a JSON value is perhaps only cut off by the end of the chunk."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.msg.startswith(("Unterminated", "Invalid \\")) or error.pos >= size - 8


def _skip(text: str, place: int) -> int:
    """The next place that is neither white space nor a comma between values."""
    while place < len(text) and text[place] in " \t\r\n,\ufeff":
        place += 1
    return place


def refuse_json_lines(chunks: Iterator[str], name: str) -> Iterator[str]:
    """Plain text as it came, unless it begins like JSON lines.

    Args:
        chunks: the characters.
        name: what a person calls the source.

    Raises:
        DlkitError: its first two lines that are not blank are JSON objects, or its only one is.

    """
    begin = ""
    for chunk in chunks:
        begin += chunk
        text = begin.lstrip("\ufeff \t\r\n")
        ended = _not_blank(text.rpartition("\n")[0])
        if text[:1] not in ("", "{") or len(ended) >= 2 or len(begin) > _LOOK:
            break
    lines = _not_blank(begin.removeprefix("\ufeff"))[:2]
    if lines and all(_is_object(line) for line in lines):
        raise DlkitError(
            f"{name} looks like JSON lines, not text",
            hint="save it as FILE.jsonl, or pick the text: jq -r .text",
        )
    if begin:
        yield begin
    yield from chunks


def _not_blank(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


def _is_object(line: str) -> bool:
    if line.lstrip()[:1] != "{":
        return False
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
