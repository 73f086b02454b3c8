"""The hash table counts as a dictionary does, however small it starts."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.data.scan import LONGEST_WORD, WordTable, WordTooLongError


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.text("abé饭", min_size=0, max_size=9)), max_size=40))
def test_counts_and_numbers_equal_a_dictionary(blocks):
    table = WordTable(slots=2, arena=1)
    numbers: dict[str, int] = {}
    counts: Counter[str] = Counter()
    for block in blocks:
        ids = table.scan(" ".join(block).encode())
        words = [word for word in block if word]
        counts.update(words)
        assert ids.tolist() == [numbers.setdefault(word, len(numbers)) for word in words]
    assert len(table) == len(numbers)
    assert [table.word(number).decode() for number in range(len(table))] == list(numbers)
    assert table.counts.tolist() == [counts[word] for word in numbers]
    assert table.tokens == counts.total()


def test_many_words_survive_growth():
    table = WordTable(slots=4, arena=3)
    text = " ".join(str(number % 30_011) for number in range(100_000)).encode()
    ids = table.scan(text)
    assert np.array_equal(ids, np.arange(100_000) % 30_011)
    assert all(table.word(number) == str(number).encode() for number in range(0, 30_011, 97))


@pytest.mark.parametrize(
    ("blocks", "ids"),
    [
        ([b"a b\n"], [0, 1, -1]),
        ([b"\n\n a\n\n\nb"], [0, -1, 1]),
        ([b"a ", b"b\n", b"\n", b"c"], [0, 1, -1, 2]),
        ([b"a", b"\n", b"\n"], [0, -1]),
        ([b""], []),
    ],
)
def test_a_line_with_words_ends_once(blocks, ids):
    table = WordTable()
    assert [int(each) for block in blocks for each in table.scan(block)] == ids
    assert table.lines == ids.count(-1)


def test_blank_lines_end_too_where_they_are_asked_for():
    table = WordTable(blank_lines=True)
    ids = [int(each) for block in (b"\n a\n", b"\n", b"b") for each in table.scan(block)]
    assert ids == [-1, 0, -1, -1, 1]
    assert (table.lines, table.tokens) == (3, 2)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("abé饭", min_size=1, max_size=3)))
def test_entered_words_have_numbers_and_no_counts(words):
    table = WordTable(slots=2, arena=1)
    table.scan("b 饭\na".encode())
    before = table.counts.tolist()
    numbers = table.enter([word.encode() for word in words])
    assert [table.word(number).decode() for number in numbers] == words
    assert table.counts.tolist() == before + [0] * (len(set(words) - {"a", "b", "饭"}))
    assert (table.lines, table.tokens) == (1, 3)
    assert table.scan(b"\n").tolist() == [-1]  # the line that was open still is


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("abé饭 \n", max_size=9)))
def test_ids_are_spelt_as_the_text_that_they_came_from(blocks):
    table = WordTable(blank_lines=True)
    spelt, is_open = b"", False
    for block in blocks:
        ids = table.scan(block.encode())
        spelt += table.spell(ids, is_open=is_open)
        is_open = bool(ids[-1] >= 0) if len(ids) else is_open
    lines = " ".join(blocks).split("\n")
    # A word that a block ends with ends there: as if a space stood between the blocks.
    assert spelt.decode() == "\n".join(" ".join(line.split()) for line in lines)


def test_a_word_that_is_too_long_is_named_by_its_place():
    table = WordTable(slots=2, arena=1)
    table.scan(b"x" * LONGEST_WORD)
    with pytest.raises(WordTooLongError) as caught:
        table.scan(b"ab c\n" + b"y" * (LONGEST_WORD + 1))
    assert caught.value.position == 5


def test_words_whose_hashes_agree_are_told_apart():
    words = np.array([f"{number:08d}" for number in range(600_000)], "S8")
    letters = words.view(np.uint8).reshape(-1, 8).astype(np.uint64)
    hashes = np.full(len(words), 14695981039346656037, np.uint64)
    for column in letters.T:
        hashes = (hashes ^ column) * np.uint64(0x20000100000001B3)
    hashes ^= hashes >> np.uint64(29)
    # What an entry holds of a hash, and the place in a table of four.
    _, order, counts = np.unique(
        (hashes >> np.uint64(32) << np.uint64(2)) | (hashes & np.uint64(3)),
        return_inverse=True,
        return_counts=True,
    )
    pairs = np.flatnonzero(counts > 1)
    assert len(pairs)
    for pair in pairs[:5]:
        first, second = words[np.flatnonzero(order == pair)[:2]].tolist()
        assert WordTable(slots=4).scan(first + b" " + second).tolist() == [0, 1]
