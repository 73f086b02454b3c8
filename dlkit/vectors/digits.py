"""Float32 written in decimal, many at a time: the fewest digits that read back as the same number.

A number is tried with nine digits, which always suffice, then with one fewer as long as it still
reads back. Reading is done as every reader does it: to float64, then rounded to float32. Numbers
whose digits lie between four places before the point and twelve after it, zero included, are laid
out by array arithmetic; the rest, tiny and huge, are left to NumPy's own ``str``. (The nearest
decimal of n digits need not be one that reads back, even if another does, at powers of two alone,
whose neighbours are not equally far; those between these bounds are decimals of few digits anyway.)
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_SMALLEST, _LARGEST = (
    1e-4,
    1e4,
)  # of what is laid out by array arithmetic: at 1e-5 str() writes 1e-05
_SIGNIFICANT = 9  # digits that tell every float32 from its neighbours
_BEFORE, _AFTER = 4, 12  # places: those of 9,999 and of 0.000123456789
_WIDTH = 20  # bytes a number: what str() gives has 19 at most, -1234567900000000.0, and a separator
_SIGN = _WIDTH - _AFTER - _BEFORE - 3
_FIRST = _SIGN + 1
_POINT = _FIRST + _BEFORE
# The places of four digits each, moved as one: copies of four bytes are ten times slower.
_FOURS = np.dtype(
    {
        "names": list("abcd"),
        "formats": [np.uint32] * 4,
        "offsets": [_FIRST, _POINT + 1, _POINT + 5, _POINT + 9],
        "itemsize": _WIDTH,
    }
)
_POWERS = 10.0 ** np.arange(_AFTER + 1)
_BOUNDS = np.array([1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1000.0])


def lines(values: npt.NDArray[np.float32], separator: bytes = b" ") -> bytes:
    """The rows of ``values`` (N, D), float32 and finite, as N lines of text.

    Numbers of a row stand between single bytes ``separator``; a newline ends each row. Every
    number has a point or an exponent, so that none is taken for a count.
    """
    count, dim = values.shape
    flat = np.ascontiguousarray(values, dtype=np.float32).reshape(-1)
    absolute = np.abs(flat).astype(np.float64)
    plain = (absolute >= _SMALLEST) & (absolute < _LARGEST)
    plain |= absolute == 0
    absolute[~plain] = 0.0
    scaled, places = _shortest(absolute)
    power = _POWERS[places]
    whole = np.trunc(scaled / power)
    fraction = ((scaled - whole * power) * _POWERS[_AFTER - places]).astype(np.int64)
    text = np.empty((flat.size, _WIDTH), dtype=np.uint8)
    text[:, _SIGN] = ord("-")
    text[:, _POINT] = ord(".")
    upper, lower = np.divmod(fraction, 100_000_000)
    middle, lower = np.divmod(lower.astype(np.int32), np.int32(10_000))
    fours = text.view(_FOURS)[:, 0]
    for name, group in zip("abcd", (whole.astype(np.int32), upper, middle, lower), strict=True):
        fours[name] = _quads().take(group)
    text[:, -1] = ord(separator)
    size = np.searchsorted(_BOUNDS[-3:], whole, side="right")  # digits before the point, less one
    code = (np.signbit(flat) * _BEFORE + size) * _AFTER + places - 1
    kept = _layouts().take(code, axis=0)
    for place in np.flatnonzero(~plain):
        number = str(flat[place]).encode()
        text[place, : len(number)] = np.frombuffer(number, dtype=np.uint8)
        kept[place] = False
        kept[place, : len(number)] = True
        kept[place, -1] = True
    text.reshape(count, dim, _WIDTH)[:, -1, -1] = ord("\n")
    return bytes(text[kept].data)


def _shortest(
    absolute: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """Whole numbers m and places p of the shortest decimals m / 10^p equal to ``absolute`` (N,).

    p is 1 or more. Both m and 10^p are exact in float64, so that m / 10^p is what a reader gets.
    """
    single = absolute.astype(np.float32)
    places = _SIGNIFICANT - 1 + 4 - np.searchsorted(_BOUNDS, absolute, side="right")
    scaled = np.rint(absolute * _POWERS[places])
    zero = absolute == 0
    places[zero] = 1
    left = np.flatnonzero(~zero)
    while left.size:
        fewer = places[left] - 1
        power = _POWERS[fewer]
        tried = np.rint(absolute[left] * power)
        same = ((tried / power).astype(np.float32) == single[left]) & (fewer > 0)
        left = left[same]
        scaled[left] = tried[same]
        places[left] = fewer[same]
    return scaled, places


@cache
def _quads() -> npt.NDArray[np.uint32]:
    """(10000,): the four digits of every number below 10,000, four bytes taken for one number."""
    numbers = np.arange(10_000)[:, np.newaxis] // np.array([1000, 100, 10, 1]) % 10
    digits: npt.NDArray[np.uint8] = (numbers + ord("0")).astype(np.uint8)
    return digits.view(np.uint32)[:, 0]


@cache
def _layouts() -> npt.NDArray[np.bool_]:
    """(2 * 4 * 12, 20): which bytes stay, by sign, digits before and digits after the point."""
    kept = np.zeros((2, _BEFORE, _AFTER, _WIDTH), dtype=bool)
    kept[1, ..., _SIGN] = True
    for before in range(_BEFORE):
        kept[:, before, :, _POINT - 1 - before : _POINT + 1] = True
    for after in range(_AFTER):
        kept[:, :, after, _POINT + 1 : _POINT + 2 + after] = True
    kept[..., -1] = True
    return kept.reshape(-1, _WIDTH)
