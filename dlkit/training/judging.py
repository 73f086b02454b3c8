"""How good a network is on samples that it does not learn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dlkit.errors import DlkitError
from dlkit.training import machine, modes

if TYPE_CHECKING:
    from torch import nn

    from dlkit.training.batches import Batch, Batches
    from dlkit.training.config import TrainingConfig
    from dlkit.training.losses import Loss


@dataclass(frozen=True)
class Judged:
    """What an epoch's weights are worth.

    Attributes:
        worth: smaller is better; the best weights are those of the least.
        metrics: what is told, by name.
        best_of: what the epoch of the least worth is called: "the least validation loss".

    """

    worth: float
    metrics: dict[str, float]
    best_of: str


class Judge(Protocol):
    """What judges a network after each epoch, where a loss of batches does not say enough."""

    def __call__(self, model: nn.Module) -> Judged:
        """What ``model`` is worth; its modules' modes must be as before afterwards."""


def judge_batches(
    model: nn.Module, batches: Batches, *, loss: Loss, config: TrainingConfig
) -> Judged:
    """The mean loss and measure, in evaluation mode; the mode comes back.

    Raises:
        DlkitError: memory does not suffice for one sample.

    """
    import torch

    plain = loss.plain
    total = measured = 0.0
    size = batches.batch_size
    with modes.judging(model), torch.no_grad():
        for batch in batches.at():
            some, amount, size = _part(model, batch, plain, config, size)
            total += some
            measured += amount
    mean = total / batches.samples
    metrics = {"validation_loss": mean}
    if plain.measure is not None:
        metrics[f"validation_{plain.measure}"] = measured / batches.samples
    return Judged(mean, metrics, "the least validation loss")


def _part(
    model: nn.Module, batch: Batch, loss: Loss, config: TrainingConfig, size: int
) -> tuple[float, float, int]:
    """Sums over a batch, and how many samples went at once."""
    while True:
        try:
            total = measured = 0.0
            for part in batch.parts(size):
                with machine.autocast(config):
                    outputs = model(*part.inputs)
                total += float(loss.total(outputs, part.targets))
                if loss.measure is not None:
                    measured += float(loss.measured(outputs, part.targets))
        except (RuntimeError, MemoryError) as problem:
            if not machine.is_out_of_memory(problem):
                raise
        else:
            return total, measured, size
        if size == 1:
            raise DlkitError("out of memory with 1 sample at once", hint="a smaller network")
        size = max(min(size, len(batch.targets)) // 2, 1)
