"""Cross-validation in one search finds what a search of each part's complement finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.errors import USAGE, DlkitError
from dlkit.knn.asking import Choice, Engine, Points
from dlkit.knn.config import KnnConfig
from dlkit.knn.folds import Validated, best, cross_validate, parts
from dlkit.knn.scores import judge
from dlkit.progress import follow


def brute(rows, labels, classes, part, choice):
    """Right answers of each part: float64 distances, sorted with ties by index, votes by hand."""
    rows = rows.astype(np.float64)
    correct = np.zeros(part.max() + 1, int)
    for query, mine in enumerate(part):
        others = np.flatnonzero(part != mine)
        gaps = rows[others] - rows[query]
        if choice.metric == "l1":
            distances = np.abs(gaps).sum(1)
        elif choice.metric == "l2":
            distances = np.sqrt((gaps**2).sum(1))
        else:
            lengths = np.linalg.norm(rows[others], axis=1) * np.linalg.norm(rows[query])
            distances = 1 - (rows[others] @ rows[query]) / lengths
        near = sorted(range(len(others)), key=lambda i: (distances[i], others[i]))[: choice.k]
        sums = np.zeros(classes)
        exact = [i for i in near if distances[i] == 0]
        for i in exact or near if choice.weights == "distance" else near:
            heavy = 1 if exact or choice.weights == "uniform" else 1 / distances[i]
            sums[labels[others[i]]] += heavy
        correct[mine] += sums.argmax() == labels[query]
    return correct


@pytest.mark.parametrize("folds", [2, 5, "loo"])
def test_accuracy_is_that_of_brute_force(folds):
    random = np.random.default_rng(5)
    labels = random.integers(0, 3, 61)
    rows = (random.integers(0, 40, (61, 6)) + 25 * labels[:, None]).astype(np.uint8)
    config = KnnConfig(
        k=(1, 2, 5), metric=("l2", "l1", "cosine"), weights=("uniform", "distance"), folds=folds
    )
    points = Points(rows, labels, ("a", "b", "c"))
    scores = follow(cross_validate(points, config, Engine(threads=1)), mode="off")
    assert len(scores) == 18
    part = parts(labels, folds, seed=config.seed)
    for score in scores:
        expected = brute(rows, labels, 3, part, score.choice)
        np.testing.assert_array_equal(score.correct, expected, err_msg=str(score.choice))
        assert score.mean == pytest.approx((expected / np.bincount(part)).mean())
    assert (scores[0].deviation is None) == (folds == "loo")


@given(st.lists(st.integers(0, 4), min_size=6, max_size=60), st.integers(2, 6), st.integers(0, 99))
def test_parts_are_even_in_size_and_in_classes(labels, folds, seed):
    labels = np.array(labels)
    part = parts(labels, folds, seed=seed)
    sizes = np.bincount(part, minlength=folds)
    assert sizes.max() - sizes.min() <= 1
    for each in np.unique(labels):
        of_class = np.bincount(part[labels == each], minlength=folds)
        assert of_class.max() - of_class.min() <= 1
    np.testing.assert_array_equal(part, parts(labels, folds, seed=seed))


def test_more_parts_than_samples_are_refused():
    with pytest.raises(DlkitError, match="5 parts of 3") as problem:
        parts(np.zeros(3, np.int64), 5, seed=0)
    assert problem.value.code == USAGE


def scored(k, correct):
    choice = Choice("l2", "uniform", k)
    return Validated(
        choice,
        np.array(correct),
        np.array([10, 10]),
        judge(choice, np.zeros(1, int), np.zeros(1, int), 1),
    )


def test_the_best_of_equals_has_the_fewest_neighbours():
    scores = [scored(7, [9, 8]), scored(3, [8, 9]), scored(5, [8, 9]), scored(1, [8, 8])]
    assert best(scores).choice.k == 3
