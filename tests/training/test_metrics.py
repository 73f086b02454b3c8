"""Scores are those of scikit-learn and of brute force; intervals cover what they promise."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as theirs

from dlkit.errors import DlkitError
from dlkit.training import resampling
from dlkit.training.confusion import confusion_of, interval, macro_f1, weighted_f1
from dlkit.training.metrics import (
    calibration,
    calibration_error,
    losses,
    scores,
    uncertain,
    worst,
)
from dlkit.training.ranking import areas


def made(samples, classes, *, seed=1, dtype=np.float32, coarse=False):
    """Probabilities that say something about their labels; ``coarse`` ones have many ties."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, samples)
    raw = random.normal(size=(samples, classes)) + 1.5 * np.eye(classes)[labels]
    if coarse:
        raw = np.round(raw)
    powers = np.exp(raw)
    return (powers / powers.sum(axis=1, keepdims=True)).astype(dtype), labels


def names(classes):
    return [f"第{i}类" for i in range(classes)]


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_are_those_of_scikit_learn(classes, coarse, dtype):
    probabilities, labels = made(301, classes, dtype=dtype, coarse=coarse)
    found = scores(probabilities, labels, names(classes), top_k=(1, 2, 5), resamples=10)
    predicted = probabilities.argmax(axis=1)
    places = list(range(classes))
    np.testing.assert_array_equal(
        found.confusion, theirs.confusion_matrix(labels, predicted, labels=places)
    )
    assert found.accuracy == theirs.accuracy_score(labels, predicted)
    assert found.macro_f1 == pytest.approx(theirs.f1_score(labels, predicted, average="macro"))
    weighted = theirs.f1_score(labels, predicted, average="weighted")
    assert found.weighted_f1 == pytest.approx(weighted)
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    assert found.log_loss == pytest.approx(theirs.log_loss(labels, exact, labels=places), rel=1e-6)
    per_class = theirs.precision_recall_fscore_support(
        labels, predicted, labels=places, zero_division=0
    )
    for place, each in enumerate(found.per_class):
        ours = [each.precision or 0, each.recall, each.f1, each.samples]
        assert ours == pytest.approx([column[place] for column in per_class])
    for place, area in enumerate(found.class_auc):
        assert area == pytest.approx(theirs.roc_auc_score(labels == place, probabilities[:, place]))
    meant = found.class_auc if classes > 2 else found.class_auc[1:]
    assert found.roc_auc == pytest.approx(np.mean(meant))
    if classes > 2 and not coarse:  # rows of sum 1 that it asks for have other ties
        auc = theirs.roc_auc_score(labels, exact, multi_class="ovr", average="macro")
        assert found.roc_auc == pytest.approx(auc)
    assert set(found.top_k) == {k for k in (1, 2, 5) if k < classes}
    for k, share in found.top_k.items():
        if not coarse and classes > 2:  # of equal values scikit-learn takes the last, we the first
            assert share == theirs.top_k_accuracy_score(labels, exact, k=k, labels=places)
    assert found.top_k[1] == found.accuracy


def test_of_equal_values_the_first_class_is_predicted_and_ranked_first():
    probabilities = np.full((3, 3), 1 / 3, np.float32)
    found = scores(probabilities, np.arange(3), "abc", top_k=(1, 2), resamples=5)
    assert found.confusion[:, 0].tolist() == [1, 1, 1]
    assert found.top_k == {1: pytest.approx(1 / 3), 2: pytest.approx(2 / 3)}


def test_a_class_without_samples_is_left_out_of_the_means():
    probabilities, labels = made(60, 2)
    wide = np.concatenate([probabilities, np.zeros((60, 1), np.float32)], axis=1)
    found = scores(wide, labels, "abc", resamples=20)
    assert found.class_auc[2] is None
    assert found.roc_auc == pytest.approx((found.class_auc[0] + found.class_auc[1]) / 2)
    empty = found.per_class[2]
    assert (empty.precision, empty.recall, empty.f1, empty.samples) == (None, None, None, 0)
    predicted = wide.argmax(axis=1)
    assert found.macro_f1 == pytest.approx(theirs.f1_score(labels, predicted, average="macro"))


def test_one_class_alone_has_no_area_and_every_other_score():
    probabilities, _ = made(20, 2)
    found = scores(probabilities, np.zeros(20, int), "ab", resamples=20)
    assert found.roc_auc is None
    assert "roc_auc" not in found.intervals
    assert found.document()["roc_auc"] is None
    assert 0 <= found.accuracy <= 1


def test_mere_scores_have_no_log_loss_and_no_calibration():
    random = np.random.default_rng(2)
    labels = random.integers(0, 2, 90)
    values = random.normal(size=(90, 2)) + np.eye(2)[labels]
    found = scores(values, labels, "ab", probabilistic=False, resamples=20)
    assert (found.log_loss, found.ece, found.calibration) == (None, None, ())
    assert "log_loss" not in found.intervals
    margin = values[:, 1] - values[:, 0]
    assert found.roc_auc == pytest.approx(theirs.roc_auc_score(labels, margin))


def test_the_calibration_error_is_that_of_counting_by_hand():
    probabilities, labels = made(500, 4)
    found = scores(probabilities, labels, names(4), resamples=5)
    total = 0.0
    for number in range(15):
        inside = [
            (float(row.max()), int(row.argmax()) == label)
            for row, label in zip(probabilities, labels.tolist(), strict=True)
            if number / 15 < row.max() <= (number + 1) / 15
        ]
        assert found.calibration[number].samples == len(inside)
        if inside:
            trust = sum(each[0] for each in inside) / len(inside)
            hits = sum(each[1] for each in inside) / len(inside)
            total += len(inside) / 500 * abs(trust - hits)
    assert found.ece == pytest.approx(total)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 1 / 15, 1 / 3])
def test_a_confidence_at_the_edge_of_a_bin_is_counted_once(confidence):
    bins = calibration(np.array([confidence]), np.array([True]))
    assert sum(each.samples for each in bins) == 1
    (only,) = [each for each in bins if each.samples]
    assert only.low <= confidence <= only.high
    assert calibration_error(bins) == pytest.approx(1 - confidence)


def test_a_confidence_at_the_upper_edge_of_a_bin_belongs_to_it():
    edges = [each.high for each in calibration(np.array([0.5]), np.array([True]))]
    bins = calibration(np.array(edges), np.ones(len(edges), bool))
    assert [each.samples for each in bins] == [1] * len(edges)
    assert [each.confidence for each in bins] == edges


def test_a_probability_of_zero_has_a_finite_loss():
    probabilities = np.array([[0, 1], [1, 0]], np.float32)
    found = losses(probabilities, np.array([0, 0]))
    assert found.tolist() == pytest.approx([-math.log(np.finfo(np.float32).eps), 0], abs=1e-6)


def test_the_worst_have_the_highest_loss_and_the_most_uncertain_the_highest_entropy():
    probabilities, labels = made(50, 3)
    lost = losses(probabilities, labels)
    assert worst(probabilities, labels, 5).tolist() == np.argsort(-lost)[:5].tolist()
    entropy = [-sum(p * math.log(p) for p in row) for row in probabilities.tolist()]
    assert uncertain(probabilities, 5).tolist() == np.argsort(np.negative(entropy))[:5].tolist()
    assert len(worst(probabilities, labels, 99)) == 50
    certain = np.array([[1, 0], [0.5, 0.5], [1, 0]])
    assert uncertain(certain, 3).tolist() == [1, 0, 2]
    assert worst(certain, np.array([1, 0, 1]), 3).tolist() == [0, 2, 1]


def resampled(function, probabilities, labels, *, times=1000, seed=9):
    """Percentiles of a score over resamples, drawn one by one."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(times):
        drawn = random.integers(0, len(labels), len(labels))
        found.append(function(probabilities[drawn], labels[drawn]))
    return np.percentile(found, [2.5, 97.5])


@pytest.mark.parametrize("classes", [2, 4])
def test_intervals_are_those_of_resampling_one_by_one(classes):
    probabilities, labels = made(150, classes, coarse=True, dtype=np.float64)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    found = scores(probabilities, labels, names(classes), seed=3, resamples=4000)

    def auc(p, y):
        if classes == 2:
            return theirs.roc_auc_score(y, p[:, 1])
        return np.mean([theirs.roc_auc_score(y == c, p[:, c]) for c in range(classes)])

    slow = {
        "log_loss": lambda p, y: losses(p, y).mean(),
        "macro_f1": lambda p, y: macro_f1(confusion_of(p.argmax(1), y, classes)),
        "weighted_f1": lambda p, y: weighted_f1(confusion_of(p.argmax(1), y, classes)),
    }
    for name, function in slow.items():
        low, high = resampled(function, probabilities, labels, times=4000)
        tolerance = 0.1 * (high - low)
        assert found.intervals[name] == pytest.approx((low, high), abs=tolerance), name
    low, high = resampled(auc, probabilities, labels, times=200)
    assert found.intervals["roc_auc"] == pytest.approx((low, high), abs=0.3 * (high - low))
    assert "ece" not in found.intervals


def test_the_standard_error_of_an_area_is_that_of_delong():
    random = np.random.default_rng(4)
    labels = random.integers(0, 2, 80)
    values = np.round(random.normal(size=80) + labels, 1)
    inside, outside = values[labels == 1], values[labels == 0]
    wins = (inside[:, None] > outside) + 0.5 * (inside[:, None] == outside)
    area = wins.mean()
    error = math.sqrt(
        wins.mean(axis=1).var() / len(inside) + wins.mean(axis=0).var() / len(outside)
    )
    found = areas(np.stack([-values, values], axis=1), labels)
    assert found.mean == pytest.approx(area)
    assert found.each == (pytest.approx(area), pytest.approx(area))
    for end, sign in zip(found.interval, (-1, 1), strict=True):
        distance = math.log(end / (1 - end)) - math.log(area / (1 - area))
        assert distance == pytest.approx(sign * Z * error / (area * (1 - area)))


def test_classes_that_are_told_apart_wholly_have_the_area_one():
    values = np.array([[1.0, 0], [0, 1], [0, 1]])
    assert areas(values, np.array([0, 1, 1])) == ((1.0, 1.0), 1.0, (1.0, 1.0))


def test_areas_of_very_many_classes_are_those_of_each_alone():
    random = np.random.default_rng(5)
    truth = np.concatenate([np.arange(130), random.integers(0, 130, 200)])
    values = random.normal(size=(330, 130)) + np.eye(130)[truth]
    found = areas(values, truth)
    for place in (0, 63, 64, 129):
        expected = theirs.roc_auc_score(truth == place, values[:, place])
        assert found.each[place] == pytest.approx(expected)


def test_equal_seeds_give_equal_intervals_and_others_others():
    probabilities, labels = made(100, 3)
    one, same, other = (
        scores(probabilities, labels, "abc", resamples=50, seed=seed).document()
        for seed in (1, 1, 2)
    )
    assert one == same
    assert one["intervals"]["log_loss"] != other["intervals"]["log_loss"]
    assert one["intervals"]["macro_f1"] != other["intervals"]["macro_f1"]
    assert one["intervals"]["accuracy"] == other["intervals"]["accuracy"]


def test_resampling_in_pieces_leaves_nothing_out(monkeypatch):
    probabilities, labels = made(100, 3)
    drawn = []
    monkeypatch.setattr(resampling, "_ends", lambda values: drawn.append(len(values)) or (0, 1))
    monkeypatch.setattr(resampling, "_AT_ONCE", 700)
    scores(probabilities, labels, "abc", resamples=50)
    assert drawn == [50, 50, 50]


def test_resamples_keep_apart_what_is_there_and_what_is_taken():
    matrix = np.array([[0, 0, 0], [4, 6, 0], [0, 0, 90]])
    found = resampling.of_confusion(
        matrix,
        {
            "there": lambda right, there, taken: there[:, 0],
            "taken": lambda right, there, taken: taken[:, 0],
            "right": lambda right, there, taken: right[:, 2],
            "total": lambda right, there, taken: there.sum(axis=1) + taken.sum(axis=1),
        },
        2000,
        1,
    )
    assert found["there"] == (0, 0)
    assert found["taken"] == pytest.approx((1, 8), abs=1)  # binomial of 100 at 0.04
    assert found["right"] == pytest.approx((84, 95), abs=1)
    assert found["total"] == (200, 200)


def test_a_small_class_may_be_absent_from_resamples():
    probabilities, labels = made(40, 3)
    labels[labels == 2] = 0
    labels[0] = 2
    found = scores(probabilities, labels, "abc", resamples=200)
    low, high = found.intervals["roc_auc"]
    assert 0 <= low <= high <= 1
    assert math.isfinite(found.intervals["macro_f1"][0])


def test_a_document_is_json_and_holds_every_score():
    probabilities, labels = made(90, 7)
    found = scores(probabilities, labels, names(7), resamples=20)
    document = json.loads(json.dumps(found.document(), allow_nan=False))
    assert document["top5"] == found.top_k[5]
    assert document["low"] < document["accuracy"] < document["high"]
    assert document["intervals"]["accuracy"] == [document["low"], document["high"]]
    assert document["errors"] == (probabilities.argmax(1) != labels).sum()
    assert {"macro_f1", "weighted_f1", "log_loss", "roc_auc", "ece", "samples"} <= set(document)


def test_no_samples_and_values_that_are_not_finite_are_refused():
    with pytest.raises(DlkitError, match="no samples"):
        scores(np.zeros((0, 2), np.float32), np.zeros(0, int), "ab")
    values = np.array([[0.5, 0.5], [np.nan, 1], [np.inf, 0]], np.float32)
    with pytest.raises(DlkitError, match="2 of 3 samples"):
        scores(values, np.array([0, 1, 0]), "ab")


def test_half_precision_is_judged_like_its_values_in_full():
    probabilities, labels = made(80, 3, dtype=np.float16)
    half = scores(probabilities, labels, "abc", resamples=20).document()
    assert half == scores(probabilities.astype(np.float32), labels, "abc", resamples=20).document()


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 5), st.integers(1, 30), st.integers(0, 1000))
def test_any_predictions_give_scores_within_their_intervals_range(classes, samples, seed):
    probabilities, labels = made(samples, classes, seed=seed, coarse=True)
    found = scores(probabilities, labels, names(classes), resamples=30)
    assert found.total == samples
    assert sum(each.samples for each in found.calibration) == samples
    for low, high in found.intervals.values():
        assert low <= high
    low, high = found.intervals["accuracy"]
    assert low <= found.accuracy <= high


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
