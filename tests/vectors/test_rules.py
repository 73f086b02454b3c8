"""Which row a word of a test means, by whose rules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dlkit.data.normalise import Normaliser
from dlkit.vectors.rules import PRESETS, Lookup, Rules

WORDS = ["the", "US", "us", "Us", "straße", "STRASSE", "饭", "é", "É", "café"]


@pytest.fixture
def lookup(vectors_of):
    def lookup(rules: Rules, words=WORDS, **options) -> Lookup:
        return Lookup(vectors_of(words, np.eye(len(words)), **options), rules)

    return lookup


def test_words_that_differ_in_case_are_the_first_of_them(lookup):
    found = lookup(Rules())
    assert [found.row(word) for word in ("us", "US", "uS", "THE", "饭")] == [1, 1, 1, 0, 6]
    assert found.variants(1) == (1, 2, 3)
    assert found.variants(6) == (6,)


def test_folding_is_that_of_python_or_of_c(lookup):
    python, c = lookup(PRESETS["gensim"]), lookup(PRESETS["word2vec"])
    assert [python.row(word) for word in ("STRASSE", "strasse", "É")] == [4, 4, 7]
    assert [c.row(word) for word in ("STRASSE", "strasse", "straße", "É", "é")] == [5, 5, 4, 8, 7]


def test_case_can_be_kept(lookup):
    found = lookup(Rules(case="keep"))
    assert [found.row(word) for word in ("us", "US", "uS")] == [2, 1, None]
    assert found.variants(1) == (1,)


@pytest.mark.parametrize(("restrict", "rows"), [(0, 10), (2, 2), (99, 10)])
def test_only_the_most_frequent_words_are_known(lookup, restrict: int, rows: int):
    found = lookup(Rules(restrict=restrict))
    assert found.rows == rows
    assert (found.row("饭") is None) == (rows == 2)
    assert found.variants(1) == ((1,) if rows == 2 else (1, 2, 3))


def test_words_too_long_for_the_c_tool_cannot_be_asked_for(lookup):
    words = ["a" * 49, "a" * 50, "饭" * 16, "饭" * 17]
    found = lookup(PRESETS["word2vec"], words)
    assert [found.row(word) for word in words] == [0, None, 2, None]
    assert [lookup(Rules(), words).row(word) for word in words] == [0, 1, 2, 3]


def test_words_are_spelt_as_the_corpus_was_and_that_is_counted(lookup):
    spell = Normaliser(lowercase=True, drop_punctuation=True).word
    words = ["athens", "greece", "café"]
    found = lookup(Rules(case="keep"), words, normalise=spell)
    assert [found.row(word) for word in ("Athens", "greece!", "cafe\u0301", "x")] == [0, 1, 2, None]
    assert found.respelt == {"Athens": "athens", "greece!": "greece", "cafe\u0301": "café"}
    folding = lookup(Rules(), words, normalise=spell)
    assert folding.row("Athens") == 0
    assert not folding.respelt
    other = lookup(replace(PRESETS["gensim"], case="keep"), words, normalise=spell)
    assert other.row("Athens") is None


def test_rules_are_told(lookup):
    told = lookup(Rules()).told()
    assert told == "all 10 words, case folded, questions with unknown words skipped"
    told = lookup(Rules(restrict=3, case="keep", unknown="wrong")).told()
    assert told == "the 3 most frequent words, case kept, questions with unknown words wrong"
