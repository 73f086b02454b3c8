"""The buckets of a vocabulary's n-grams, compiled and without numba."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.vectors.subwords import buckets as of_word
from dlkit.word2vec.config import Word2vecConfig
from dlkit.word2vec.kernels import ngrams
from dlkit.word2vec.subwords import ngram_rows

WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=9)


@given(
    st.lists(WORDS | st.just("</s>"), max_size=9),
    st.integers(1, 4),
    st.integers(0, 5),
    st.sampled_from([1, 7, 2_000_000, 2**31 - 1]),
    st.sampled_from(["compiled", 1, 2, 1000]),
)
def test_every_way_finds_those_of_one_word_after_the_other(words, shortest, more, most, way):
    patch = pytest.MonkeyPatch()
    if way != "compiled":
        patch.setattr(ngrams, "has_numba", lambda: False)
        patch.setattr(ngrams, "_WORDS_AT_ONCE", way)
    options = {"shortest": shortest, "longest": shortest + more, "buckets": most}
    starts, found = ngrams.buckets(words, **options)
    patch.undo()
    assert starts.dtype == found.dtype == np.int64
    assert len(starts) == len(words) + 1
    wanted = [of_word(word, **options) for word in words]
    assert found.tolist() == [bucket for each in wanted for bucket in each]
    assert np.diff(starts).tolist() == [len(each) for each in wanted]


@pytest.mark.parametrize("numba", [True, False])
def test_the_end_of_a_line_is_its_own_row_alone(monkeypatch, numba):
    monkeypatch.setattr(ngrams, "has_numba", lambda: numba)
    config = Word2vecConfig(minn=1, maxn=2, buckets=1000)
    made, _ = ngram_rows(["早饭", "</s>", "x"], config)
    assert np.diff(made.offsets).tolist() == [1 + 5, 1, 1 + 3]
    assert made.rows[made.offsets[1]] == 1
