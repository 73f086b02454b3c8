"""Learning rates as a function of the step: nothing to save, nothing to replay."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from dlkit.training.config import TrainingConfig

# Those of Smith and Topin 2018 as PyTorch's OneCycleLR has them.
_RISE: Final = 0.3
_FIRST: Final = 1 / 25
_LAST: Final = 1 / 25e4


def learning_rate(config: TrainingConfig, step: int, *, steps: int, epoch_steps: int) -> float:
    """The learning rate of a step.

    constant and step begin after a linear rise over ``warmup``; cosine falls from the end of the
    rise to 0 after the last step (Loshchilov and Hutter 2017, one cycle); one-cycle rises from
    1/25 by a cosine over ``warmup`` (0: 0.3 of all steps) and falls to 4e-6 of the largest rate
    by another at the last step.

    Args:
        config: schedule, warmup, lr and what goes with them.
        step: 0 … ``steps`` - 1, over all epochs.
        steps: of the whole training.
        epoch_steps: of an epoch.

    """
    return config.first_lr * _factor(config, step, steps, epoch_steps)


def _factor(config: TrainingConfig, step: int, steps: int, epoch_steps: int) -> float:
    if config.schedule == "one-cycle":
        top = (config.warmup or _RISE) * steps - 1
        if step <= top:
            return _cosine(_FIRST, 1.0, step / top if top > 0 else 1.0)
        return _cosine(1.0, _LAST, min((step - top) / max(steps - 1 - top, 1e-9), 1.0))
    rising = round(config.warmup * steps)
    if step < rising:
        return (step + 1) / (rising + 1)
    if config.schedule == "cosine":
        return _cosine(1.0, 0.0, (step - rising) / max(steps - rising, 1))
    if config.schedule == "step":
        return config.step_factor ** (step // epoch_steps // config.step_epochs)
    return 1.0


def _cosine(start: float, end: float, way: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * way)) / 2
