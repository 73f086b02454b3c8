"""The CBOW update of one window (Mikolov et al. 2013, https://arxiv.org/abs/1301.3781).

h is the mean (or the sum) of the M context rows before the window. With t_k the label of output k
and ``c[k] = lr * (t_k - sigmoid(h . y_k))``:

    y_k += c[k] * h          x_m += sum over k of c[k] * y_k   for every m, undivided

That is the gradient where h is the sum. The gradient of the mean would be divided by M; word2vec.c
and gensim's ``cbow_mean=1`` hand the whole of it to every context word, and so does this. A word
that is a context twice gets it twice.
"""

from __future__ import annotations

from typing import Any, Final

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
        self.blocks, self.cells, self.hidden, self.lr, self.share, self.row_bytes = operands[5:]

    def block(self, index: Any) -> Block:
        return Block(self.b, self.outputs, self.labels, index, self.count, self.lr)

    def cell(self, index: Any) -> Any:
        return v.at(self.b, self.cells, index, CELL_BYTES)

    def row(self, context: Any) -> Any:
        return v.load_address(self.b, v.at(self.b, self.inputs, context, 8))


def _mean(w: _Window, offset: Any) -> Any:
    """Eight floats of the mean of the context rows, kept in ``hidden`` too."""
    b = w.b
    total = v.Register(b, v.filled(0.0))
    v.loop(
        b,
        w.contexts,
        lambda m: total.set(v.add(b, total.get(), v.load(b, b.add(w.row(m), offset)))),
    )
    mean = b.fmul(total.get(), v.broadcast(b, w.share))
    v.store(b, mean, b.add(w.hidden, offset))
    return mean


def _coefficients(w: _Window, block: Block, index: Any, hidden: Any) -> Any:
    """Pass 1 for one block; ``hidden(offset)`` emits eight floats of h."""
    b = w.b
    sums = registers(b, BLOCK)

    def products(offset: Any) -> None:
        h = hidden(offset)
        for total, y in zip(sums, block.load(b, offset), strict=True):
            total.add_product(h, y)

    v.loop(b, w.row_bytes, products, step=v.VECTOR_BYTES)
    return block.finish(b, sums, w.cell(index))


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


def _sweep(w: _Window, exchange: Any) -> None:
    """Pass 2: ``exchange(offset, change)`` updates the outputs, then the inputs follow."""
    b = w.b

    def slice_of_rows(offset: Any) -> None:
        change = v.Register(b, v.filled(0.0))
        exchange(offset, change)

        def context(m: Any) -> None:
            place = b.add(w.row(m), offset)
            v.store(b, v.add(b, v.load(b, place), change.get()), place)

        v.loop(b, w.contexts, context)

    v.loop(b, w.row_bytes, slice_of_rows, step=v.VECTOR_BYTES)


def _train_single(w: _Window) -> None:
    """One block: coefficients stay in registers."""
    b, zero = w.b, v.integer(0)
    block = w.block(zero)
    found = _coefficients(w, block, zero, lambda offset: _mean(w, offset))
    lanes = [v.shuffle(b, found, found, [lane] * v.LANES) for lane in range(BLOCK)]
    _sweep(w, lambda offset, change: _exchange(w, block, lanes, offset, change))


def _train_blocks(w: _Window) -> None:
    """Several blocks: h first, then every block's coefficients, then the updates."""
    b = w.b
    v.loop(b, w.row_bytes, lambda offset: _mean(w, offset), step=v.VECTOR_BYTES)

    def hidden(offset: Any) -> Any:
        return v.load(b, b.add(w.hidden, offset))

    v.loop(b, w.blocks, lambda k: _coefficients(w, w.block(k), k, hidden))

    def exchange(offset: Any, change: v.Register) -> None:
        def one(k: Any) -> None:
            lanes = [coefficient(b, w.cell(k), lane) for lane in range(BLOCK)]
            _exchange(w, w.block(k), lanes, offset, change)

        v.loop(b, w.blocks, one)

    _sweep(w, exchange)


def _update(b: Any, operands: list[Any]) -> None:
    """Train one window in place.

    Operands, in this order:
        inputs: address of ``contexts`` row addresses.
        contexts: number of context words, at least 1.
        outputs: address of ``6 * blocks`` row addresses, real ones first, then padding. The real
            ones are distinct.
        labels: address of ``blocks`` vectors of eight labels, 32-byte aligned.
        count: number of real outputs.
        blocks: number of blocks.
        cells: address of ``blocks`` cells of 16 floats (see ``blocks``).
        hidden: address of one row of scratch.
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
