"""Maps of words: PCA as the covariance has it, t-SNE that repeats itself, the words meant."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.errors import NOT_FOUND, USAGE, DlkitError
from dlkit.vectors.lexicon import Lexicon
from dlkit.vectors.store import WordVectors
from dlkit.vectors.subwords import Subwords, bucket_of
from dlkit.word2vec import mapping

SVG = "{http://www.w3.org/2000/svg}"


def make(matrix, words: list[str] | None = None) -> WordVectors:
    matrix = np.asarray(matrix, dtype=np.float32)
    words = words or [f"w{row}" for row in range(len(matrix))]
    return WordVectors("test", Lexicon.of([word.encode() for word in words]), matrix)


def random(rows: int, dim: int, seed: int = 0) -> WordVectors:
    return make(np.random.default_rng(seed).normal(size=(rows, dim)))


@given(st.integers(2, 30), st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_principal_components_are_those_of_the_covariance(rows: int, dim: int, seed: int):
    units = random(rows, dim, seed).units(np.arange(rows))
    points, shares = mapping.principal(units)
    covariance = np.cov(units, rowvar=False, bias=True)
    variances = np.linalg.eigvalsh(covariance)[::-1]
    assert np.allclose(shares, variances[:2] / variances.sum())
    assert np.allclose(points.var(axis=0), variances[:2], atol=1e-12)
    assert abs(points[:, 0] @ points[:, 1]) < 1e-9
    # Points are the rows' places on two orthogonal axes: no distance grows.
    lengths = np.linalg.norm(units - units.mean(axis=0), axis=1)
    assert (np.linalg.norm(points, axis=1) <= lengths + 1e-9).all()


def test_points_are_scikit_learns():
    from sklearn.decomposition import PCA

    units = random(50, 8).units(np.arange(50))
    points, shares = mapping.principal(units)
    theirs = PCA(n_components=2, svd_solver="full").fit(units)
    assert np.allclose(np.abs(points), np.abs(theirs.transform(units)))
    assert np.allclose(shares, theirs.explained_variance_ratio_)


def test_the_sign_of_an_axis_does_not_hang_on_the_order_of_the_words():
    units = random(20, 5).units(np.arange(20))
    points, _ = mapping.principal(units)
    backwards, _ = mapping.principal(units[::-1])
    assert np.allclose(points, backwards[::-1])


@pytest.mark.parametrize(
    "matrix", [[[1, 2]], [[1, 0], [1, 0]], [[0, 0], [0, 0]], [[0.1, 0.3, 0.7]] * 9]
)
def test_words_without_any_difference_lie_in_one_place(matrix):
    vectors = make(matrix)
    points, shares = mapping.principal(vectors.units(np.arange(len(vectors))))
    assert not points.any()
    assert not shares.any()


def test_one_dimension_gives_one_axis():
    points, shares = mapping.principal(make([[1], [-2], [3]]).units([0, 1, 2]))
    assert np.allclose(sorted(points[:, 0]), [-4 / 3, 2 / 3, 2 / 3])
    assert not points[:, 1].any()
    assert shares.tolist() == [1, 0]


def test_two_words_lie_apart_by_their_distance():
    units = random(2, 6).units([0, 1])
    points, shares = mapping.principal(units)
    assert np.linalg.norm(points[0] - points[1]) == pytest.approx(
        np.linalg.norm(units[0] - units[1])
    )
    assert shares == pytest.approx([1, 0])


def test_tsne_repeats_itself_and_keeps_groups_together():
    rng = np.random.default_rng(3)
    centres = np.eye(10)[:3]
    units = make(np.repeat(centres, 12, axis=0) + rng.normal(0, 0.05, (36, 10))).units(range(36))
    first = mapping.project(units, "tsne", seed=4)
    again = mapping.project(units, "tsne", seed=4)
    assert (first.points == again.points).all()
    assert (first.points != mapping.project(units, "tsne", seed=5).points).any()
    groups = first.points.reshape(3, 12, 2)
    within = max(np.linalg.norm(g - g.mean(0), axis=1).max() for g in groups)
    middles = groups.mean(axis=1)
    between = np.linalg.norm(middles - np.roll(middles, 1, axis=0), axis=1).min()
    assert between > 2 * within
    assert first.facts["perplexity"] == round(35 / 3, 4)


@pytest.mark.parametrize(("words", "perplexity"), [(5, 4 / 3), (61, 20), (91, 30), (5000, 30)])
def test_perplexity_is_thirty_or_a_third_of_the_other_words(words: int, perplexity: float):
    assert mapping.perplexity_for(words) == pytest.approx(perplexity)


def test_tsne_of_equal_words_and_of_one_dimension_is_finite():
    for units in (np.tile([[0.6, 0.8]], (8, 1)), np.array([[1.0], [-1.0]] * 4), np.zeros((6, 3))):
        assert np.isfinite(mapping.project(units, "tsne", seed=1).points).all()


def test_tsne_of_too_few_words_is_refused():
    with pytest.raises(DlkitError, match="5 words or more, not 4") as caught:
        mapping.project(random(4, 3).units(range(4)), "tsne", seed=1)
    assert caught.value.code == USAGE
    assert mapping.project(random(5, 3).units(range(5)), "tsne", seed=1).points.shape == (5, 2)


def brute(vectors: WordVectors, row: int, k: int) -> list[int]:
    units = vectors.units(np.arange(len(vectors)))
    cosines = units @ units[row]
    cosines[row] = -np.inf
    return np.argsort(-cosines, kind="stable")[:k].tolist()


def test_named_words_come_first_then_their_neighbours_then_the_frequent():
    vectors = random(60, 8)
    chosen = mapping.choose(vectors, ["w7", "w3", "w7"], top=4, neighbours=5)
    near = [row for asked in (7, 3) for row in brute(vectors, asked, 5)]
    expected = list(dict.fromkeys([7, 3, *near, 0, 1, 2, 3]))
    assert chosen.rows == expected
    assert chosen.ranks[:2] == ["asked", "asked"]
    assert chosen.groups[:2] == [0, 1]
    assert set(chosen.groups[2:7]) <= {0}
    assert len(chosen.rows) == len(chosen.ranks) == len(chosen.groups)


def test_a_named_word_stays_one_where_it_is_also_near_another():
    vectors = make([[1, 0], [1, 0.1], [1, 0.2], [0, 1]])
    chosen = mapping.choose(vectors, ["w0", "w1"], top=None, neighbours=2)
    assert chosen.rows == [0, 1, 2]
    assert chosen.ranks == ["asked", "asked", "near"]
    assert chosen.groups == [0, 1, 0]


def test_without_named_words_the_most_frequent_are_chosen():
    chosen = mapping.choose(random(10, 3), [], top=200, neighbours=0)
    assert chosen.rows == list(range(10))
    assert set(chosen.ranks) == {"plain"}


def test_unknown_words_are_told_of_and_refused_where_none_is_known():
    vectors = make(np.eye(3), ["早餐", "酒店", "电脑"])
    chosen = mapping.choose(vectors, ["早歺", "酒店"], top=None, neighbours=0)
    assert chosen.rows == [1]
    assert [each.suggestions for each in chosen.unknown] == [["早餐"]]
    for words in (["早歺"], ["早歺", "x"]):
        with pytest.raises(DlkitError) as caught:
            mapping.choose(vectors, words, top=5, neighbours=0)
        assert caught.value.code == NOT_FOUND
        assert "早餐" in caught.value.hint


def of_ngrams() -> WordVectors:
    """Three words and the bucket of 饭 alone among all n-grams of one letter."""
    vectors = make([[1, 0], [0, 1], [0.6, 0.8]], ["早餐", "酒店", "午餐"])
    subwords = Subwords(
        np.array([bucket_of("饭", 1000)], np.int32), np.array([[3, 4]], np.float32),
        shortest=1, longest=1, buckets=1000,
    )  # fmt: skip
    return WordVectors("made", vectors.lexicon, vectors.matrix, subwords=lambda: subwords)


def test_a_word_that_only_its_ngrams_know_has_their_place_and_neighbours():
    vectors = of_ngrams()
    chosen = mapping.choose(vectors, ["酒店", "饭堂", "饭堂"], top=None, neighbours=1)
    assert chosen.rows == [1, None, 2]
    assert chosen.ranks == ["asked", "asked", "near"]
    assert chosen.groups == [0, 1, 0]
    assert mapping.words_of(vectors, chosen) == ["酒店", "饭堂", "午餐"]
    assert mapping.units_of(vectors, chosen) == pytest.approx(
        np.array([[0, 1], [0.6, 0.8], [0.6, 0.8]])
    )
    projection = mapping.project(mapping.units_of(vectors, chosen), "pca", seed=1)
    assert projection.points[1] == pytest.approx(projection.points[2], abs=1e-6)
    assert "饭堂".encode() in mapping.draw(vectors, chosen, projection, "pca").svg
    alone = mapping.choose(vectors, ["饭堂"], top=None, neighbours=0)
    assert mapping.units_of(vectors, alone) == pytest.approx(np.array([[0.6, 0.8]]))


@pytest.mark.parametrize("word", ["茶", "饭 堂"])
def test_a_word_without_a_known_ngram_or_with_a_space_stays_unknown(word):
    chosen = mapping.choose(of_ngrams(), ["酒店", word], top=None, neighbours=0)
    assert [each.word for each in chosen.unknown] == [word]
    assert chosen.rows == [1]


def test_a_word_of_zeros_has_no_neighbours_but_a_place():
    vectors = make([[0, 0], [1, 0], [0, 1]])
    chosen = mapping.choose(vectors, ["w0"], top=None, neighbours=2)
    assert chosen.rows == [0]
    assert not mapping.project(vectors.units([0]), "pca", seed=1).points.any()


def test_a_picture_of_too_many_words_is_refused_and_their_places_are_not():
    vectors = random(5001, 1)
    chosen = mapping.choose(vectors, [], top=6000, neighbours=0)
    with pytest.raises(DlkitError, match="5,000 are the most"):
        mapping.check_drawable(chosen)
    mapping.check_drawable(mapping.choose(vectors, [], top=5000, neighbours=0))
    assert mapping.project(vectors.units(chosen.rows), "pca", seed=1).points.shape == (5001, 2)


NASTY = [
    "饭",
    "<s>",
    "&amp;",
    "a\"b'c",
    "]]>",
    "x\x07y",
    "\\",
    "𠮷",
    "שלום",
    "e\u0301",
    "-x",
    "a b",
]


@pytest.mark.parametrize("method", mapping.METHODS)
def test_the_picture_holds_every_word_as_text_and_is_the_same_twice(method):
    vectors = make(np.random.default_rng(1).normal(size=(len(NASTY), 6)), NASTY)

    def drawn() -> bytes:
        chosen = mapping.choose(vectors, NASTY[:2], top=99, neighbours=3)
        projection = mapping.project(vectors.units(chosen.rows), method, seed=1)
        return mapping.draw(vectors, chosen, projection, method).svg

    svg = drawn()
    found = [text.text for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    assert {word.replace("\x07", "\\x07") for word in NASTY} <= set(found)
    assert drawn() == svg


def test_the_axes_tell_the_variance_they_show():
    vectors = random(30, 4)
    chosen = mapping.choose(vectors, [], top=30, neighbours=0)
    projection = mapping.project(vectors.units(chosen.rows), "pca", seed=1)
    svg = mapping.draw(vectors, chosen, projection, "pca").svg.decode()
    for share in (projection.facts["variance_1"], projection.facts["variance_2"]):
        assert f"{100 * share:.1f} %" in svg
