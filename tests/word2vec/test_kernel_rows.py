"""Rows as threads see them: what each changes comes together."""

from __future__ import annotations

import math

import numba
import numpy as np

from dlkit.word2vec.kernels.memory import aligned
from dlkit.word2vec.kernels.rows import (
    PULL,
    WAYS,
    copied_rows,
    hot_rows,
    merge_copies,
    merge_rows,
    row_address,
    take_rows,
    write_ways,
)


@numba.njit
def address(view, row):
    return row_address(view, row, 1)


def merge(views, lr, parts=1):
    ways = np.empty(WAYS, np.float32)
    write_ways(ways, np.float32(lr))
    for part in range(parts):
        merge_copies(tuple(views), ways, part, parts, np.float32(lr))


def matrix(rows=3, dim=8):
    shared = aligned(rows, dim)
    shared[:] = np.arange(rows * dim).reshape(rows, dim)
    return shared


def test_changes_of_all_threads_are_added():
    shared = matrix()
    start = shared.copy()
    threads = [hot_rows(shared, 2) for _ in range(3)]
    for view in threads:
        take_rows(view)
    for number, view in enumerate(threads):
        view.private[:] += 10**number
    for view in threads:
        merge_rows(view, 1, np.float32(0.1))
    assert np.array_equal(shared[:2], start[:2] + 111)
    assert np.array_equal(shared[2], start[2])


def test_merging_twice_adds_a_change_once():
    shared = aligned(1, 8)
    view = hot_rows(shared, 1)
    take_rows(view)
    view.private[:] += 1
    merge_rows(view, 1, np.float32(0.1))
    merge_rows(view, 1, np.float32(0.1))
    assert np.array_equal(shared, np.ones((1, 8)))
    shared += 5  # another thread
    merge_rows(view, 1, np.float32(0.1))
    assert np.array_equal(view.private, shared)
    assert np.array_equal(shared, np.full((1, 8), 6))


def test_a_hot_row_has_a_private_address_and_others_the_shared_one():
    shared = matrix()
    view = hot_rows(shared, 2)
    assert address(view, 1) == view.private[1].ctypes.data
    assert address(view, 2) == shared[2].ctypes.data


def test_a_copied_row_is_copied_once_and_shared_rows_stay():
    shared = matrix(5)
    start = shared.copy()
    view = copied_rows(shared, 3)
    first = address(view, 4)
    assert first == view.pool[0].ctypes.data
    assert np.array_equal(view.pool[0], shared[4])
    view.pool[0] += 1
    assert address(view, 4) == first
    assert address(view, 2) == view.pool[1].ctypes.data
    assert np.array_equal(view.pool[0], start[4] + 1)
    assert np.array_equal(shared, start)


def test_changes_of_a_round_are_added_whatever_the_parts():
    for parts in (1, 2, 3):
        shared = matrix(5)
        start = shared.copy()
        lanes = [copied_rows(shared, 3) for _ in range(2)]
        for number, rows in enumerate([(4, 1), (1, 0, 2)]):
            for row in rows:
                address(lanes[number], row)
                lanes[number].pool[lanes[number].slots[row]] += 10**number
        merge(lanes, 0, parts)
        assert (shared - start)[:, 0].tolist() == [10, 11, 10, 0, 1]
        for view in lanes:
            assert (view.slots == -1).all()


def test_changes_of_rows_that_all_lanes_used_often_are_scaled_to_what_one_lane_would_do():
    for lanes in (1, 2, 8, 64):
        for uses in (1, 10, 200):
            for lr in (0.0, 0.001, 0.05):
                shared = aligned(1, 8)
                views = [copied_rows(shared, 1) for _ in range(lanes)]
                for view in views:
                    for _ in range(uses):
                        address(view, 0)
                    view.pool[:] += 1
                merge(views, lr)
                way = PULL * lr * uses  # of one lane; its change of 1 is 1 - exp(-way) of the way
                expected = math.expm1(-way * lanes) / math.expm1(-way) if way else lanes
                assert np.allclose(shared, expected, rtol=1e-3)
                assert shared[0, 0] <= lanes * (1 + 1e-6)


def test_threads_scale_much_used_rows_alike():
    shared = aligned(2, 8)
    view = hot_rows(shared, 2)
    take_rows(view)
    for _ in range(2000):
        address(view, 1)
    view.private[:] += 1
    merge_rows(view, 4, np.float32(0.05))
    assert np.allclose(shared[:, 0], [1, 1 / 4], atol=1e-3)
    assert np.array_equal(view.private, shared)
    assert not view.uses.any()


def test_a_row_that_one_lane_touched_is_taken_as_it_left_it():
    shared = matrix(4)
    views = [copied_rows(shared, 4) for _ in range(3)]
    for _ in range(50):
        address(views[1], 2)
    address(views[2], 3)
    views[1].pool[0] = 0.1
    merge(views, 0.05)
    assert (shared[2] == np.float32(0.1)).all()
    assert np.array_equal(shared[[0, 1, 3]], matrix(4)[[0, 1, 3]])


def test_lanes_that_used_a_row_unequally_move_it_as_far_as_all_their_uses():
    lr, uses = 0.05, (40, 3, 200)
    shared = aligned(1, 8)
    views = [copied_rows(shared, 1) for _ in uses]
    for view, times in zip(views, uses, strict=True):
        for _ in range(times):
            address(view, 0)
        view.pool[:] += -math.expm1(-PULL * lr * times)  # each on its way from 0 to 1
    merge(views, lr)
    assert np.allclose(shared, -math.expm1(-PULL * lr * sum(uses)), rtol=1e-5)
