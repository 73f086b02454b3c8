"""Clusters: every word with its nearest centre, as brute force finds it; the same every time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.errors import USAGE, DlkitError
from dlkit.records import Warned
from dlkit.vectors.lexicon import Lexicon
from dlkit.vectors.store import WordVectors
from dlkit.word2vec import clusters as work
from dlkit.word2vec.clusters import NOWHERE, Clusters


def make(matrix, dtype=np.float32) -> WordVectors:
    matrix = np.asarray(matrix, dtype=np.float32)
    words = [b"w%d" % row for row in range(len(matrix))]
    vectors = WordVectors("test", Lexicon.of(words), matrix)
    return WordVectors("test", vectors.lexicon, matrix.astype(dtype), vectors.norms)


def random(rows: int, dim: int, seed: int = 0) -> WordVectors:
    return make(np.random.default_rng(seed).normal(size=(rows, dim)))


def found(vectors: WordVectors, k: int, *, seed=1, iterations=30, restrict=None):
    records = []
    clustering = work.cluster(vectors, k, seed=seed, iterations=iterations, restrict=restrict)
    while True:
        try:
            records.append(next(clustering))
        except StopIteration as end:
            return end.value, records


def check(vectors: WordVectors, result: Clusters, words: int) -> None:
    """Every word is nearest to its own centre; numbers go by first words."""
    units = vectors.units(np.arange(words))
    cosines = units @ result.centres.T.astype(np.float64)
    directed = np.linalg.norm(units, axis=1) > 0
    own = cosines[np.arange(words), result.labels]
    assert (own[directed] >= cosines[directed].max(axis=1) - 1e-5).all()
    assert np.allclose(result.similarities[directed], own[directed], atol=1e-5)
    assert (result.labels[~directed] == NOWHERE).all()
    firsts = [np.flatnonzero(result.labels == c)[0] for c in range(result.labels.max() + 1)]
    assert firsts == sorted(firsts)


@settings(max_examples=30)
@given(st.integers(1, 60), st.integers(1, 8), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_every_word_is_with_its_nearest_centre(words: int, dim: int, k: int, seed: int):
    vectors = random(words, dim, seed)
    if k > words:
        return
    result, _ = found(vectors, k, seed=seed, iterations=7)
    assert result.labels.shape == (words,)
    check(vectors, result, words)


def test_a_settled_clustering_has_centres_that_are_the_directions_of_its_sums():
    vectors = random(300, 6)
    result, _ = found(vectors, 8, iterations=200)
    assert result.settled
    units = vectors.units(np.arange(300))
    for number, centre in enumerate(result.centres):
        total = units[result.labels == number].sum(axis=0)
        assert np.allclose(centre, total / np.linalg.norm(total), atol=1e-5)


def test_a_clustering_cut_short_has_every_word_with_its_nearest_centre_too():
    vectors = random(300, 6)
    result, _ = found(vectors, 8, iterations=1)
    assert not result.settled
    check(vectors, result, 300)


def test_a_cluster_that_lost_its_words_gets_the_farthest_one(monkeypatch):
    vectors = make(np.random.default_rng(0).normal(size=(60, 4)) + np.array([9, 0, 0, 0]))
    centres = np.array([[1, 0, 0, 0], [-1, 0, 0, 0]], dtype=np.float32)
    monkeypatch.setattr(work, "_first_centres", lambda *_: centres)
    result, _ = found(vectors, 2)
    assert set(result.labels) == {0, 1}
    check(vectors, result, 60)


def test_separate_groups_are_found():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 200)
    result, _ = found(make(np.eye(6)[truth] * 9 + rng.normal(0, 0.3, (200, 6))), 4)
    assert len(set(zip(truth.tolist(), result.labels.tolist(), strict=True))) == 4
    assert result.settled


def test_the_length_of_a_vector_does_not_matter():
    vectors = random(100, 5)
    scaled = make(vectors.matrix * np.random.default_rng(1).uniform(0.01, 100, (100, 1)))
    assert (found(vectors, 7)[0].labels == found(scaled, 7)[0].labels).all()


def test_words_are_as_near_to_their_centres_as_in_scikit_learns_k_means():
    from sklearn.cluster import KMeans

    vectors = random(600, 10)
    units = vectors.units(np.arange(600))
    theirs = KMeans(12, n_init=1, random_state=1).fit(units).labels_
    sums = np.array([units[theirs == c].sum(axis=0) for c in range(12)])
    mean = np.linalg.norm(sums, axis=1).sum() / 600  # the mean cosine with the best centres
    assert found(vectors, 12)[0].similarities.mean() > 0.97 * mean


def test_the_same_seed_gives_the_same_clusters_and_another_other_ones():
    vectors = random(200, 6)
    first, again, other = (found(vectors, 9, seed=seed)[0] for seed in (1, 1, 2))
    assert (first.labels == again.labels).all()
    assert (first.centres == again.centres).all()
    assert (first.labels != other.labels).any()


def test_small_blocks_change_nothing(monkeypatch):
    vectors = random(200, 6)
    whole, _ = found(vectors, 9)
    monkeypatch.setattr(work, "_SCORES_AT_ONCE", 70)
    assert (found(vectors, 9)[0].labels == whole.labels).all()


def test_many_words_are_clustered_from_centres_of_a_sample(monkeypatch):
    monkeypatch.setattr(work, "_DRAWN", 30)
    monkeypatch.setattr(work, "_DRAWN_A_CLUSTER", 2)
    vectors = random(400, 6)
    result, _ = found(vectors, 9)
    check(vectors, result, 400)


def test_half_precision_is_clustered_as_its_numbers_say():
    vectors = random(150, 6)
    half = make(vectors.matrix.astype(np.float16), dtype=np.float16)
    whole = make(half.matrix.astype(np.float32))
    assert (found(half, 5)[0].labels == found(whole, 5)[0].labels).all()


def test_words_of_zeros_belong_to_no_cluster_and_are_told_of():
    matrix = np.random.default_rng(0).normal(size=(30, 4))
    matrix[[0, 17]] = 0
    vectors = make(matrix)
    result, records = found(vectors, 3)
    check(vectors, result, 30)
    assert next(each.text for each in records if isinstance(each, Warned)).startswith("2 words")
    assert work.by_cluster(result)[-2:].tolist() == [0, 17]
    assert sum(each.size for each in work.summaries(vectors, result, 3)) == 28


@pytest.mark.parametrize("matrix", [[[1, 0], [0, 1]], [[1, 0], [0, 1], [0, 0]], [[0, 0]]])
def test_more_clusters_than_words_with_a_direction_are_refused(matrix):
    with pytest.raises(DlkitError, match=r"3 clusters of [0-2] words") as caught:
        found(make(matrix), 3)
    assert caught.value.code == USAGE


@pytest.mark.filterwarnings("error")
def test_equal_words_stay_together_and_empty_clusters_are_told_of():
    vectors = make([[1, 0]] * 5 + [[0, 1]] * 5)
    result, records = found(vectors, 4)
    assert len(set(result.labels[:5])) == len(set(result.labels[5:])) == 1
    assert result.labels.max() == 1
    assert any(isinstance(each, Warned) and "2 of the 4" in each.text for each in records)
    assert len(list(work.summaries(vectors, result, 3))) == 2


def test_as_many_clusters_as_words_gives_each_its_own():
    result, _ = found(random(12, 5), 12)
    assert result.labels.tolist() == list(range(12))
    assert np.allclose(result.similarities, 1, atol=1e-6)


def test_one_word_and_one_dimension_are_clustered():
    assert found(make([[3, 4]]), 1)[0].labels.tolist() == [0]
    assert found(make([[1], [-2], [5], [-1]]), 2)[0].labels.tolist() == [0, 1, 0, 1]


def test_only_the_most_frequent_words_are_clustered_where_that_is_asked():
    vectors = random(100, 4)
    result, _ = found(vectors, 5, restrict=40)
    assert result.labels.shape == (40,)
    assert (result.labels == found(make(vectors.matrix[:40]), 5)[0].labels).all()


def test_summaries_name_the_most_central_words_first():
    vectors = random(80, 5)
    result, _ = found(vectors, 6)
    for each in work.summaries(vectors, result, 4):
        rows = np.flatnonzero(result.labels == each.cluster)
        assert each.size == len(rows)
        best = rows[np.argsort(-result.similarities[rows], kind="stable")][:4]
        assert each.words == [f"w{row}" for row in best]
        assert each.cohesion == pytest.approx(result.similarities[rows].mean())


def test_rows_by_cluster_keep_the_order_of_frequency():
    result, _ = found(random(80, 5), 6)
    order = work.by_cluster(result)
    pairs = [(int(result.labels[row]), int(row)) for row in order]
    assert pairs == sorted(pairs)
