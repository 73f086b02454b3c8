"""The CBOW update of one window (Mikolov et al. 2013, https://arxiv.org/abs/1301.3781).

h is the mean (or the sum) of the M context rows before the window. With t_k the label of output k
and ``c[k] = lr * (t_k - sigmoid(h . y_k))``:

    y_k += c[k] * h          x_m += sum over k of c[k] * y_k   for every m, undivided

That is the gradient where h is the sum. The gradient of the mean would be divided by M; word2vec.c
and gensim's ``cbow_mean=1`` hand the whole of it to every context word, and so does this. A word
that is a context twice gets it twice.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from dlkit import llvm
from dlkit.word2vec.kernels import vector as v
from dlkit.word2vec.kernels.blocks import (
    BLOCK,
    CELL_BYTES,
    Block,
    is_single,
    registers,
)

HALF: Final = BLOCK // 2


class _Window:
    """The operands of one update, as emitted values."""

    def __init__(self, b: Any, operands: list[Any]) -> None:
        self.b = b
        self.inputs, self.contexts, self.outputs, self.labels, self.count = operands[:5]
        self.blocks, self.cells, self.hidden, self.lr, self.share, self.row_bytes = operands[5:]

    def block(self, index: Any, width: int = BLOCK) -> Block:
        return Block(self.b, self.outputs, self.labels, index, self.count, self.lr, width)

    def cell(self, index: Any) -> Any:
        return v.at(self.b, self.cells, index, CELL_BYTES)

    def change(self, offset: Any) -> Any:
        return self.b.add(self.hidden, self.b.add(self.row_bytes, offset))

    def row(self, context: Any) -> Any:
        return v.load_address(self.b, v.at(self.b, self.inputs, context, 8))


def _mean(w: _Window, offset: Any) -> Any:
    """Eight floats of the mean of the context rows, kept in ``hidden`` too."""
    b = w.b
    total = v.Register(b, v.filled(0.0))
    llvm.loop(
        b,
        w.contexts,
        lambda m: total.set(v.add(b, total.get(), v.load(b, b.add(w.row(m), offset)))),
    )
    mean = b.fmul(total.get(), v.broadcast(b, w.share))
    v.store(b, mean, b.add(w.hidden, offset))
    return mean


def _coefficients(w: _Window, block: Block, index: Any, hidden: Any) -> list[Any]:
    """Pass 1 for one block; ``hidden(offset)`` emits eight floats of h.

    Returns the block's coefficients, each in all eight lanes of a vector.
    """
    b = w.b
    sums = registers(b, len(block.rows))

    def products(offset: Any) -> None:
        h = hidden(offset)
        for total, y in zip(sums, block.load(b, offset), strict=True):
            total.add_product(h, y)

    llvm.loop(b, w.row_bytes, products, step=v.VECTOR_BYTES)
    found = block.finish(b, sums, w.cell(index))
    return [llvm.shuffle(b, found, found, [lane] * v.LANES) for lane in range(len(block.rows))]


def _exchange(
    w: _Window, block: Block, coefficients: list[Any], offset: Any, change: v.Register
) -> None:
    """Eight floats of one block's outputs; their share of the inputs' change joins ``change``."""
    b = w.b
    h = v.load(b, b.add(w.hidden, offset))
    for row, c in zip(block.rows, coefficients, strict=True):
        place = b.add(row, offset)
        y = v.load(b, place)
        change.add_product(c, y)
        v.store(b, v.multiply_add(b, c, h, y), place)


def _change_contexts(w: _Window, offset: Any, change: Any) -> None:
    """Add eight floats to every context row."""
    b = w.b

    def context(m: Any) -> None:
        place = b.add(w.row(m), offset)
        v.store(b, v.add(b, v.load(b, place), change), place)

    llvm.loop(b, w.contexts, context)


def _train_single(w: _Window) -> None:
    """One block: coefficients stay in registers, outputs and inputs follow in one sweep."""
    b, zero = w.b, llvm.integer(0)
    block = w.block(zero)
    coefficients = _coefficients(w, block, zero, lambda offset: _mean(w, offset))

    def slice_of_rows(offset: Any) -> None:
        change = v.Register(b, v.filled(0.0))
        _exchange(w, block, coefficients, offset, change)
        _change_contexts(w, offset, change.get())

    llvm.loop(b, w.row_bytes, slice_of_rows, step=v.VECTOR_BYTES)


def _train_blocks(w: _Window) -> None:
    """Several blocks: h first, then block after block, whose rows are near from pass 1 to 2.

    The inputs' change is summed in memory meanwhile: a load and a store for each slice of a block,
    where going slice by slice would fetch six addresses and six coefficients for it. Up to three
    outputs at the end are trained as half a block: a path of a Huffman tree has about twelve nodes,
    and two or three rows of padding would cost a sixth of the time.
    """
    b = w.b

    def kept(offset: Any) -> Any:
        return v.load(b, b.add(w.hidden, offset))

    def one(index: Any, width: int = BLOCK, *, first: bool = False) -> None:
        block = w.block(index, width)
        hidden = partial(_mean, w) if first else kept
        coefficients = _coefficients(w, block, index, hidden)

        def slice_of_rows(offset: Any) -> None:
            before = v.filled(0.0) if first else v.load(b, w.change(offset))
            change = v.Register(b, before)
            _exchange(w, block, coefficients, offset, change)
            v.store(b, change.get(), w.change(offset))

        llvm.loop(b, w.row_bytes, slice_of_rows, step=v.VECTOR_BYTES)

    whole = b.sdiv(b.add(w.count, llvm.integer(BLOCK - HALF - 1)), llvm.integer(BLOCK))
    one(llvm.integer(0), first=True)
    llvm.loop(b, b.sub(whole, llvm.integer(1)), lambda i: one(b.add(i, llvm.integer(1))))
    with b.if_then(b.icmp_signed("<", b.mul(whole, llvm.integer(BLOCK)), w.count)):
        one(whole, HALF)
    llvm.loop(
        b,
        w.row_bytes,
        lambda offset: _change_contexts(w, offset, v.load(b, w.change(offset))),
        step=v.VECTOR_BYTES,
    )


def _update(b: Any, operands: list[Any]) -> None:
    """Train one window in place.

    Operands, in this order:
        inputs: address of ``contexts`` row addresses.
        contexts: number of context words, at least 1.
        outputs: address of ``6 * blocks`` row addresses, real ones first, then padding. The real
            ones are distinct.
        labels: address of ``blocks`` 64-bit integers, six labels in the low bits of each.
        count: number of real outputs.
        blocks: number of blocks.
        cells: address of ``blocks`` cells of 16 floats (see ``blocks``).
        hidden: address of two rows of scratch: h, and the change of the inputs.
        lr: learning rate.
        share: what a context row counts in h: 1 / ``contexts`` for the mean, 1 for the sum.
        row_bytes: bytes of a row, a multiple of 32.
    """
    window = _Window(b, operands)
    with b.if_else(is_single(b, window.blocks)) as (one, more):
        with one:
            _train_single(window)
        with more:
            _train_blocks(window)


update_cbow: Final = v.operation(
    _update,
    v.ADDRESS,  # inputs
    v.COUNT,  # contexts
    v.ADDRESS,  # outputs
    v.ADDRESS,  # labels
    v.COUNT,  # count
    v.COUNT,  # blocks
    v.ADDRESS,  # cells
    v.ADDRESS,  # hidden
    v.SCALAR,  # lr
    v.SCALAR,  # share
    v.COUNT,  # row_bytes
)
