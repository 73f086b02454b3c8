from __future__ import annotations

import numpy as np
import pytest

from dlkit.training import losses, penalties
from dlkit.training.batches import Batches
from dlkit.training.config import TrainingConfig
from dlkit.training.loop import fit


def test_biases_and_normalisation_are_no_weights():
    from torch import nn

    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.LayerNorm((8, 2)),
        nn.Linear(8, 4), nn.EmbeddingBag(7, 3), nn.LSTM(3, 2), nn.GroupNorm(1, 4),
    )  # fmt: skip
    weights, rest = penalties.divide(model)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert [names[id(each)] for each in weights] == [
        "0.weight", "4.weight", "5.weight", "6.weight_ih_l0", "6.weight_hh_l0",
    ]  # fmt: skip
    assert len(weights) + len(rest) == len(list(model.parameters()))


def test_shared_and_frozen_parameters_are_counted_once_and_not_at_all():
    from torch import nn

    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    model[2].weight.requires_grad_(requires_grad=False)
    weights, rest = penalties.divide(model)
    assert [id(each) for each in weights] == [id(model[0].weight)]
    assert len(rest) == 3


def test_the_penalty_is_half_the_squares_and_the_absolute_values():
    import torch

    weights = [torch.tensor([[1.0, -2.0]]), torch.tensor([[3.0], [-0.5]])]
    assert penalties.penalty(weights, l2=0.1, l1=0.0) == pytest.approx(0.05 * (1 + 4 + 9 + 0.25))
    assert penalties.penalty(weights, l2=0.0, l1=0.2) == pytest.approx(0.2 * 6.5)


@pytest.mark.parametrize(
    ("optimizer", "l2", "l1"), [("sgd", 0.3, 0.0), ("adam", 0.3, 0.0), ("adam", 0.2, 0.1)]
)
def test_steps_are_those_on_the_loss_with_its_penalty_written_out(tools, optimizer, l2, l1):
    import torch

    rows, labels = tools.samples()
    config = TrainingConfig(
        optimizer=optimizer, l2=l2, l1=l1, epochs=2, batch_size=60, lr=0.02, momentum=0.5
    )
    model, other = tools.network(), tools.network()
    batches = Batches(rows, labels, batch_size=60)
    tools.finish(fit(model, batches, config=config, loss=losses.build("softmax", classes=3)))
    if optimizer == "sgd":
        steps = torch.optim.SGD(other.parameters(), lr=0.02, momentum=0.5)
    else:
        steps = torch.optim.Adam(other.parameters(), lr=0.02)
    for epoch in range(2):
        for batch in batches.at(epoch):
            steps.zero_grad()
            value = torch.nn.functional.cross_entropy(other(*batch.inputs), batch.targets)
            for layer in (other[0], other[2]):
                value = value + l2 / 2 * layer.weight.square().sum() + l1 * layer.weight.abs().sum()
            value.backward()
            steps.step()
    for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-5)


def test_adamw_shrinks_weights_alone_and_apart_from_the_gradient(tools):
    import torch

    rows, labels = tools.samples()
    config = TrainingConfig(optimizer="adamw", l2=0.5, epochs=2, batch_size=60, lr=0.01)
    model, other = tools.network(), tools.network()
    batches = Batches(rows, labels, batch_size=60)
    tools.finish(fit(model, batches, config=config, loss=losses.build("softmax", classes=3)))
    steps = torch.optim.Adam(other.parameters(), lr=0.01)
    for epoch in range(2):
        for batch in batches.at(epoch):
            steps.zero_grad()
            torch.nn.functional.cross_entropy(other(*batch.inputs), batch.targets).backward()
            with torch.no_grad():
                for layer in (other[0], other[2]):
                    layer.weight *= 1 - 0.01 * 0.5
            steps.step()
    for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-5)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_l1_by_sgd_ends_at_the_optimum_of_scikit_learn_with_zeros_in_it(tools, momentum):
    import warnings

    import torch
    from sklearn.linear_model import LogisticRegression

    rows, labels = tools.samples(columns=6)
    l1 = 0.02
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names of settings change between its versions
        theirs = LogisticRegression(
            penalty="l1", solver="saga", C=1 / (l1 * len(rows)), tol=1e-8, max_iter=20_000
        ).fit(rows.astype(np.float64), labels)
    model = torch.nn.Linear(6, 3)
    config = TrainingConfig(
        optimizer="sgd", momentum=momentum, l1=l1, epochs=1500, batch_size=len(rows),
        lr=0.5 if momentum == 0 else 0.1,
    )  # fmt: skip
    batches = Batches(rows, labels, batch_size=len(rows))
    tools.finish(fit(model, batches, config=config, loss=losses.build("softmax", classes=3)))

    def objective(weights, biases):
        scores = rows @ weights.T + biases
        logs = scores - np.log(np.exp(scores).sum(1, keepdims=True))
        return -logs[np.arange(len(rows)), labels].mean() + l1 * np.abs(weights).sum()

    mine = model.weight.detach().numpy()
    found = objective(mine, model.bias.detach().numpy())
    assert found == pytest.approx(objective(theirs.coef_, theirs.intercept_), rel=1e-4)
    assert np.array_equal(mine == 0, theirs.coef_ == 0)
    assert (mine == 0).any()
