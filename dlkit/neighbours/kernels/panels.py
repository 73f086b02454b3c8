"""One block of queries against one panel of points, in machine registers.

A *panel* is some points, interleaved: word 0 of each, word 1 of each, and so on. A *group* of
queries is interleaved in the same way. The function walks both once, holds all their sums in
registers, turns the sums into the values that rank the points, writes them and tells which are
below their query's limit. All operands are addresses; the arrays behind them:

- ``group``: (words, rows) of the kind's word
- ``panel``: (words, points) of the kind's word
- ``query_terms``: (rows,), ``point_terms``: (points,), ``limits``: (rows,), 32 bits each
- ``values``: (rows, points), 32 bits each, written
- ``masks``: (rows,) 64-bit integers, written: bit ``p`` is set where point ``p`` is below the limit

They return the masks or-ed: 0 where no point is of interest.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from numba import types
from numba.core import codegen, config

from dlkit.llvm import FLOAT, INT32, INT64, Register, broadcast, integer, loop, operation
from dlkit.neighbours.kernels import emit
from dlkit.neighbours.kernels.emit import Width, filled, vector

ADDRESS: Final = types.int64

_features: Any = codegen.get_host_cpu_features

Step = Callable[[Any, Width, Any, Any, Any], Any]


class Shape(NamedTuple):
    """How a sum is formed: one word's step, type of a lane's word and sum, queries at a time."""

    step: Step
    word: Any
    rows: int

    @property
    def word_bytes(self) -> int:
        """Bytes of one word."""
        return 4 if self.word is FLOAT else int(self.word.width // 8)


def host() -> Width:
    """The vectors that numba compiles for: this machine's, or those of its settings."""
    told = getattr(config, "CPU_FEATURES", None)
    if told is None:
        chosen = getattr(config, "CPU_NAME", None)
        told = "" if chosen else _features()
    present = frozenset(name[1:] for name in told.split(",") if name.startswith("+"))
    return emit.width_of(present, platform.machine())


def products(width: Width) -> Shape:
    """Products of bytes: by the machine's own instruction, or as 16-bit integers."""
    has = width.features
    own = "avx512vnni" in has if width.bits == 512 else {"arm", "dotprod"} <= has
    own = own or (width.bits == 256 and "avx512vnni" in has and "avx512vl" in has)
    return Shape(emit.byte_products if own else emit.short_products, INT32, rows_of(width, INT32))


def differences(width: Width) -> Shape:
    """Absolute differences of bytes: by the machine's own instruction, or in a few."""
    if "arm" in width.features or "other" in width.features:
        return Shape(emit.plain_differences, INT32, rows_of(width, INT32))
    return Shape(emit.byte_differences, INT64, rows_of(width, INT64))


def points_of(width: Width) -> int:
    """Points of a panel: two to four registers of sums for each query."""
    return {512: 32, 256: 16}.get(width.bits, 16 if width.registers == 32 else 8)


def rows_of(width: Width, word: Any) -> int:
    """Queries at a time: as many as leave registers for a panel's words and two more."""
    vectors = points_of(width) * word_bits(word) // width.bits
    return max(1, (width.registers - vectors - 2) // vectors)


def word_bits(word: Any) -> int:
    """Bits of one lane."""
    return 32 if word is FLOAT else int(word.width)


def sums(b: Any, width: Width, shape: Shape, group: Any, panel: Any, words: Any) -> list[list[Any]]:
    """The sums of each query (row) with each vector of points, once all words are taken."""
    lanes = width.bits // word_bits(shape.word)
    kind = vector(shape.word, lanes)
    vectors = points_of(width) // lanes
    size = shape.word_bytes
    total = [[Register(b, filled(kind, 0)) for _ in range(vectors)] for _ in range(shape.rows)]

    def body(index: Any) -> None:
        at_panel = b.add(panel, b.mul(index, integer(vectors * lanes * size)))
        at_group = b.add(group, b.mul(index, integer(shape.rows * size)))
        points = [
            emit.load(b, kind, at_panel, v * lanes * size, align=64 if width.bits == 512 else 16)
            for v in range(vectors)
        ]
        for row in range(shape.rows):
            word = emit.load(b, shape.word, at_group, row * size)
            query = broadcast(b, word, lanes)
            for v in range(vectors):
                cell = total[row][v]
                cell.set(shape.step(b, width, cell.get(), query, points[v]))

    loop(b, words, body)
    return [[cell.get() for cell in row] for row in total]


def expanded(b: Any, total: Any, query: Any, point: Any) -> Any:
    """``query + point - 2 * total``: a squared distance, in 32 bits that wrap."""
    twice = b.shl(total, filled(total.type, 1))
    return b.sub(b.add(query, point), twice)


def summed(b: Any, total: Any, _query: Any, _point: Any) -> Any:
    """The sum itself, in 32 bits."""
    return b.trunc(total, vector(INT32, total.type.count)) if total.type.element is INT64 else total


def largest(b: Any, total: Any, _query: Any, _point: Any) -> Any:
    """The largest of the four bytes of each lane."""
    kind = vector(emit.BYTE, 4 * total.type.count)
    for shift in (16, 8):
        other = b.lshr(total, filled(total.type, shift))
        name = f"llvm.umax.v{kind.count}i8"
        most = emit.call(b, name, kind, b.bitcast(total, kind), b.bitcast(other, kind))
        total = b.bitcast(most, total.type)
    return b.and_(total, filled(total.type, 255))


def moved(b: Any, total: Any, query: Any, _point: Any) -> Any:
    """``total + query``: the product once the shift of the points' bytes is taken back."""
    return b.add(total, query)


def float_expanded(b: Any, total: Any, query: Any, point: Any) -> Any:
    """``query + point - 2 * total`` in floats."""
    return b.fsub(b.fadd(query, point), b.fmul(total, filled(total.type, 2.0)))


def float_summed(b: Any, total: Any, query: Any, point: Any) -> Any:
    """``query + point + total`` in floats."""
    return b.fadd(b.fadd(query, point), total)


def below(b: Any, value: Any, _point: Any, limit: Any) -> Any:
    """Lanes where an unsigned value is below its limit."""
    return b.icmp_unsigned("<", value, limit)


def float_below(b: Any, value: Any, _point: Any, limit: Any) -> Any:
    """Lanes where a float is below its limit."""
    return b.fcmp_ordered("<", value, limit)


def steeper(b: Any, value: Any, point: Any, limit: Any) -> Any:
    """Lanes where a product times the inverse length of the point is above its limit."""
    kind = vector(FLOAT, value.type.count)
    cosine = b.fmul(b.uitofp(value, kind), b.bitcast(point, kind))
    return b.fcmp_ordered(">", cosine, b.bitcast(limit, kind))


def panel(
    width: Width,
    shape: Shape,
    value_of: Callable[[Any, Any, Any, Any], Any],
    wanted: Callable[[Any, Any, Any, Any], Any],
) -> Any:
    """The function of this module for one kind of sum, value and limit."""
    lanes = width.bits // word_bits(shape.word)
    points = points_of(width)
    term = FLOAT if shape.word is FLOAT else INT32
    kind = vector(term, lanes)

    def panel(b: Any, values: list[Any]) -> Any:
        group, points_at, words, query_terms, point_terms, limits, out, masks = values
        total = sums(b, width, shape, group, points_at, words)
        terms = [emit.load(b, kind, point_terms, 4 * v) for v in range(0, points, lanes)]
        found = integer(0)
        for row, cells in enumerate(total):
            query, limit = (
                broadcast(b, emit.load(b, term, at, 4 * row), lanes) for at in (query_terms, limits)
            )
            mask = integer(0)
            for v, (cell, point) in enumerate(zip(cells, terms, strict=True)):
                value = value_of(b, cell, query, point)
                emit.store(b, value, out, 4 * (row * points + v * lanes))
                bits = b.bitcast(wanted(b, value, point, limit), emit.bits(lanes))
                mask = b.or_(mask, b.shl(b.zext(bits, INT64), integer(v * lanes)))
            emit.store(b, mask, masks, 8 * row, align=8)
            found = b.or_(found, mask)
        return found

    return operation(panel, *[ADDRESS] * 8)
