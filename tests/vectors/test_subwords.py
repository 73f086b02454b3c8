"""n-grams, their buckets, and vectors of words that were never seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.errors import DlkitError
from dlkit.vectors.subwords import Subwords, bucket_of, buckets, ngrams

# Model.get_subwords of fasttext 0.9.3, less the number of words: n-grams of 3 to 6, 2,000,000
# buckets; then of 1 to 3, 100 buckets.
FASTTEXT = {
    ("早饭", 3, 6, 2_000_000): {"<早饭": 439404, "<早饭>": 925462, "早饭>": 1941576},
    ("饭", 3, 6, 2_000_000): {"<饭>": 1015382},
    ("a", 3, 6, 2_000_000): {"<a>": 1087600},
    ("ab", 3, 6, 2_000_000): {"<ab": 209508, "<ab>": 621742, "ab>": 1241756},
    ("<>", 3, 6, 2_000_000): {"<<>": 1984289, "<<>>": 1603405, "<>>": 154867},
    ("😀笑😀", 3, 6, 2_000_000): {
        "<😀笑": 425096, "<😀笑😀": 1288341, "<😀笑😀>": 1526065, "😀笑😀": 504711,
        "😀笑😀>": 1885371, "笑😀>": 531482,
    },
    ("naïve", 3, 6, 2_000_000): {
        "<na": 1806890, "<naï": 1907692, "<naïv": 878190, "<naïve": 933201, "naï": 1590546,
        "naïv": 1719404, "naïve": 832043, "naïve>": 156687, "aïv": 356832, "aïve": 1223007,
        "aïve>": 1505331, "ïve": 1711570, "ïve>": 1788548, "ve>": 1088654,
    },
    ("hello", 3, 6, 2_000_000): {
        "<he": 1188580, "<hel": 128664, "<hell": 1361308, "<hello": 1760905, "hel": 1613742,
        "hell": 1198310, "hello": 1831723, "hello>": 1068687, "ell": 1992344, "ello": 798165,
        "ello>": 1616881, "llo": 617342, "llo>": 350912, "lo>": 1504790,
    },
    ("b<c", 1, 3, 100): {
        "<b": 31, "<b<": 81, "b": 77, "b<": 23, "b<c": 32, "<": 39, "<c": 12, "<c>": 10, "c": 58,
        "c>": 28,
    },
}  # fmt: skip
FASTTEXT_TWICE = (
    ["<早", "<早饭", "早", "早饭", "早饭饭", "饭", "饭饭", "饭饭>", "饭", "饭>"],
    [63, 4, 21, 98, 83, 38, 31, 95, 38, 20],
)


@pytest.mark.parametrize(("asked", "expected"), FASTTEXT.items(), ids=str)
def test_ngrams_and_buckets_are_those_of_fasttext(asked, expected):
    word, shortest, longest, most = asked
    assert ngrams(word, shortest, longest) == list(expected)
    found = buckets(word, shortest=shortest, longest=longest, buckets=most)
    assert found == list(expected.values())


def test_an_ngram_that_comes_twice_stands_there_twice():
    assert ngrams("早饭饭", 1, 3) == FASTTEXT_TWICE[0]
    assert buckets("早饭饭", shortest=1, longest=3, buckets=100) == FASTTEXT_TWICE[1]


def test_an_empty_word_has_no_ngrams():
    assert ngrams("", 1, 6) == []


@given(st.text(max_size=12), st.integers(1, 5), st.integers(0, 4))
def test_ngrams_are_all_runs_of_the_word_in_brackets(word, shortest, more):
    found = ngrams(word, shortest, shortest + more)
    whole = f"<{word}>"
    for length in range(1, len(whole) + 2):
        runs = [whole[start : start + length] for start in range(len(whole) - length + 1)]
        if length == 1:
            runs = runs[1:-1]
        wanted = runs if word and shortest <= length <= shortest + more else []
        assert [each for each in found if len(each) == length] == wanted


@given(st.text(max_size=20), st.integers(1, 2**31 - 1))
def test_the_hash_is_fnv_of_signed_bytes(ngram, most):
    value = np.uint32(2166136261)
    with np.errstate(over="ignore"):
        for byte in np.frombuffer(ngram.encode(), dtype=np.int8):
            value = (value ^ np.uint32(int(byte) & 0xFFFFFFFF)) * np.uint32(16777619)
    assert bucket_of(ngram, most) == int(value) % most


def test_bytes_that_are_no_text_are_hashed_and_do_no_harm():
    assert buckets("\udcff", shortest=3, longest=6, buckets=100)


def table(words, dim=3, *, dtype=np.float32, most=1000, seed=0) -> Subwords:
    used = sorted({b for w in words for b in buckets(w, shortest=2, longest=3, buckets=most)})
    values = np.random.default_rng(seed).standard_normal((len(used), dim)).astype(dtype)
    return Subwords(np.array(used, np.int32), values, shortest=2, longest=3, buckets=most)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_vector_is_the_mean_of_those_of_the_known_ngrams(dtype):
    made = table(["早饭", "吃饭", "hello"], dtype=dtype)
    rows = dict(zip(made.used.tolist(), made.vectors.astype(np.float64), strict=True))
    for word in ("早饭", "饭饭饭", "hell", "吃早饭", "shell"):
        asked = buckets(word, shortest=2, longest=3, buckets=1000)
        known = [rows[each] for each in asked if each in rows]
        assert len(known) > 0
        found = made.vector(word)
        assert found.dtype == np.float32
        assert np.allclose(found, sum(known) / len(known), rtol=1e-6)


def test_a_word_of_unknown_ngrams_has_no_vector():
    made = table(["早饭"], most=2**31 - 1)
    assert made.vector("xyz") is None
    assert made.vector("") is None
    assert table([]).vector("早饭") is None


def test_the_first_and_the_last_bucket_are_found():
    for word in ("ab", "早"):
        asked = sorted(buckets(word, shortest=2, longest=3, buckets=1000))
        for place in (0, -1):
            used = np.array([asked[place]], np.int32)
            values = np.full((1, 2), 0.5, np.float32)
            made = Subwords(used, values, shortest=2, longest=3, buckets=1000)
            assert made.vector(word).tolist() == [0.5, 0.5]


def test_a_word_too_long_for_its_ngrams_is_refused():
    with pytest.raises(DlkitError, match=r"60,000 characters"):
        table(["早饭"]).vector("早" * 60_000)


def test_values_that_are_no_numbers_are_refused():
    made = table(["早饭"])
    made.vectors[:] = np.nan
    with pytest.raises(DlkitError, match="no finite numbers"):
        made.vector("早饭")
