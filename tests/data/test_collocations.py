"""What options may say of phrases, and what their rules come to."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.data.collocations import MAX_PAIRS, THRESHOLDS, Rules, rules, scores
from dlkit.errors import USAGE, DlkitError
from dlkit.word2vec import phrases_cli


def test_thresholds_and_passes_agree():
    assert rules().thresholds == (100.0,)
    assert rules(score="npmi").thresholds == (0.5,)
    assert rules(passes=3).thresholds == (100.0,) * 3
    assert rules(threshold="200,100").thresholds == (200.0, 100.0)
    assert rules(threshold="7", passes=2).thresholds == (7.0, 7.0)
    assert rules(threshold="200, 100", passes=2).thresholds == (200.0, 100.0)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"score": "pmi"}, "unknown score 'pmi'"),
        ({"threshold": "200,100", "passes": 3}, "2 values for --passes 3"),
        ({"threshold": "ten"}, "not ten"),
        ({"threshold": "-1"}, "0 or more"),
        ({"threshold": "nan"}, "not nan"),
        ({"threshold": "inf"}, "not inf"),
        ({"threshold": ""}, "--threshold"),
        ({"threshold": "2", "score": "npmi"}, "from -1 to 1"),
        ({"passes": 0}, "--passes"),
        ({"min_count": -1}, "--min-count"),
        ({"max_pairs": 0}, "--max-pairs"),
        ({"joiner": " "}, "--joiner"),
        ({"joiner": "a b"}, "--joiner"),
        ({"joiner": "\n"}, "--joiner"),
        ({"joiner": "\u200b"}, "--joiner"),
        ({"joiner": "\u3000"}, "--joiner"),
    ],
)
def test_what_does_not_fit_is_a_usage_error(options, told):
    with pytest.raises(DlkitError) as caught:
        rules(**options)
    assert told in caught.value.message
    assert caught.value.code == USAGE


@pytest.mark.parametrize("joiner", ["", "_", "__", "·", "~"])
def test_a_joiner_that_joins_is_taken(joiner):
    assert rules(joiner=joiner).joiner == joiner


def test_the_commands_defaults_are_those_of_the_rules():
    options = inspect.signature(phrases_cli.phrases).parameters
    assert options["max_pairs"].default == MAX_PAIRS == Rules().max_pairs
    assert options["min_count"].default == Rules().min_count
    assert options["joiner"].default == Rules().joiner
    told = phrases_cli.phrases.__annotations__["threshold"]
    for value in THRESHOLDS.values():
        assert f"{value:g}" in str(told)


@given(st.integers(1, 2**40), st.integers(0, 2**40), st.integers(0, 2**40))
def test_counts_of_any_size_do_not_overflow(count, more, others):
    first, last = count + more, count + others
    words = first + last
    found = scores(
        Rules(min_count=0), np.array([count]), np.array([first]), np.array([last]), words=words
    )
    assert found[0] == pytest.approx(count / (first * last) * words, rel=1e-12)
