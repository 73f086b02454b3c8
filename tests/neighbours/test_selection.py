"""Selection of the least, and comparison of cosines in integers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.neighbours.kernels.selection import compare_cosines, least

EMPTY = np.empty(0, np.int64)  # lengths: keys rank by themselves
WHOLE = st.one_of(st.integers(0, 50), st.integers(0, 2**40))


@settings(max_examples=300, deadline=None)
@given(WHOLE, WHOLE, WHOLE.map(lambda n: n + 1), WHOLE.map(lambda n: n + 1))
def test_cosines_compare_as_fractions(product, other, length, other_length):
    ours, theirs = Fraction(product**2, length), Fraction(other**2, other_length)
    wanted = (theirs > ours) - (theirs < ours)
    assert compare_cosines(product, length, other, other_length) == wanted


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 400), st.integers(1, 50), st.data())
def test_the_least_come_first_and_in_order(seed, count, different, data):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, different, count).astype(np.float64)
    index = rng.permutation(count).astype(np.int32)
    k = data.draw(st.integers(1, count))
    wanted = np.lexsort((index, values))[:k]
    for ordered in (0, 1):
        keys, numbers = values.copy(), index.copy()
        least(keys, numbers, np.zeros(count, np.int64), EMPTY, count, k, ordered)
        assert sorted(numbers.tolist()) == list(range(count))
        assert (keys == values[np.argsort(index)][numbers]).all()
        if ordered:
            assert numbers[:k].tolist() == index[wanted].tolist()
        else:
            assert sorted(numbers[:k].tolist()) == sorted(index[wanted].tolist())
            assert numbers[k - 1] == index[wanted[-1]]


def test_sorted_and_reversed_and_equal_input():
    for values in (np.arange(5_000.0), np.arange(5_000.0)[::-1].copy(), np.zeros(5_000)):
        keys, numbers = values.copy(), np.arange(5_000, dtype=np.int32)
        least(keys, numbers, np.zeros(5_000, np.int64), EMPTY, 5_000, 4_000, 1)
        assert numbers[:4_000].tolist() == np.argsort(values, kind="stable")[:4_000].tolist()
