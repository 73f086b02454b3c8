"""What is suggested for a word that is not in the vocabulary."""

from __future__ import annotations

import time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.vectors.lexicon import Lexicon
from dlkit.vectors.suggest import Suggester


def suggest(word: str, words: list[str], count: int = 5) -> list[str]:
    return Suggester(Lexicon.of([each.encode() for each in words])).suggest(word, count)


def test_chinese_words_that_share_more_characters_come_first_then_the_frequent():
    words = ["天空", "吃", "米饭", "吃饭", "早饭", "好吃饭馆", "饭"]
    assert suggest("吃米饭", words, 9) == ["米饭", "吃饭", "好吃饭馆", "吃", "早饭", "饭"]


def test_a_traditional_word_finds_the_simplified_one_by_its_shared_character():
    assert suggest("米飯", ["饭", "天", "米饭"]) == ["米饭"]


def test_the_same_word_in_other_case_comes_first():
    assert suggest("PARIS", ["parts", "Paris", "paris", "pairs"])[:2] == ["Paris", "paris"]


def test_full_width_letters_find_the_plain_word():
    assert suggest("ＡＢＣ", ["xyz", "abc"]) == ["abc"]


def test_mistyped_words_find_the_right_one():
    words = ["the", "queen", "kingdom", "quest", "government", "beautiful"]
    for typed, meant in (("quen", "queen"), ("goverment", "government"), ("beatiful", "beautiful")):
        assert suggest(typed, words)[0] == meant


def test_accents_and_greek_are_spelt_too():
    assert suggest("cafe", ["tree", "café"]) == ["café"]
    assert suggest("λογο", ["λόγος", "λογος"])[0] == "λογος"


def test_nothing_alike_gives_nothing():
    assert suggest("zzzzzz", ["the", "queen", "米饭"]) == []
    assert suggest("", ["a"]) == []
    assert suggest("x" * 10_000, ["x" * 10_000 + "y"]) == []


@given(st.text(max_size=70), st.lists(st.text(min_size=1, max_size=10), min_size=1, max_size=20))
@settings(deadline=None)
def test_suggestions_are_words_of_the_vocabulary_each_once(word, words):
    words = [each for each in words if "\n" not in each and each.isprintable()] or ["a"]
    found = suggest(word, words, 5)
    assert len(found) <= 5
    assert set(found) <= set(words)
    lexicon_unique = len(set(words)) == len(words)
    assert not lexicon_unique or len(set(found)) == len(found)


def test_a_hundred_thousand_words_are_searched_quickly():
    letters = np.random.default_rng(0).integers(97, 123, (100_000, 8), dtype=np.uint8)
    suggester = Suggester(Lexicon.of([row.tobytes() for row in letters]))
    begun = time.process_time()
    suggester.suggest("abcdefgh", 5)
    assert time.process_time() - begun < 0.5  # 0.05 s on an idle machine of 2024
