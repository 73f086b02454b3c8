"""Training on one piece of the stream: what a thread runs without the interpreter's lock.

Everything that lasts from one piece to the next lies in the arrays of a ``Lane``, so training
can stop between two pieces and go on later with the same bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit.jit import compiled
from dlkit.word2vec.kernels.blocks import BLOCK, CELL_FLOATS, block_count
from dlkit.word2vec.kernels.cbow import update_cbow
from dlkit.word2vec.kernels.frozen import Frozen, Learning, context_address
from dlkit.word2vec.kernels.grams import Grams, Whole, come_in_sight, go_out_of_sight
from dlkit.word2vec.kernels.inline import inlined
from dlkit.word2vec.kernels.loss import window_loss
from dlkit.word2vec.kernels.memory import LANES, aligned
from dlkit.word2vec.kernels.skipgram import update_skipgram
from dlkit.word2vec.kernels.stream import close_line, keep_tail, read_words
from dlkit.word2vec.kernels.targets import (
    Negatives,
    Paths,
    announce_targets,
    longest,
    write_targets,
)

if TYPE_CHECKING:
    from dlkit.word2vec.kernels.rows import CopiedRows, HotRows

# Places in ``Lane.cursor``; those of ``targets`` are 2, 7, 8 and 9.
HELD: Final = 0  # words in the buffers
READY: Final = 1  # the first of them that is not trained yet
WORDS: Final = 3  # raw words read, over all epochs
UNITS: Final = 4  # pairs (skip-gram) or windows (CBOW) trained, over all epochs
MEASURED: Final = 5  # of those, how many are in the loss sum of this epoch
WINDOWS: Final = 6  # windows since the last one that was measured
# Contexts of a skip-gram window that are updated together. A window that is larger is updated in
# groups of so many, with the same outputs: the sum of hundreds of gradients taken at one point is
# a step that diverges, for example where a window holds one word over and over.
GROUP: Final = 16
CURSOR: Final = 16  # a cache line's worth and more: threads write their own


class Plan(NamedTuple):
    """What all threads share and only read.

    The ids are an int32 stream, any id outside 0 .. V-1 ends a line. ``window``: the most words to
    either side, ``least``: the fewest that a centre may draw; the same where windows are fixed.
    ``every``: one window in so many is measured. ``mean``: CBOW takes the mean of its contexts,
    else their sum.
    """

    ids: Any
    keep: Any
    targets: Negatives | Paths
    window: int
    least: int
    every: int
    mean: bool


class Lane(NamedTuple):
    """What one thread owns: counters, the words it holds, its view of the matrices and scratch."""

    cursor: Any  # (16,) int64
    loss: Any  # (8,) float64, the sum in place 0
    words: Any  # (held,) int32
    low: Any  # (held,) int32
    high: Any  # (held,) int32
    places: Any  # (held,) int64: addresses of the words in sight
    drawn: Any  # (outputs + 1,) int64
    contexts: Any  # (2 * window + 2,) int64: addresses of context rows
    addresses: Any  # (2, 6 * blocks) int64: of output rows, this window's and the next one's
    labels: Any  # (2, blocks) int64: six labels in the low bits of each
    cells: Any  # (blocks * (contexts + 1), 16) float32, contexts of one update
    sums: Any  # (vectors, 8) float32: gradients (skip-gram), or h and its change (CBOW)
    zeros: Any  # (padded dim,) float32: the row that pads a block
    inputs: HotRows | CopiedRows  # (V or more, padded dim)
    outputs: HotRows | CopiedRows  # (V, padded dim)
    grams: Whole | Grams
    frozen: Learning | Frozen


def make_lane(
    *,
    inputs: HotRows | CopiedRows,
    outputs: HotRows | CopiedRows,
    grams: Whole | Grams,
    frozen: Learning | Frozen,
    window: int,
    most_outputs: int,
    chunk: int,
    contexts: int = GROUP,
) -> Lane:
    """Memory for a thread that reads ``chunk`` ids at a time.

    ``most_outputs`` is the most that a window has, ``contexts`` the most that one skip-gram update
    takes.
    """
    blocks = block_count(most_outputs)
    held = chunk + 2 * window + 1
    dim = outputs.shared.shape[1]
    labels = np.zeros((2, blocks), np.int64)
    labels[:, 0] = 1  # as negative sampling has it; paths write their own
    return Lane(
        cursor=np.zeros(CURSOR, np.int64),
        loss=np.zeros(LANES, np.float64),
        words=np.zeros(held, np.int32),
        low=np.zeros(held, np.int32),
        high=np.zeros(held, np.int32),
        places=np.zeros(held, np.int64),
        drawn=np.zeros(most_outputs + 1, np.int64),
        contexts=np.zeros(2 * window + 2, np.int64),
        addresses=np.zeros((2, BLOCK * blocks), np.int64),
        labels=labels,
        cells=aligned(blocks * (contexts + 1), CELL_FLOATS),
        sums=aligned(max(contexts, 2 * dim // LANES), LANES),
        zeros=aligned(dim),
        inputs=inputs,
        outputs=outputs,
        grams=grams,
        frozen=frozen,
    )


def most_trained(plan: Plan, chunk: int) -> int:
    """The most words that one piece of ``chunk`` ids trains or looks at."""
    return chunk + 4 * plan.window + 4


def most_outputs(plan: Plan) -> int:
    """The most outputs of one window."""
    return longest(plan.targets)


@inlined
def gather_contexts(lane: Any, centre: Any) -> Any:
    """Write the row addresses of the contexts of word number ``centre``; returns how many.

    One address more is written, for updates that take contexts two at a time.
    """
    contexts: Any = 0
    for i in range(lane.low[centre], lane.high[centre]):
        word = np.int64(lane.words[i])
        lane.contexts[contexts] = context_address(lane.frozen, word, lane.places[i], contexts)
        contexts += np.int64(i != centre)
    lane.contexts[contexts] = lane.contexts[0]
    return contexts


@inlined
def read_piece(plan: Any, lane: Any, start: Any, stop: Any, key: Any, last: Any) -> Any:
    """Read ``ids[start:stop]`` into the lane; ``last``: nothing follows, so the line ends.

    Returns (words held, where the open line begins, words that can be trained).
    """
    cursor = lane.cursor
    held, begin, read = read_words(
        plan.ids, start, stop, key, plan.keep, plan.window, plan.least,
        lane.words, lane.low, lane.high, cursor[HELD],
    )  # fmt: skip
    cursor[WORDS] += read
    if last:
        close_line(lane.high, begin, held, plan.window)
        begin = held
    ready = max(begin, held - plan.window, cursor[READY])
    return held, begin, ready


@inlined
def move_sight(plan: Any, lane: Any, left: Any, seen: Any, centre: Any, held: Any) -> Any:
    """Let words out of sight and into it, so that the window of ``centre`` finds its vectors.

    ``left .. seen - 1`` are in sight; returns the same two for ``centre``. One word more than the
    window reaches comes in, so that its row is there when it is needed.
    """
    for place in range(left, centre - plan.window):
        go_out_of_sight(lane.grams, lane.frozen, lane.inputs, lane.words, place)
    until = min(centre + plan.window + 2, held)
    for place in range(seen, until):
        lane.places[place] = come_in_sight(
            lane.grams, lane.frozen, lane.inputs, lane.words, place, plan.window + plan.least
        )
    return max(left, centre - plan.window), max(seen, until)


@inlined
def is_measured(plan: Any, lane: Any) -> Any:
    """Count a window; true for every ``plan.every``-th one, whose loss joins the epoch's sum."""
    lane.cursor[WINDOWS] += 1
    measured = lane.cursor[WINDOWS] >= plan.every
    if measured:
        lane.cursor[WINDOWS] = 0
    return measured


@inlined
def add_loss(lane: Any, side: Any, pairs: Any, block_cells: Any, count: Any) -> None:
    """Add the loss that the cells of an update hold: that of before the update."""
    lane.loss[0] += window_loss(lane.cells, lane.labels[side], pairs, block_cells, count)
    lane.cursor[MEASURED] += pairs


@inlined
def skipgram_window(plan: Any, lane: Any, side: Any, contexts: Any, count: Any, lr: Any) -> None:
    """Train one skip-gram window whose contexts and outputs the lane names."""
    blocks = (count + BLOCK - 1) // BLOCK
    addresses = lane.addresses.ctypes.data + side * lane.addresses.shape[1] * 8
    labels = lane.labels.ctypes.data + side * lane.labels.shape[1] * 8
    measured = is_measured(plan, lane)
    for part in range(0, contexts, GROUP):
        size = min(GROUP, contexts - part)
        update_skipgram(
            lane.contexts.ctypes.data + part * 8, size, addresses, labels, count, blocks,
            lane.cells.ctypes.data, lane.sums.ctypes.data, lr, lane.outputs.shared.shape[1] * 4,
        )  # fmt: skip
        if measured:
            add_loss(lane, side, size, size + 1, count)
    lane.cursor[UNITS] += contexts


@inlined
def cbow_window(plan: Any, lane: Any, side: Any, contexts: Any, count: Any, lr: Any) -> None:
    """Train one CBOW window whose contexts and outputs the lane names."""
    blocks = (count + BLOCK - 1) // BLOCK
    addresses = lane.addresses.ctypes.data + side * lane.addresses.shape[1] * 8
    labels = lane.labels.ctypes.data + side * lane.labels.shape[1] * 8
    share = np.float32(1) / np.float32(contexts) if plan.mean else np.float32(1)
    update_cbow(
        lane.contexts.ctypes.data, contexts, addresses, labels, count, blocks,
        lane.cells.ctypes.data, lane.sums.ctypes.data, lr, share,
        lane.outputs.shared.shape[1] * 4,
    )  # fmt: skip
    if is_measured(plan, lane):
        add_loss(lane, side, 1, 1, count)
    lane.cursor[UNITS] += 1


def _walk(train_window: Any) -> Any:
    """A function that trains on a piece of the stream, window by window, with ``train_window``."""

    @inlined
    def walk(plan: Any, lane: Any, start: Any, stop: Any, key: Any, last: Any, lr: Any) -> None:
        held, begin, ready = read_piece(plan, lane, start, stop, key, last)
        first = lane.cursor[READY]
        left = seen = max(0, first - plan.window)
        following: Any = 0
        if first < ready:
            following = write_targets(plan.targets, lane, np.int64(lane.words[first]), first & 1)
        for centre in range(first, ready):
            side, count = centre & 1, following
            if centre + 1 < ready:
                word = np.int64(lane.words[centre + 1])
                following = write_targets(plan.targets, lane, word, 1 - side)
            if centre + 3 < ready:
                announce_targets(plan.targets, lane, np.int64(lane.words[centre + 3]))
            left, seen = move_sight(plan, lane, left, seen, centre, held)
            contexts = gather_contexts(lane, centre)
            if contexts > 0 and count > 0:
                train_window(plan, lane, side, contexts, count, lr)
        for place in range(left, seen):
            go_out_of_sight(lane.grams, lane.frozen, lane.inputs, lane.words, place)
        lane.cursor[HELD], lane.cursor[READY] = keep_tail(
            lane.words, lane.low, lane.high, begin, ready, held, plan.window
        )

    return walk


_walk_skipgram: Final = _walk(skipgram_window)
_walk_cbow: Final = _walk(cbow_window)


@compiled(_nrt=False, no_cfunc_wrapper=True)
def train_skipgram(
    plan: Any, lane: Any, start: Any, stop: Any, key: Any, last: Any, lr: Any
) -> None:
    """Train skip-gram on ``ids[start:stop]`` with learning rate ``lr`` (float32)."""
    _walk_skipgram(plan, lane, start, stop, key, last, lr)


@compiled(_nrt=False, no_cfunc_wrapper=True)
def train_cbow(plan: Any, lane: Any, start: Any, stop: Any, key: Any, last: Any, lr: Any) -> None:
    """Train CBOW on ``ids[start:stop]`` with learning rate ``lr`` (float32)."""
    _walk_cbow(plan, lane, start, stop, key, last, lr)
