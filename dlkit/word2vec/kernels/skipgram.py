"""The skip-gram update of one window (Mikolov et al. 2013, https://arxiv.org/abs/1310.4546).

The M context words are inputs and all share the outputs of the centre word: itself and one draw
of negatives, or the nodes of its path. With x_m and y_k the rows before the window, label t_k,
``c[m, k] = lr * (t_k - sigmoid(x_m . y_k))``:

    y_k += sum over m of c[m, k] * x_m          x_m += sum over k of c[m, k] * y_k

This is one step of gradient descent on the summed loss of the window's pairs. A word that is a
context twice gets both of its gradients. With one block (at most 5 negatives) reading and writing
are fused: the second occurrence then enters the sum for y_k as the first one left it, a
difference of order lr squared. With more blocks the inputs change only after all outputs did, and
the update is exact for repeated words too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from dlkit import llvm
from dlkit.word2vec.kernels import vector as v
from dlkit.word2vec.kernels.blocks import (
    BLOCK,
    CELL_BYTES,
    Block,
    coefficient,
    is_single,
    registers,
)


class _Window:
    """The operands of one update, as emitted values."""

    def __init__(self, b: Any, operands: list[Any]) -> None:
        self.b = b
        self.inputs, self.contexts, self.outputs, self.labels, self.count = operands[:5]
        self.blocks, self.cells, self.sums, self.lr, self.row_bytes = operands[5:]
        # The odd context of the last pair of pass 1 writes one cell more than there are contexts.
        self.block_bytes = b.mul(b.add(self.contexts, llvm.integer(1)), llvm.integer(CELL_BYTES))

    def block(self, index: Any) -> Block:
        return Block(self.b, self.outputs, self.labels, index, self.count, self.lr)

    def cell(self, index: Any, context: Any) -> Any:
        start = self.b.add(self.cells, self.b.mul(index, self.block_bytes))
        return v.at(self.b, start, context, CELL_BYTES)

    def row(self, context: Any) -> Any:
        return v.load_address(self.b, v.at(self.b, self.inputs, context, 8))


def _coefficients(w: _Window, index: Any) -> None:
    """Pass 1 for one block: two contexts at a time against its six outputs."""
    b, block = w.b, w.block(index)

    def pair(context: Any) -> None:
        contexts = [context, b.add(context, llvm.integer(1))]
        rows = [w.row(one) for one in contexts]
        sums = [registers(b, BLOCK) for _ in rows]

        def products(offset: Any) -> None:
            x = [v.load(b, b.add(row, offset)) for row in rows]
            for lane, y in enumerate(block.load(b, offset)):
                for m in range(2):
                    sums[m][lane].add_product(x[m], y)

        llvm.loop(b, w.row_bytes, products, step=v.VECTOR_BYTES)
        for one, total in zip(contexts, sums, strict=True):
            block.finish(b, total, w.cell(index, one))

    llvm.loop(b, w.contexts, pair, step=2)


def _exchange(
    w: _Window, block: Block, index: Any, offset: Any, target: Callable[[Any], Any] | None
) -> None:
    """Eight floats of pass 2 for one block: each context against the six outputs in registers.

    The change of a context's row is added to the row, or to what lies at ``target(context)``.
    """
    b = w.b
    old = block.load(b, offset)
    new = [v.Register(b, y) for y in old]

    def context(m: Any) -> None:
        row = b.add(w.row(m), offset)
        x = v.load(b, row)
        place = target(m) if target else row
        total = v.load(b, place) if target else x
        cell = w.cell(index, m)
        for lane, y in enumerate(old):
            c = coefficient(b, cell, lane)
            total = v.multiply_add(b, c, y, total)
            new[lane].add_product(c, x)
        v.store(b, total, place)

    llvm.loop(b, w.contexts, context)
    block.store(b, new, offset)


def _update_single(w: _Window) -> None:
    """Pass 2 with one block: both gradients in one sweep over the rows."""
    zero = llvm.integer(0)
    block = w.block(zero)
    llvm.loop(
        w.b,
        w.row_bytes,
        lambda offset: _exchange(w, block, zero, offset, None),
        step=v.VECTOR_BYTES,
    )


def _update_blocks(w: _Window) -> None:
    """Pass 2 with several blocks: the inputs' changes are summed aside, then added."""
    b = w.b

    def place(m: Any) -> Any:
        return v.at(b, w.sums, m, v.VECTOR_BYTES)

    def add_sum(offset: Any, m: Any) -> None:
        row = b.add(w.row(m), offset)
        v.store(b, v.add(b, v.load(b, row), v.load(b, place(m))), row)

    def slice_of_rows(offset: Any) -> None:
        llvm.loop(b, w.contexts, lambda m: v.store(b, v.filled(0.0), place(m)))
        llvm.loop(b, w.blocks, lambda k: _exchange(w, w.block(k), k, offset, place))
        llvm.loop(b, w.contexts, lambda m: add_sum(offset, m))

    llvm.loop(b, w.row_bytes, slice_of_rows, step=v.VECTOR_BYTES)


def _update(b: Any, operands: list[Any]) -> None:
    """Train one window in place.

    Operands, in this order:
        inputs: address of ``contexts + 1`` row addresses; the last one is read, and only read,
            where ``contexts`` is odd.
        contexts: number of context words, at least 1.
        outputs: address of ``6 * blocks`` row addresses, real ones first, then padding. The real
            ones are distinct.
        labels: address of ``blocks`` 64-bit integers, six labels in the low bits of each.
        count: number of real outputs.
        blocks: number of blocks.
        cells: address of ``blocks * (contexts + 1)`` cells of 16 floats (see ``blocks``); block
            ``k`` starts at cell ``k * (contexts + 1)``.
        sums: address of ``contexts`` vectors of scratch, used where ``blocks > 1``.
        lr: learning rate.
        row_bytes: bytes of a row, a multiple of 32.
    """
    window = _Window(b, operands)
    llvm.loop(b, window.blocks, lambda index: _coefficients(window, index))
    with b.if_else(is_single(b, window.blocks)) as (one, more):
        with one:
            _update_single(window)
        with more:
            _update_blocks(window)


update_skipgram: Final = v.operation(
    _update,
    v.ADDRESS,  # inputs
    v.COUNT,  # contexts
    v.ADDRESS,  # outputs
    v.ADDRESS,  # labels
    v.COUNT,  # count
    v.COUNT,  # blocks
    v.ADDRESS,  # cells
    v.ADDRESS,  # sums
    v.SCALAR,  # lr
    v.COUNT,  # row_bytes
)
