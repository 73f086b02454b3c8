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
