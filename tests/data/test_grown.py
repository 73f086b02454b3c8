"""The words of before stay when a new text is added, whatever limits the new ones."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.data.config import TextConfig
from dlkit.data.corpus import Grown, encode
from dlkit.records import Noted, Warned


def grow(folder, text, before, *, again=False, **settings):
    """Words and counts of the vocabulary, and the warnings."""
    grown = Grown(list(before), np.array(list(before.values()), np.int64), again=again)
    config = TextConfig(tokens="whitespace", **settings)
    work = encode(["-"], config, folder=folder, stdin=io.BytesIO(text.encode()), grown=grown)
    told = []
    while True:
        try:
            record = next(work)
        except StopIteration as end:
            vocabulary = end.value.vocabulary
            counts = vocabulary.counts.tolist()
            return dict(zip(vocabulary.words, counts, strict=True)), told
        if isinstance(record, Warned | Noted):
            told.append(record.text)


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 9), min_size=1),
    st.lists(st.sampled_from("abcdefghijkl"), min_size=1, max_size=60),
    st.integers(1, 4),
    st.integers(1, 12) | st.none(),
    st.booleans(),
)
def test_old_words_stay_and_the_most_frequent_new_ones_fill_the_room(
    tmp_path_factory, before, text, least, limit, again
):
    found, told = grow(
        tmp_path_factory.getbasetemp(), " ".join(text), before,
        again=again, min_count=least, max_vocab=limit,
    )  # fmt: skip
    new = {w: text.count(w) for w in set(text) - set(before) if text.count(w) >= least}
    ranked = sorted(new, key=lambda word: (-new[word], word))
    room = len(ranked) if limit is None else max(0, limit - len(before))
    assert set(found) == set(before) | set(ranked[:room])
    assert list(found) == sorted(found, key=lambda word: (-found[word], word))
    for word, count in before.items():
        now = max(count, text.count(word)) if again else count + text.count(word)
        assert found[word] == max(now, least)
    out = len(ranked[room:])
    warned = [line for line in told if "--max-vocab" in line]
    assert len(warned) == (out > 0 and not again)
    if warned:
        assert f"--max-vocab {limit} leaves out {out} new word" in warned[0]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_it_is_told_which_limit_leaves_no_room(tmp_path, limit):
    found, told = grow(tmp_path, "x x x y y z", {"a": 1, "b": 1}, min_count=2, max_vocab=limit)
    assert list(found)[: len(found) - 2] == ["x", "y"][: max(0, limit - 2)]
    left = {1: "2 new words", 2: "2 new words", 3: "1 new word"}[limit]
    assert (
        f"--max-vocab {limit} leaves out {left} that --min-count would take; the 2 words of "
        "before stay" in told
    )
