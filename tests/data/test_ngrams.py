"""Weighted n-grams are those of scikit-learn, but for the names of the columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from dlkit.data.gram_counts import cutter
from dlkit.data.ngram_learning import fit
from dlkit.data.ngrams import read_ngrams
from dlkit.errors import DlkitError
from dlkit.progress import follow

TEXTS = [
    "the cat sat on the mat, the end", "A cat and a dog", "dog dog dog", "", "…",
    "早上好 世界", "世界 你好 你好", "naïve café", "the mat and the dog sat",
]  # fmt: skip


def fitted(texts, **options):
    usual = {
        "tokens": "whitespace", "lowercase": True, "words": (1, 2), "characters": None,
        "buckets": 2**30, "min_count": 1,
    }  # fmt: skip
    return follow(fit(texts, **usual | options), mode="off", quiet=True)


def apply(ngrams, texts):
    return follow(ngrams.apply(texts, what="texts"), mode="off", quiet=True)


def dense(bags, width):
    rows = np.zeros((len(bags.offsets) - 1, width))
    for row, (start, stop) in enumerate(zip(bags.offsets, bags.offsets[1:], strict=False)):
        rows[row, bags.values[start:stop]] = bags.weights[start:stop]
    return rows


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"words": (1, 1)},
        {"words": (2, 3)},
        {"min_count": 2},
        {"lowercase": False},
        {"words": (1, 1), "characters": (2, 4)},
        {"words": None, "characters": (3, 3)},
    ],
)
def test_texts_are_as_near_to_each_other_as_those_of_scikit_learn(options):
    from sklearn.feature_extraction.text import TfidfVectorizer

    ngrams, bags = fitted(TEXTS, **options)
    cut = cutter(ngrams.rules)

    def analyse(text):
        words = cut(text)
        found = []
        if ngrams.words:
            for size in range(ngrams.words[0], ngrams.words[1] + 1):
                found += [("w", *words[i : i + size]) for i in range(len(words) - size + 1)]
        if ngrams.characters:
            for word in words:
                whole = f"<{word}>"
                for size in range(ngrams.characters[0], ngrams.characters[1] + 1):
                    found += [("c", whole[i : i + size]) for i in range(len(whole) - size + 1)]
        return found

    least = options.get("min_count", 1)
    theirs = TfidfVectorizer(analyzer=analyse, sublinear_tf=True, min_df=least)
    wanted = theirs.fit_transform(TEXTS).toarray()
    assert wanted.shape[1] == len(ngrams)
    rows = dense(bags, len(ngrams))
    np.testing.assert_allclose(rows @ rows.T, wanted @ wanted.T, atol=1e-6)
    queries = ["a cat on a mat", "unknown words alone", "你好 dog"]
    found, known = dense(apply(ngrams, queries), len(ngrams)), theirs.transform(queries).toarray()
    np.testing.assert_allclose(found @ rows.T, known @ wanted.T, atol=1e-6)


@given(some.lists(some.text("ab 好.", max_size=30), min_size=1, max_size=30))
def test_a_text_is_the_same_alone_and_among_others(texts):
    ngrams, _ = fitted(["a b ab", "好 ab b", *TEXTS], characters=(1, 2), buckets=50)
    together = dense(apply(ngrams, texts), len(ngrams))
    for place, text in enumerate(texts):
        alone = dense(apply(ngrams, [text]), len(ngrams))[0]
        np.testing.assert_array_equal(alone, together[place])


def test_spelled_tells_each_place_by_its_ngrams():
    ngrams, bags = fitted(TEXTS, characters=(2, 3))
    for place, text in enumerate(TEXTS):
        start, stop = bags.offsets[place], bags.offsets[place + 1]
        assert sorted(ngrams.spelled(text)) == bags.values[start:stop].tolist()
    told = [spelling for each in ngrams.spelled("世界 你好").values() for spelling in each]
    assert {"世界", "你好", "世界 你好", "<世", "你好>"} <= set(told)


def test_what_was_kept_is_read_again():
    ngrams, bags = fitted(TEXTS)
    again = read_ngrams(ngrams.document(), ngrams.tensors(), where="here")
    found = apply(again, TEXTS)
    for ours, theirs in zip(found, bags, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "damage",
    [
        {"buckets": 3}, {"tokens": "odd"}, {"weighting": "odd"}, {"hash": None}, {"words": [2, 1]},
        {"words": [1, 99]}, {"buckets": None},
    ],
)  # fmt: skip
def test_damaged_settings_are_refused(damage):
    ngrams, _ = fitted(TEXTS)
    with pytest.raises(DlkitError) as problem:
        read_ngrams(ngrams.document() | damage, ngrams.tensors(), where="here")
    assert problem.value.code == 4


def test_texts_without_ngrams_are_told():
    with pytest.raises(DlkitError, match=r"no n-grams$") as problem:
        fitted(["", "…"])
    assert "min_count" not in problem.value.hint
    with pytest.raises(DlkitError, match="no n-grams that 9 of them use") as problem:
        fitted(TEXTS, min_count=9)
    assert "min_count=1" in problem.value.hint
