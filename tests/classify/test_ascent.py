"""Dual coordinate ascent reaches the optimum that scikit-learn finds, by its own certificate."""

from __future__ import annotations

import numpy as np
import pytest

from dlkit.classify.ascent import ascend
from dlkit.classify.linear import LinearNgrams
from dlkit.data.ngrams import Bags
from dlkit.progress import follow


def drawn(texts=200, places=60, classes=2, seed=0):
    """Sparse rows whose classes depend on their numbers, some rows empty."""
    rng = np.random.default_rng(seed)
    dense = rng.random((texts, places)) * (rng.random((texts, places)) < 0.15)
    dense = dense.astype(np.float32)
    dense[:: texts // 3] = 0
    labels = (dense @ rng.normal(size=(places, classes)) + rng.normal(size=classes)).argmax(axis=1)
    flips = rng.random(texts) < 0.1
    labels[flips] = rng.integers(0, classes, flips.sum())
    sizes = (dense != 0).sum(axis=1)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    bags = Bags(np.nonzero(dense)[1].astype(np.int32), offsets, dense[dense != 0])
    return dense, bags, labels


def reached(bags, labels, **options):
    classes = options.pop("classes", int(labels.max()) + 1)
    work = ascend(bags, labels, classes=classes, **{"places": 60, "tolerance": 1e-9} | options)
    return follow(work, mode="off", quiet=True)


def objective(dense, labels, model, l2, costs):
    """f by its definition, in float64."""
    weights, bias = model.weights.astype(float), model.bias.astype(float)
    scores = dense.astype(float) @ weights + bias
    own = scores[np.arange(len(labels)), labels]
    losses = np.log(np.exp(scores).sum(axis=1)) - own
    return float((costs * losses).mean() + l2 / 2 * (weights**2).sum())


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("l2", [0.1, 0.01, 0.0005])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_optimum_is_that_of_scikit_learn(classes, l2, weighted):
    from sklearn.linear_model import LogisticRegression

    dense, bags, labels = drawn(classes=classes)
    each = np.linspace(0.5, 1.5, classes)
    costs = each[labels] if weighted else np.ones(len(labels))
    found = reached(bags, labels, l2=l2, class_weights=each if weighted else None)
    assert found.converged
    theirs = LogisticRegression(C=1 / (l2 * len(labels)), tol=1e-10, max_iter=5000)
    theirs.fit(dense.astype(float), labels, sample_weight=costs)
    # Of two classes scikit-learn penalises the one vector w; ours are w/2 and -w/2.
    if classes == 2:
        theirs = LogisticRegression(C=2 / (l2 * len(labels)), tol=1e-10, max_iter=5000)
        theirs.fit(dense.astype(float), labels, sample_weight=costs)
        wanted = np.vstack([-theirs.coef_ / 2, theirs.coef_ / 2])
    else:
        wanted = theirs.coef_
    np.testing.assert_allclose(found.model.weights.T, wanted, atol=2e-3 * np.abs(wanted).max())
    assert found.objective == pytest.approx(objective(dense, labels, found.model, l2, costs), 1e-6)


def test_the_gap_bounds_what_is_left_at_every_look():
    for classes in (2, 4):
        _, bags, labels = drawn(classes=classes)
        least = reached(bags, labels, l2=1e-3).objective
        history = reached(bags, labels, l2=1e-3).history
        assert len(history) > 2
        for entry in history:
            assert -1e-9 <= entry["objective"] - least <= entry["gap"] + 1e-6


def test_the_same_seed_gives_the_same_bits_and_another_the_same_optimum():
    _, bags, labels = drawn(classes=3)
    first, again, other = (reached(bags, labels, l2=1e-3, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.model.weights, again.model.weights)
    assert (first.model.weights != other.model.weights).any()
    np.testing.assert_allclose(first.model.weights, other.model.weights, atol=1e-2)


def test_a_class_without_texts_and_separable_texts_are_no_trouble():
    _, bags, labels = drawn()
    found = reached(bags, labels, l2=1e-3, classes=3, tolerance=1e-4)
    assert found.converged
    assert found.model.scores(bags).argmax(axis=1).max() <= 1
    single = Bags(np.array([0, 1], np.int32), np.array([0, 1, 2]), np.ones(2, np.float32))
    found = reached(single, np.array([0, 1]), l2=1e-6, places=2, tolerance=1e-3)
    assert found.model.scores(single).argmax(axis=1).tolist() == [0, 1]


def test_passes_that_do_not_suffice_are_warned_of():
    from dlkit.records import Warned

    _, bags, labels = drawn()
    records = list(ascend(bags, labels, places=60, classes=2, l2=1e-6, iterations=1,
                          tolerance=1e-12))  # fmt: skip
    assert any(isinstance(record, Warned) and "1 passes" in record.text for record in records)


def test_scores_are_those_of_the_network(monkeypatch):
    import torch

    from dlkit.classify.model import TextNetwork

    dense, bags, _ = drawn(classes=3)
    rng = np.random.default_rng(1)
    model = LinearNgrams(rng.normal(size=(60, 3)).astype(np.float32),
                         rng.normal(size=3).astype(np.float32))  # fmt: skip
    network = TextNetwork(ngrams=60, classes=3)
    network.load_state_dict(
        {name: torch.from_numpy(each) for name, each in model.tensors().items()}
    )
    with torch.inference_mode():
        wanted = network(
            torch.from_numpy(bags.values.astype(np.int64)), torch.from_numpy(bags.offsets[:-1]),
            torch.from_numpy(bags.weights),
        ).numpy()  # fmt: skip
    np.testing.assert_allclose(model.scores(bags), wanted, atol=1e-5)
    np.testing.assert_allclose(model.scores(bags), dense @ model.weights + model.bias, atol=1e-5)
    monkeypatch.setattr("dlkit.classify.linear.has_numba", lambda: False)
    np.testing.assert_allclose(model.scores(bags), wanted, atol=1e-5)
