"""Emitters of LLVM vector code: eight floats at a time, on raw addresses.

Every function takes an llvmlite builder and appends instructions to it. Vectors are explicit
``<8 x float>`` values (one AVX register); LLVM splits them where the machine has narrower ones.
Addresses are 64-bit integers and, for vectors, multiples of 32. Nothing here checks a bound: who
emits a load or a store answers for its address.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from llvmlite import ir
from numba import types

from dlkit import llvm
from dlkit.llvm import CONTRACT, FLOAT, INT32, INT64, POINTER, integer, shuffle

LANES: Final = 8
VECTOR_BYTES: Final = 4 * LANES

VECTOR: Final = ir.VectorType(FLOAT, LANES)
INTEGERS: Final = ir.VectorType(INT32, LANES)

# exp2 on [-1/2, 1/2] by the Taylor series ln(2)^k / k!, highest power first: error below 2e-7.
EXP2_SERIES: Final = (
    0.00015403530,
    0.0013333558,
    0.0096181291,
    0.055504109,
    0.24022651,
    0.69314718,
    1.0,
)
LOG2_E: Final = 1.4426950408889634
# Adding 1.5 * 2^23 leaves the nearest integer in the low bits of a float's mantissa.
ROUNDING: Final = 12582912.0
# The logistic function is within 1e-13 of 0 or 1 there, and exp2 of it is an ordinary float.
SATURATION: Final = 30.0

# Types of operands.
ADDRESS: Final = types.int64
COUNT: Final = types.int64
SCALAR: Final = types.float32


def operation(emit: Callable[[Any, list[Any]], None], *operands: Any) -> Any:
    """A function for compiled code to call, which returns nothing: ``emit(builder, values)``."""
    return llvm.operation(emit, *operands, result=types.void)


def constant(values: Sequence[float]) -> Any:
    """A vector of eight given constants."""
    return ir.Constant(VECTOR, [ir.Constant(FLOAT, float(value)) for value in values])


def filled(value: float) -> Any:
    """A vector that holds one constant eight times."""
    return constant([value] * LANES)


def integers(values: Sequence[int]) -> Any:
    """A vector of eight 32-bit integer constants."""
    return ir.Constant(INTEGERS, [ir.Constant(INT32, value) for value in values])


def at(b: Any, address: Any, index: Any, size: int) -> Any:
    """The address of element ``index`` of an array of ``size``-byte elements."""
    return b.add(address, b.mul(index, integer(size)))


def load(b: Any, address: Any) -> Any:
    """Read the vector at ``address``."""
    return b.load(b.inttoptr(address, POINTER), align=VECTOR_BYTES, typ=VECTOR)


def store(b: Any, value: Any, address: Any) -> None:
    """Write the vector ``value`` at ``address``."""
    b.store(value, b.inttoptr(address, POINTER), align=VECTOR_BYTES)


def load_float(b: Any, address: Any) -> Any:
    """Read one float."""
    return b.load(b.inttoptr(address, POINTER), align=4, typ=FLOAT)


def load_address(b: Any, address: Any) -> Any:
    """Read one 64-bit integer, such as the address of a row."""
    return b.load(b.inttoptr(address, POINTER), align=8, typ=INT64)


def broadcast(b: Any, scalar: Any) -> Any:
    """A vector that holds ``scalar`` (float or 32-bit integer) eight times."""
    return llvm.broadcast(b, scalar, LANES)


def add(b: Any, x: Any, y: Any) -> Any:
    """Return ``x + y``."""
    return b.fadd(x, y, flags=CONTRACT)


def multiply_add(b: Any, x: Any, y: Any, z: Any) -> Any:
    """Return ``x * y + z``, in one instruction where the machine has it."""
    return b.fadd(b.fmul(x, y, flags=CONTRACT), z, flags=CONTRACT)


def lane_sums(b: Any, vectors: Sequence[Any]) -> Any:
    """Sum each of up to eight vectors; lane ``i`` of the result is the sum of ``vectors[i]``.

    Three rounds of pairwise adds transpose and reduce all eight at once. Lanes without a vector
    are 0.
    """
    rows = [*vectors, *[filled(0.0)] * (LANES - len(vectors))]
    even, odd = [0, 2, 8, 10, 4, 6, 12, 14], [1, 3, 9, 11, 5, 7, 13, 15]
    while len(rows) > 2:
        rows = [
            add(b, shuffle(b, x, y, even), shuffle(b, x, y, odd))
            for x, y in zip(rows[::2], rows[1::2], strict=True)
        ]
    low, high = [0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15]
    first, second = rows
    return add(b, shuffle(b, first, second, low), shuffle(b, first, second, high))


def clamp(b: Any, x: Any, limit: float) -> Any:
    """Return ``x`` within ``-limit .. limit``; what is not a number becomes ``limit``."""
    x = b.select(b.fcmp_ordered("<", x, filled(limit)), x, filled(limit))
    return b.select(b.fcmp_ordered(">", x, filled(-limit)), x, filled(-limit))


def sigmoid(b: Any, x: Any) -> Any:
    """The logistic function 1 / (1 + exp(-x)) of eight floats, within 3e-7, without a branch."""
    power = b.fmul(clamp(b, x, SATURATION), filled(-LOG2_E))
    shifted = b.fadd(power, filled(ROUNDING))
    fraction = b.fsub(power, b.fsub(shifted, filled(ROUNDING)))
    series = filled(EXP2_SERIES[0])
    for coefficient in EXP2_SERIES[1:]:
        series = multiply_add(b, series, fraction, filled(coefficient))
    exponent = b.shl(b.bitcast(shifted, INTEGERS), integers([23] * LANES))
    exponential = b.bitcast(b.add(b.bitcast(series, INTEGERS), exponent), VECTOR)
    return b.fdiv(filled(1.0), b.fadd(filled(1.0), exponential))


class Register(llvm.Register):
    """A vector that changes in a loop; LLVM keeps it in a machine register."""

    def add_product(self, x: Any, y: Any) -> None:
        """Add ``x * y``."""
        self.set(multiply_add(self.builder, x, y, self.get()))


def prefetch(b: Any, address: Any, row_bytes: Any) -> None:
    """Ask for the cache lines of a row that will soon be written."""
    function = llvm.function(
        b.module,
        ir.FunctionType(ir.VoidType(), [POINTER, INT32, INT32, INT32]),
        "llvm.prefetch.p0",
    )
    for_writing, keep, data = (ir.Constant(INT32, value) for value in (1, 3, 1))
    llvm.loop(
        b,
        row_bytes,
        lambda offset: b.call(
            function, [b.inttoptr(b.add(address, offset), POINTER), for_writing, keep, data]
        ),
        step=64,
    )
