"""Rows of a matrix as a thread sees them: shared, privately copied, or copied at the first touch.

Two ways for threads to work on one matrix. ``HotRows``: all write to the shared rows without locks
(Recht et al. 2011, https://arxiv.org/abs/1106.5730), but each has its own copy of the most frequent
ones, because a row that all threads write all the time takes its cache line from core to core.
``CopiedRows``: nobody writes to the shared rows while a round lasts; a thread copies a row when it
first touches it, and the changes of all are added between two rounds, in an order that does not
depend on the threads.

Which of the two a function works on is decided by type when it is compiled.

Either way changes that several threads found from the same start are added up. For a row that each
used a few times that is what one thread would have done. A row that each used often, such as the
root of a Huffman tree, has moved most of the way to where it belongs in every copy; the sum would
take it as many times too far and diverge. So changes of much-used rows are scaled down, in the
limit to 1.5 times their mean: below twice the mean, where steps to an optimum stop to converge.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numba.extending import overload

from dlkit.jit import compiled
from dlkit.word2vec.kernels import vector as v
from dlkit.word2vec.kernels.inline import JIT_OPTIONS, inlined
from dlkit.word2vec.kernels.memory import Floats, aligned

OFTEN: Final = 64  # uses after which a row has gone most of its way
TOGETHER: Final = 1.5  # most that all changes of such a row may sum to, in their mean


class HotRows(NamedTuple):
    """A matrix that threads share, and this thread's copy of its first rows."""

    shared: Any  # (V, D) float32
    private: Any  # (H, D) float32: rows 0 .. H-1, the most frequent
    base: Any  # (H, D) float32: what they were when they were last taken
    uses: Any  # (H,) int32: how often each was asked for since


class CopiedRows(NamedTuple):
    """A matrix that is only read during a round, and this thread's copies of what it touches."""

    shared: Any  # (V, D) float32
    slots: Any  # (V,) int32: place of a row in ``pool``, -1 if it was not touched
    touched: Any  # (C,) int32: the row in each place
    used: Any  # (8,) int64: places taken, in the first
    pool: Any  # (C, D) float32
    uses: Any  # (C,) int32: how often each was asked for in this round


def hot_rows(shared: Floats, hot: int) -> HotRows:
    """Rows for a thread with private copies of the first ``hot``."""
    dim = shared.shape[1]
    base, uses = np.zeros((hot, dim), np.float32), np.zeros(hot, np.int32)
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
        uses=np.zeros(capacity, np.int32),
    )


def _copy(b: Any, operands: list[Any]) -> None:
    """Copy a row: address to write, address to read, bytes."""
    target, source, row_bytes = operands
    v.loop(
        b,
        row_bytes,
        lambda offset: v.store(b, v.load(b, b.add(source, offset)), b.add(target, offset)),
        step=v.VECTOR_BYTES,
    )


copy_row = v.operation(_copy, v.ADDRESS, v.ADDRESS, v.COUNT)
prefetch_row = v.operation(lambda b, values: v.prefetch(b, *values), v.ADDRESS, v.COUNT)


def row_address(rows: Any, row: Any) -> Any:
    """The address at which this thread reads and writes row number ``row``; compiled code only."""
    raise NotImplementedError


@overload(row_address, jit_options=JIT_OPTIONS)
def _row_address(rows: Any, row: Any) -> Any:
    def hot_address(rows: Any, row: Any) -> Any:
        start = rows.shared.ctypes.data
        if row < rows.private.shape[0]:
            rows.uses[row] += 1
            start = rows.private.ctypes.data
        return start + row * (rows.shared.shape[1] * 4)

    def copied_address(rows: Any, row: Any) -> Any:
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
        rows.uses[slot] += 1
        return rows.pool.ctypes.data + slot * row_bytes

    return hot_address if rows.instance_class is HotRows else copied_address


@inlined
def share_of(uses: Any, lanes: Any) -> Any:
    """What the change of a row counts that this lane used so often, and ``lanes`` others alike."""
    together = np.float32(TOGETHER) * max(np.float32(1), np.float32(OFTEN) / np.float32(uses))
    return min(np.float32(1), together / np.float32(lanes))


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
def merge_rows(rows: Any, lanes: Any) -> None:
    """Add what changed in the private rows to the shared ones, and take the sums as new copies.

    Other threads may do the same at the same time; a change that two threads write to the same
    float in the same instant may be lost, as with any row that threads share without locks.
    """
    shared, private, base = rows.shared, rows.private, rows.base
    for row in range(private.shape[0]):
        share = share_of(rows.uses[row] + 1, lanes)
        rows.uses[row] = 0
        for i in range(private.shape[1]):
            total = shared[row, i] + share * (private[row, i] - base[row, i])
            shared[row, i] = total
            private[row, i] = total
            base[row, i] = total


@compiled(_nrt=False, no_cfunc_wrapper=True)
def find_changes(rows: Any, lanes: Any) -> None:
    """End a lane's part of a round: turn its copies into their changes, as far as they count."""
    shared, pool, touched = rows.shared, rows.pool, rows.touched
    for slot in range(rows.used[0]):
        row = touched[slot]
        share = share_of(rows.uses[slot], lanes)
        for i in range(pool.shape[1]):
            pool[slot, i] = share * (pool[slot, i] - shared[row, i])


@compiled(_nrt=False, no_cfunc_wrapper=True)
def add_changes(rows: Any, part: Any, parts: Any) -> None:
    """Add the changes of every ``parts``-th row, from ``part``, to the shared matrix.

    These copies are forgotten; the caller sets ``used`` to 0 when all parts are done.
    """
    shared, pool, touched, slots = rows.shared, rows.pool, rows.touched, rows.slots
    for slot in range(rows.used[0]):
        row = touched[slot]
        if row % parts == part:
            slots[row] = -1
            for i in range(pool.shape[1]):
                shared[row, i] += pool[slot, i]
