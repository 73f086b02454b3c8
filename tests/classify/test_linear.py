"""The linear classifier is at the optimum that scikit-learn finds with the same λ."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dlkit.artifacts.tensors import read_tensors
from dlkit.data.config import SampleConfig
from dlkit.data.loading import load
from dlkit.errors import DlkitError


def objective(weights, bias, rows, labels, l2):
    """Mean cross-entropy + l2/2 ΣW², in float64."""
    scores = rows @ weights.T + bias
    most = scores.max(1, keepdims=True)
    logs = np.log(np.exp(scores - most).sum(1)) + most[:, 0]
    return (logs - scores[np.arange(len(rows)), labels]).mean() + l2 / 2 * (weights**2).sum()


@pytest.mark.parametrize("l2", [1e-3, 0.1])
def test_it_is_the_optimum_of_scikit_learn(trained, l2):
    from sklearn.linear_model import LogisticRegression

    ours = trained("builtin:digits", **{"training.l2": l2, "training.validation": 0})
    rows = ours.ready.train.numbers / 255.0
    labels = ours.ready.train.labels
    theirs = LogisticRegression(C=1 / (l2 * len(rows)), tol=1e-8, max_iter=5000)
    theirs.fit(rows, labels)
    weights, bias = (each.detach().double().numpy() for each in ours.model.parameters())
    best = objective(theirs.coef_, theirs.intercept_, rows, labels, l2)
    assert objective(weights, bias, rows, labels, l2) == pytest.approx(best, rel=1e-6)
    assert ours.facts["objective"] == pytest.approx(best, rel=1e-6)
    test = ours.ready.samples.test.images.reshape(-1, 64)
    everything = np.concatenate([rows, test / 255.0])
    guesses = (everything @ weights.T + bias).argmax(1)
    assert (guesses == theirs.predict(everything)).mean() >= 0.999
    assert ours.facts["converged"]


def test_the_command_saves_and_predicts_by_these_weights(dlkit, lines, drive):
    from sklearn.linear_model import LogisticRegression

    options = ("--l2", "0.01", "--validation", "0", "--threads", "1", "-n", "mine", "--json")
    (told,) = lines(dlkit("classify", "train", "builtin:digits", *options))
    folder = dlkit.home / "classify" / "mine"
    document = json.loads((folder / "artifact.json").read_text(encoding="utf-8"))
    assert document["optimizer"] == "lbfgs"
    assert told["parameters"] == 650
    assert document["data"]["samples"]["learnt"] == document["data"]["samples"]["train"]
    weights = read_tensors(folder / "weights.safetensors")
    _, samples = drive(load(["builtin:digits"], SampleConfig(), seed=1))
    rows = samples.train.images.reshape(-1, 64) / 255.0
    fitted = LogisticRegression(C=1 / (0.01 * len(rows)), tol=1e-6, max_iter=5000)
    fitted.fit(rows, samples.train.labels)
    np.testing.assert_allclose(weights["layers.0.weight"], fitted.coef_, atol=1e-3)
    test = samples.test.images.reshape(-1, 64) / 255.0
    wrong = (fitted.predict(test) != samples.test.labels).sum()
    (score,) = lines(dlkit("classify", "eval", "--json"))
    assert abs(score["errors"] - wrong) <= 1
    loss = -np.log(fitted.predict_proba(test)[np.arange(len(test)), samples.test.labels]).mean()
    assert score["log_loss"] == pytest.approx(loss, rel=1e-4)


def test_an_explicit_training_by_epochs_is_taken(trained):
    for name, value in (("epochs", 2), ("lr", 0.1), ("optimizer", "sgd")):
        found = trained("builtin:digits", **{f"training.{name}": value, "training.batch_size": 600})
        assert "epoch" in found.history[0]
    assert "iteration" in trained("builtin:digits", **{"training.l2": 0.1}).history[0]


def test_a_penalised_training_by_epochs_comes_to_the_same_optimum(trained):
    exact = trained("builtin:digits", **{"training.l2": 0.1})
    options = {
        "training.l2": 0.1, "training.optimizer": "sgd", "training.epochs": 60,
        "training.lr": 0.05, "training.schedule": "cosine", "training.validation": 0.1,
    }  # fmt: skip
    found = trained("builtin:digits", **options)
    best = found.history[-1]["loss"] + found.history[-1]["penalty"]
    assert best == pytest.approx(exact.facts["objective"], rel=0.01)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"hidden": "8"}, "hidden layers"),
        ({"loss": "hinge"}, "hinge"),
        ({"training.label_smoothing": 0.1}, "label smoothing"),
    ],
)
def test_lbfgs_is_refused_where_there_is_no_convex_optimum(trained, options, said):
    with pytest.raises(DlkitError, match=said) as problem:
        trained("builtin:digits", **{"training.optimizer": "lbfgs", **options})
    assert problem.value.code == 2


def test_balanced_classes_are_those_of_scikit_learn(trained, tmp_path):
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(2)
    labels = (random.random(300) < 0.1).astype(int)
    rows = random.normal(size=(300, 2)) + labels[:, None]
    text = "".join(f"{a},{b},{'xy'[c]}\n" for (a, b), c in zip(rows, labels, strict=True))
    path = tmp_path / "rare.csv"
    path.write_text("a,b,kind\n" + text, encoding="utf-8")
    options = {"training.class_weights": "balanced", "training.l2": 0.01, "preprocess": "none"}
    ours = trained(path, **{"training.validation": 0}, **options)
    rows, labels = ours.ready.train.numbers, ours.ready.train.labels
    # Two rows of softmax are one logistic function of their difference w: ΣW² is w²/2.
    theirs = LogisticRegression(
        C=2 / (0.01 * len(rows)), class_weight="balanced", tol=1e-10, max_iter=1000
    ).fit(rows, labels)
    weights, bias = (each.detach().numpy() for each in ours.model.parameters())
    np.testing.assert_allclose(weights[1] - weights[0], theirs.coef_[0], rtol=1e-3)
    np.testing.assert_allclose(bias[1] - bias[0], theirs.intercept_[0], rtol=1e-2)


def test_without_a_penalty_dividable_classes_are_said_to_have_no_optimum(trained, tmp_path):
    path = tmp_path / "apart.csv"
    text = "".join(f"{x},{'ab'[x > 0]}\n" for x in range(-20, 21) if x)
    path.write_text("x,kind\n" + text, encoding="utf-8")
    found = trained(path, **{"training.iterations": 3})
    told = [getattr(record, "text", "") for record in found.records]
    assert any("λ is 0" in text for text in told)


def test_fewer_samples_than_inputs_are_divided(drive):
    from dlkit.training.lbfgs import minimise

    random = np.random.default_rng(0)
    labels = np.arange(18) % 2
    # Pictures that differ little but for their brightness: their products are far from regular.
    pixels = random.integers(-30, 30, (18, 192)) + np.where(labels[:, None], 40, 200)
    _, found = drive(
        minimise((pixels / 255).astype(np.float32), labels, classes=2, l2=0, threads=1)
    )
    assert found.converged
    assert found.objective < 1e-3
