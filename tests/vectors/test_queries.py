"""Nearest words, analogies, pairs and the odd one out, against plain float64 arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.errors import DlkitError
from dlkit.vectors import queries
from dlkit.vectors.candidates import Candidates
from dlkit.vectors.lexicon import Lexicon
from dlkit.vectors.store import WordVectors

VALUES = st.floats(-100, 100, width=32).map(lambda x: x if abs(x) > 1e-6 else 0.0)


def question_of(vectors, plus, minus=()) -> list[queries.Term]:
    return [
        *(queries.term_of(vectors, row) for row in plus),
        *(queries.term_of(vectors, row, -1.0) for row in minus),
    ]


def nearest(vectors, plus, minus=(), restrict=None, **options) -> list[queries.Neighbour]:
    """What one question is answered."""
    return answered(vectors, question_of(vectors, plus, minus), stop=restrict, **options)


def answered(vectors, question, *, first=0, stop=None, rows=None, **options):
    candidates = Candidates(vectors, first=first, stop=stop, rows=rows)
    direction = queries.direction_of(question)
    (found,) = queries.nearest_each(vectors, [question], [direction], candidates, **options)
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
    asked = [([row], [row + 1] if row % 3 == 0 else []) for row in range(70)]
    questions = [question_of(vectors, *each) for each in asked]
    directions = [queries.direction_of(each) for each in questions]
    together = queries.nearest_each(vectors, questions, directions, Candidates(vectors), k=7)
    assert together == [nearest(vectors, *each, k=7) for each in asked]


def test_no_questions_get_no_answers():
    vectors = build([[1, 0]])
    assert queries.nearest_each(vectors, [], [], Candidates(vectors)) == []


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
    terms = question_of(vectors, [0, 1, 2])
    assert queries.pair(*terms[:2]) == 0
    assert queries.odd_one_out(terms) == 0  # the mean is zero: all are equal
    assert queries.between_sets(terms[:1], terms[1:2]) == 0
    assert queries.between_sets(terms, terms[:1]) == 0  # the sum is zero
    assert queries.rank(vectors, terms[0], np.float32(-0.5), Candidates(vectors)) == 2


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
    term = queries.term_of(vectors, 7)
    for ask in (queries.rank, queries.closer_than):
        with pytest.raises(DlkitError, match="no finite numbers"):
            ask(vectors, term, np.float32(0), Candidates(vectors))


@given(st.lists(st.lists(VALUES, min_size=3, max_size=3), min_size=3, max_size=8))
@settings(deadline=None)
def test_the_odd_one_out_has_the_smallest_product_with_the_mean(matrix):
    units = units_of(matrix)
    products = units @ units.mean(axis=0)
    place = queries.odd_one_out(question_of(build(matrix), range(len(matrix))))
    assert products[place] <= products.min() + 1e-12


def test_the_odd_one_out_needs_three_words():
    with pytest.raises(DlkitError, match="three"):
        queries.odd_one_out(question_of(build(np.eye(3)), [0, 1]))


@given(st.lists(st.lists(VALUES, min_size=4, max_size=4), min_size=2, max_size=2))
@settings(deadline=None)
def test_a_pair_is_its_cosine(matrix):
    units = units_of(matrix)
    similarity = queries.pair(*question_of(build(matrix), [0, 1]))
    assert abs(similarity - float(units[0] @ units[1])) <= 1e-7
    assert -1 <= similarity <= 1


@given(problems(), st.data())
@settings(max_examples=100, deadline=None)
def test_weights_multiply_unit_vectors(problem, data):
    matrix, plus, minus, k, _ = problem
    vectors, units = build(matrix), units_of(matrix)
    rows = [*plus, *minus]
    sizes = st.floats(-3, 3, width=16)
    weights = data.draw(st.lists(sizes, min_size=len(rows), max_size=len(rows)))
    total = (units[rows] * np.array(weights)[:, np.newaxis]).sum(axis=0)
    if np.linalg.norm(total) < 1e-6:
        return
    question = [queries.term_of(vectors, *each) for each in zip(rows, weights, strict=True)]
    similarities = np.clip(units @ (total / np.linalg.norm(total)), -1, 1)
    best = sorted(-similarities[row] for row in range(len(units)) if row not in rows)[:k]
    found = [-neighbour.similarity for neighbour in answered(vectors, question, k=k)]
    assert np.allclose(found, best, rtol=0, atol=2e-7)


def test_weights_of_zero_leave_nothing_to_be_near_to():
    vectors = build(np.eye(3))
    with pytest.raises(DlkitError, match="cancel out"):
        queries.direction_of([queries.term_of(vectors, 0, 0.0)])
    question = [queries.term_of(vectors, 0), queries.term_of(vectors, 1, 0.0)]
    assert [n.word for n in answered(vectors, question)] == ["w2"]  # asked with, so no answer


@given(problems(), st.data())
@settings(max_examples=100, deadline=None)
def test_candidates_limit_answers_to_ranks_and_lists(problem, data):
    matrix, plus, minus, k, _ = problem
    units = units_of(matrix)
    if np.linalg.norm(units[plus].sum(axis=0) - units[minus].sum(axis=0)) < 1e-6:
        return
    vectors, count = build(matrix), len(matrix)
    first = data.draw(st.integers(0, count - 1))
    stop = data.draw(st.integers(first + 1, count + 3))
    rows = data.draw(st.none() | st.lists(st.integers(0, count - 1), min_size=1))
    allowed = set(range(first, min(stop, count))) & set(range(count) if rows is None else rows)
    if not allowed:
        return
    question = question_of(vectors, plus, minus)
    found = answered(vectors, question, first=first, stop=stop, rows=rows, k=k)
    everything = answered(vectors, question, k=None)
    assert found == [n for n in everything if int(n.word[1:]) in allowed][:k]


@pytest.mark.parametrize("k", [1, 5, None])
@pytest.mark.parametrize("least", [-1.0, 0.0, 0.3, 0.9999])
def test_only_words_with_the_least_score_are_answers(k, least):
    vectors = build(np.random.default_rng(4).standard_normal((3000, 6)))
    everything = nearest(vectors, [5], k=None)
    assert len(everything) == 2999
    enough = [n for n in everything if n.similarity >= np.float32(least)]
    assert nearest(vectors, [5], k=k, least=least) == enough[:k]
    exactly = float(everything[7].similarity)
    assert len(nearest(vectors, [5], k=None, least=exactly)) == 8


@given(problems())
@settings(max_examples=100, deadline=None)
def test_rank_counts_the_words_that_are_closer(problem):
    matrix, plus, _, _, restrict = problem
    vectors, units = build(matrix), units_of(matrix)
    for first in plus:
        if not units[first].any():
            continue
        term = queries.term_of(vectors, first)
        candidates = Candidates(vectors, stop=restrict)
        cosines = np.clip(units @ units[first], -1, 1)
        for second in range(len(matrix)):
            limit = queries.pair(term, queries.term_of(vectors, second))
            assert abs(limit - cosines[second]) <= 1e-7
            closer = queries.closer_than(vectors, term, limit, candidates)
            assert queries.rank(vectors, term, limit, candidates) == 1 + len(closer)
            rows = {int(neighbour.word[1:]) for neighbour in closer}
            others = set(range(len(matrix))[:restrict]) - {first}
            assert rows >= {row for row in others if cosines[row] > cosines[second] + 2e-7}
            assert not rows & {row for row in others if cosines[row] < cosines[second] - 2e-7}
            assert not rows - others
            similarities = [neighbour.similarity for neighbour in closer]
            assert similarities == sorted(similarities, reverse=True)
            assert all(similarity > limit for similarity in similarities)


def test_rank_is_the_place_among_all_neighbours():
    vectors = build(np.random.default_rng(5).standard_normal((4000, 20)))
    term = queries.term_of(vectors, 9)
    neighbours = nearest(vectors, [9], k=None)
    for place in (0, 1, 17, 1998, 3998):
        limit = queries.pair(term, queries.term_of(vectors, int(neighbours[place].word[1:])))
        assert queries.rank(vectors, term, limit, Candidates(vectors)) == place + 1
        closer = queries.closer_than(vectors, term, limit, Candidates(vectors))
        assert closer == neighbours[:place]


def test_equal_vectors_are_not_closer_than_each_other():
    rng = np.random.default_rng(6)
    matrix = np.repeat(rng.standard_normal((50, 7)), 20, axis=0)
    matrix *= 2.0 ** rng.integers(-3, 4, size=(1000, 1))
    vectors = build(matrix)
    term = queries.term_of(vectors, 0)
    for row in range(20, 40):
        limit = queries.pair(term, queries.term_of(vectors, row))
        assert (queries.rank(vectors, term, limit, Candidates(vectors)) - 1) % 20 == 19


@given(problems())
@settings(max_examples=100, deadline=None)
def test_two_sets_are_compared_by_their_mean_vectors_as_they_are(problem):
    matrix, first, second, _, _ = problem
    if not second:
        return
    vectors = build(matrix)
    raw = np.asarray(matrix, dtype=np.float32).astype(np.float64)
    means = [raw[first].mean(axis=0), raw[second].mean(axis=0)]
    if min(np.linalg.norm(each) for each in means) < 1e-3:
        return
    cosine = means[0] @ means[1] / np.linalg.norm(means[0]) / np.linalg.norm(means[1])
    found = queries.between_sets(question_of(vectors, first), question_of(vectors, second))
    assert abs(found - cosine) < 1e-6


def test_a_word_without_a_row_excludes_none():
    vectors = build([[1, 0], [0, 1], [1, 1]])
    made = queries.Term("new", np.array([2.0, 0.1]))
    assert [n.word for n in answered(vectors, [made])] == ["w0", "w2", "w1"]
    limit = queries.pair(made, queries.term_of(vectors, 2))
    assert queries.rank(vectors, made, limit, Candidates(vectors)) == 2


@pytest.mark.parametrize("rows", [None, [5, 3, 3, 0, 39]])
def test_vectors_of_half_precision_are_multiplied_in_single_precision(rows, monkeypatch):
    monkeypatch.setattr("dlkit.vectors.candidates._VALUES_AT_ONCE", 60)  # 7 rows
    half = np.random.default_rng(7).standard_normal((40, 8)).astype(np.float16)
    plain = build(half)
    halved = WordVectors("h", plain.lexicon, half, plain.norms)
    for plus in ([1], [1, 2]):
        expected = answered(plain, question_of(plain, plus), rows=rows)
        assert answered(halved, question_of(halved, plus), rows=rows) == expected
