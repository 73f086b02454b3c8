"""What is told of many samples: the worst, the least sure, and classes above a threshold."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dlkit.classifiers.asking import probabilities_of, unsure_of, worst_of
from dlkit.classifiers.predict import Answer


@pytest.mark.parametrize("loss", ["softmax", "hinge"])
def test_the_worst_have_the_largest_loss_and_the_least_sure_the_nearest_classes(loss):
    random = np.random.default_rng(4)
    scores = random.normal(size=(40, 3)) * 2
    labels = random.integers(0, 3, 40)
    values = probabilities_of(scores) if loss == "softmax" else scores
    losses, doubts = [], []
    for row, label in zip(scores, labels, strict=True):
        if loss == "softmax":
            chances = np.exp(row) / np.exp(row).sum()
            losses.append(-math.log(chances[label]))
            doubts.append(-sum(p * math.log(p) for p in chances))
        else:
            others = [score for place, score in enumerate(row) if place != label]
            losses.append(sum(max(0, score - row[label] + 1) for score in others))
            first, second, _ = sorted(row, reverse=True)
            doubts.append(second - first)
    wanted = np.argsort(-np.array(losses), kind="stable")
    assert worst_of(values, labels, 7, loss).tolist() == wanted[:7].tolist()
    wanted = np.argsort(-np.array(doubts), kind="stable")
    assert unsure_of(values, 7, loss).tolist() == wanted[:7].tolist()


def test_below_the_threshold_no_class_is_told():
    answer = Answer("x.png", ("猫", "dog", "ant"), np.array([0.5, 0.3, 0.2]))
    assert answer.told(3, None) == [("猫", 0.5), ("dog", 0.3), ("ant", 0.2)]
    assert answer.told(3, 0.3) == [("猫", 0.5), ("dog", 0.3)]
    assert answer.told(1, 0.3) == [("猫", 0.5)]
    assert answer.told(3, 0.6) == [(None, 0.5)]
    assert answer.document("probability", None, 0.3) == {
        "file": "x.png", "class": "猫", "probability": 0.5,
        "probabilities": {"猫": 0.5, "dog": 0.3},
    }  # fmt: skip
    assert answer.document("score", 2, 0.6) == {
        "file": "x.png", "class": None, "score": 0.5, "scores": {},
    }  # fmt: skip
