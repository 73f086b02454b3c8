"""The table of negatives and what windows draw from it."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.word2vec.kernels import negatives as kernel
from dlkit.word2vec.kernels.negatives import negative_table, table_size


@numba.njit
def draw_negatives(table, position, centre, wanted, drawn):
    return kernel.draw_negatives(table, position, centre, wanted, drawn)


@pytest.mark.parametrize("words", [1, 2, 50, 3000])
def test_words_stand_in_the_table_by_count_to_the_three_quarters(words):
    counts = np.sort(np.random.default_rng(words).integers(1, 100000, words))[::-1]
    table = negative_table(counts, seed=1)
    share = counts**0.75 / np.sum(counts**0.75)
    assert table.dtype == np.int32
    assert len(table) == table_size(words)
    assert np.abs(np.bincount(table, minlength=words) - share * len(table)).max() <= 1


@pytest.mark.parametrize("exponent", [0.75, 0, 1, -0.5, 10, -10])
def test_shares_are_those_of_the_exponent(exponent):
    # gensim's make_cum_table: running sums of count ** ns_exponent, as parts of their total.
    counts = np.sort(np.random.default_rng(1).integers(1, 100_000, 500))[::-1]
    shares = [int(count) ** exponent for count in counts]
    table = negative_table(counts, seed=1, exponent=exponent)
    ends = np.cumsum(shares) / sum(shares) * len(table)
    found = np.cumsum(np.bincount(table, minlength=500))
    assert np.abs(found - ends).max() <= 0.5 + 1e-6
    assert found[-1] == table_size(500)


def test_exponents_say_which_words_are_noise():
    counts = np.array([1000, 100, 10, 1])
    shares = {
        exponent: np.bincount(negative_table(counts, seed=1, exponent=exponent), minlength=4)
        for exponent in (1, 0.75, 0, -1)
    }
    assert np.ptp(shares[0]) <= 1
    assert shares[1][0] > shares[0.75][0] > shares[0][0] > shares[-1][0]
    assert np.array_equal(shares[-1][::-1], shares[1])
    assert (shares[0.75] == np.bincount(negative_table(counts, seed=1), minlength=4)).all()


@pytest.mark.parametrize("exponent", [10, -10])
def test_no_count_is_too_large_for_a_power(exponent):
    table = negative_table(np.array([2**62, 2**40, 1]), seed=1, exponent=exponent)
    assert (table == (0 if exponent > 0 else 2)).all()


def test_table_is_shuffled_by_its_seed():
    counts = np.array([5, 4, 3])
    first, again, other = (negative_table(counts, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    runs = np.count_nonzero(np.diff(first))
    assert runs > len(first) / 2  # neighbours are as different as chance makes them


def test_table_has_room_for_many_words_and_a_bounded_size():
    assert table_size(1) == 1 << 16
    assert table_size(70_000) == 1 << 22
    assert table_size(1_000_000) == 8_000_000
    assert table_size(10**9) == 1 << 26


def by_hand(table, position, centre, wanted):
    chosen = []
    stop = position + 2 * wanted + 8
    while len(chosen) < wanted and position < stop:
        word = int(table[position])
        position += 1
        if word != centre and word not in chosen:
            chosen.append(word)
    return chosen, position


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 9), min_size=150, max_size=150), st.integers(0, 9), st.integers(0, 64)
)
def test_negatives_are_distinct_and_not_the_centre(words, centre, wanted):
    table = np.array(words, np.int32)
    drawn = np.zeros(wanted + 2, np.int64)
    found, position = draw_negatives(table, 3, centre, wanted, drawn)
    chosen, end = by_hand(table, 3, centre, wanted)
    assert drawn[0] == centre
    assert drawn[1 : found + 1].tolist() == chosen
    assert position == end


def test_no_negatives_where_only_the_centre_can_be_drawn():
    drawn = np.zeros(7, np.int64)
    found, position = draw_negatives(np.zeros(100, np.int32), 0, 0, 5, drawn)
    assert found == 0
    assert position == 18
