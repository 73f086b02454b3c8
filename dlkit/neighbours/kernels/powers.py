"""Minkowski distances: sums of |x - y|^p and their p-th roots.

Powers are made of products and square roots alone, p = whole part + binary fraction, which IEEE 754
rounds in one way: NumPy's arrays and compiled code get the same bits, and whole numbers stay whole
up to 2^53. The relative error of a power is below (p + 200) 2^-53.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from dlkit.jit import compiled

if TYPE_CHECKING:
    from dlkit.neighbours.config import Metric

TOGETHER: Final = 64  # columns between two looks at a limit; a multiple of 8
_ONE: Final = 1 << 62  # 1 in the fractions of exponents
# Of 1/p so many bits: one step of Newton's doubles them.
_COARSE: Final = 1 << 22
_ROUGH: Final = 1 << 58  # four bits of a fraction
DEEPEST: Final = -1000  # differences below 2^DEEPEST are not scaled further

_Bytes = npt.NDArray[np.uint8]
_Rows = npt.NDArray[np.floating]
_Floats = npt.NDArray[np.float64]
_Int64s = npt.NDArray[np.int64]


class Order(NamedTuple):
    """The order p of a Minkowski distance.

    Attributes:
        value: p.
        whole: its whole part.
        fraction: the rest, in units of 2^-62.
        inverse: 1/p, in these units.
        stretch: how many times as large the L1 distance may be, above order 2 the L2 distance.
        rough: of the fraction so much as few roots give.
        near: p with that fraction.
        widening: how many times as large the distance of order ``near`` may be.
        table: (256,) d^p of the differences of bytes, empty where they are not summed in integers.

    """

    value: float
    whole: int
    fraction: int
    inverse: int
    stretch: float
    rough: int
    near: float
    widening: float
    table: _Int64s


def order_of(metric: Metric, columns: int, *, integers: bool = False) -> Order:
    """The order of ``metric`` for rows of ``columns``; other distances than minkowski need none.

    By Hoelder's inequality the L1 distance (of orders above 2: L2) is at most ``stretch`` times as
    large; a little is added for the rounding of what is made of it.
    """
    if metric.kind != "minkowski":
        return Order(1.0, 1, 0, 0, 1.0, 0, 1.0, 1.0, np.empty(0, np.int64))
    value, whole = metric.order, int(metric.order)
    fraction = int((value - whole) * _ONE)
    rough = fraction // _ROUGH * _ROUGH
    near = whole + rough / _ONE
    return Order(
        value,
        whole,
        fraction,
        int(_ONE / value) // _COARSE * _COARSE,
        columns ** (1 / (2.0 if value > 2 else 1.0) - 1 / value) * (1 + 1e-9),
        rough,
        near,
        columns ** (1 / near - 1 / value) * (1 + 1e-9),
        np.array([d**whole for d in range(256 if integers else 0)], np.int64),
    )


def raised(values: _Floats, powers: _Floats, roots: _Floats, whole: int, fraction: int) -> None:
    """Write values^(whole + fraction / 2^62) to ``powers``; all arrays, of one shape, change."""
    powers[:] = 1.0
    if fraction:
        roots[:] = values
    while fraction:
        np.sqrt(roots, roots)
        fraction *= 2
        if fraction >= _ONE:
            fraction -= _ONE
            np.multiply(powers, roots, powers)
    while whole:
        if whole % 2:
            np.multiply(powers, values, powers)
        whole //= 2
        if whole:
            np.multiply(values, values, values)


@compiled()
def _raise(values: _Floats, powers: _Floats, roots: _Floats, whole: int, fraction: int) -> None:
    """As `raised`, for rows (n,); loops are compiled in a tenth of the time."""
    size = len(values)
    for i in range(size):
        powers[i], roots[i] = 1.0, values[i]
    while fraction:
        fraction *= 2
        taken = fraction >= _ONE
        for i in range(size):
            roots[i] = np.sqrt(roots[i])
        if taken:
            fraction -= _ONE
            for i in range(size):
                powers[i] *= roots[i]
    while whole:
        if whole % 2:
            for i in range(size):
                powers[i] *= values[i]
        whole //= 2
        if whole:
            for i in range(size):
                values[i] *= values[i]


class Work(NamedTuple):
    """Scratch of `minkowski`.

    Attributes:
        terms: (D rounded up to a multiple of TOGETHER,); what lies beyond D is 0.
        some: (3, TOGETHER).
        parts: (8,).

    """

    terms: _Floats
    some: _Floats
    parts: _Floats


@compiled()
def new_work(columns: int) -> Work:
    """Scratch for rows of ``columns``."""
    padded = -(-columns // TOGETHER) * TOGETHER
    return Work(np.zeros(padded), np.zeros((3, TOGETHER)), np.zeros(8))


@compiled()
def power_sum(table: _Int64s, x: _Bytes, y: _Bytes, limit: float) -> int:
    """The sum of |x - y|^p, or of some columns once it is ``limit``.

    Args:
        table: `Order.table`.
        x: (D,).
        y: (D,).
        limit: what larger sums are of no interest from.

    """
    total = np.int64(0)
    for start in range(0, len(x), TOGETHER):
        for j in range(start, min(start + TOGETHER, len(x))):
            total += table[np.uint8(abs(np.int32(x[j]) - np.int32(y[j])))]
        if np.float64(total) >= limit:
            break
    return int(total)


@compiled()
def _root(total: float, exponent: int, order: Order, some: _Floats) -> float:
    """The p-th root of a positive ``total`` times 2^exponent; see `ranking.roots`."""
    values, powers, roots = some[0, :1], some[1, :1], some[2, :1]
    if order.fraction == 0:
        # Of one number one mantissa, whatever it was scaled by: equal sums have equal roots.
        mantissa, shift = math.frexp(total)
        place = shift + exponent * order.whole
        exponent = place // order.whole
        total = math.ldexp(mantissa, place - exponent * order.whole)
    values[0] = total
    _raise(values, powers, roots, np.int64(0), order.inverse)
    root = powers[0]
    values[0] = root
    _raise(values, powers, roots, order.whole, order.fraction)
    root = root + root * ((total - powers[0]) / (powers[0] * order.value))
    return math.ldexp(root, exponent)


@compiled()
def _sum(work: Work, scale: float, whole: int, fraction: int, enough: float) -> float:
    """The sum of powers of scaled terms; infinite where it is above ``enough``."""
    terms, some, parts = work
    parts[:] = 0.0
    for start in range(0, len(terms), TOGETHER):
        for j in range(TOGETHER):
            some[0, j] = terms[start + j] * scale
        _raise(some[0], some[1], some[2], whole, fraction)
        for j in range(0, TOGETHER, 8):
            for part in range(8):
                parts[part] += some[1, j + part]
        if parts.sum() > enough:
            return float(np.inf)
    return float(
        ((parts[0] + parts[1]) + (parts[2] + parts[3]))
        + ((parts[4] + parts[5]) + (parts[6] + parts[7]))
    )


@compiled()
def minkowski(
    x: _Rows, y: _Rows, x_scale: float, y_scale: float, order: Order, limit: float, work: Work
) -> float:
    """The Minkowski distance of two scaled rows in float64; not below ``limit``: infinite.

    Differences are scaled by a power of two so that the largest lies from 1/2 to 1; powers are
    added as `floats.distance` adds.

    Args:
        x: (D,).
        y: (D,).
        x_scale: what ``x`` is multiplied by.
        y_scale: the same of ``y``.
        order: p.
        limit: what distances are of no interest from; may be infinite.
        work: scratch.

    """
    terms, some, parts = work
    width = len(x)
    whole = width // 8 * 8
    parts[:] = 0.0
    for j in range(0, whole, 8):
        for part in range(8):
            term = abs(np.float64(x[j + part]) * x_scale - np.float64(y[j + part]) * y_scale)
            terms[j + part] = term
            parts[part] = term if term > parts[part] else parts[part]
    for j in range(whole, width):
        term = abs(np.float64(x[j]) * x_scale - np.float64(y[j]) * y_scale)
        terms[j] = term
        parts[j - whole] = max(term, parts[j - whole])
    largest = parts.max()
    if largest >= limit:
        return float(np.inf)
    if largest == 0.0:
        return 0.0
    exponent = max(math.frexp(largest)[1], DEEPEST)
    scale = math.ldexp(1.0, -exponent)
    # What is so far above the limit's power is above it in every rounding.
    limit *= scale * (1 + 1e-9)
    if exponent == DEEPEST:
        limit = np.inf  # of such small numbers powers may round to anything
    if order.rough != order.fraction:
        # Most pairs are told to be far by an order near p whose powers take few roots.
        enough = (limit * order.widening) ** order.near
        if _sum(work, scale, order.whole, order.rough, enough) > enough:
            return float(np.inf)
    total = _sum(work, scale, order.whole, order.fraction, limit**order.value)
    if total == np.inf:
        return float(np.inf)
    # In differences that are not scaled up nothing may be left of the powers.
    root = _root(total, exponent, order, some) if total > 0.0 else 0.0
    return float(max(root, largest))
