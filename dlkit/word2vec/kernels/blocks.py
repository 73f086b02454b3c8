"""The outputs of one window, six at a time: what fits the registers of an AVX2 machine.

Outputs come with labels, 0 or 1, as the six low bits of one integer for each block. They are padded
to a multiple of six with a scratch row of zeros; ``count`` says how many are real, and the padding
gets the weight 0, so that every block runs the same straight code.

Per block and pair the update leaves 16 floats in the work area: eight coefficients
``lr * (label - sigmoid(logit))`` and then the eight logits, of which the first six are used.
"""

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir

from dlkit import llvm
from dlkit.word2vec.kernels import vector as v

BLOCK: Final = 6
CELL_BYTES: Final = 2 * v.VECTOR_BYTES  # coefficients and logits of one pair
CELL_FLOATS: Final = CELL_BYTES // 4
LABEL_BYTES: Final = 8


def block_count(outputs: int) -> int:
    """Blocks that ``outputs`` outputs (the positive one and the negatives) take."""
    return -(-outputs // BLOCK)


class Block:
    """One block within emitted code: row addresses, labels and weights of its outputs.

    Args:
        b: the builder.
        outputs: address of the row addresses of all outputs.
        labels: address of the labels, one 64-bit integer for each block: bit i is output i's.
        index: the number of the block, an emitted 64-bit value.
        count: how many outputs are real, an emitted 64-bit value.
        lr: the learning rate, an emitted float.
        width: how many of the six outputs are looked at; the others must be padding.

    """

    def __init__(
        self,
        b: Any,
        outputs: Any,
        labels: Any,
        index: Any,
        count: Any,
        lr: Any,
        width: int = BLOCK,
    ) -> None:
        first = b.mul(index, llvm.integer(BLOCK))
        self.rows = [
            v.load_address(b, v.at(b, outputs, b.add(first, llvm.integer(lane)), 8))
            for lane in range(width)
        ]
        left = v.broadcast(b, b.trunc(b.sub(count, first), llvm.INT32))
        # Lanes 6 and 7 hold nothing: their number is never below what is left.
        lanes = v.integers([*range(BLOCK), *[2**30] * (v.LANES - BLOCK)])
        real = b.icmp_signed("<", lanes, left)
        self.weights = b.select(real, v.broadcast(b, lr), v.filled(0.0))
        bits = b.trunc(v.load_address(b, v.at(b, labels, index, LABEL_BYTES)), llvm.INT32)
        ones = b.and_(v.broadcast(b, bits), v.integers([1 << lane for lane in range(v.LANES)]))
        positive = b.icmp_signed("!=", ones, v.integers([0] * v.LANES))
        self.labels = b.select(positive, v.filled(1.0), v.filled(0.0))

    def load(self, b: Any, offset: Any) -> list[Any]:
        """Eight floats of each output row, ``offset`` bytes from its start."""
        return [v.load(b, b.add(row, offset)) for row in self.rows]

    def store(self, b: Any, values: list[v.Register], offset: Any) -> None:
        """Write eight floats of each output row."""
        for row, value in zip(self.rows, values, strict=True):
            v.store(b, value.get(), b.add(row, offset))

    def finish(self, b: Any, sums: list[v.Register], cell: Any) -> Any:
        """Turn the products of one pair into logits and coefficients; keep both in ``cell``."""
        logits = v.lane_sums(b, [value.get() for value in sums])
        error = b.fsub(self.labels, v.sigmoid(b, logits))
        coefficients = b.fmul(error, self.weights)
        v.store(b, coefficients, cell)
        v.store(b, logits, b.add(cell, llvm.integer(v.VECTOR_BYTES)))
        return coefficients


def coefficient(b: Any, cell: Any, lane: int) -> Any:
    """Coefficient number ``lane`` of a pair's cell, in all eight lanes."""
    return v.broadcast(b, v.load_float(b, b.add(cell, llvm.integer(4 * lane))))


def registers(b: Any, number: int) -> list[v.Register]:
    """``number`` vectors of zeros."""
    return [v.Register(b, v.filled(0.0)) for _ in range(number)]


def is_single(b: Any, blocks: Any) -> Any:
    """Whether the window has one block only, an emitted truth value."""
    return b.icmp_signed("==", blocks, ir.Constant(llvm.INT64, 1))
