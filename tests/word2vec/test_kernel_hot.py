"""Private copies of frequent rows: what threads change comes together."""

from __future__ import annotations

import numpy as np

from dlkit.word2vec.kernels.hot import merge_rows, take_rows


def test_changes_of_all_threads_are_added():
    shared = np.arange(12, dtype=np.float32).reshape(3, 4)
    start = shared.copy()
    threads = [tuple(np.empty((2, 4), np.float32) for _ in range(2)) for _ in range(3)]
    for private, base in threads:
        take_rows(shared, private, base)
    for number, (private, _) in enumerate(threads):
        private += 10**number
    for private, base in threads:
        merge_rows(shared, private, base)
    assert np.array_equal(shared[:2], start[:2] + 111)
    assert np.array_equal(shared[2], start[2])


def test_merging_twice_adds_a_change_once():
    shared, private, base = (np.zeros((1, 4), np.float32) for _ in range(3))
    take_rows(shared, private, base)
    private += 1
    merge_rows(shared, private, base)
    merge_rows(shared, private, base)
    assert np.array_equal(shared, np.ones((1, 4)))
    shared += 5  # another thread
    merge_rows(shared, private, base)
    assert np.array_equal(private, shared)
    assert np.array_equal(shared, np.full((1, 4), 6))
