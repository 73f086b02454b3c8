"""Rows of a matrix as a thread sees them: shared, privately copied, or copied at the first touch.

Two ways for threads to work on one matrix. ``HotRows``: all write to the shared rows without locks
(Recht et al. 2011, https://arxiv.org/abs/1106.5730), but each has its own copy of the most frequent
ones, because a row that all threads write all the time takes its cache line from core to core.
``CopiedRows``: nobody writes to the shared rows while a round lasts; a thread copies a row when it
first touches it, and the changes of all are added between two rounds, in an order that does not
depend on the threads.

Which of the two a function works on is decided by type when it is compiled.

Either way changes that several lanes found from the same start are added up. For a row that each
used a few times that is what one lane would have done. A row that each used often, such as the
root of a Huffman tree, has moved most of the way to where it belongs in every copy; the sum would
take it as many times too far, and diverge. If one use moves a row by a share r of its way, n uses
move it by ``1 - exp(-r n)``; all uses after one another would move it by ``1 - exp(-r N)`` with N
their number, and that is what the sum of the changes is scaled to. Where lanes do not know of each
other's uses (``HotRows``), each takes the others' for as many as its own.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numba.extending import overload

from dlkit import llvm
from dlkit.jit import compiled
from dlkit.word2vec.kernels import vector as v
from dlkit.word2vec.kernels.inline import JIT_OPTIONS, inlined
from dlkit.word2vec.kernels.memory import Floats, aligned

# r for a learning rate of 1: the slope of the logistic function times the squared length of the
# other vector. A smaller value lets tiny vocabularies diverge (0.15 did with ten words), larger
# ones (1, 2) learn more slowly.
PULL: Final = np.float32(0.5)
WAYS: Final = 256  # uses in a round that are frequent
AHEAD: Final = 6  # rows that are asked for before they are needed


class HotRows(NamedTuple):
    """A matrix that threads share, and this thread's copy of its first rows."""

    shared: Any  # (V, D) float32
    private: Any  # (H, D) float32: rows 0 .. H-1, the most frequent
    base: Any  # (H, D) float32: what they were when they were last taken
    uses: Any  # (H,) int64: how often each was asked for since


class CopiedRows(NamedTuple):
    """A matrix that is only read during a round, and this thread's copies of what it touches."""

    shared: Any  # (V, D) float32
    slots: Any  # (V,) int32: place of a row in ``pool``, -1 if it was not touched
    touched: Any  # (C,) int32: the row in each place
    used: Any  # (8,) int64: places taken, in the first
    pool: Any  # (C, D) float32
    uses: Any  # (C,) int64: how often each was asked for in this round


def hot_rows(shared: Floats, hot: int) -> HotRows:
    """Rows for a thread with private copies of the first ``hot``."""
    dim = shared.shape[1]
    base, uses = np.zeros((hot, dim), np.float32), np.zeros(hot, np.int64)
    return HotRows(shared, aligned(hot, dim), base, uses)


def copied_rows(shared: Floats, capacity: int) -> CopiedRows:
    """Rows for a thread that touches at most ``capacity`` different ones in a round."""
    rows, dim = shared.shape
    capacity = min(capacity, rows)
    return CopiedRows(
        shared=shared,
        slots=np.full(rows, -1, np.int32),
        touched=np.zeros(capacity, np.int32),
        used=np.zeros(8, np.int64),
        pool=aligned(capacity, dim),
        uses=np.zeros(capacity, np.int64),
    )


def _copy(b: Any, operands: list[Any]) -> None:
    """Copy a row: address to write, address to read, bytes."""
    target, source, row_bytes = operands
    llvm.loop(
        b,
        row_bytes,
        lambda offset: v.store(b, v.load(b, b.add(source, offset)), b.add(target, offset)),
        step=v.VECTOR_BYTES,
    )


copy_row = v.operation(_copy, v.ADDRESS, v.ADDRESS, v.COUNT)


def _add(b: Any, operands: list[Any]) -> None:
    """Add a row to another: address to change, address to read, bytes."""
    target, source, row_bytes = operands

    def slice_of_rows(offset: Any) -> None:
        place = b.add(target, offset)
        v.store(b, v.add(b, v.load(b, place), v.load(b, b.add(source, offset))), place)

    llvm.loop(b, row_bytes, slice_of_rows, step=v.VECTOR_BYTES)


def _change(b: Any, operands: list[Any]) -> None:
    """Turn a row into its scaled difference to another: both addresses, factor, bytes."""
    target, source, factor, row_bytes = operands

    def slice_of_rows(offset: Any) -> None:
        place = b.add(target, offset)
        change = b.fsub(v.load(b, place), v.load(b, b.add(source, offset)))
        v.store(b, b.fmul(change, v.broadcast(b, factor)), place)

    llvm.loop(b, row_bytes, slice_of_rows, step=v.VECTOR_BYTES)


add_row = v.operation(_add, v.ADDRESS, v.ADDRESS, v.COUNT)
scaled_change = v.operation(_change, v.ADDRESS, v.ADDRESS, v.SCALAR, v.COUNT)
prefetch_row = v.operation(lambda b, values: v.prefetch(b, *values), v.ADDRESS, v.COUNT)


def row_address(rows: Any, row: Any, times: Any) -> Any:
    """Where this thread reads and writes row number ``row``, which it will use so many ``times``.

    For compiled code only.
    """
    raise NotImplementedError


@overload(row_address, jit_options=JIT_OPTIONS)
def _row_address(rows: Any, row: Any, times: Any) -> Any:
    def hot_address(rows: Any, row: Any, times: Any) -> Any:
        start = rows.shared.ctypes.data
        if row < rows.private.shape[0]:
            rows.uses[row] += times
            start = rows.private.ctypes.data
        return start + row * (rows.shared.shape[1] * 4)

    def copied_address(rows: Any, row: Any, times: Any) -> Any:
        row_bytes = rows.shared.shape[1] * 4
        slot = np.int64(rows.slots[row])
        if slot < 0:
            slot = rows.used[0]
            rows.used[0] = slot + 1
            rows.slots[row] = slot
            rows.touched[slot] = row
            rows.uses[slot] = 0
            copy_row(
                rows.pool.ctypes.data + slot * row_bytes,
                rows.shared.ctypes.data + row * row_bytes,
                row_bytes,
            )
        rows.uses[slot] += times
        return rows.pool.ctypes.data + slot * row_bytes

    return hot_address if rows.instance_class is HotRows else copied_address


def announce(rows: Any, row: Any) -> None:
    """Ask for a row that will be addressed soon, where that would have to wait for memory."""
    raise NotImplementedError


@overload(announce, jit_options=JIT_OPTIONS)
def _announce(rows: Any, row: Any) -> Any:
    def hot_announce(rows: Any, row: Any) -> None:  # addressing it asks for it, early enough
        pass

    def copied_announce(rows: Any, row: Any) -> None:  # addressing it reads it
        if rows.slots[row] < 0:
            row_bytes = rows.shared.shape[1] * 4
            prefetch_row(rows.shared.ctypes.data + row * row_bytes, row_bytes)

    return hot_announce if rows.instance_class is HotRows else copied_announce


@inlined
def share_of(uses: Any, lanes: Any, lr: Any) -> Any:
    """What the change of a row counts that this lane used so often, and ``lanes`` others alike."""
    way = PULL * lr * np.float32(uses)
    if way * lanes < 1e-3:
        return np.float32(1)
    return np.float32(np.expm1(-way * lanes) / (lanes * np.expm1(-way)))


@compiled(_nrt=False, no_cfunc_wrapper=True)
def take_rows(rows: Any) -> None:
    """Copy the first rows of the shared matrix into the private ones."""
    shared, private, base = rows.shared, rows.private, rows.base
    for row in range(private.shape[0]):
        rows.uses[row] = 0
        for i in range(private.shape[1]):
            private[row, i] = shared[row, i]
            base[row, i] = shared[row, i]


@compiled(_nrt=False, no_cfunc_wrapper=True)
def merge_rows(rows: Any, lanes: Any, lr: Any) -> None:
    """Add what changed in the private rows to the shared ones, and take the sums as new copies.

    Other threads may do the same at the same time; a change that two threads write to the same
    float in the same instant may be lost, as with any row that threads share without locks.
    """
    shared, private, base = rows.shared, rows.private, rows.base
    for row in range(private.shape[0]):
        share = share_of(rows.uses[row], lanes, lr)
        rows.uses[row] = 0
        for i in range(private.shape[1]):
            # Subtracted, so that a row without a change keeps its bits, -0.0 included.
            total = shared[row, i] - share * (base[row, i] - private[row, i])
            shared[row, i] = total
            private[row, i] = total
            base[row, i] = total


@compiled(_nrt=False, no_cfunc_wrapper=True)
def write_ways(ways: Any, lr: Any) -> None:
    """Fill ``ways[n]`` with how much of its way ``n`` uses move a row, for small ``n``."""
    for uses in range(len(ways)):
        ways[uses] = way(uses, lr)


@inlined
def way(uses: Any, lr: Any) -> Any:
    """How much of its way so many uses move a row: ``1 - exp(-r n)``."""
    return np.float32(-np.expm1(-PULL * lr * np.float32(uses)))


@inlined
def way_of(ways: Any, uses: Any, lr: Any) -> Any:
    """The same, from the table where it is there."""
    return ways[uses] if uses < len(ways) else way(uses, lr)


@compiled(_nrt=False, no_cfunc_wrapper=True)
def merge_copies(views: Any, ways: Any, part: Any, parts: Any, lr: Any) -> None:
    """End a round: merge what the lanes made of every ``parts``-th shared row, from ``part``.

    What one lane alone touched is taken as it left it. The changes of several are scaled to what
    all their uses would have done one after another, and added in the order of the lanes. These
    copies are forgotten; the caller sets ``used`` to 0 when all parts are done.

    Args:
        views: tuple of the lanes' ``CopiedRows`` of one matrix.
        ways: from ``write_ways``, float32.
        part: which rows.
        parts: in how many parts the rows are merged, by as many threads.
        lr: the learning rate of the round.

    """
    lanes = len(views)
    shared = views[0].shared.ctypes.data
    row_bytes = views[0].shared.shape[1] * 4
    for lane in range(lanes):
        view = views[lane]
        pool, used = view.pool.ctypes.data, view.used[0]
        for slot in range(used):
            if slot + AHEAD < used:
                prefetch_row(shared + np.int64(view.touched[slot + AHEAD]) * row_bytes, row_bytes)
            row = np.int64(view.touched[slot])
            merged = view.slots[row] < 0  # with those of an earlier lane
            if merged or row % parts != part:
                continue
            view.slots[row] = -1
            start, copy = shared + row * row_bytes, pool + slot * row_bytes
            uses = view.uses[slot]
            alone, apart = True, way_of(ways, uses, lr)
            for other in range(lane + 1, lanes):
                place = np.int64(views[other].slots[row])
                if place >= 0:
                    alone = False
                    theirs = views[other].uses[place]
                    uses += theirs
                    apart += way_of(ways, theirs, lr)
            if alone:
                copy_row(start, copy, row_bytes)
                continue
            share = np.float32(1)
            if apart > 0:
                share = way_of(ways, uses, lr) / apart
            scaled_change(copy, start, share, row_bytes)
            for other in range(lane + 1, lanes):
                place = np.int64(views[other].slots[row])
                if place >= 0:
                    change = views[other].pool.ctypes.data + place * row_bytes
                    scaled_change(change, start, share, row_bytes)
                    add_row(copy, change, row_bytes)
                    views[other].slots[row] = -1
            add_row(start, copy, row_bytes)
