"""What is told of word vectors: as brute force over all words and pairs finds it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.vectors.lexicon import Lexicon
from dlkit.vectors.store import WordVectors
from dlkit.word2vec import inspect as work


def make(matrix, words: list[str] | None = None) -> WordVectors:
    matrix = np.asarray(matrix, dtype=np.float32)
    words = words or [f"w{row}" for row in range(len(matrix))]
    return WordVectors("test", Lexicon.of([word.encode() for word in words]), matrix)


def random(rows: int, dim: int, seed: int = 0) -> WordVectors:
    return make(np.random.default_rng(seed).normal(0.3, 1, size=(rows, dim)))


@pytest.mark.parametrize("exponent", [0.0, 0.7, 1.0, 1.5])
def test_counts_by_a_power_law_have_its_exponent(exponent: float):
    counts = np.round(1e12 * np.arange(1, 5001) ** -exponent).astype(np.int64)
    fit = work.zipf_fit(counts)
    assert fit.exponent == pytest.approx(exponent, abs=1e-6)
    assert fit.intercept == pytest.approx(np.log(1e12), abs=1e-4)
    assert fit.r_squared == pytest.approx(1)


@given(st.lists(st.integers(1, 10**9), min_size=2, max_size=60))
def test_the_line_through_the_counts_is_numpys(counts: list[int]):
    falling = np.sort(np.array(counts))[::-1]
    fit = work.zipf_fit(falling)
    slope, intercept = np.polyfit(np.log(np.arange(1, len(counts) + 1)), np.log(falling), 1)
    assert fit.exponent == pytest.approx(-slope, abs=1e-6)
    assert fit.intercept == pytest.approx(intercept, abs=1e-6)


def test_words_never_seen_are_on_no_line():
    assert work.zipf_fit(np.array([8, 4, 0, 0])) == work.zipf_fit(np.array([8, 4]))
    assert work.zipf_fit(np.array([8, 0])) is None
    assert work.zipf_fit(np.array([], dtype=np.int64)) is None
    assert work.curve_of(np.array([5, 0])) == [(1, 5)]


def test_shares_of_the_frequent_words_are_those_of_a_sum():
    counts = np.sort(np.random.default_rng(0).integers(1, 1000, 2500))[::-1]
    facts = work.frequency(counts, work.zipf_fit(counts))
    assert facts["tokens"] == counts.sum()
    for most in (10, 100, 1000):
        assert facts[f"share_of_top_{most}"] == pytest.approx(counts[:most].sum() / counts.sum())
    assert "share_of_top_10000" not in facts
    half = facts["words_of_half_the_tokens"]
    assert counts[:half].sum() >= counts.sum() / 2 > counts[: half - 1].sum()
    assert facts["seen_once"] == (counts == 1).sum()
    assert (facts["largest_count"], facts["smallest_count"]) == (counts[0], counts[-1])


def test_the_curve_begins_and_ends_with_the_vocabulary_and_falls():
    counts = np.sort(np.random.default_rng(0).integers(1, 10**6, 30_000))[::-1]
    curve = work.curve_of(counts)
    assert curve[0] == (1, counts[0])
    assert curve[-1] == (30_000, counts[-1])
    assert len(curve) <= 200
    assert all(counts[int(rank) - 1] == count for rank, count in curve)


@given(st.integers(2, 40), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_cosines_of_all_pairs_are_those_of_all_pairs(rows: int, dim: int, seed: int):
    vectors = random(rows, dim, seed)
    units = vectors.units(np.arange(rows))
    cosines = (units @ units.T)[~np.eye(rows, dtype=bool)]
    facts = work.directions(vectors)
    assert facts["mean_cosine_of_pairs"] == pytest.approx(cosines.mean(), abs=1e-9)
    assert facts["deviation_of_cosines"] == pytest.approx(cosines.std(), abs=1e-6)
    assert facts["norm_of_mean"] == pytest.approx(np.linalg.norm(units.mean(axis=0)))


def test_shares_of_variance_are_scikit_learns_in_blocks_too(monkeypatch):
    from sklearn.decomposition import PCA

    monkeypatch.setattr(work, "_VALUES_AT_ONCE", 100)
    vectors = random(200, 12)
    shares = PCA().fit(vectors.units(np.arange(200))).explained_variance_ratio_
    facts = work.directions(vectors)
    for most in (1, 2, 3, 10):
        assert facts[f"variance_of_first_{most}"] == pytest.approx(shares[:most].sum())
    assert facts["effective_dim"] == pytest.approx(1 / (shares**2).sum())


def test_evenly_spread_directions_have_no_mean_and_all_dimensions():
    facts = work.directions(make(np.concatenate([np.eye(5), -np.eye(5)])))
    assert facts["norm_of_mean"] == 0
    assert facts["mean_cosine_of_pairs"] == pytest.approx(-1 / 9)
    assert facts["effective_dim"] == pytest.approx(5)


@pytest.mark.parametrize(
    "matrix", [[[1, 2]], [[0, 0]], [[0, 0], [1, 0]], [[1, 1]] * 4, [[1], [2]], np.zeros((3, 2))]
)
def test_few_equal_and_zero_vectors_are_told_of_without_a_warning(matrix):
    vectors = make(matrix)
    counts = np.arange(len(vectors), 0, -1)
    found = work.inspect(vectors, counts, {}, top=5)
    directed = int((np.abs(np.asarray(matrix)).sum(axis=1) > 0).sum())
    assert found.sections["directions"]["words"] == directed
    assert found.sections["norms"]["zeros"] == len(vectors) - directed
    values = [v for facts in found.sections.values() for v in facts.values()]
    assert all(np.isfinite(v) for v in values if isinstance(v, float))


def test_quantiles_and_the_correlation_of_norms_are_numpys():
    vectors = random(500, 7)
    counts = np.sort(np.random.default_rng(0).integers(1, 10**5, 500))[::-1]
    facts = work.norms(vectors.norms, counts)
    lengths = np.linalg.norm(vectors.matrix.astype(np.float64), axis=1)
    assert facts["median"] == pytest.approx(np.median(lengths))
    assert facts["1_percent"] == pytest.approx(np.percentile(lengths, 1))
    assert (facts["smallest"], facts["largest"]) == pytest.approx((lengths.min(), lengths.max()))
    expected = np.corrcoef(np.log(counts), lengths)[0, 1]
    assert facts["correlation_with_log_count"] == pytest.approx(expected, abs=1e-6)
    equal = work.norms(vectors.norms, np.full(500, 3))
    assert equal["correlation_with_log_count"] is None
    assert "correlation_with_log_count" not in work.norms(vectors.norms, None)


def test_the_words_of_the_lists_are_the_right_ones():
    vectors = make(np.diag([3.0, 1, 5, 2, 5]), ["一", "二", "三", "四", "五"])
    found = work.inspect(vectors, None, {}, top=2)
    assert found.sections["largest_norms"] == {"三": 5.0, "五": 5.0}
    assert found.sections["smallest_norms"] == {"二": 1.0, "四": 2.0}
    assert list(found.sections["neighbours"]) == ["一", "二"]
    assert len(found.sections["neighbours"]["一"]) == 2


def test_neighbours_are_those_of_brute_force():
    vectors = random(150, 6)
    units = vectors.units(np.arange(150))
    cosines = units @ units.T
    np.fill_diagonal(cosines, -np.inf)
    found = work.inspect(vectors, None, {}, top=100).sections["neighbours"]
    assert len(found) == 100
    for row, words in enumerate(list(found.values())):
        best = np.argsort(-cosines[row], kind="stable")[:100]
        assert words == [f"w{each}" for each in best]


def test_without_counts_nothing_is_told_of_frequencies():
    found = work.inspect(random(9, 3), None, {}, top=3)
    assert "frequency" not in found.sections
    assert found.curve == []


def test_nested_facts_are_named_by_their_path():
    nested = {"a": {"b": {"c": 1}, "d": [1, 2]}, "e": None}
    assert work.flattened(nested) == [("a.b.c", 1), ("a.d", "1, 2"), ("e", None)]


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("1e-3", 0.001), ("true", True), ("nan", "nan"), ("inf", "inf"), ("zh", "zh"),
     (None, None)],
)  # fmt: skip
def test_settings_read_as_the_numbers_they_are(text, value):
    assert work._typed(text) == value


def test_the_figure_draws_the_curve_and_the_line():
    counts = np.round(1e5 / np.arange(1, 501)).astype(np.int64)
    found = work.inspect(random(500, 3), counts, {}, top=3)
    svg = work.draw_frequency(found)
    root = ElementTree.fromstring(svg)
    assert len(list(root.iter("{http://www.w3.org/2000/svg}polyline"))) == 2
    assert "rank to the power of −1.00" in svg.decode()
    assert work.draw_frequency(found) == svg
    alone = work.inspect(make([[1, 2]]), np.array([4]), {}, top=1)
    ElementTree.fromstring(work.draw_frequency(alone))
