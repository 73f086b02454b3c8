"""The values of options: numbers and ranges, read strictly."""

from __future__ import annotations

import math
import re
from typing import Literal, NamedTuple

from dlkit.errors import USAGE, DlkitError

Method = Literal["add", "mul"]

ALL = "all"
# float() also takes 1_0, digits of other scripts, inf and nan.
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(?:e[+-]?[0-9]{1,3})?")
_RANKS = re.compile(r"(?:([0-9]{1,18})(-))?([0-9]{1,18})?")
_WEIGHT = re.compile(r"([0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})\*(?=.)", re.DOTALL)


class Ranks(NamedTuple):
    """A range of frequency ranks, from 1 for the most frequent word.

    Attributes:
        text: as it was typed.
        first: the first of them.
        last: the last of them; None: that of the rarest word.

    """

    text: str
    first: int
    last: int | None


def count(name: str, value: str) -> int | None:
    """A whole number of 1 or more; None for ``all``.

    Raises:
        DlkitError: USAGE: it is neither.

    """
    if value == ALL:
        return None
    # int() also takes 1_0 and digits of other scripts, and refuses thousands of digits.
    if not re.fullmatch(r"[0-9]{1,18}", value) or int(value) < 1:
        raise DlkitError(
            f"{name} is {ALL} or a whole number of 1 or more, not '{value[:40]}'", code=USAGE
        )
    return int(value)


def ranks(name: str, value: str) -> Ranks:
    """``N``, ``FIRST-LAST`` or ``FIRST-``: ranks from 1, both ends among them.

    Raises:
        DlkitError: USAGE: it is none of them, or an empty range.

    """
    found = _RANKS.fullmatch(value)
    if found and (found[2] or found[3]):
        first = int(found[1]) if found[2] else 1
        last = int(found[3]) if found[3] else None
        if first >= 1 and (last is None or last >= first):
            return Ranks(value, first, last)
    raise DlkitError(
        f"{name} is N or FIRST-LAST, whole numbers of 1 or more, not '{value[:40]}'", code=USAGE
    )


def number(name: str, value: str) -> float:
    """A finite decimal number.

    Raises:
        DlkitError: USAGE: it is none.

    """
    if not _NUMBER.fullmatch(value) or not math.isfinite(float(value)):
        raise DlkitError(f"{name} is a number, not '{value[:40]}'", code=USAGE)
    return float(value)


def method(name: str, value: str) -> Method:
    """``add`` or ``mul``.

    Raises:
        DlkitError: USAGE: it is neither.

    """
    if value == "add":
        return "add"
    if value == "mul":
        return "mul"
    raise DlkitError(f"{name} is add or mul, not '{value[:40]}'", code=USAGE)


def weighted(text: str) -> tuple[str, float]:
    """``0.5*x``: the word x and its weight 0.5; without a number and a star in front, weight 1."""
    found = _WEIGHT.match(text)
    return (text[found.end() :], float(found[1])) if found else (text, 1.0)
