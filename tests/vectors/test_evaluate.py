"""Scores by section, by group and in total, and what training asks for."""

from __future__ import annotations

import numpy as np
import pytest

from dlkit.data.normalise import Normaliser
from dlkit.records import Noted
from dlkit.vectors.evaluate import evaluate, score
from dlkit.vectors.rules import PRESETS, Lookup, Rules
from dlkit.vectors.wordtests import Analogies, Pairs

WORDS = ["man", "woman", "king", "queen", "cat", "cats", "dog", "dogs"]
MATRIX = [
    [1, 0, 0, 0, 0.1],
    [-1, 0, 0, 0, 0.1],
    [1, 1, 0, 0, 0],
    [-1, 1, 0, 0, 0],
    [0, 0, 1, 0, 0],
    [0, 0, 1, 1, 0],
    [0, 0, 1, 0, 0.2],
    [0, 0, 1, 1, 0.2],
]
RIGHT = ("man", "woman", "king", "queen")
PLURAL = ("cat", "cats", "dog", "dogs")
WRONG = ("man", "woman", "king", "cat")
UNKNOWN = ("man", "woman", "prince", "princess")


def analogies(*sections, name="t") -> Analogies:
    """A test of (name of the section, its questions)."""
    return Analogies(
        name,
        tuple(section for section, _ in sections),
        tuple(question for _, questions in sections for question in questions),
        tuple(place for place, (_, questions) in enumerate(sections) for _ in questions),
    )


TEST = analogies(
    ("family", [RIGHT, WRONG, UNKNOWN]), ("empty", []), ("gram8-plural", [PLURAL, UNKNOWN])
)


@pytest.fixture
def vectors(vectors_of):
    return vectors_of(WORDS, MATRIX)


def rows(files, vectors, test, rules=PRESETS["dlkit"], **options):
    tallies, _ = files.finished(evaluate(vectors, test, Lookup(vectors, rules), **options))
    return [(t.part, t.level, t.method, t.correct, t.total, t.skipped, t.unknown) for t in tallies]


def test_sections_groups_and_total_are_counted(files, vectors):
    assert rows(files, vectors, TEST) == [
        ("family", "section", "add", 1, 2, 1, 1),
        ("empty", "section", "add", 0, 0, 0, 0),
        ("gram8-plural", "section", "add", 1, 1, 1, 1),
        ("semantic", "group", "add", 1, 2, 1, 1),
        ("syntactic", "group", "add", 1, 1, 1, 1),
        ("total", "total", "add", 2, 3, 2, 2),
    ]


def test_unknown_words_can_count_as_wrong(files, vectors):
    found = rows(files, vectors, TEST, Rules(unknown="wrong"))
    assert found[0] == ("family", "section", "add", 1, 3, 0, 1)
    assert found[-1] == ("total", "total", "add", 2, 5, 0, 2)


def test_each_method_has_rows_of_its_own(files, vectors):
    found = rows(files, vectors, TEST, methods=("add", "mul"))
    assert [row[2] for row in found] == ["add"] * 6 + ["mul"] * 6


def test_sections_that_do_not_say_so_are_neither_semantic_nor_syntactic(files, vectors):
    found = rows(files, vectors, analogies(("地理", [RIGHT]), ("A", [PLURAL])))
    assert [row[0] for row in found] == ["地理", "A", "total"]


@pytest.mark.parametrize("start", [[], [("", [RIGHT])]])
def test_the_c_tool_counts_five_sections_as_semantic(files, vectors, start):
    sections = [(str(place), [RIGHT]) for place in range(7)]
    found = rows(files, vectors, analogies(*start, *sections), PRESETS["word2vec"])
    groups = {row[0]: row[4] for row in found if row[1] == "group"}
    assert groups == {"semantic": 5 + len(start), "syntactic": 2}


def test_the_accuracy_and_the_mean_cosine_are_those_of_the_answers(files, vectors):
    tallies, _ = files.finished(evaluate(vectors, TEST, Lookup(vectors, Rules())))
    family, empty, plural, *_, total = tallies
    assert (family.accuracy, empty.accuracy, total.accuracy) == (0.5, None, 2 / 3)
    assert empty.cosine is None
    units = np.array(MATRIX) / np.linalg.norm(MATRIX, axis=1, keepdims=True)
    cosines = []
    for a, b, c, d in ((0, 1, 2, 3), (4, 5, 6, 7)):
        offset = units[b] - units[a] + units[c]
        cosines.append(offset @ units[d] / np.linalg.norm(offset))
    assert (family.cosine, plural.cosine) == pytest.approx(cosines, abs=1e-7)
    assert total.cosine == pytest.approx(np.mean(cosines), abs=1e-7)


def test_words_read_as_the_corpus_spells_them_are_told_once_a_test(files, vectors_of):
    spell = Normaliser(lowercase=True).word
    vectors = vectors_of(WORDS, MATRIX, normalise=spell)
    lookup = Lookup(vectors, Rules(case="keep"))
    test = analogies(("s", [("Man", "Woman", "King", "Queen")]))
    tallies, told = files.finished(evaluate(vectors, test, lookup))
    assert tallies[-1].correct == 1
    assert told == [Noted("t: 4 words are read as the corpus spells, such as 'Man' as 'man'")]
    assert files.finished(evaluate(vectors, TEST, lookup))[1] == []


def test_training_gets_one_number_for_each_test(vectors):
    pairs = Pairs("b/similar.tsv", (("man", "king"), ("man", "cat"), ("cat", "cats")), (3, 1, 2))
    unknown = analogies(("s", [UNKNOWN]), name="unknown.txt")
    constant = Pairs("constant", (("man", "king"), ("man", "cat")), (1, 1))
    named = analogies(("s", [RIGHT, WRONG, UNKNOWN]), name="a/questions-words.txt.gz")
    assert score(vectors, [named, unknown, pairs, constant]) == {
        "questions-words": 0.5,
        "similar": 0.5,
    }
    assert score(vectors, [named], rules=Rules(unknown="wrong")) == {
        "questions-words": pytest.approx(1 / 3)
    }
