"""A vocabulary from a file: exactly its words, its counts or the text's, and mistakes by line."""

from __future__ import annotations

import numpy as np
import pytest

from dlkit.errors import DlkitError
from dlkit.records import Noted, Warned

TEXT = "a b c\nb 饭 b\nc c d 饭\n" * 3  # b 9, c 9, 饭 6, a 3, d 3


def words(corpus) -> dict[str, int]:
    counts = corpus.vocabulary.counts.tolist()
    return dict(zip(corpus.vocabulary.words, counts, strict=True))


def with_file(helpers, tmp_path, lines: str | bytes, **settings):
    file = tmp_path / "words.txt"
    file.write_bytes(lines.encode() if isinstance(lines, str) else lines)
    return helpers.encoded(stdin=TEXT.encode(), vocabulary=str(file), **settings)


def test_words_without_counts_count_what_the_text_says(helpers, tmp_path):
    corpus, ids, _ = with_file(helpers, tmp_path, "饭\na\nb\n")
    assert words(corpus) == {"b": 9, "饭": 6, "a": 3}
    assert ids.tolist() == [2, 0, -1, 0, 1, 0, -1, 1, -1] * 3
    assert corpus.words == 18
    assert corpus.raw_words == 30


@pytest.mark.parametrize("between", ["\t", " ", "  "])
def test_counts_of_the_file_win(helpers, tmp_path, between):
    corpus, ids, _ = with_file(helpers, tmp_path, f"a{between}70\n饭{between}900\n")
    assert words(corpus) == {"饭": 900, "a": 70}
    assert ids.tolist() == [1, -1, 0, -1, 0, -1] * 3
    assert corpus.words == 9


def test_every_word_with_its_own_count_changes_nothing(helpers, tmp_path):
    plain, ids, _ = helpers.encoded(stdin=TEXT.encode(), min_count=4)
    lines = b"".join(plain.vocabulary.lines())
    corpus, same, _ = with_file(helpers, tmp_path, lines, min_count=4)
    assert words(corpus) == words(plain)
    assert corpus.vocabulary.words == plain.vocabulary.words
    assert np.array_equal(ids, same)
    assert corpus.ids_sha256 == plain.ids_sha256


def test_words_that_the_text_lacks_stay_with_their_counts_and_are_told(helpers, tmp_path):
    corpus, ids, records = with_file(helpers, tmp_path, "zebra 8\nb 7\nox 1\n", min_count=2)
    assert words(corpus) == {"zebra": 8, "b": 7}
    assert set(ids.tolist()) == {1, -1}
    assert "1 left out" in helpers.said(records, Noted)
    assert "lacks 1 of the 3 words" in helpers.said(records, Warned)


def test_words_without_counts_that_the_text_lacks_are_left_out(helpers, tmp_path):
    corpus, _, records = with_file(helpers, tmp_path, "zebra\nb\n")
    assert words(corpus) == {"b": 9}
    assert "1 left out" in helpers.said(records, Noted)
    assert not helpers.said(records, Warned)


def test_min_count_and_max_vocab_apply(helpers, tmp_path):
    corpus, _, _ = with_file(helpers, tmp_path, "a\nb\nc\n饭\n", min_count=6, max_vocab=2)
    assert words(corpus) == {"b": 9, "c": 9}


def test_the_c_tools_line_end_is_left_out_and_a_word_of_ours_is_not(helpers, tmp_path):
    corpus, _, records = with_file(helpers, tmp_path, "</s> 9\nb 9\n")
    assert words(corpus) == {"b": 9}
    assert "</s>" in helpers.said(records, Noted)
    corpus, _, _ = with_file(helpers, tmp_path, "</s>\t9\nb\t9\n")
    assert words(corpus) == {"</s>": 9, "b": 9}


def test_words_are_spelt_as_the_text(helpers, tmp_path):
    file = tmp_path / "words.txt"
    file.write_text("CAFE\u0301\r\nox\r\n", encoding="utf-8")
    corpus, _, _ = helpers.encoded(
        stdin="Café OX ox\n".encode(), vocabulary=str(file), lowercase=True
    )
    assert words(corpus) == {"ox": 2, "café": 1}


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (b"", "has no words"),
        (b"\n \n", "has no words"),
        (b"</s> 3\n", "has no words"),
        (b"a\nb\nc\xff\n", "line 3 is not UTF-8: byte 0xff"),
        (b"a 1\nb\n", "line 2 has no count, unlike line 1"),
        (b"\na\nb 2\n", "line 3 has a count, unlike line 2"),
        (b"a 1\nb -1\n", "line 2: '-1' is not a count"),
        (b"a 1.5\n", "line 1: '1.5' is not a count"),
        ("a ٣\n".encode(), "is not a count"),
        (b"a 9223372036854775808\n", "is not a count"),
        (b"a 9223372036854775807\nb 1\n", "add up to more"),
        (b"new york 3\n", "line 1 is not a word and its count: new york 3"),
        (b"a\nb\n\na\n", "line 4 has a again, after line 1"),
        ("é\ne\u0301\n".encode(), "line 2 has é again, after line 1 (as the text spells"),
        (b"x" * 65_537, "line 1 has a word of more than 65,536 bytes"),
        (b"zebra\n", "has none of the 1 word of"),
    ],
)
def test_mistakes_name_the_file_and_the_line(helpers, tmp_path, lines, told):
    with pytest.raises(DlkitError) as caught:
        with_file(helpers, tmp_path, lines)
    assert told in caught.value.message
    assert "words.txt" in caught.value.message


def test_a_word_of_nothing_but_punctuation_cannot_be_kept_without_it(helpers, tmp_path):
    with pytest.raises(DlkitError, match="line 2: nothing of !!"):
        with_file(helpers, tmp_path, "a\n!!\n", drop_punctuation=True)


def test_a_file_that_is_not_there_or_a_folder_is_an_error(helpers, tmp_path):
    for name in ("nowhere.txt", ".", "nul\0"):
        with pytest.raises(DlkitError, match="cannot read the vocabulary"):
            helpers.encoded(stdin=b"a b\n", vocabulary=str(tmp_path / name))
