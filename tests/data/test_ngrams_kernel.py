"""The compiled counting of n-grams gives what plain Python gives, to the last bucket."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from dlkit.data import gram_counts, ngram_learning
from dlkit.data.gram_counts import Rules, cutter
from dlkit.progress import follow

TEXTS = [
    "The cat sat on the MAT, the end.", "", "…", " . ,, -- ", "don't state-of-the-art (x) _a_ a_b",
    "早餐很好吃，房间干净。iPhone 4S不错",
    "naïve CAFÉ — İstanbul ΟΔΥΣΣΕΥΣ ΟΣ", "e\u0301 cafe\u0301s",
    "a\nb\r\nc\td\x0be\x0cf\x1cg\x85h\xa0i\u3000j\u2028k", "\x00\x01 nul\x00in", "🇩🇪 👍🏽 ok👍",
    "क्‍ष हिन्दी।", "<br />end<br /><br />begin", "x" * 3000, "\ud800 half \udfff",
    "१२ ½ 1/2 3,000.50 $5 #tag @me", "日本語です。カタカナ",
    "Ǆ ǅ ß ẞ", "\u0300 begins", "a\u0300.b",
]  # fmt: skip


def counted(rules, texts, how, threads=1):
    parts = list(getattr(gram_counts, how)(rules, texts, threads))
    return [np.concatenate(each) for each in zip(*parts, strict=True)]


def assert_alike(rules, texts):
    for ours, plain in zip(counted(rules, texts, "_compiled"), counted(rules, texts, "_plain"),
                           strict=True):  # fmt: skip
        np.testing.assert_array_equal(ours, plain)


@pytest.mark.parametrize("tokens", ["whitespace", "char", "zh"])
@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize(
    ("words", "characters"), [((1, 2), None), ((2, 3), (1, 3)), (None, (3, 6)), ((1, 1), (10, 10))]
)
def test_kernel_and_python_count_alike(tokens, lowercase, words, characters):
    assert_alike(Rules(tokens, lowercase, words, characters, 2**30), TEXTS)
    assert_alike(Rules(tokens, lowercase, words, characters, 7), TEXTS)


ODD = some.text(
    some.one_of(
        some.characters(),
        some.sampled_from("aZ. _'\n\t\x1c\x85\u3000好酒店ΣςéÉ\u0301\u200d\u094d👍\U0001f3fd"),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(some.lists(ODD, min_size=1, max_size=6), some.sampled_from(["whitespace", "char", "zh"]))
@example(["ΑΣ", "Σ", "\u0301a"], "whitespace")
def test_kernel_and_python_count_alike_whatever_the_text(texts, tokens):
    rules = Rules(tokens, lowercase=True, words=(1, 2), characters=(1, 2), buckets=2**20)
    assert_alike(rules, texts)
    # And a text is what it is alone: of what stands beside it nothing comes in.
    cut = cutter(rules)
    lines = gram_counts._preparer(rules)(texts)
    if tokens != "whitespace":
        assert [line.decode("utf-8", "surrogatepass").split() for line in lines] == [
            cut(text) for text in texts
        ]


def test_blocks_and_threads_change_nothing(monkeypatch):
    rules = Rules("whitespace", lowercase=True, words=(1, 2), characters=(2, 3), buckets=2**22)
    whole = counted(rules, TEXTS * 20, "_compiled")
    monkeypatch.setattr(gram_counts, "_BLOCK", 50)
    for threads in (1, 3):
        for ours, others in zip(counted(rules, TEXTS * 20, "_compiled", threads), whole,
                                strict=True):  # fmt: skip
            np.testing.assert_array_equal(ours, others)


@pytest.mark.parametrize("weighting", ["tfidf", "binary", "counts", "ratio"])
def test_weights_are_the_same_without_the_kernel(weighting, monkeypatch):
    labels = np.arange(len(TEXTS)) % 3
    options = {
        "tokens": "whitespace", "lowercase": True, "words": (1, 2), "characters": (1, 2),
        "buckets": 64, "min_count": 1, "weighting": weighting, "labels": labels,
    }  # fmt: skip

    def fitted():
        return follow(ngram_learning.fit(TEXTS, **options), mode="off", quiet=True)

    found, bags = fitted()
    monkeypatch.setattr("dlkit.data.ngrams.has_numba", lambda: False)
    monkeypatch.setattr("dlkit.data.gram_counts.has_numba", lambda: False)
    again, others = fitted()
    np.testing.assert_array_equal(found.factors, again.factors)
    for ours, theirs in zip(bags, others, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    squares = np.add.reduceat(bags.weights**2, bags.offsets[:-1][np.diff(bags.offsets) > 0])
    np.testing.assert_allclose(squares, 1, atol=1e-5)


def test_ratio_weighs_by_rarity_and_the_log_count_ratio():
    texts, labels = ["good film", "good plot", "bad film", "bad end"], np.array([1, 1, 0, 0])
    found, _ = follow(
        ngram_learning.fit(
            texts, tokens="whitespace", lowercase=True, words=(1, 1), characters=None,
            buckets=2**30, min_count=1, weighting="ratio", labels=labels,
        ),
        mode="off", quiet=True,
    )  # fmt: skip
    # good: 2 of class 1, none of class 0; a class has 4 n-grams, with one more for each word 9.
    wanted = {"good": np.log(3), "bad": np.log(3), "film": 0.0, "plot": np.log(2), "end": np.log(2)}
    having = {"good": 2, "bad": 2, "film": 2, "plot": 1, "end": 1}
    for word, ratio in wanted.items():
        (place,) = found.spelled(word)
        idf = np.log(5 / (1 + having[word])) + 1
        assert found.factors[place] == pytest.approx(idf * ratio, abs=1e-6)


def test_memory_depends_on_the_ngrams_and_not_on_the_buckets():
    options = {"tokens": "whitespace", "lowercase": True, "words": (1, 2), "characters": None,
               "min_count": None, "weighting": "ratio"}  # fmt: skip
    labels = np.arange(len(TEXTS)) % 3
    tracemalloc.start()
    try:
        work = ngram_learning.fit(TEXTS, buckets=2**30, labels=labels, **options)
        follow(work, mode="off", quiet=True)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**26


def test_an_ngram_of_one_text_is_left_out_where_texts_are_many():
    texts = [f"common word{place}" for place in range(1000)]
    options = {"tokens": "whitespace", "lowercase": True, "words": (1, 1), "characters": None,
               "buckets": 2**30, "min_count": None}  # fmt: skip
    found, bags = follow(ngram_learning.fit(texts, **options), mode="off", quiet=True)
    assert len(found) == 1
    assert bags.values.tolist() == [0] * 1000
    few, _ = follow(ngram_learning.fit(texts[:999], **options), mode="off", quiet=True)
    assert len(few) == 1000
