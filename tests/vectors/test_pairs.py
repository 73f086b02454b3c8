"""Correlations with people's scores, against SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.vectors import pairs as room
from dlkit.vectors.pairs import correlation, ranks, score_pairs
from dlkit.vectors.rules import Lookup, Rules
from dlkit.vectors.subwords import Subwords, buckets
from dlkit.vectors.wordtests import Pairs

stats = pytest.importorskip("scipy.stats")

NUMBERS = st.lists(st.tuples(st.integers(-5, 5), st.floats(-1, 1, width=16)), min_size=3)


@given(NUMBERS)
def test_correlations_are_scipys(numbers):
    first, second = (np.array(each, dtype=np.float64) for each in zip(*numbers, strict=True))
    np.testing.assert_array_equal(ranks(first), stats.rankdata(first))
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert correlation(first, second) is None
        return
    # SciPy itself squares deviations, which underflow.
    if np.abs(second - second.mean()).max() > 1e-4:
        assert correlation(first, second) == pytest.approx(stats.pearsonr(first, second)[0])
    spearman = stats.spearmanr(first, second)[0]
    assert correlation(ranks(first), ranks(second)) == pytest.approx(spearman)


def test_a_perfect_order_is_one_and_its_reverse_minus_one():
    up = np.array([1.0, 2, 30, 400])
    assert correlation(ranks(up), ranks(np.log(up))) == pytest.approx(1, abs=1e-15)
    assert correlation(ranks(up), ranks(-up)) == pytest.approx(-1, abs=1e-15)
    assert correlation(up * 1e300, up * 1e-300) == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize("values", [[], [1.0], [2.0, 2.0]])
def test_too_few_values_have_no_correlation(values):
    assert correlation(np.array(values), np.arange(len(values), dtype=float)) is None


WORDS = ["虎", "猫", "Car", "car", "零", "书"]
MATRIX = [[1, 0.1], [0.9, 0.3], [0, 1], [1, -1], [0, 0], [0.2, 0.8]]
TEST = Pairs(
    "t",
    (
        ("虎", "猫"),
        ("虎", "CAR"),
        ("猫", "虎"),
        ("书", "零"),
        ("虎", "虎"),
        ("书", "没"),
        ("x", "y"),
    ),
    (9.0, 1.0, 9.0, 2.0, 10.0, 5.0, 6.0),
)


def cosine(first: int, second: int) -> float:
    x, y = MATRIX[first], MATRIX[second]
    lengths = math.hypot(*x) * math.hypot(*y)
    return sum(a * b for a, b in zip(x, y, strict=True)) / lengths if lengths else 0.0


@pytest.mark.parametrize("at_once", [1, 2, 4096])
def test_pairs_are_scored_and_unknown_ones_skipped_and_counted(vectors_of, monkeypatch, at_once):
    monkeypatch.setattr(room, "_AT_ONCE", at_once)
    vectors = vectors_of(WORDS, MATRIX)
    found = score_pairs(vectors, TEST, Lookup(vectors, Rules()))
    cosines = [cosine(0, 1), cosine(0, 2), cosine(1, 0), 0.0, 1.0]
    told = [9.0, 1.0, 9.0, 2.0, 10.0]
    assert found.spearman == pytest.approx(stats.spearmanr(told, cosines)[0], abs=1e-12)
    assert found.pearson == pytest.approx(stats.pearsonr(told, cosines)[0], abs=1e-7)
    assert (found.pairs, found.used, found.unknown, found.composed) == (7, 5, 2, 0)


def test_unknown_pairs_can_count_with_a_cosine_of_zero(vectors_of):
    vectors = vectors_of(WORDS, MATRIX)
    found = score_pairs(vectors, TEST, Lookup(vectors, Rules(unknown="wrong", case="keep")))
    cosines = [cosine(0, 1), 0.0, cosine(1, 0), 0.0, 1.0, 0.0, 0.0]
    assert found.pearson == pytest.approx(stats.pearsonr(TEST.scores, cosines)[0], abs=1e-7)
    assert (found.used, found.unknown) == (7, 3)


def test_without_known_pairs_there_is_no_correlation(vectors_of):
    vectors = vectors_of(["a"], [[1.0]])
    assert score_pairs(vectors, TEST, Lookup(vectors, Rules())) == (None, None, 7, 0, 7, 0)


def test_unknown_words_get_vectors_from_their_ngrams_if_asked(vectors_of):
    settings = {"shortest": 1, "longest": 2, "buckets": 1000}
    (gram,) = {*buckets("没有", **settings)} & {*buckets("没", **settings)} - {
        *buckets("有", **settings)
    } - {*buckets("没", **{**settings, "shortest": 2})}
    vectors = vectors_of(WORDS, MATRIX, subwords=lambda: Subwords(
        np.array([gram], dtype=np.int32), np.array([[3, 4]], dtype=np.float32), **settings
    ))  # fmt: skip
    skipped = score_pairs(vectors, TEST, Lookup(vectors, Rules()))
    assert (skipped.used, skipped.unknown, skipped.composed) == (5, 2, 0)
    found = score_pairs(vectors, TEST, Lookup(vectors, Rules(subwords=True)))
    with_book = (0.2 * 3 + 0.8 * 4) / math.hypot(0.2, 0.8) / 5
    cosines = [cosine(0, 1), cosine(0, 2), cosine(1, 0), 0.0, 1.0, with_book]
    assert found.pearson == pytest.approx(stats.pearsonr(TEST.scores[:6], cosines)[0], abs=1e-7)
    assert (found.used, found.unknown, found.composed) == (6, 1, 1)
