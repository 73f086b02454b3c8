"""What a training by epochs would cost, from a few steps of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from torch import nn

    from dlkit.training.batches import Batches
    from dlkit.training.config import TrainingConfig
    from dlkit.training.losses import Loss

_TRIED: Final = 3  # steps that are timed
_STATES: Final = {"sgd": 1, "adam": 2, "adamw": 2}  # numbers that are kept of each parameter


def step_seconds(model: nn.Module, batches: Batches, loss: Loss, training: TrainingConfig) -> float:
    """Seconds of a step: the quickest of a few, forward and backward."""
    import torch

    from dlkit.training import machine

    with machine.arranged(training):
        model.to(training.device).train()
        best = float("inf")
        for place, batch in enumerate(batches.at()):
            begun = time.perf_counter()
            with machine.autocast(training):
                scores = model(*batch.inputs)
            torch.autograd.backward(loss.total(scores, batch.labels))
            float(scores.detach().sum())  # waits for a GPU
            best = min(best, time.perf_counter() - begun)
            if place == _TRIED - 1:
                break
    return best


def weights_bytes(model: nn.Module, optimizer: str) -> int:
    """Bytes of the weights, their gradients and what the optimizer keeps of them."""
    copies = 2 + _STATES[optimizer]
    return 4 * copies * sum(each.numel() for each in model.parameters())


def layers_text(model: nn.Module) -> str:
    """The weights' shapes, outputs x inputs, in order."""
    found = [
        " x ".join(f"{side:,}" for side in parameter.shape)
        for parameter in model.parameters()
        if parameter.ndim > 1
    ]
    return ", ".join(found)
