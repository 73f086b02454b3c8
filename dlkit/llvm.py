"""What emitters of LLVM code share, whichever kernels they serve.

Every function takes an llvmlite builder and appends instructions to it. The folder of each kernel
has emitters of its own beside these; `jit` counts this file to the sources of them all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import Parameter, Signature
from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

FLOAT: Final = ir.FloatType()
INT32: Final = ir.IntType(32)
INT64: Final = ir.IntType(64)
POINTER: Final = ir.PointerType()

# A multiply and an add may become one fused instruction; nothing else is relaxed, so that an
# overflow and a NaN stay what they are.
CONTRACT: Final = ("contract",)

# numba has no types for these two.
_alloca: Any = cgutils.alloca_once
function: Any = cgutils.get_or_insert_function


def operation(
    emit: Callable[[Any, list[Any]], Any], *operands: Any, result: Any = types.int64
) -> Any:
    """A function for compiled code to call: ``emit(builder, values)`` gives its result.

    Args:
        emit: appends the instructions.
        operands: numba's types of the values.
        result: that of the result; ``void``: none, whatever ``emit`` returns.

    """

    def declare(_context: Any, *_types: Any) -> tuple[Any, Any]:
        def generate(context: Any, b: Any, _signature: Any, values: list[Any]) -> Any:
            found = emit(b, values)
            return context.get_dummy_value() if result is types.void else found

        return result(*operands), generate

    # numba reads the number of operands from the signature.
    names = ["context", *(f"operand{i}" for i in range(len(operands)))]
    declare.__signature__ = Signature(  # type: ignore[attr-defined]
        [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    )
    declare.__name__ = emit.__name__
    return intrinsic(declare)


def integer(value: int) -> Any:
    """A 64-bit constant."""
    return ir.Constant(INT64, value)


def shuffle(b: Any, first: Any, second: Any, order: Sequence[int]) -> Any:
    """Pick lanes by number: those of ``first``, and after them those of ``second``."""
    kind = ir.VectorType(INT32, len(order))
    places = ir.Constant(kind, [ir.Constant(INT32, place) for place in order])
    return b.shuffle_vector(first, second, places)


def broadcast(b: Any, scalar: Any, lanes: int) -> Any:
    """A vector that holds ``scalar`` in every lane."""
    nothing = ir.Constant(ir.VectorType(scalar.type, lanes), ir.Undefined)
    lane = b.insert_element(nothing, scalar, ir.Constant(INT32, 0))
    return shuffle(b, lane, nothing, [0] * lanes)


def loop(b: Any, stop: Any, body: Callable[[Any], None], *, step: int = 1, start: int = 0) -> None:
    """Emit ``for i in range(start, stop, step): body(i)`` with 64-bit ``i``."""
    before = b.block
    inside, after = b.append_basic_block("loop"), b.append_basic_block("done")
    b.cbranch(b.icmp_signed("<", integer(start), stop), inside, after)
    b.position_at_end(inside)
    index = b.phi(INT64)
    index.add_incoming(integer(start), before)
    body(index)
    following = b.add(index, integer(step))
    index.add_incoming(following, b.block)
    b.cbranch(b.icmp_signed("<", following, stop), inside, after)
    b.position_at_end(after)


class Register:
    """A value that changes in a loop; LLVM keeps it in a machine register."""

    def __init__(self, b: Any, value: Any) -> None:
        self.builder = b
        self.slot = _alloca(b, value.type)
        self.kind = value.type
        self.set(value)

    def get(self) -> Any:
        """The value now."""
        return self.builder.load(self.slot, typ=self.kind)

    def set(self, value: Any) -> None:
        """Change the value."""
        self.builder.store(value, self.slot)
