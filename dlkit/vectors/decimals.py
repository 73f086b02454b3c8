"""Decimal numbers in a text, converted many at a time by array arithmetic.

Plain decimals of up to 15 digits, such as ``-0.123456``, are exact this way: the digits and the
power of ten are both exact in float64, so that one division rounds as reading the number would.
All other notations are left to ``float``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_AT_ONCE = 1 << 16  # numbers; their arrays stay in the cache
_MOST_DIGITS = 15
_LONGEST = _MOST_DIGITS + 2  # a sign and a point
_MINUS, _POINT, _ZERO = b"-.0"


def parse(text: bytes, separator: bytes = b" ") -> npt.NDArray[np.float64]:
    """The numbers of ``text``, which stand between single bytes ``separator``, (N,).

    Raises:
        ValueError: something between separators is no number.

    """
    characters = np.frombuffer(text + separator, dtype=np.uint8)
    ends = np.flatnonzero(characters == ord(separator))
    starts = np.concatenate(([0], ends[:-1] + 1))
    values = np.empty(len(ends))
    for first in range(0, len(ends), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        values[some], plain = _plain(characters, starts[some], ends[some])
        for place in first + np.flatnonzero(~plain):
            field = text[starts[place] : ends[place]]
            if b"_" in field:  # Python's own
                raise ValueError(f"{field!r} is no number")
            values[place] = float(field)
    return values


def _plain(
    characters: npt.NDArray[np.uint8], starts: npt.NDArray[np.intp], ends: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """The values of the fields from ``starts`` to ``ends``, and which of them are plain decimals.

    All fields are read from their last character to their first at the same time.
    """
    lengths = ends - starts
    mantissa = np.zeros(len(ends))
    power = np.ones(len(ends))  # 10 to the digits that were read
    divisor = np.ones(len(ends))  # 10 to the digits after the point
    digits = np.zeros(len(ends), dtype=np.uint8)
    points = np.zeros(len(ends), dtype=np.uint8)
    place = ends - 1
    for read in range(min(int(lengths.max(initial=0)), _LONGEST)):
        character = characters[np.maximum(place, 0)]
        inside = lengths > read
        digit = character - np.uint8(_ZERO)  # wraps around for what is less
        is_digit = (digit < 10) & inside
        mantissa += power * (digit * is_digit)
        point = (character == _POINT) & inside
        np.copyto(divisor, power, where=point)
        points += point
        digits += is_digit
        power *= is_digit * np.uint8(9) + np.uint8(1)
        place -= 1
    negative = characters[starts] == _MINUS
    plain = (digits > 0) & (digits <= _MOST_DIGITS) & (points <= 1)
    plain &= digits.astype(np.intp) + points + negative == lengths
    values = mantissa / divisor
    return np.where(negative, -values, values), plain
