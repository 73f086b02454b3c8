"""Facts of artifacts as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

_UNITS: Final = ("kB", "MB", "GB", "TB", "PB")
# With less room than this a name is cut into pieces too short to be read.
_LEAST_ROOM: Final = 20


def size(number: int) -> str:
    """A number of bytes in decimal units: ``4.8 MB``."""
    if number < 1000:
        return f"{number} B"
    power = 1
    while power < len(_UNITS) and round(number / 1000**power, 1) >= 1000:
        power += 1
    return f"{number / 1000**power:.1f} {_UNITS[power - 1]}"


def when(ns: int) -> datetime:
    """The moment ``ns`` nanoseconds after 1970, in local time."""
    return datetime.fromtimestamp(ns / 1e9).astimezone()


def fits(rows: Sequence[Sequence[str]], width: int) -> bool:
    """Whether a table of ``rows`` leaves enough of ``width`` columns for the first cell's name.

    The other cells are ASCII; two spaces stand between cells.
    """
    cells = zip(*(row[1:] for row in rows), strict=True)
    return width >= _LEAST_ROOM + sum(2 + max(map(len, column)) for column in cells)


def stacked(rows: Sequence[Sequence[str]]) -> str:
    """``rows`` for a narrow screen: the name, and below it every other fact on a line."""
    lines = []
    for name, *facts in rows:
        lines += [name, *(f"  {fact}" for fact in facts if fact)]
    return "".join(line + "\n" for line in lines)


def flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested facts under one name each: ``{"scores": {"loss": 1}}`` gives ``scores.loss``."""
    facts: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, Mapping):
            facts |= flat(value, f"{prefix}{key}.")
        else:
            facts[prefix + key] = value
    return facts
