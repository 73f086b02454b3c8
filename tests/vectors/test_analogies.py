"""Analogies against a scorer in plain Python that follows the definitions word by word."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.errors import DlkitError
from dlkit.records import Step
from dlkit.vectors import analogies, offsets
from dlkit.vectors.analogies import score_analogies
from dlkit.vectors.rules import PRESETS, Lookup, Rules
from dlkit.vectors.wordtests import Analogies

EXACT = Rules(case="keep")


def solve(vectors, questions, rules: Rules = EXACT, methods=("add",)):
    test = Analogies("t", ("",), tuple(questions), (0,) * len(questions))
    work = score_analogies(vectors, test, Lookup(vectors, rules), methods)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


# --- The definitions, in plain Python -------------------------------------------------------


def cosine(x: list[float], y: list[float]) -> float:
    lengths = math.sqrt(sum(a * a for a in x)) * math.sqrt(sum(b * b for b in y))
    return sum(a * b for a, b in zip(x, y, strict=True)) / lengths if lengths else 0.0


def folded(word: str, rules: Rules) -> str:
    if rules.case == "keep":
        return word
    return word.encode().upper().decode() if rules.ascii_case else word.upper()


def scores_of(matrix, candidates, a, b, c, method):
    for x in candidates:
        if method == "add":
            score = (
                cosine(matrix[x], matrix[b])
                + cosine(matrix[x], matrix[c])
                - cosine(matrix[x], matrix[a])
            )
        else:
            moved = [(cosine(matrix[x], matrix[y]) + 1) / 2 for y in (a, b, c)]
            score = moved[1] * moved[2] / (moved[0] + 0.001)
        yield float(np.float32(score)), -x


def oracle(words, matrix, question, rules: Rules, method: str) -> bool | None:
    """Whether the question is answered right; None if a word of it is unknown."""
    rows = range(min(rules.restrict or len(words), len(words)))
    first: dict[str, int] = {}
    for row in rows:
        if rules.longest is None or len(words[row].encode()) <= rules.longest:
            first.setdefault(folded(words[row], rules), row)
    asked = [first.get(folded(word, rules)) for word in question]
    if None in asked:
        return None
    a, b, c, _ = asked
    if any(not any(matrix[row]) for row in (a, b, c)):
        return False
    ignored = {folded(word, rules) for word in question[:3]} if rules.variants else set()
    candidates = [x for x in rows if x not in (a, b, c) and any(matrix[x])]
    ranked = sorted(scores_of(matrix, candidates, a, b, c, method), reverse=True)
    for score, negated in ranked[: rules.within]:
        form = folded(words[-negated], rules)
        if form in ignored:
            continue
        if rules.above_zero and score <= 0:
            return False
        return form == folded(question[3], rules) and (
            rules.longest is None or len(words[-negated].encode()) <= rules.longest
        )
    return False


WORDS = ["us", "US", "uS", "Us", "ß", "SS", "中", "国", "é", "É", "a", "A", "b", "c", "d", "e", "f"]
WORDS += ["x" * 49, "y" * 50, "aa", "AA", "aA", "Aa"]


@st.composite
def cases(draw):
    words = draw(st.permutations(WORDS).map(lambda w: w[: draw(st.integers(4, len(w)))]))
    dim = draw(st.integers(1, 3))
    # Few different values: many equal scores and cosines, zeros, opposite vectors.
    row = st.lists(st.integers(-1, 1), min_size=dim, max_size=dim)
    matrix = draw(st.lists(row, min_size=len(words), max_size=len(words)))
    word = st.sampled_from([*WORDS, "unknown"])
    questions = draw(st.lists(st.tuples(word, word, word, word), min_size=1, max_size=8))
    return words, matrix, questions


@given(
    case=cases(),
    preset=st.sampled_from(sorted(PRESETS)),
    fold=st.sampled_from(["fold", "keep"]),
    restrict=st.sampled_from([0, 3, 7, 100]),
    method=st.sampled_from(["add", "mul"]),
)
def test_answers_are_those_of_the_definition(case, preset, fold, restrict, method):
    from dlkit.vectors.lexicon import Lexicon
    from dlkit.vectors.store import WordVectors

    words, matrix, questions = case
    rules = replace(PRESETS[preset], case=fold, restrict=restrict)
    lexicon = Lexicon.of([word.encode() for word in words])
    vectors = WordVectors("t", lexicon, np.array(matrix, dtype=np.float32))
    found = solve(vectors, questions, rules, (method,))
    wanted = [oracle(words, matrix, question, rules, method) for question in questions]
    assert found.known.tolist() == [each is not None for each in wanted]
    assert found.right[method].tolist() == [bool(each) for each in wanted]


@pytest.fixture
def random_vectors(vectors_of):
    generator = np.random.default_rng(3)
    words = [f"w{row}" for row in range(700)]
    return words, vectors_of(words, generator.standard_normal((700, 8)) + 0.3)


def nearest(matrix: np.ndarray, rows: np.ndarray, method: str) -> np.ndarray:
    """(N,) the answers to ``rows`` (N, 3), in float64."""
    units = matrix.astype(np.float64)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    a, b, c = (units @ units[each].T for each in rows.T)
    scores = b + c - a if method == "add" else (b + 1) * (c + 1) / 4 / ((a + 1) / 2 + 0.001)
    for each in rows.T:
        scores[each, np.arange(len(rows))] = -np.inf
    return scores.argmax(axis=0)


@pytest.mark.parametrize("method", ["add", "mul"])
@pytest.mark.parametrize("small", [False, True])
def test_any_blocks_of_rows_and_questions_give_the_same(
    random_vectors, monkeypatch, method: str, small: bool
):
    if small:
        monkeypatch.setattr(offsets, "_FEWEST_ROWS", 13)
        monkeypatch.setattr(offsets, "_MOST_ROWS", 97)
        monkeypatch.setattr(offsets, "_TABLE", 500)
        monkeypatch.setattr(offsets, "_SCORED_AT_ONCE", 7)
        monkeypatch.setattr(analogies, "QUESTIONS_AT_ONCE", 50)
        monkeypatch.setattr(analogies, "_EXACT_AT_ONCE", 11)
    words, vectors = random_vectors
    rows = np.random.default_rng(4).integers(0, len(words), (301, 3))
    answers = nearest(vectors.matrix, rows, method)
    wrong = np.arange(len(rows)) % 3 == 0
    asked = [
        (words[a], words[b], words[c], words[(d + 1) % len(words) if bad else d])
        for (a, b, c), d, bad in zip(rows.tolist(), answers.tolist(), wrong, strict=True)
    ]
    found = solve(vectors, asked, methods=(method,))
    assert found.known.all()
    np.testing.assert_array_equal(found.right[method], ~wrong)


def test_the_offset_of_the_worked_example_finds_the_queen(vectors_of):
    words = ["男人", "女人", "国王", "女王", "米饭"]
    matrix = [[1, 0, 0.1], [-1, 0, 0.1], [1, 1, 0], [-1, 1, 0], [0, 0, 1]]
    found = solve(
        vectors_of(words, matrix), [("男人", "女人", "国王", "女王")], methods=("add", "mul")
    )
    assert found.right["add"].all()
    assert found.right["mul"].all()
    man, woman, king, queen = (np.array(matrix[row]) for row in range(4))
    offset = sum(sign * x / np.linalg.norm(x) for sign, x in ((1, woman), (-1, man), (1, king)))
    wanted = offset @ queen / np.linalg.norm(offset) / np.linalg.norm(queen)
    assert found.cosines == pytest.approx([wanted], abs=1e-8)


def test_a_product_rewards_what_is_opposite_to_the_first_word(vectors_of):
    """x is nearest to b and c, d is farthest from a: the sum takes x, the product d."""
    words = ["a", "b", "c", "d", "x"]
    matrix = [[-1, -3, -3], [3, 1, 1], [1, 0, 1], [0, 1, 1], [3, 1, 2]]
    asked = [("a", "b", "c", "d"), ("a", "b", "c", "x")]
    found = solve(vectors_of(words, matrix), asked, methods=("add", "mul"))
    assert found.right["add"].tolist() == [False, True]
    assert found.right["mul"].tolist() == [True, False]


@pytest.mark.parametrize("variants", [4, 5, 6])
def test_gensim_looks_at_five_words_beside_those_asked_with(vectors_of, variants: int):
    """Other spellings of c stand before the answer; with five of them gensim sees nothing else."""
    spellings = ["Abc", "aBc", "abC", "ABc", "AbC", "aBC"][:variants]
    words = ["a", "b", "abc", *spellings, "d"]
    matrix = [[1, 0, 0], [0.9, 0.1, 0], [0, 0, 1], *[[0, 0.01, 1]] * variants, [0, 1, 1]]
    vectors = vectors_of(words, matrix)
    asked = [("a", "b", "abc", "d"), ("A", "B", "ABC", "D")]
    for preset, right in (("dlkit", True), ("gensim", variants < 5), ("word2vec", False)):
        found = solve(vectors, asked, PRESETS[preset])
        assert found.right["add"].tolist() == [right, right], preset


def test_the_c_tool_gives_no_answer_with_a_score_below_zero(vectors_of):
    vectors = vectors_of(["a", "b", "c", "d"], [[1, 0], [-1, 0.1], [0, 1], [0.9, -1]])
    asked = [("a", "b", "c", "d")]
    assert solve(vectors, asked, PRESETS["gensim"]).right["add"].all()
    assert not solve(vectors, asked, PRESETS["word2vec"]).right["add"].any()


def test_a_vector_of_zeros_is_no_answer_and_has_none(vectors_of):
    matrix = [[1, 0], [1, 1], [0, 1], [0, 0]]
    vectors = vectors_of(["a", "b", "c", "zero"], matrix)
    asked = [("a", "b", "c", "zero"), ("zero", "b", "c", "a"), ("a", "zero", "b", "c")]
    for method in ("add", "mul"):
        assert not solve(vectors, asked, methods=(method,)).right[method].any()
    # Nor does it stand before an answer whose score is below its 0.
    matrix = [[1, 0], [-1, 0.1], [0, 1], [0, 0], [0.9, -1]]
    vectors = vectors_of(["a", "b", "c", "zero", "d"], matrix)
    assert solve(vectors, [("a", "b", "c", "d")]).right["add"].all()


def test_equal_scores_are_decided_by_frequency(vectors_of):
    matrix = [[1, 0], [1, 1], [0, 1], [0.3, 0.7], [0.6, 1.4], [3, 7]]
    for first, second in (("d", "e"), ("e", "f"), ("d", "f")):
        words = ["a", "b", "c", "-", "-1", "-2"]
        place = {"d": 3, "e": 4, "f": 5}
        words[place[first]], words[place[second]] = "one", "two"
        keep = [0, 1, 2, place[first], place[second]]
        vectors = vectors_of([words[row] for row in keep], [matrix[row] for row in keep])
        found = solve(vectors, [("a", "b", "c", "one"), ("a", "b", "c", "two")])
        assert found.right["add"].tolist() == [True, False]


def test_of_two_spellings_of_the_answer_the_more_frequent_counts(vectors_of):
    """A rival as near stands between them."""
    words = ["a", "b", "c", "Paris", "rival", "PARIS"]
    vectors = vectors_of(words, [[1, 0], [1, 1], [0, 1], [1, 3], [1, 3], [1, 3]])
    asked = [("a", "b", "c", "paris"), ("a", "b", "c", "rival")]
    assert solve(vectors, asked, Rules()).right["add"].tolist() == [True, False]


def test_vectors_that_differ_in_the_last_bits_are_told_apart_by_float64(vectors_of):
    """The scores differ by less than float32 products may be wrong by, not by less than float32."""
    generator = np.random.default_rng(0)
    for _ in range(20):
        a, b, c = generator.standard_normal((3, 64))
        offset = b / np.linalg.norm(b) + c / np.linalg.norm(c) - a / np.linalg.norm(a)
        aside = np.roll(offset, 1)
        near, far = offset + 0.0012 * aside, offset + 0.0016 * aside
        for order in ((far, near), (near, far)):
            vectors = vectors_of(["a", "b", "c", "x", "y"], [a, b, c, *order])
            right = "y" if order[0] is far else "x"
            found = solve(vectors, [("a", "b", "c", "x"), ("a", "b", "c", "y")])
            assert found.right["add"].tolist() == [right == "x", right == "y"]


def test_float16_vectors_are_scored(vectors_of, random_vectors):
    words, vectors = random_vectors
    half = vectors_of(words, vectors.matrix)
    half.matrix = vectors.matrix.astype(np.float16)
    asked = np.random.default_rng(5).integers(0, len(words), (40, 3))
    answers = nearest(half.matrix.astype(np.float32), asked, "add")
    questions = [
        tuple(words[row] for row in (*three, answer))
        for three, answer in zip(asked.tolist(), answers.tolist(), strict=True)
    ]
    assert solve(half, questions).right["add"].mean() > 0.9


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("row", [0, 3, 5])
def test_values_that_are_no_numbers_are_refused(vectors_of, bad: float, row: int):
    matrix = np.eye(6)
    matrix[row, row] = bad
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(DlkitError, match="no finite numbers"),
    ):
        solve(vectors_of(list("abcdef"), matrix), [("a", "b", "c", "d"), ("b", "c", "a", "d")])


def test_a_test_without_known_questions_has_no_right_ones(vectors_of):
    found = solve(vectors_of(["a"], [[1.0]]), [("x", "y", "z", "a")])
    assert not found.known.any()
    assert not found.right["add"].any()


def test_progress_is_told_only_where_it_takes_time(random_vectors, monkeypatch):
    words, vectors = random_vectors
    questions = (tuple(words[:4]),) * 100
    test = Analogies("t", ("",), questions, (0,) * 100)
    assert not list(score_analogies(vectors, test, Lookup(vectors, EXACT)))
    monkeypatch.setattr(analogies, "_SILENCE", -1.0)
    monkeypatch.setattr(analogies, "QUESTIONS_AT_ONCE", 30)
    steps = list(score_analogies(vectors, test, Lookup(vectors, EXACT), ("add", "mul")))
    assert all(isinstance(step, Step) for step in steps)
    assert [(step.phase, step.done, step.total) for step in steps] == [
        (f"t, {name}", done, 100) for name in ("3CosAdd", "3CosMul") for done in (30, 60, 90, 100)
    ]
