"""The word table without numba gives the answers of the compiled one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.data.plain import PlainWordTable
from dlkit.data.scan import LONGEST_WORD, WordTable, WordTooLongError

WORD = st.text("ab饭😀", min_size=1, max_size=3)
TEXT = st.lists(st.one_of(WORD, st.sampled_from([" ", "\n", "\n\n"])), max_size=30).map(" ".join)


@settings(deadline=None, max_examples=200)
@given(st.lists(TEXT, max_size=4), st.lists(WORD, max_size=5, unique=True), st.booleans())
def test_numbers_counts_and_lines_are_those_of_the_compiled_table(blocks, known, blank_lines):
    fast, plain = WordTable(blank_lines=blank_lines), PlainWordTable(blank_lines=blank_lines)
    entered = [word.encode() for word in known]
    assert np.array_equal(fast.enter(entered), plain.enter(entered))
    for block in blocks:
        text = block.encode()
        ids = fast.scan(text).copy()
        found = plain.scan(text)
        assert found.dtype == ids.dtype
        assert np.array_equal(found, ids)
        assert plain.spell(found) == fast.spell(ids)
        assert plain.spell(found, is_open=True) == fast.spell(ids, is_open=True)
    assert len(plain) == len(fast)
    assert (plain.tokens, plain.lines) == (fast.tokens, fast.lines)
    assert np.array_equal(plain.counts, fast.counts)
    assert [plain.word(i) for i in range(len(plain))] == [fast.word(i) for i in range(len(fast))]


@pytest.mark.parametrize("table", [WordTable, PlainWordTable])
def test_a_word_that_is_too_long_is_refused_with_its_place(table):
    text = b"a\n" + b"x" * (LONGEST_WORD + 1)
    with pytest.raises(WordTooLongError) as caught:
        table().scan(text)
    assert caught.value.position == 2
    with pytest.raises(WordTooLongError):
        table().enter([text[2:]])
