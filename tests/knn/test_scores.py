"""Scores are those of the textbooks and of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_recall_fscore_support

from dlkit.knn.asking import Choice
from dlkit.knn.scores import interval, judge

CHOICE = Choice("l2", "uniform", 1)


Z = 1.959963984540054  # the 97.5 % quantile of the normal distribution


@pytest.mark.parametrize(("correct", "total"), [(1, 10), (5, 10), (9691, 10_000), (2, 3)])
def test_the_ends_of_an_interval_lie_196_standard_errors_away(correct, total):
    low, high = interval(correct, total)
    assert 0 < low < correct / total < high < 1
    for end in (low, high):
        error = (end * (1 - end) / total) ** 0.5
        assert abs(correct / total - end) == pytest.approx(Z * error)


def test_intervals_of_none_and_of_all_end_at_0_and_1():
    beyond = Z * Z / (10 + Z * Z)
    assert interval(0, 10) == (0.0, pytest.approx(beyond))
    assert interval(10, 10) == (pytest.approx(1 - beyond), 1.0)


def test_scores_of_classes_are_those_of_scikit_learn():
    random = np.random.default_rng(1)
    truth, guess = random.integers(0, 4, 200), random.integers(0, 3, 200)
    score = judge(CHOICE, guess, truth, 4)
    theirs = precision_recall_fscore_support(truth, guess, labels=range(4), zero_division=0)
    for place, each in enumerate(score.classes(("a", "b", "c", "d"))):
        ours = [each.precision or 0, each.recall, each.f1, each.samples]
        assert ours == pytest.approx([column[place] for column in theirs])
    assert score.classes(("a", "b", "c", "d"))[3].precision is None
    assert score.macro_f1 == pytest.approx(f1_score(truth, guess, average="macro"))
    assert score.accuracy == (truth == guess).mean()
    assert score.correct == (truth == guess).sum()


def test_a_class_that_is_nowhere_has_no_scores():
    score = judge(CHOICE, np.array([0, 0]), np.array([0, 0]), 2)
    assert score.macro_f1 == 1
    other = score.classes(("a", "b"))[1]
    assert (other.precision, other.recall, other.f1, other.samples) == (None, None, None, 0)
