"""Targets that are no labels: numbers, what an augmentation makes, lists; and judges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from dlkit.errors import DlkitError
from dlkit.records import Noted
from dlkit.training.augmenting.pairs import Pair
from dlkit.training.batches import Batches
from dlkit.training.config import TrainingConfig
from dlkit.training.judging import Judged
from dlkit.training.loop import fit


@dataclass(frozen=True)
class Squares:
    """The squared error, summed over what a sample has; its measure is the absolute error."""

    measure: ClassVar[str | None] = "distance"

    def total(self, outputs, targets):
        return (outputs - targets).square().sum()

    def measured(self, outputs, targets):
        return (outputs - targets).abs().sum()

    @property
    def plain(self):
        return self


class Silent(Squares):
    measure = None

    def measured(self, outputs, targets):
        raise AssertionError("nobody asked")


def sums(tools, **settings):
    """Rows, and twice their first two numbers as what is to be answered."""
    rows, _ = tools.samples()
    return Batches(rows, 2 * rows[:, :2], batch_size=32, **settings)


def line(tools):
    import torch

    rows, _ = tools.samples()
    torch.manual_seed(3)
    return torch.nn.Linear(rows.shape[1], 2)


CONFIG = TrainingConfig(optimizer="sgd", lr=0.02, momentum=0, epochs=3)


def plain_loop(model, batches, config):
    """The same training written out; of each epoch the mean loss and distance."""
    import torch

    optimizer, told = torch.optim.SGD(model.parameters(), lr=config.lr), []
    for epoch in range(config.epochs):
        loss = distance = samples = 0.0
        for batch in batches.at(epoch):
            outputs = model(*batch.inputs)
            total = (outputs - batch.targets).square().sum()
            optimizer.zero_grad()
            (total / len(outputs)).backward()
            optimizer.step()
            loss += float(total.detach())
            distance += float((outputs.detach() - batch.targets).abs().sum())
            samples += len(outputs)
        told.append((loss / samples, distance / samples))
    return told


@pytest.mark.parametrize("accumulated", [False, True])
def test_a_regression_is_that_of_a_plain_loop(tools, accumulated):
    import torch

    model, other = line(tools), line(tools)
    batches = sums(tools)
    size = 8 if accumulated else 32
    config = CONFIG.model_copy(update={"batch_size": size, "accumulate": 32 // size})
    _, fitted = tools.finish(fit(model, batches, config=config, loss=Squares(), validate=batches))
    told = plain_loop(other, batches, config)
    for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-5)
    assert [(entry["loss"], entry["distance"]) for entry in fitted.history] == [
        pytest.approx(each, rel=1e-4) for each in told
    ]
    rows, _ = tools.samples()
    with torch.no_grad():
        wrong = other(torch.from_numpy(rows)) - 2 * torch.from_numpy(rows[:, :2])
    last = fitted.history[-1]
    assert last["validation_loss"] == pytest.approx(float(wrong.square().sum(1).mean()), rel=1e-4)
    assert last["validation_distance"] == pytest.approx(float(wrong.abs().sum(1).mean()), rel=1e-4)


def test_without_a_measure_none_is_told(tools):
    batches = sums(tools)
    _, fitted = tools.finish(
        fit(line(tools), batches, config=CONFIG, loss=Silent(), validate=batches)
    )
    assert fitted.history[-1].keys() == {"epoch", "loss", "lr", "validation_loss"}


def test_an_augmentation_makes_inputs_and_targets_of_its_own_draws(tools):
    import torch

    rows, _ = tools.samples()

    def halves(inputs, generator, epoch, places):
        noise = torch.rand(inputs.shape, generator=generator)
        return Pair(inputs + noise, 2 * (inputs + noise)[:, :2])

    batches = Batches(rows, None, batch_size=32, augment=halves)
    model = line(tools)
    _, fitted = tools.finish(fit(model, batches, config=CONFIG, loss=Squares()))
    other = line(tools)
    told = plain_loop(other, Batches(rows, None, batch_size=32, augment=halves), CONFIG)
    assert [entry["loss"] for entry in fitted.history] == pytest.approx(
        [loss for loss, _ in told], rel=1e-4
    )
    for batch in batches.at(1):
        assert torch.equal(batch.targets, 2 * batch.inputs[0][:, :2])
        assert sum(len(part.targets) for part in batch.parts(5)) == len(batch.targets)


class Lists:
    """Of sample n, n numbers."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def take(self, places):
        return [[place] * place for place in places.tolist()]


def test_targets_may_be_of_any_length(tools):
    rows = np.arange(10, dtype=np.float32)[:, None]
    found = []
    for batch in Batches(rows, Lists(10), batch_size=4).at():
        for part in batch.parts(3):
            assert [len(each) for each in part.targets] == part.inputs[0][:, 0].tolist()
            found += part.targets
    assert sorted(map(len, found)) == list(range(10))
    with pytest.raises(ValueError, match="10 inputs and 9 targets"):
        Batches(rows, Lists(9), batch_size=4)


def judge_of(worths, seen):
    """A judge whose verdicts are given, and which keeps the weights that it saw."""

    def judge(model):
        seen.append({name: each.clone() for name, each in model.state_dict().items()})
        worth = worths[len(seen) - 1]
        return Judged(worth, {"validation_map": -worth}, "the highest validation mAP")

    return judge


@pytest.mark.parametrize("ema", [0.0, 0.5])
def test_a_judge_says_which_epoch_is_the_best(tools, ema):
    import torch

    seen = []
    model = line(tools)
    config = CONFIG.model_copy(update={"epochs": 9, "patience": 2, "ema": ema})
    judge = judge_of([-0.1, -0.5, -0.2, -0.4, -0.9], seen)
    records, fitted = tools.finish(
        fit(model, sums(tools), config=config, loss=Squares(), validate=judge)
    )
    assert (fitted.best_epoch, fitted.epochs, fitted.stopped_early) == (2, 4, True)
    assert [entry["validation_map"] for entry in fitted.history] == [0.1, 0.5, 0.2, 0.4]
    for name, each in model.state_dict().items():
        assert torch.equal(each, seen[1][name])
    assert any(
        isinstance(record, Noted)
        and record.text == "stopped early: the highest validation mAP was in epoch 2"
        for record in records
    )


def test_a_judgement_that_is_no_number_is_refused(tools):
    judge = judge_of([float("nan")], [])
    with pytest.raises(DlkitError, match="the validation map is nan after epoch 1"):
        tools.finish(fit(line(tools), sums(tools), config=CONFIG, loss=Squares(), validate=judge))
