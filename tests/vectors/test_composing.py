"""Vectors of a vocabulary composed of rows, as fastText's source does it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.errors import DlkitError
from dlkit.vectors import composing
from dlkit.vectors.composing import buckets_of_words, composed
from dlkit.vectors.subwords import Subwords, buckets


def subwords(shortest, longest, most, dim=3, *, used=None, dtype=np.float32) -> Subwords:
    used = np.arange(most, dtype=np.int32) if used is None else np.array(used, np.int32)
    rows = np.random.default_rng(most).standard_normal((len(used), dim)).astype(dtype)
    return Subwords(used, rows, shortest=shortest, longest=longest, buckets=most)


def asked(words, grams):
    return buckets_of_words(
        words, shortest=grams.shortest, longest=grams.longest, buckets=grams.buckets
    )


def of_source(word: bytes, minn: int, maxn: int, most: int) -> list[int]:
    """Dictionary::computeSubwords of fastText, byte by byte."""
    whole = b"<" + word + b">"
    found = []
    for start in range(len(whole)):
        if whole[start] & 0xC0 == 0x80:
            continue
        end, letters = start, 1
        while end < len(whole) and letters <= maxn:
            end += 1
            while end < len(whole) and whole[end] & 0xC0 == 0x80:
                end += 1
            if letters >= minn and not (letters == 1 and (start == 0 or end == len(whole))):
                value = 2166136261
                for byte in whole[start:end]:
                    value ^= byte | 0xFFFFFF00 if byte > 127 else byte
                    value = value * 16777619 % 2**32
                found.append(value % most)
            letters += 1
    return found


@given(
    st.lists(st.text(st.characters(codec="utf-8"), max_size=9), max_size=9),
    st.integers(1, 4),
    st.integers(0, 5),
    st.sampled_from([1, 7, 2_000_000, 2**31 - 1]),
)
def test_buckets_are_those_of_one_word_after_the_other(words, shortest, more, most):
    grams = Subwords(
        np.zeros(0, np.int32),
        np.zeros((0, 1), np.float32),
        shortest=shortest,
        longest=shortest + more,
        buckets=most,
    )
    words = [word for word in words if word not in ("", "</s>")]
    owners, found = asked([word.encode() for word in words], grams)
    assert (np.diff(owners) >= 0).all()
    for place, word in enumerate(words):
        wanted = buckets(word, shortest=shortest, longest=shortest + more, buckets=most)
        assert found[owners == place].tolist() == wanted  # in that order


@given(
    st.lists(
        st.binary(min_size=1, max_size=12).filter(lambda word: word != b"</s>"),
        min_size=1,
        max_size=5,
    ),
    st.integers(1, 3),
    st.integers(0, 3),
)
def test_words_that_are_no_text_have_the_ngrams_that_the_source_gives_them(words, minn, more):
    grams = subwords(minn, minn + more, 50)
    owners, found = asked(words, grams)
    for place, word in enumerate(words):
        wanted = of_source(word, minn, minn + more, 50)
        assert found[owners == place].tolist() == wanted


def test_the_end_of_a_line_has_no_ngrams():
    owners, _ = asked([b"</s>", b"ab", b"</s>", b"</s"], subwords(1, 2, 50))
    assert set(owners) == {1, 3}
    own = np.eye(3, dtype=np.float32)
    (vectors,) = composed([b"</s>", b"ab", b"x"], own, subwords(1, 2, 50))
    assert vectors[0].tolist() == own[0].tolist()
    assert vectors[1].tolist() != own[1].tolist()
    assert [len(each) for each in asked([b"</s>"], subwords(1, 2, 50))] == [0, 0]
    assert buckets("</s>", shortest=1, longest=2, buckets=50) == []
    assert subwords(1, 2, 50).vector("</s>") is None


@pytest.mark.parametrize("at_once", [1, 7, 100, 1 << 22])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@settings(max_examples=20, deadline=None)
@given(st.lists(st.text("a饭é<😀", min_size=1, max_size=7), min_size=1, max_size=12))
def test_a_vector_is_the_mean_of_the_own_row_and_those_of_all_ngrams(at_once, dtype, words):
    patch = pytest.MonkeyPatch()
    patch.setattr(composing, "_VALUES_AT_ONCE", at_once)
    grams = subwords(1, 3, 40, used=range(0, 40, 2), dtype=dtype)
    rows = dict(zip(grams.used.tolist(), grams.vectors.astype(np.float64), strict=True))
    own = np.random.default_rng(1).standard_normal((len(words), 3)).astype(dtype)
    encoded = [word.encode() for word in words]
    found = np.concatenate(list(composed(encoded, own, grams)))
    patch.undo()
    assert found.dtype == np.float32
    for word, row, vector in zip(words, own.astype(np.float64), found, strict=True):
        asked = buckets(word, shortest=1, longest=3, buckets=40)
        parts = [row, *(rows.get(bucket, np.zeros(3)) for bucket in asked)]
        assert np.allclose(vector, sum(parts) / len(parts), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("bits", [0x7F800001, 0x7FC00000, 0x7F800000, 0xFF7FFFFF])
@pytest.mark.parametrize("where", ["own", "ngrams"])
def test_values_that_are_no_numbers_come_through_without_a_warning(where, bits):
    bad = np.full((1, 3), bits, np.uint32).view(np.float32)  # the first: a signalling NaN
    grams, own = subwords(1, 2, 50), np.ones((1, 3), np.float32)
    if where == "own":
        own = bad
    else:
        grams.vectors[:] = bad
    (found,) = composed([b"ab"], own, grams)  # a warning would be an error here
    finite = bits == 0xFF7FFFFF
    assert np.isfinite(found).all() == finite
    if where == "own":
        return
    if finite:
        assert (grams.vector("xy") == bad).all()
    else:
        with pytest.raises(DlkitError, match="no finite numbers"):
            grams.vector("xy")


def test_without_ngrams_a_vector_is_the_own_row():
    own = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
    found = np.concatenate(list(composed([b"a"] * 5, own, None)))
    assert (found == own).all()
    short = np.concatenate(list(composed([b"a"] * 5, own, subwords(6, 8, 9, dim=4))))
    assert (short == own).all()


def test_a_word_of_too_many_ngrams_is_refused_and_a_long_one_of_few_is_not():
    own = np.ones((1, 3), np.float32)
    with pytest.raises(DlkitError, match="60,000 bytes, too many n-grams"):
        list(composed([b"x" * 60_000], own, subwords(3, 6, 9)))
    list(composed([("早" * 20_000).encode()], own, subwords(3, 6, 9)))
    list(composed([b"x" * 60_000], own, None))
    list(composed([b"x" * 60_000], own, subwords(3, 3, 9)))
