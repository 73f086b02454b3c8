from __future__ import annotations

import pytest

from dlkit.training.config import TrainingConfig
from dlkit.training.schedules import learning_rate


def rates(config, steps, epoch_steps):
    return [
        learning_rate(config, step, steps=steps, epoch_steps=epoch_steps) for step in range(steps)
    ]


def rates_of_pytorch(build, steps, lr):
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    schedule = build(optimizer, torch.optim.lr_scheduler)
    found = []
    for _ in range(steps):
        found.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return found


def test_schedules_are_those_of_pytorch():
    import warnings

    warnings.simplefilter("ignore", UserWarning)  # of the last step of a schedule
    cases = {
        "cosine": lambda o, s: s.CosineAnnealingLR(o, T_max=60),
        "step": lambda o, s: s.StepLR(o, step_size=20, gamma=0.3),
        "one-cycle": lambda o, s: s.OneCycleLR(
            o, 0.4, total_steps=60, pct_start=0.3, cycle_momentum=False
        ),
        "constant": lambda o, s: s.ConstantLR(o, factor=1.0),
    }
    for name, build in cases.items():
        config = TrainingConfig(schedule=name, lr=0.4, step_epochs=2, step_factor=0.3)
        expected = rates_of_pytorch(build, 60, 0.4)
        assert rates(config, 60, 10) == pytest.approx(expected, rel=1e-9, abs=1e-12), name


def test_warm_up_is_that_of_pytorch():
    import warnings

    warnings.simplefilter("ignore", UserWarning)

    def rise(optimizer, schedulers):
        return schedulers.LinearLR(optimizer, start_factor=1 / 13, total_iters=12)

    def then_cosine(o, s):
        return s.SequentialLR(o, [rise(o, s), s.CosineAnnealingLR(o, T_max=48)], milestones=[12])

    cases = {
        "constant": rise,
        "cosine": then_cosine,
        "step": lambda o, s: s.ChainedScheduler([rise(o, s), s.StepLR(o, 20, gamma=0.3)]),
        "one-cycle": lambda o, s: s.OneCycleLR(
            o, 0.4, total_steps=60, pct_start=0.2, cycle_momentum=False
        ),
    }
    for name, build in cases.items():
        config = TrainingConfig(schedule=name, lr=0.4, warmup=0.2, step_epochs=2, step_factor=0.3)
        expected = rates_of_pytorch(build, 60, 0.4)
        assert rates(config, 60, 10) == pytest.approx(expected, rel=1e-9, abs=1e-12), name


@pytest.mark.parametrize("schedule", ["constant", "cosine", "step"])
def test_the_rate_rises_in_equal_steps_over_the_warm_up(schedule):
    config = TrainingConfig(schedule=schedule, warmup=0.2, lr=0.1, step_epochs=100)
    found = rates(config, 50, 5)
    assert found[:10] == pytest.approx([0.1 * (step + 1) / 11 for step in range(10)])
    assert found[10] == pytest.approx(0.1)
    assert max(found) == pytest.approx(0.1)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "step", "one-cycle"])
@pytest.mark.parametrize("warmup", [0.0, 0.3, 0.99])
@pytest.mark.parametrize("steps", [1, 2, 3, 17])
def test_every_rate_is_positive_and_at_most_the_largest(schedule, warmup, steps):
    found = rates(TrainingConfig(schedule=schedule, warmup=warmup, lr=2.0), steps, 1)
    assert all(0 < rate <= 2.0 for rate in found)
