"""The loss and the right answers of a network on samples that it does not learn from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlkit.errors import DlkitError
from dlkit.training import machine, modes

if TYPE_CHECKING:
    from torch import nn

    from dlkit.training.batches import Batch, Batches
    from dlkit.training.config import TrainingConfig
    from dlkit.training.losses import Loss


def judge(
    model: nn.Module, batches: Batches, *, loss: Loss, config: TrainingConfig
) -> tuple[float, float]:
    """The mean loss and the share of right answers, in evaluation mode; the mode comes back.

    Raises:
        DlkitError: memory does not suffice for one sample.

    """
    import torch

    plain = loss.plain
    total = correct = 0.0
    size = batches.batch_size
    with modes.judging(model), torch.no_grad():
        for batch in batches.at():
            some, right, size = _part(model, batch, plain, config, size)
            total += some
            correct += right
    return total / batches.samples, correct / batches.samples


def _part(
    model: nn.Module, batch: Batch, loss: Loss, config: TrainingConfig, size: int
) -> tuple[float, float, int]:
    """Sums over a batch, and how many samples went at once."""
    while True:
        try:
            total = correct = 0.0
            for part in batch.parts(size):
                with machine.autocast(config):
                    outputs = model(*part.inputs)
                total += float(loss.total(outputs, part.labels))
                correct += int((loss.answers(outputs) == part.labels).sum())
        except (RuntimeError, MemoryError) as problem:
            if not machine.is_out_of_memory(problem):
                raise
        else:
            return total, correct, size
        if size == 1:
            raise DlkitError("out of memory with 1 sample at once", hint="a smaller network")
        size = max(min(size, len(batch.labels)) // 2, 1)
