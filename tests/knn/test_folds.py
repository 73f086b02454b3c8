"""Cross-validation in one search finds what a search of each part's complement finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.data.forms import TextForm
from dlkit.data.preprocess import fit, parse
from dlkit.data.samples import Samples, digests_of, split_of
from dlkit.errors import USAGE, DlkitError
from dlkit.knn.asking import Choice, Engine, Points
from dlkit.knn.config import KnnConfig
from dlkit.knn.folds import Validated, best, cross_validate, parts
from dlkit.knn.prepare import Prepared
from dlkit.knn.rows import Transform, learning
from dlkit.knn.scores import judge
from dlkit.progress import follow


def prepared(rows, labels, preprocess=""):
    """Rows as the commands would have read them."""
    wanted = parse(preprocess)
    train = split_of(rows, labels, [f"x:{number}" for number in range(len(rows))])
    samples = Samples("table", "x", (), ("a", "b", "c"), TextForm(), {"train": train})
    pipeline, made = follow(fit(wanted, rows), mode="off")
    points = Points(made.reshape(len(made), -1), labels, samples.classes)
    return Prepared(samples, Transform(pipeline, None), points, rows, wanted)


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
    ready = prepared(rows, labels)
    scores = follow(cross_validate(ready, config, Engine(threads=1)), mode="off")
    assert len(scores) == 18
    part = parts(labels, ready.samples.train.digests, folds, seed=config.seed)
    for score in scores:
        expected = brute(rows, labels, 3, part, score.choice)
        np.testing.assert_array_equal(score.correct, expected, err_msg=str(score.choice))
        assert score.accuracy == expected.sum() / len(labels)
        assert score.document()["refit"] is None
    assert (scores[0].deviation is None) == (folds == "loo")


@given(st.lists(st.integers(0, 4), min_size=6, max_size=60), st.integers(2, 6), st.integers(0, 99))
def test_parts_are_even_in_size_and_in_classes(labels, folds, seed):
    labels = np.array(labels)
    contents = digests_of(np.arange(float(len(labels)))[:, None])
    part = parts(labels, contents, folds, seed=seed)
    sizes = np.bincount(part, minlength=folds)
    assert sizes.max() - sizes.min() <= 1
    for each in np.unique(labels):
        of_class = np.bincount(part[labels == each], minlength=folds)
        assert of_class.max() - of_class.min() <= 1
    np.testing.assert_array_equal(part, parts(labels, contents, folds, seed=seed))


def test_more_parts_than_samples_are_refused():
    with pytest.raises(DlkitError, match="5 parts of 3") as problem:
        parts(np.zeros(4, np.int64), digests_of(list("abca")), 5, seed=0)
    assert problem.value.code == USAGE


@given(st.lists(st.sampled_from("abcdefgh"), min_size=4, max_size=40), st.sampled_from([2, "loo"]))
def test_equal_contents_are_in_one_part(contents, folds):
    if len(set(contents)) < 2:
        return
    labels = np.arange(len(contents)) % 3
    part = parts(labels, digests_of(contents), folds, seed=4)
    for content in set(contents):
        assert (
            len({mine for mine, each in zip(part, contents, strict=True) if each == content}) == 1
        )
    if folds == "loo":
        assert len(set(part.tolist())) == len(set(contents))


@pytest.mark.parametrize("folds", [3, "loo"])
def test_a_copy_of_a_sample_does_not_vote_on_it(folds, capsys):
    """Noise that stands twice: who finds the copy is always right, who does not is at chance."""
    random = np.random.default_rng(11)
    rows = np.repeat(random.normal(size=(60, 4)), 2, axis=0)
    labels = np.repeat(random.integers(0, 3, 60), 2)
    (score,) = follow(
        cross_validate(prepared(rows, labels), KnnConfig(k=(1,), folds=folds), Engine(threads=1)),
        mode="plain",
    )
    assert score.accuracy < 0.6
    said = capsys.readouterr().err
    assert "60 training samples equal to an earlier one are judged in its part" in said


def test_what_preprocessing_learns_it_learns_without_the_judged_part():
    random = np.random.default_rng(3)
    labels = random.integers(0, 3, 40)
    rows = (random.normal(size=(40, 3)) * [1, 50, 1] + labels[:, None]).astype(np.float32)
    rows[5, 1] = 4000  # an outlier, which the scale of all samples would know
    config = KnnConfig(k=(3,), folds=4)
    ready = prepared(rows, labels, "standardise")
    (score,) = follow(cross_validate(ready, config, Engine(threads=1)), mode="off")
    assert score.refit is True
    part = parts(labels, ready.samples.train.digests, 4, seed=config.seed)
    wide, right = rows.astype(float), 0
    for fold in range(4):
        train, test = wide[part != fold], wide[part == fold]
        mean, deviation = train.mean(0), train.std(0)
        gaps = ((test - mean) / deviation)[:, None] - ((train - mean) / deviation)[None]
        near = np.argsort((gaps**2).sum(2), axis=1, kind="stable")[:, :3]
        votes = [np.bincount(row, minlength=3).argmax() for row in labels[part != fold][near]]
        right += (np.array(votes) == labels[part == fold]).sum()
    assert score.score.correct == right


def test_with_very_many_parts_preprocessing_is_fitted_once_and_it_is_said(capsys):
    random = np.random.default_rng(3)
    ready = prepared(random.normal(size=(130, 2)), random.integers(0, 3, 130), "standardise")
    config = KnnConfig(k=(1,), folds="loo")
    (score,) = follow(cross_validate(ready, config, Engine(threads=1)), mode="plain")
    assert score.document()["refit"] is False
    assert "(standardise) is fitted once, on the judged samples, too" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("steps", "pixels", "place"),
    [
        ("", True, None), ("grey,hog", True, None), ("scale", True, None), ("scale", False, 0),
        ("grey,scale,pca:2", True, 2), ("contrast,scale", True, 1), ("hog,standardise", True, 1),
    ],
)  # fmt: skip
def test_which_steps_learn_is_known(steps, pixels, place):
    assert learning(parse(steps), pixels=pixels) == place


def scored(k, correct):
    choice = Choice("l2", "uniform", k)
    truth = np.zeros(30, np.int64)
    predicted = (np.arange(30) >= sum(correct)).astype(np.int64)
    return Validated(
        choice, np.array(correct), np.array([10, 20]), judge(choice, predicted, truth, 2)
    )


def test_the_best_of_equals_has_the_fewest_neighbours():
    scores = [scored(7, [9, 8]), scored(3, [8, 9]), scored(5, [8, 9]), scored(1, [8, 8])]
    assert best(scores).choice.k == 3


def test_errors_are_counted_over_all_parts_whatever_their_sizes():
    """The mean of 9/10 and 14/20 is above that of 7/10 and 17/20, with one more error."""
    assert best([scored(1, [9, 14]), scored(3, [7, 17])]).choice.k == 3
