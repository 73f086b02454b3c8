"""What a training by epochs would cost, from a few steps of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor, nn

    from dlkit.training.batches import Batches
    from dlkit.training.config import TrainingConfig
    from dlkit.training.losses import Loss

_TRIED: Final = 3  # steps that are timed
_TOLD: Final = 12  # layers whose shapes are told
_STATES: Final = {"sgd": 1, "adam": 2, "adamw": 2}  # numbers that are kept of each parameter


class Cost(NamedTuple):
    """What a step takes.

    Attributes:
        seconds: the quickest of a few, forward and backward.
        activation_bytes: what the backward pass needs of the forward pass, weights aside.

    """

    seconds: float
    activation_bytes: int


def step_cost(model: nn.Module, batches: Batches, loss: Loss, training: TrainingConfig) -> Cost:
    """What a step takes, forward and backward."""
    import torch

    from dlkit.training import machine, modes

    with machine.arranged(training):
        modes.learn(machine.laid_out(model.to(training.device)))
        best, kept = float("inf"), 0
        for place, batch in enumerate(batches.at()):
            begun = time.perf_counter()
            with _Kept(model) as keeping, machine.autocast(training):
                scores = model(*batch.inputs)
                total = loss.total(scores, batch.targets)
            torch.autograd.backward(total)
            float(total.detach())  # waits for a GPU
            best = min(best, time.perf_counter() - begun)
            kept = max(kept, keeping.bytes)
            if place == _TRIED - 1:
                break
    return Cost(best, kept)


class _Kept:
    """While it is entered, the bytes that autograd keeps for the backward pass, each once."""

    def __init__(self, model: nn.Module) -> None:
        from torch.autograd.graph import saved_tensors_hooks

        self._weights = {each.untyped_storage().data_ptr() for each in model.parameters()}
        self._storages: dict[int, int] = {}
        self._hooks = saved_tensors_hooks(self._seen, lambda tensor: tensor)

    @property
    def bytes(self) -> int:
        return sum(self._storages.values())

    def _seen(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in self._weights:
            self._storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    def __enter__(self) -> _Kept:
        self._hooks.__enter__()
        return self

    def __exit__(self, *problem: object) -> None:
        self._hooks.__exit__(*problem)


def weights_bytes(model: nn.Module, optimizer: str) -> int:
    """Bytes of the weights, their gradients and what the optimizer keeps of them."""
    copies = 2 + _STATES[optimizer]
    return 4 * copies * sum(each.numel() for each in model.parameters())


def layers_text(model: nn.Module) -> str:
    """The weights' shapes, outputs x inputs, in order; of many the first and the last."""
    found = [
        " x ".join(f"{side:,}" for side in parameter.shape)
        for parameter in model.parameters()
        if parameter.ndim > 1
    ]
    if len(found) > _TOLD:
        found = [*found[:2], f"… {len(found) - 3} more …", found[-1]]
    return ", ".join(found)
