"""Nearest words, analogies, pairs and the odd one out, against plain float64 arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.errors import DlkitError
from dlkit.vectors import queries
from dlkit.vectors.lexicon import Lexicon
from dlkit.vectors.store import WordVectors

VALUES = st.floats(-100, 100, width=32).map(lambda x: x if abs(x) > 1e-6 else 0.0)


def nearest(vectors, plus, minus=(), **options) -> list[queries.Neighbour]:
    """What one question is answered."""
    question = queries.Question(tuple(plus), tuple(minus))
    direction = queries.direction_of(vectors, question)
    (found,) = queries.nearest_each(vectors, [question], [direction], **options)
    return found


def build(matrix) -> WordVectors:
    matrix = np.asarray(matrix, dtype=np.float32)
    return WordVectors("t", Lexicon.of([b"w%d" % row for row in range(len(matrix))]), matrix)


def units_of(matrix) -> np.ndarray:
    rows = np.asarray(matrix, dtype=np.float32).astype(np.float64)
    norms = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    return np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)


def by_brute_force(matrix, plus, minus, k, restrict=None) -> list[tuple[str, np.float32]]:
    units = units_of(matrix)
    target = sum((units[row] for row in plus), np.zeros(units.shape[1]))
    target = target - sum((units[row] for row in minus), np.zeros(units.shape[1]))
    similarities = np.clip(units @ (target / np.linalg.norm(target)), -1, 1).astype(np.float32)
    rows = [row for row in range(len(units))[:restrict] if row not in (*plus, *minus)]
    rows.sort(key=lambda row: (-similarities[row], row))
    return [(f"w{row}", similarities[row]) for row in rows[:k]]


@st.composite
def problems(draw):
    dim = draw(st.integers(1, 5))
    rows = draw(st.integers(1, 40))
    matrix = draw(
        st.lists(st.lists(VALUES, min_size=dim, max_size=dim), min_size=rows, max_size=rows)
    )
    indices = st.integers(0, rows - 1)
    plus = draw(st.lists(indices, min_size=1, max_size=3))
    minus = draw(st.lists(indices, max_size=2))
    return matrix, plus, minus, draw(st.integers(1, 45)), draw(st.none() | st.integers(1, 50))


@given(problems())
@settings(max_examples=150, deadline=None)
def test_nearest_equals_brute_force_in_float64(problem):
    matrix, plus, minus, k, restrict = problem
    vectors = build(matrix)
    units = units_of(matrix)
    length = np.linalg.norm(units[plus].sum(axis=0) - units[minus].sum(axis=0))
    if length < 1e-6:
        return
    found = nearest(vectors, plus, minus, k=k, restrict=restrict)
    expected = by_brute_force(matrix, plus, minus, k, restrict)
    assert [n.word for n in found] == [word for word, _ in expected] or np.allclose(
        [n.similarity for n in found], [s for _, s in expected], rtol=0, atol=1e-7
    )
    assert np.allclose([n.similarity for n in found], [s for _, s in expected], rtol=0, atol=2e-7)
    assert len(found) == len(expected)


@pytest.mark.parametrize("dim", [1, 3, 100])
@pytest.mark.parametrize("k", [1, 10, 4999, 6000])
def test_large_vocabularies_equal_brute_force(dim, k):
    matrix = np.random.default_rng(dim).standard_normal((5000, dim)).astype(np.float32)
    matrix[7] = 0
    found = nearest(build(matrix), [3], [4], k=k)
    expected = by_brute_force(matrix, [3], [4], k)
    assert [(n.word, n.similarity) for n in found] == expected


@pytest.mark.parametrize("rows", [1, 127, 128, 129, 1280, 1281])
def test_the_nearest_is_found_wherever_it_stands(rows):
    matrix = np.full((rows + 1, 2), [1.0, 0.0])
    matrix[0] = [0, 1]
    for place in {1, rows // 2 + 1, rows}:
        changed = matrix.copy()
        changed[place] = [0.1, 5]
        assert nearest(build(changed), [0], k=1)[0].word == f"w{place}"


def test_equal_similarities_stand_in_order_of_frequency():
    matrix = np.ones((3000, 4))
    assert [n.word for n in nearest(build(matrix), [2], k=4)] == ["w0", "w1", "w3", "w4"]


def test_scale_of_a_vector_changes_nothing():
    matrix = np.random.default_rng(0).standard_normal((300, 8))
    plain = nearest(build(matrix), [0], k=20)
    powers = 2.0 ** (np.arange(300) % 90 - 45).reshape(-1, 1)
    assert nearest(build(matrix * powers), [0], k=20) == plain


def test_many_questions_at_once_get_the_answers_of_each_alone():
    rng = np.random.default_rng(1)
    vectors = build(rng.standard_normal((2000, 30)))
    asked = [queries.Question((row,), (row + 1,) if row % 3 == 0 else ()) for row in range(70)]
    together = queries.nearest_each(
        vectors, asked, [queries.direction_of(vectors, each) for each in asked], k=7
    )
    assert together == [nearest(vectors, *each, k=7) for each in asked]


def test_no_questions_get_no_answers():
    assert queries.nearest_each(build([[1, 0]]), [], []) == []


def test_analogies_are_answered_by_the_constructed_word():
    # gender on the first axis, royalty on the second, the rest is noise of other words
    matrix = [
        [1, 1, 0],  # w0 king
        [1, 0, 0],  # w1 man
        [-1, 0, 0],  # w2 woman
        [-1, 1, 0],  # w3 queen
        [0, 0, 1],
        [0.2, 0.1, 1],
    ]
    assert nearest(build(matrix), [0, 2], [1], k=1)[0].word == "w3"


def test_words_of_the_question_are_no_answers():
    matrix = np.eye(4)
    words = {n.word for n in nearest(build(matrix), [0, 1], [2], k=10)}
    assert words == {"w3"}


def test_restrict_keeps_rarer_words_out():
    matrix = np.random.default_rng(2).standard_normal((500, 3))
    found = nearest(build(matrix), [400], k=60, restrict=50)
    assert len(found) == 50
    assert all(int(n.word[1:]) < 50 for n in found)


def test_rows_of_zeros_have_similarity_zero_and_never_nan():
    vectors = build([[1, 0], [0, 0], [-1, 0]])
    assert nearest(vectors, [0]) == [("w1", 0), ("w2", -1)]
    assert queries.pair(vectors, 0, 1) == 0
    assert queries.odd_one_out(vectors, [0, 1, 2]) == 0  # the mean is zero: all are equal


@pytest.mark.parametrize(("plus", "minus"), [([1], []), ([0], [0]), ([0, 2], [])])
def test_a_question_that_points_nowhere_is_refused(plus, minus):
    with pytest.raises(DlkitError, match=r"zeros|cancel out"):
        nearest(build([[1, 0], [0, 0], [-1, 0]]), plus, minus)


@pytest.mark.parametrize("row", [0, 200, 399])
def test_values_that_are_no_numbers_are_refused_not_ranked(row):
    matrix = np.random.default_rng(3).standard_normal((400, 4)).astype(np.float32)
    vectors = build(matrix)
    vectors.matrix[row, 1] = np.nan  # the norms are those of before
    with pytest.raises(DlkitError, match="no finite numbers"):
        nearest(vectors, [7], k=2)


@given(st.lists(st.lists(VALUES, min_size=3, max_size=3), min_size=3, max_size=8))
@settings(deadline=None)
def test_the_odd_one_out_has_the_smallest_product_with_the_mean(matrix):
    units = units_of(matrix)
    products = units @ units.mean(axis=0)
    place = queries.odd_one_out(build(matrix), list(range(len(matrix))))
    assert products[place] <= products.min() + 1e-12


def test_the_odd_one_out_needs_three_words():
    with pytest.raises(DlkitError, match="three"):
        queries.odd_one_out(build(np.eye(3)), [0, 1])


@given(st.lists(st.lists(VALUES, min_size=4, max_size=4), min_size=2, max_size=2))
@settings(deadline=None)
def test_a_pair_is_its_cosine(matrix):
    units = units_of(matrix)
    similarity = queries.pair(build(matrix), 0, 1)
    assert abs(similarity - float(units[0] @ units[1])) <= 1e-7
    assert -1 <= similarity <= 1
