"""A vocabulary file gives back what was written, and nothing false is read from one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.data.vocab import Vocabulary
from dlkit.errors import DAMAGED, DlkitError

WORD = st.text(st.characters(codec="utf-8", exclude_characters="\t\n"), min_size=1)


@given(
    words=st.lists(WORD, unique=True),
    count=st.integers(0, 2**63 - 1),
)
def test_what_is_written_is_read(tmp_path_factory, words, count):
    path = tmp_path_factory.mktemp("vocab") / "vocab.txt"
    Vocabulary(words, np.full(len(words), count, np.int64)).write(path)
    again = Vocabulary.read(path)
    assert again.words == words
    assert again.counts.tolist() == [count] * len(words)
    assert again.counts.dtype == np.int64


def test_the_file_is_words_tabs_and_counts(tmp_path):
    Vocabulary(["饭", "</s>"], np.array([2, 1])).write(tmp_path / "vocab.txt")
    assert (tmp_path / "vocab.txt").read_bytes() == "饭\t2\n</s>\t1\n".encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a\t1", "ends within a line"),
        (b"a\t1\na\t1\n", "has 'a' twice"),
        (b"a\t-1\n", "line 1 "),
        (b"a\t1\nb\t9223372036854775808\n", "line 2 "),
        (b"a\t1\n\n", "line 2 "),
        (b"\t1\n", "line 1 "),
        (b"a 1\n", "line 1 "),
        (b"a\t1\t1\n", "line 1 "),
        (b"a\t1.0\n", "line 1 "),
        (b"a\t\n", "line 1 "),
        ("a\t١\n".encode(), "line 1 "),
        (b"a\t+1\n", "line 1 "),
        (b"a\t1_0\n", "line 1 "),
        (b"a\t" + b"1" * 5000 + b"\n", "line 1 "),
        (b"a\t1\n\xff\t1\n", "not UTF-8 at byte 4"),
    ],
)
def test_a_false_vocabulary_is_refused(tmp_path, data, message):
    path = tmp_path / "vocab.txt"
    path.write_bytes(data)
    with pytest.raises(DlkitError, match=message) as caught:
        Vocabulary.read(path)
    assert caught.value.code == DAMAGED
    assert str(path) in str(caught.value)


def test_a_missing_vocabulary_is_damage(tmp_path):
    with pytest.raises(DlkitError, match="No such file") as caught:
        Vocabulary.read(tmp_path / "vocab.txt")
    assert caught.value.code == DAMAGED
