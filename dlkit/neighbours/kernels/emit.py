"""Emitters of LLVM vector code for products and distances of rows, as wide as the machine allows.

Every function takes an llvmlite builder and appends instructions to it. A *word* is what one lane
takes of a row at a time: four bytes, two 16-bit integers, eight bytes or one float. An emitter of
``STEPS`` adds to an accumulator what one word of a query and one word of each of several points
contribute. Nothing here checks a bound: who emits a load or a store answers for its address.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from llvmlite import ir

from dlkit.llvm import CONTRACT, INT32, INT64, POINTER, function, integer, shuffle

BYTE: Final = ir.IntType(8)
INT16: Final = ir.IntType(16)


class Width(NamedTuple):
    """A machine's vectors: bits of one, the registers that hold them, instructions it has."""

    bits: int
    registers: int
    features: frozenset[str]


def width_of(features: frozenset[str], machine: str) -> Width:
    """The widest vectors of a machine by what LLVM calls its features."""
    if {"avx512f", "avx512bw", "avx512vl", "avx512dq"} <= features:
        return Width(512, 32, features)
    if "avx2" in features:
        return Width(256, 16, features)
    arm = machine in {"aarch64", "arm64"}
    return Width(128, 32 if arm else 16, features | {"arm" if arm else "other"})


def vector(lane: Any, lanes: int) -> Any:
    """The type of ``lanes`` lanes of type ``lane``."""
    return ir.VectorType(lane, lanes)


def bits(count: int) -> Any:
    """The type of ``count`` bits."""
    return ir.IntType(count)


def filled(kind: Any, value: float) -> Any:
    """A vector of type ``kind`` that holds one constant in every lane."""
    return ir.Constant(kind, [ir.Constant(kind.element, value)] * kind.count)


def load(b: Any, kind: Any, address: Any, offset: int = 0, align: int = 4) -> Any:
    """Read a value of type ``kind``, ``offset`` bytes after ``address``."""
    where = b.inttoptr(b.add(address, integer(offset)) if offset else address, POINTER)
    return b.load(where, align=align, typ=kind)


def store(b: Any, value: Any, address: Any, offset: int = 0, align: int = 4) -> None:
    """Write ``value``, ``offset`` bytes after ``address``."""
    where = b.inttoptr(b.add(address, integer(offset)) if offset else address, POINTER)
    b.store(value, where, align=align)


def lanes_of(b: Any, first: Any, order: Sequence[int]) -> Any:
    """Pick lanes of ``first`` by number."""
    return shuffle(b, first, ir.Constant(first.type, ir.Undefined), order)


def call(b: Any, name: str, result: Any, *values: Any) -> Any:
    """Call one of LLVM's own functions."""
    kind = ir.FunctionType(result, [value.type for value in values])
    return b.call(function(b.module, kind, name), values)


def byte_products(b: Any, width: Width, total: Any, query: Any, points: Any) -> Any:
    """Add four products of a query's bytes (0 to 255) and a point's (-128 to 127) to each lane."""
    bits = width.bits
    if "arm" in width.features:
        # There is no product of signed and unsigned bytes: both are unsigned here (`signed`).
        kind = vector(BYTE, 16)
        query, points = b.bitcast(query, kind), b.bitcast(points, kind)
        return call(b, "llvm.aarch64.neon.udot.v4i32.v16i8", total.type, total, query, points)
    return call(b, f"llvm.x86.avx512.vpdpbusd.{bits}", total.type, total, query, points)


def short_products(b: Any, width: Width, total: Any, query: Any, points: Any) -> Any:
    """Add two products of 16-bit integers (0 to 255) to each lane; LLVM knows the pattern."""
    halves, full = vector(INT16, width.bits // 16), vector(INT32, width.bits // 16)
    product = b.mul(b.sext(b.bitcast(query, halves), full), b.sext(b.bitcast(points, halves), full))
    even = lanes_of(b, product, range(0, full.count, 2))
    odd = lanes_of(b, product, range(1, full.count, 2))
    return b.add(total, b.add(even, odd))


def byte_differences(b: Any, width: Width, total: Any, query: Any, points: Any) -> Any:
    """Add eight absolute differences of bytes to each 64-bit lane (x86)."""
    kind = vector(BYTE, width.bits // 8)
    name = {512: "avx512.psad.bw.512", 256: "avx2.psad.bw", 128: "sse2.psad.bw"}[width.bits]
    found = call(b, f"llvm.x86.{name}", total.type, b.bitcast(query, kind), b.bitcast(points, kind))
    return b.add(total, found)


def _byte_distance(b: Any, kind: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Absolute differences of bytes, and the name of the larger of bytes."""
    larger, smaller = (f"llvm.{name}.v{kind.count}i8" for name in ("umax", "umin"))
    return b.sub(call(b, larger, kind, x, y), call(b, smaller, kind, x, y)), larger


def plain_differences(b: Any, width: Width, total: Any, query: Any, points: Any) -> Any:
    """Add four absolute differences of bytes to each 32-bit lane, on any machine."""
    kind, halves = vector(BYTE, width.bits // 8), vector(INT16, width.bits // 16)
    found, _ = _byte_distance(b, kind, b.bitcast(query, kind), b.bitcast(points, kind))
    found = b.bitcast(found, halves)
    found = b.add(b.and_(found, filled(halves, 255)), b.lshr(found, filled(halves, 8)))
    found = b.bitcast(found, total.type)
    pairs = b.add(b.and_(found, filled(total.type, 65535)), b.lshr(found, filled(total.type, 16)))
    return b.add(total, pairs)


def float_products(b: Any, _width: Width, total: Any, query: Any, points: Any) -> Any:
    """Add a product of floats to each lane."""
    return b.fadd(total, b.fmul(query, points, flags=CONTRACT), flags=CONTRACT)


def float_differences(b: Any, width: Width, total: Any, query: Any, points: Any) -> Any:
    """Add an absolute difference of floats to each lane."""
    difference = b.fsub(query, points)
    name = f"llvm.fabs.v{width.bits // 32}f32"
    return b.fadd(total, call(b, name, total.type, difference))


def byte_maxima(b: Any, width: Width, total: Any, query: Any, points: Any) -> Any:
    """Keep in each byte of a lane the largest absolute difference of bytes."""
    kind = vector(BYTE, width.bits // 8)
    found, larger = _byte_distance(b, kind, b.bitcast(query, kind), b.bitcast(points, kind))
    return b.bitcast(call(b, larger, kind, b.bitcast(total, kind), found), total.type)


def float_maxima(b: Any, width: Width, total: Any, query: Any, points: Any) -> Any:
    """Keep in each lane the largest absolute difference of floats."""
    name = f"llvm.fabs.v{width.bits // 32}f32"
    found = call(b, name, total.type, b.fsub(query, points))
    return b.select(b.fcmp_ordered(">", found, total), found, total)


def lowest(b: Any, values: list[Any]) -> Any:
    """The number of the lowest bit that is set; for `operation`."""
    return call(b, "llvm.cttz.i64", INT64, values[0], ir.Constant(bits(1), 0))
