"""One class against the rest: counted by hand, areas by scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import recall_score, roc_auc_score

from dlkit.classifiers.screening import place_of, screen, threshold_for
from dlkit.errors import NOT_FOUND, DlkitError


@pytest.fixture
def judged():
    random = np.random.default_rng(3)
    values = random.dirichlet((1, 1, 1), 400)
    labels = np.array([random.choice(3, p=row) for row in values])
    return values, labels


def test_shares_and_area_are_those_of_scikit_learn(judged):
    values, labels = judged
    found = screen(values, labels, "abc", positive="b", threshold=0.4, chosen="given")
    above = values[:, 1] >= 0.4
    rows = {row[0]: row[1:] for row in found.rows()}
    assert rows["sensitivity"][0] == pytest.approx(recall_score(labels == 1, above))
    assert rows["specificity"][0] == pytest.approx(recall_score(labels != 1, ~above))
    assert rows["positive predictive value"][0] == pytest.approx((labels[above] == 1).mean())
    assert rows["negative predictive value"][0] == pytest.approx((labels[~above] != 1).mean())
    assert rows["ROC-AUC"][0] == pytest.approx(roc_auc_score(labels == 1, values[:, 1]))
    for value, low, high, _ in rows.values():
        assert 0 <= low < value < high <= 1
    told = found.document()
    assert told["true_positives"] + told["false_negatives"] == (labels == 1).sum()
    assert told["roc_auc"]["value"] == rows["ROC-AUC"][0]


@pytest.mark.parametrize("sensitivity", [0.5, 0.9, 0.95, 1.0])
def test_the_threshold_is_the_highest_that_finds_so_many(judged, sensitivity):
    values, labels = judged
    threshold = threshold_for(values, labels, 1, sensitivity)
    own = values[labels == 1, 1]
    assert (own >= threshold).mean() >= sensitivity
    assert (own > threshold).mean() < sensitivity


def test_what_cannot_be_is_told(judged):
    values, labels = judged
    with pytest.raises(DlkitError, match="no such class") as problem:
        place_of("d", "abc")
    assert problem.value.code == NOT_FOUND
    with pytest.raises(DlkitError, match="no validation samples"):
        threshold_for(values[labels != 1], labels[labels != 1], 1, 0.9)
    found = screen(values[:0], labels[:0], "abc", positive="b", threshold=0.5, chosen="given")
    assert [row[1] for row in found.rows()] == [None] * 5
