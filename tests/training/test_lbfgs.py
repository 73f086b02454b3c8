from __future__ import annotations

import signal
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.errors import DlkitError, StoppedError
from dlkit.records import Warned
from dlkit.signals import Stop
from dlkit.training.convex import SoftmaxObjective
from dlkit.training.lbfgs import minimise


def objective(rows, labels, weights, bias, l2, counts=None):
    """The mean loss and the penalty, written out in float64."""
    scores = rows.astype(np.float64) @ weights.T + bias
    scores -= scores.max(1, keepdims=True)
    logs = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    each = -logs[np.arange(len(rows)), labels]
    return (each * (1 if counts is None else counts[labels])).mean() + l2 / 2 * (weights**2).sum()


def peer(rows, labels, l2, **settings):
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return LogisticRegression(
            C=1 / (l2 * len(rows)), solver="newton-cg", tol=1e-8, max_iter=1000, **settings
        ).fit(rows.astype(np.float64), labels)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("l2", [1.0, 1e-2, 1e-4])
def test_digits_reach_the_optimum_of_scikit_learn(tools, dtype, l2):
    from sklearn.datasets import load_digits

    rows, labels = load_digits(return_X_y=True)
    rows = (rows / 16).astype(dtype)
    theirs = peer(rows, labels, l2)
    _, found = tools.finish(minimise(rows, labels, classes=10, l2=l2))
    assert found.converged
    assert found.gradient <= 1e-5
    mine = objective(rows, labels, found.weights, found.bias, l2)
    assert mine == pytest.approx(found.objective, rel=1e-6)
    assert mine == pytest.approx(objective(rows, labels, theirs.coef_, theirs.intercept_, l2), 1e-4)
    answers = (rows @ found.weights.T + found.bias).argmax(1)
    assert (answers == theirs.predict(rows)).mean() >= 0.999
    assert found.history[0] == pytest.approx(np.log(10))
    assert found.history[-1] == found.objective
    assert len(found.history) == found.iterations + 1


def test_class_weights_and_no_intercept_are_those_of_scikit_learn(tools):
    from dlkit.training.losses import balanced

    rows, labels = tools.samples(number=300)
    keep = (labels != 2) | (np.arange(300) % 5 == 0)
    rows, labels = rows[keep].astype(np.float64), labels[keep]
    weights = balanced(labels, 3)
    for intercept in (True, False):
        theirs = peer(rows, labels, 0.01, class_weight="balanced", fit_intercept=intercept)
        work = minimise(
            rows, labels, classes=3, l2=0.01, class_weights=weights, intercept=intercept,
            tolerance=1e-9,
        )  # fmt: skip
        _, found = tools.finish(work)
        assert np.allclose(found.weights, theirs.coef_, atol=1e-6)
        assert np.allclose(
            found.bias - found.bias.mean(),
            theirs.intercept_ - np.mean(theirs.intercept_),
            atol=1e-6,
        )


@settings(max_examples=25)
@given(st.integers(0, 1000), st.integers(2, 4), st.booleans())
def test_the_gradient_is_that_of_autograd(seed, classes, weighted):
    import torch

    rng = np.random.default_rng(seed)
    rows, labels = rng.normal(size=(2100, 3)), rng.integers(0, classes, 2100)  # two pieces
    counts = rng.random(classes) + 0.5 if weighted else None
    at = torch.from_numpy(rng.normal(size=(classes, 4)))
    with ThreadPoolExecutor(2) as pool:
        function = SoftmaxObjective(
            rows, labels, classes=classes, l2=0.3, class_weights=counts, pool=pool
        )
        value, gradient = function(at)
    at.requires_grad_()
    scores = torch.from_numpy(rows) @ at[:, :3].t() + at[:, 3]
    each = torch.nn.functional.cross_entropy(scores, torch.from_numpy(labels), reduction="none")
    if weighted:
        each = each * torch.from_numpy(counts)[labels]
    expected = each.mean() + 0.15 * at[:, :3].square().sum()
    expected.backward()
    assert value == pytest.approx(float(expected.detach()), rel=1e-12)
    assert torch.allclose(gradient, at.grad, atol=1e-12)


def test_columns_of_any_scale_cost_no_more_iterations(tools):
    rows, labels = tools.samples(number=500)
    labels[::7] = (labels[::7] + 1) % 3  # so that no plane divides them
    scales = np.float64([1e-4, 1, 1e3, 1e-2, 10, 1e5])
    found = []
    for each in (rows.astype(np.float64), rows * scales):
        _, optimum = tools.finish(minimise(each, labels, classes=3, l2=1e-16, tolerance=1e-9))
        found.append(optimum)
    assert found[1].objective == pytest.approx(found[0].objective, rel=1e-6)
    assert found[1].iterations <= 2 * found[0].iterations


def test_constant_empty_and_equal_columns_do_no_harm(tools):
    rows, labels = tools.samples(number=100)
    rows = np.column_stack([rows, np.zeros(100), np.ones(100), rows[:, 0]]).astype(np.float32)
    _, found = tools.finish(minimise(rows, labels, classes=3, l2=1e-3))
    assert found.converged
    assert np.all(found.weights[:, 6] == 0)
    assert np.allclose(found.weights[:, 8], found.weights[:, 0], atol=1e-3)


def test_it_goes_on_from_a_start_and_says_when_it_is_not_there_yet(tools):
    rows, labels = tools.samples()
    records, short = tools.finish(minimise(rows, labels, classes=3, l2=1e-3, iterations=2))
    assert not short.converged
    assert short.iterations == 2
    assert "not at the optimum" in records[-1].text
    assert isinstance(records[-1], Warned)
    start = short.weights, short.bias
    _, found = tools.finish(minimise(rows, labels, classes=3, l2=1e-3, start=start))
    assert found.converged
    assert found.history[0] == pytest.approx(short.objective, rel=1e-6)


def test_classes_that_can_be_divided_without_a_penalty_end_with_a_finite_classifier(tools):
    rows = np.float32([[-1, 0], [-2, 1], [1, 0], [2, 1]])
    _, found = tools.finish(minimise(rows, np.array([0, 0, 1, 1]), classes=2, l2=0.0))
    assert np.isfinite(found.weights).all()
    assert (rows @ found.weights.T + found.bias).argmax(1).tolist() == [0, 0, 1, 1]


def test_inputs_that_are_no_numbers_are_refused(tools):
    rows, labels = tools.samples()
    rows[5, 2] = np.nan
    with pytest.raises(DlkitError, match="the loss of the linear classifier is nan"):
        tools.finish(minimise(rows, labels, classes=3, l2=0.1))


def test_a_signal_ends_it(tools):
    rows, labels = tools.samples()
    stop = Stop()
    stop.signum = signal.SIGINT
    with pytest.raises(StoppedError):
        tools.finish(minimise(rows, labels, classes=3, l2=0.1, stop=stop))


def test_any_number_of_threads_gives_the_same_bits(tools):
    rows, labels = tools.samples(number=7000)
    one, other = (
        tools.finish(minimise(rows, labels, classes=3, l2=0.01, threads=threads))[1]
        for threads in (1, 3)
    )
    assert one.weights.tobytes() == other.weights.tobytes()
    assert one.history == other.history
