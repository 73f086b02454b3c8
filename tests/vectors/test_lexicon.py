"""A vocabulary held as one text answers as a dictionary does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.vectors.lexicon import Lexicon

WORDS = st.text(
    st.characters(exclude_characters="\n\t", exclude_categories=["Cs"]), min_size=1, max_size=8
)


def written(words: list[str]) -> bytes:
    return "".join(f"{word}\t{7 * row}\n" for row, word in enumerate(words)).encode()


@given(st.lists(WORDS, min_size=1, max_size=30), st.lists(WORDS, max_size=100))
@settings(deadline=None)
def test_lookup_equals_that_of_a_list(words, others):
    tabbed = Lexicon(written(words), end=b"\t")
    plain = Lexicon.of([word.encode() for word in words])
    for lexicon in (tabbed, plain):
        assert len(lexicon) == len(words)
        assert [lexicon.word(row) for row in range(len(words))] == words
        for word in [*words, *others, "", "0", "7\n", "a\tb"]:  # more than are searched for
            assert lexicon.row(word) == (words.index(word) if word in words else None)
        assert lexicon.plain == "".join(word + "\n" for word in words).encode()


@given(st.lists(WORDS, min_size=1, max_size=30), WORDS)
@settings(deadline=None)
def test_words_that_begin_alike_are_those_that_python_finds(words, other):
    tabbed = Lexicon(written(words), end=b"\t")
    plain = Lexicon.of([word.encode() for word in words])
    for prefix in {"", other, *(word[:1] for word in words), *words, "0", "\t", "\n", "a\t0"}:
        expected = [row for row, word in enumerate(words) if word.startswith(prefix)]
        assert tabbed.starting(prefix).tolist() == plain.starting(prefix).tolist() == expected


def test_of_equal_words_the_first_is_found_however_many_are_asked_for():
    lexicon = Lexicon(written(["a", "b", "a", "b"]), end=b"\t")
    for _ in range(100):
        assert (lexicon.row("a"), lexicon.row("b"), lexicon.row("c")) == (0, 1, None)


def test_parts_of_words_and_counts_are_no_words():
    lexicon = Lexicon(written(["ab", "abc", "米饭"]), end=b"\t")
    assert [lexicon.row(x) for x in ("a", "b", "bc", "7", "饭", "ab\t0", "ab\t0\nabc")] == [
        None
    ] * 7


def test_a_word_from_bytes_that_are_no_text_is_not_found():
    assert Lexicon.of([b"\xc3\xa9"]).row("\udcc3\udca9") is None


@pytest.mark.parametrize(
    "text", [b"a\t1", b"a\n", b"\t1\n", b"a\t1\t2\n", b"a\t1\nb\n", b"a\nb\t1\t2\n", b"\n"]
)
def test_a_text_that_is_not_one_word_a_line_is_refused(text):
    with pytest.raises(ValueError, match=r"line"):
        Lexicon(text, end=b"\t")
