"""Reading a stream: which words are kept, and which words each of them sees."""

from __future__ import annotations

from itertools import pairwise

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.word2vec.kernels import stream as kernel
from dlkit.word2vec.kernels.stream import keep_thresholds


@numba.njit
def random_bits(key, position):
    return kernel.random_bits(key, position)


@numba.njit
def read_words(ids, start, stop, key, keep, window, least, words, low, high, held):
    return kernel.read_words(ids, start, stop, key, keep, window, least, words, low, high, held)


@numba.njit
def close_line(high, begin, end, window):
    kernel.close_line(high, begin, end, window)


@numba.njit
def keep_tail(words, low, high, begin, ready, held, window):
    return kernel.keep_tail(words, low, high, begin, ready, held, window)


MASK = 2**64 - 1
WORDS = 6


def splitmix(key, position):
    """splitmix64 in Python's own integers."""
    z = (key + position * 0x9E3779B97F4A7C15) & MASK
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


def windows_by_hand(ids, key, keep, window, *, dynamic=True):
    """[(centre, [contexts])] of a whole stream, from the definition."""
    result, line = [], []

    def end_line():
        for i, (word, reach) in enumerate(line):
            seen = [
                line[j][0]
                for j in range(max(0, i - reach), min(len(line), i + reach + 1))
                if j != i
            ]
            result.append((word, seen))
        line.clear()

    for position, word in enumerate(ids):
        if not 0 <= word < len(keep):
            end_line()
            continue
        bits = splitmix(key, position)
        if bits >> 32 <= keep[word]:
            drawn = ((bits & 0xFFFFFFFF) * window >> 32) + 1
            line.append((word, drawn if dynamic else window))
    end_line()
    return result


def windows_in_pieces(ids, key, keep, window, cuts, *, dynamic=True):
    """The same through the compiled functions, the stream cut at ``cuts``."""
    ids = np.array(ids, np.int32)
    size = len(ids) + 2 * window + 1
    words, low, high = (np.full(size, -9, np.int32) for _ in range(3))
    held = trained = 0
    result = []
    bounds = [0, *sorted(cuts), len(ids)]
    for start, stop in pairwise(bounds):
        held, begin, read = read_words(
            ids, start, stop, np.uint64(key), keep, window, 1 if dynamic else window,
            words, low, high, held,
        )  # fmt: skip
        assert read == np.count_nonzero((ids[start:stop] >= 0) & (ids[start:stop] < len(keep)))
        if stop == len(ids):
            close_line(high, begin, held, window)
            begin = held
        ready = max(begin, held - window, trained)
        for i in range(trained, ready):
            assert 0 <= low[i] <= i < high[i] <= held
            result.append(
                (int(words[i]), [int(words[j]) for j in range(low[i], high[i]) if j != i])
            )
        held, trained = keep_tail(words, low, high, begin, ready, held, window)
        assert held <= 2 * window
        if stop == len(ids):
            break
    return result


streams = st.lists(st.integers(-1, WORDS - 1), max_size=40)


@settings(max_examples=300, deadline=None)
@given(streams, st.integers(1, 7), st.booleans(), st.integers(0, MASK), st.data())
def test_each_pair_within_a_line_is_seen_once_wherever_the_stream_is_cut(
    ids, window, dynamic, key, data
):
    cuts = data.draw(st.lists(st.integers(0, len(ids)), max_size=6))
    keep = np.array([2**32 - 1, 2**31, 2**30, 2**32 - 1, 0, 2**31], np.uint32)
    expected = windows_by_hand(ids, key, keep, window, dynamic=dynamic)
    assert windows_in_pieces(ids, key, keep, window, cuts, dynamic=dynamic) == expected


@settings(deadline=None)
@given(streams, st.integers(1, 7))
def test_fixed_windows_are_all_pairs_at_most_so_far_apart(ids, window):
    keep = np.full(WORDS, 2**32 - 1, np.uint32)
    found = windows_in_pieces(ids, 1, keep, window, [], dynamic=False)
    pairs = sorted((centre, seen) for centre, contexts in found for seen in contexts)
    expected = sorted(
        (ids[i], ids[j])
        for i in range(len(ids))
        for j in range(len(ids))
        if 0 < abs(i - j) <= window and min(ids[min(i, j) : max(i, j) + 1]) >= 0
    )
    assert pairs == expected


@settings(deadline=None)
@given(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=30))
def test_any_id_outside_the_vocabulary_ends_a_line(ids):
    keep = np.full(3, 2**32 - 1, np.uint32)
    assert windows_in_pieces(ids, 5, keep, 2, []) == windows_by_hand(ids, 5, keep, 2)


@settings(deadline=None)
@given(st.integers(0, MASK), st.integers(0, 2**40))
def test_draws_are_those_of_splitmix64(key, position):
    assert int(random_bits(np.uint64(key), position)) == splitmix(key, position)


def test_window_sizes_are_uniform_from_one_up():
    ids = np.zeros(60000, np.int32)
    words, low, high = (np.zeros(60100, np.int32) for _ in range(3))
    keep = np.full(1, 2**32 - 1, np.uint32)
    read_words(ids, 0, 60000, np.uint64(3), keep, 5, 1, words, low, high, 0)
    reach = (high - np.arange(60100) - 1)[:60000]
    shares = np.bincount(reach, minlength=6) / 60000
    assert shares[0] == 0
    assert len(shares) == 6
    assert np.abs(shares[1:] - 0.2).max() < 0.01


@pytest.mark.parametrize("sample", [1e-5, 1e-3, 0.1])
def test_words_are_kept_with_the_probability_of_the_formula(sample):
    counts = np.array([50000, 3000, 200, 10, 1])
    share = counts / counts.sum()
    expected = np.minimum(np.sqrt(sample / share) + sample / share, 1)
    assert np.allclose(keep_thresholds(counts, sample=sample) / 2**32, expected, rtol=1e-6)


def test_words_are_kept_as_often_as_their_threshold_says():
    ids = np.zeros(40000, np.int32)
    words, low, high = (np.zeros(40100, np.int32) for _ in range(3))
    keep = np.array([int(0.3 * 2**32)], np.uint32)
    held, _, read = read_words(ids, 0, 40000, np.uint64(9), keep, 5, 1, words, low, high, 0)
    assert read == 40000
    assert abs(held / 40000 - 0.3) < 0.01


def test_sample_zero_keeps_every_word():
    assert np.all(keep_thresholds(np.array([10**12, 1]), sample=0) == 2**32 - 1)
