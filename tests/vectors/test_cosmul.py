"""3CosMul against the formula of the paper in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.errors import USAGE, DlkitError
from dlkit.vectors import queries
from dlkit.vectors.candidates import Candidates
from dlkit.vectors.cosmul import nearest_by_product
from dlkit.vectors.lexicon import Lexicon
from dlkit.vectors.store import WordVectors


def build(matrix) -> WordVectors:
    matrix = np.asarray(matrix, dtype=np.float32)
    return WordVectors("t", Lexicon.of([b"w%d" % row for row in range(len(matrix))]), matrix)


def ask(vectors, plus, minus=(), restrict=None, **options) -> list[queries.Neighbour]:
    question = [
        *(queries.term_of(vectors, row) for row in plus),
        *(queries.term_of(vectors, row, -1.0) for row in minus),
    ]
    return nearest_by_product(vectors, question, Candidates(vectors, stop=restrict), **options)


def by_formula(matrix, plus, minus, restrict=None) -> list[tuple[str, float]]:
    """All words but those asked with, the highest score first."""
    rows = np.asarray(matrix, dtype=np.float32).astype(np.float64)
    norms = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    units = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
    scores = []
    for row in range(len(rows))[:restrict]:
        if row not in (*plus, *minus):
            above = below = 1.0
            for other in plus:
                above *= (1 + min(1, max(-1, units[row] @ units[other]))) / 2
            for other in minus:
                below *= (1 + min(1, max(-1, units[row] @ units[other]))) / 2
            scores.append((f"w{row}", above / (below + 0.000001)))
    return sorted(scores, key=lambda each: -each[1])


VALUES = st.floats(-100, 100, width=32).map(lambda x: x if abs(x) > 1e-6 else 0.0)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_scores_equal_the_formula(data):
    dim, rows = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 30))
    row = st.lists(VALUES, min_size=dim, max_size=dim)
    matrix = data.draw(st.lists(row, min_size=rows, max_size=rows))
    indices = st.integers(0, rows - 1)
    plus = data.draw(st.lists(indices, min_size=1, max_size=3))
    minus = data.draw(st.lists(indices, max_size=2))
    k, restrict = data.draw(st.integers(1, 35)), data.draw(st.none() | st.integers(1, 35))
    found = ask(build(matrix), plus, minus, restrict, k=k)
    expected = by_formula(matrix, plus, minus, restrict)[:k]
    assert np.allclose([n.similarity for n in found], [s for _, s in expected], rtol=1e-6)


@pytest.mark.parametrize("dim", [2, 3, 100])
@pytest.mark.parametrize("k", [1, 10, 4000, None])
def test_large_vocabularies_equal_the_formula_to_the_word(dim, k):
    matrix = np.random.default_rng(dim).standard_normal((3000, dim)).astype(np.float32)
    found = ask(build(matrix), [3, 5], [4], k=k)
    expected = by_formula(matrix, [3, 5], [4])[:k]
    assert len(found) == len(expected)
    assert [n.word for n in found][:50] == [word for word, _ in expected][:50]
    assert np.allclose([n.similarity for n in found], [s for _, s in expected], rtol=1e-6)


def test_a_word_opposite_to_the_minus_word_scores_what_the_small_number_leaves():
    found = ask(build([[1, 0], [0, 1], [-1, 0], [0, -1]]), [1], [0], k=1)
    assert found == [("w2", np.float32(0.5 / 1e-6))]


def test_only_words_with_the_least_score_are_answers():
    vectors = build(np.random.default_rng(0).standard_normal((500, 5)))
    everything = ask(vectors, [1, 2], [3], k=None)
    assert len(everything) == 497
    for place in (0, 9, 496):
        least = float(everything[place].similarity)
        assert ask(vectors, [1, 2], [3], k=None, least=least) == everything[: place + 1]
    assert ask(vectors, [1, 2], [3], k=None, least=-5.0) == everything
    assert ask(vectors, [1, 2], [3], k=None, least=1e9) == []


def test_alone_a_word_has_the_neighbours_that_it_has_by_the_sum():
    vectors = build(np.random.default_rng(1).standard_normal((400, 6)))
    term = queries.term_of(vectors, 8)
    direction = queries.direction_of([term])
    (by_sum,) = queries.nearest_each(vectors, [[term]], [direction], Candidates(vectors), k=30)
    assert [n.word for n in ask(vectors, [8], k=30)] == [n.word for n in by_sum]


@pytest.mark.parametrize(("weights", "what"), [((1, -0.5), "weights"), ((-1, -1), "plus")])
def test_weights_and_questions_without_plus_words_are_refused(weights, what):
    vectors = build(np.eye(3))
    question = [queries.term_of(vectors, *each) for each in enumerate(weights)]
    with pytest.raises(DlkitError, match=what) as caught:
        nearest_by_product(vectors, question, Candidates(vectors))
    assert caught.value.code == USAGE


def test_values_that_are_no_numbers_are_refused_not_ranked():
    vectors = build(np.random.default_rng(3).standard_normal((40, 4)))
    vectors.matrix[9, 1] = np.nan
    with pytest.raises(DlkitError, match="no finite numbers"):
        ask(vectors, [7], [8])


@pytest.mark.parametrize("k", [1, 7, 300])
def test_words_nearly_opposite_to_the_minus_word_stand_in_their_true_order(k):
    # Where a divisor is nearly zero, rounding of a cosine in float32 changes the score by percents.
    rng = np.random.default_rng(9)
    start = rng.standard_normal((3, 100))
    noise = rng.standard_normal((600, 100)) * rng.uniform(1e-4, 3e-3, (600, 1))
    matrix = np.concatenate([start, noise - start[2]])
    expected = by_formula(matrix, [0, 1], [2])[:k]
    found = ask(build(matrix), [0, 1], [2], k=k)
    assert [n.word for n in found] == [word for word, _ in expected]
    assert np.allclose([n.similarity for n in found], [s for _, s in expected], rtol=1e-6)
