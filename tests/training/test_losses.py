from __future__ import annotations

import numpy as np
import pytest

from dlkit.training import losses


def scores(number=12, classes=5, seed=0):
    import torch

    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(number, classes, generator=generator, dtype=torch.float64)
    return values, torch.randint(0, classes, (number,), generator=generator)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
def test_softmax_is_minus_the_logarithm_of_the_smoothed_target(smoothing, weighted):
    import torch

    values, labels = scores()
    weights = torch.tensor([1.0, 2, 3, 0.5, 0.25], dtype=torch.float64) if weighted else None
    loss = losses.Classification("softmax", smoothing, weights)
    expected = 0.0
    for row, label in zip(values.numpy(), labels.numpy(), strict=True):
        logs = row - np.log(np.exp(row).sum())
        target = np.full(5, smoothing / 5)
        target[label] += 1 - smoothing
        expected -= (1 if weights is None else float(weights[label])) * target @ logs
    assert float(loss.total(values, labels)) == pytest.approx(expected, rel=1e-12)
    # What only helps training has no part in judging.
    assert float(loss.plain.total(values, labels)) == pytest.approx(
        float(losses.Classification("softmax", 0.0, weights).total(values, labels))
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_hinge_adds_what_each_other_class_lacks_of_the_margin(weighted):
    import torch

    values, labels = scores()
    weights = torch.tensor([1.0, 2, 3, 0.5, 0.25], dtype=torch.float64) if weighted else None
    expected = sum(
        (1 if weights is None else float(weights[label])) * max(0.0, row[other] - row[label] + 1)
        for row, label in zip(values.tolist(), labels.tolist(), strict=True)
        for other in range(5)
        if other != label
    )
    loss = losses.Classification("hinge", weights=weights)
    assert float(loss.total(values, labels)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kind", ["softmax", "hinge"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_gradients_are_those_of_finite_differences(kind, smoothing):
    import torch

    values, labels = scores(6)
    loss = losses.Classification(kind, smoothing if kind == "softmax" else 0.0)
    values.requires_grad_()
    assert torch.autograd.gradcheck(lambda s: loss.total(s, labels), (values,))


def test_balanced_weights_are_those_of_scikit_learn():
    from sklearn.utils.class_weight import compute_class_weight

    labels = np.array([0, 0, 0, 1, 2, 2])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    found = losses.balanced(labels, 3)
    assert np.allclose(found, expected)
    assert found[labels].mean() == pytest.approx(1)
    assert losses.balanced(labels, 4)[3] == 0  # of a class without samples


def test_the_answer_is_the_class_whose_score_is_first():
    values, _ = scores(50)
    loss = losses.build("softmax", classes=5)
    expected = values.numpy().argmax(1)
    assert loss.answers(values.requires_grad_()).tolist() == expected.tolist()


def test_hinge_has_no_label_smoothing():
    with pytest.raises(ValueError, match="label smoothing"):
        losses.build("hinge", classes=3, smoothing=0.1)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_mixed_loss_is_that_of_the_mixed_target(smoothing):
    import torch

    values, labels = scores(20)
    _, others = scores(20, seed=1)
    share = torch.rand(20, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    target = share[:, None] * torch.eye(5)[labels] + (1 - share)[:, None] * torch.eye(5)[others]
    expected = torch.nn.functional.cross_entropy(
        values, target.double(), reduction="sum", label_smoothing=smoothing
    )
    loss = losses.Classification("softmax", smoothing)
    assert float(loss.mixed(values, labels, others, share)) == pytest.approx(float(expected))


@pytest.mark.parametrize("loss", [
    losses.Classification("softmax", 0.2), losses.Classification("hinge"),
], ids=["softmax", "hinge"])  # fmt: skip
def test_each_label_of_a_mixed_sample_counts_by_its_share_and_its_class_weight(loss):
    import torch

    values, labels = scores(20)
    _, others = scores(20, seed=1)
    loss = losses.Classification(
        loss.kind, loss.smoothing, torch.tensor([1.0, 2, 3, 0.5, 0.25], dtype=torch.float64)
    )
    whole = torch.ones(20, dtype=torch.float64)
    for share, truth in ((whole, labels), (0 * whole, others)):
        mixed = loss.mixed(values, labels, others, share)
        assert float(mixed) == pytest.approx(float(loss.total(values, truth)))
    half = loss.mixed(values, labels, others, whole / 2)
    both = loss.total(values, labels) + loss.total(values, others)
    assert float(half) == pytest.approx(float(both) / 2)
