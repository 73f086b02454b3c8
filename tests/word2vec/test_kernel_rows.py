"""Rows as threads see them: what each changes comes together."""

from __future__ import annotations

import math

import numba
import numpy as np

from dlkit.word2vec.kernels.memory import aligned
from dlkit.word2vec.kernels.rows import (
    PULL,
    add_changes,
    copied_rows,
    find_changes,
    hot_rows,
    merge_rows,
    row_address,
    take_rows,
)


@numba.njit
def address(view, row):
    return row_address(view, row, 1)


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
        for view in lanes:
            find_changes(view, 1, np.float32(0.1))
        for part in range(parts):
            for view in lanes:
                add_changes(view, part, parts)
        assert (shared - start)[:, 0].tolist() == [10, 11, 10, 0, 1]
        for view in lanes:
            assert (view.slots == -1).all()


def test_changes_of_rows_that_all_lanes_used_often_are_scaled_to_what_one_lane_would_do():
    for lanes in (1, 2, 8, 64):
        for uses in (1, 10, 1000):
            for lr in (0.0, 0.001, 0.05):
                shared = aligned(1, 8)
                views = [copied_rows(shared, 1) for _ in range(lanes)]
                for view in views:
                    for _ in range(uses):
                        address(view, 0)
                    view.pool[:] += 1
                    find_changes(view, lanes, np.float32(lr))
                for view in views:
                    add_changes(view, 0, 1)
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
