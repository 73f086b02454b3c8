"""Training on one piece of the stream: what a thread runs without the interpreter's lock.

Everything that lasts from one piece to the next lies in the arrays of a ``Lane``, so training
can stop between two pieces and go on later with the same bits.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from dlkit.jit import compiled
from dlkit.word2vec.kernels import vector
from dlkit.word2vec.kernels.blocks import BLOCK, CELL_FLOATS, block_count
from dlkit.word2vec.kernels.cbow import update_cbow
from dlkit.word2vec.kernels.inline import inlined
from dlkit.word2vec.kernels.loss import window_loss
from dlkit.word2vec.kernels.memory import LANES, aligned
from dlkit.word2vec.kernels.negatives import draw_negatives
from dlkit.word2vec.kernels.skipgram import update_skipgram
from dlkit.word2vec.kernels.stream import close_line, keep_tail, read_words

# Places in ``Lane.cursor``.
HELD: Final = 0  # words in the buffers
READY: Final = 1  # the first of them that is not trained yet
TABLE: Final = 2  # next entry of the table of negatives
WORDS: Final = 3  # raw words read, over all epochs
UNITS: Final = 4  # pairs (skip-gram) or windows (CBOW) trained, over all epochs
MEASURED: Final = 5  # of those, how many are in the loss sum of this epoch
WINDOWS: Final = 6  # windows since the last one that was measured
ROUNDS: Final = 7  # how often the table of negatives was begun again
# Contexts of a skip-gram window that are updated together. A window that is larger is updated in
# groups of so many, with the same negatives: the sum of hundreds of gradients taken at one point is
# a step that diverges, for example where a window holds one word over and over.
GROUP: Final = 16
CURSOR: Final = 16  # a cache line's worth and more: threads write their own


class Plan(NamedTuple):
    """What all threads share and only read, but for the two matrices.

    The ids are an int32 stream, any id outside 0 .. V-1 ends a line. ``inputs`` and ``outputs``
    are (V, padded dim), rows 32-byte aligned. ``every``: one window in so many is measured.
    """

    ids: Any
    inputs: Any
    outputs: Any
    keep: Any
    table: Any
    window: int
    negative: int
    every: int


class Lane(NamedTuple):
    """What one thread owns: counters, the words it holds, private rows and scratch."""

    cursor: Any  # (16,) int64
    loss: Any  # (8,) float64, the sum in place 0
    words: Any  # (held,) int32
    low: Any  # (held,) int32
    high: Any  # (held,) int32
    drawn: Any  # (negative + 2,) int64
    inputs: Any  # (2 * window + 2,) int64: addresses of context rows
    outputs: Any  # (2, 6 * blocks) int64: addresses of output rows, this window's and the next
    cells: Any  # (blocks * (contexts + 1), 16) float32, contexts of one update
    sums: Any  # (vectors, 8) float32: gradients (skip-gram) or h (CBOW)
    zeros: Any  # (padded dim,) float32: the row that pads a block
    hot_inputs: Any  # (H, padded dim) float32
    hot_outputs: Any  # (H, padded dim) float32


def make_lane(
    *, dim: int, window: int, negative: int, chunk: int, hot: int, contexts: int = GROUP
) -> Lane:
    """Memory for a thread that reads ``chunk`` ids at a time.

    ``dim`` is the padded one, ``contexts`` the most that one skip-gram update takes.
    """
    blocks = block_count(negative + 1)
    held = chunk + 2 * window + 1
    return Lane(
        cursor=np.zeros(CURSOR, np.int64),
        loss=np.zeros(LANES, np.float64),
        words=np.zeros(held, np.int32),
        low=np.zeros(held, np.int32),
        high=np.zeros(held, np.int32),
        drawn=np.zeros(negative + 2, np.int64),
        inputs=np.zeros(2 * window + 2, np.int64),
        outputs=np.zeros((2, BLOCK * blocks), np.int64),
        cells=aligned(blocks * (contexts + 1), CELL_FLOATS),
        sums=aligned(max(contexts, dim // LANES), LANES),
        zeros=aligned(dim),
        hot_inputs=aligned(hot, dim),
        hot_outputs=aligned(hot, dim),
    )


prefetch_row: Final = vector.operation(
    lambda b, values: vector.prefetch(b, *values), vector.ADDRESS, vector.COUNT
)


@inlined
def next_outputs(plan: Any, lane: Any, centre: Any, side: Any) -> Any:
    """Draw the negatives of ``centre`` and write its row addresses to ``lane.outputs[side]``.

    Returns how many outputs are real. The rows are asked for ahead of their use.
    """
    cursor = lane.cursor
    position = cursor[TABLE]
    if position + 2 * plan.negative + 8 > len(plan.table):
        # Start again at another place, so that the table's groups differ from round to round.
        cursor[ROUNDS] += 1
        position = cursor[ROUNDS] * 389 & 1023
    found, cursor[TABLE] = draw_negatives(plan.table, position, centre, plan.negative, lane.drawn)
    row_bytes = plan.outputs.shape[1] * 4
    shared = plan.outputs.ctypes.data
    private = lane.hot_outputs.ctypes.data
    hot = lane.hot_outputs.shape[0]
    for i in range(found + 1):
        word = lane.drawn[i]
        address = (private if word < hot else shared) + word * row_bytes
        lane.outputs[side, i] = address
        prefetch_row(address, row_bytes)
    for i in range(found + 1, lane.outputs.shape[1]):
        lane.outputs[side, i] = lane.zeros.ctypes.data
    return found + 1


@inlined
def gather_contexts(plan: Any, lane: Any, centre: Any) -> Any:
    """Write the row addresses of the contexts of word number ``centre``; returns how many.

    One address more is written, for updates that take contexts two at a time.
    """
    row_bytes = plan.inputs.shape[1] * 4
    shared = plan.inputs.ctypes.data
    private = lane.hot_inputs.ctypes.data
    hot = lane.hot_inputs.shape[0]
    contexts: Any = 0
    for i in range(lane.low[centre], lane.high[centre]):
        word = np.int64(lane.words[i])
        lane.inputs[contexts] = (private if word < hot else shared) + word * row_bytes
        contexts += np.int64(i != centre)
    lane.inputs[contexts] = lane.inputs[0]
    return contexts


@inlined
def read_piece(plan: Any, lane: Any, start: Any, stop: Any, key: Any, last: Any) -> Any:
    """Read ``ids[start:stop]`` into the lane; ``last``: nothing follows, so the line ends.

    Returns (words held, where the open line begins, words that can be trained).
    """
    cursor = lane.cursor
    held, begin, read = read_words(
        plan.ids, start, stop, key, plan.keep, plan.window,
        lane.words, lane.low, lane.high, cursor[HELD],
    )  # fmt: skip
    cursor[WORDS] += read
    if last:
        close_line(lane.high, begin, held, plan.window)
        begin = held
    ready = max(begin, held - plan.window, cursor[READY])
    return held, begin, ready


@inlined
def is_measured(plan: Any, lane: Any) -> Any:
    """Count a window; true for every ``plan.every``-th one, whose loss joins the epoch's sum."""
    lane.cursor[WINDOWS] += 1
    measured = lane.cursor[WINDOWS] >= plan.every
    if measured:
        lane.cursor[WINDOWS] = 0
    return measured


@inlined
def add_loss(lane: Any, pairs: Any, block_cells: Any, count: Any) -> None:
    """Add the loss that the cells of an update hold: that of before the update."""
    lane.loss[0] += window_loss(lane.cells, pairs, block_cells, count)
    lane.cursor[MEASURED] += pairs


@compiled(_nrt=False)
def train_skipgram(
    plan: Any, lane: Any, start: Any, stop: Any, key: Any, last: Any, lr: Any
) -> None:
    """Train skip-gram on ``ids[start:stop]`` with learning rate ``lr`` (float32)."""
    held, begin, ready = read_piece(plan, lane, start, stop, key, last)
    first = lane.cursor[READY]
    inputs, cells, sums = lane.inputs.ctypes.data, lane.cells.ctypes.data, lane.sums.ctypes.data
    blocks = lane.outputs.shape[1] // BLOCK
    row_bytes = plan.inputs.shape[1] * 4
    following = 0
    if first < ready:
        following = next_outputs(plan, lane, np.int64(lane.words[first]), first & 1)
    for centre in range(first, ready):
        side, count = centre & 1, following
        if centre + 1 < ready:
            following = next_outputs(plan, lane, np.int64(lane.words[centre + 1]), 1 - side)
        contexts = gather_contexts(plan, lane, centre)
        if contexts > 0:
            outputs = lane.outputs.ctypes.data + side * blocks * BLOCK * 8
            measured = is_measured(plan, lane)
            for part in range(0, contexts, GROUP):
                size = min(GROUP, contexts - part)
                update_skipgram(
                    inputs + part * 8, size, outputs, count, blocks, cells, sums, lr, row_bytes
                )
                if measured:
                    add_loss(lane, size, size + 1, count)
            lane.cursor[UNITS] += contexts
    lane.cursor[HELD], lane.cursor[READY] = keep_tail(
        lane.words, lane.low, lane.high, begin, ready, held, plan.window
    )


@compiled(_nrt=False)
def train_cbow(plan: Any, lane: Any, start: Any, stop: Any, key: Any, last: Any, lr: Any) -> None:
    """Train CBOW on ``ids[start:stop]`` with learning rate ``lr`` (float32)."""
    held, begin, ready = read_piece(plan, lane, start, stop, key, last)
    first = lane.cursor[READY]
    inputs, cells, sums = lane.inputs.ctypes.data, lane.cells.ctypes.data, lane.sums.ctypes.data
    blocks = lane.outputs.shape[1] // BLOCK
    row_bytes = plan.inputs.shape[1] * 4
    following = 0
    if first < ready:
        following = next_outputs(plan, lane, np.int64(lane.words[first]), first & 1)
    for centre in range(first, ready):
        side, count = centre & 1, following
        if centre + 1 < ready:
            following = next_outputs(plan, lane, np.int64(lane.words[centre + 1]), 1 - side)
        contexts = gather_contexts(plan, lane, centre)
        if contexts > 0:
            outputs = lane.outputs.ctypes.data + side * blocks * BLOCK * 8
            update_cbow(inputs, contexts, outputs, count, blocks, cells, sums, lr, row_bytes)
            if is_measured(plan, lane):
                add_loss(lane, 1, 1, count)
            lane.cursor[UNITS] += 1
    lane.cursor[HELD], lane.cursor[READY] = keep_tail(
        lane.words, lane.low, lane.high, begin, ready, held, plan.window
    )
