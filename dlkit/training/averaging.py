"""The exponential moving average of the weights, which often judges better than the last ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn


class Average:
    """The average a of trained parameters w: after each step a = d a + (1 - d) w.

    The running means and variances of batch normalisation are averaged as the parameters are: those
    of the last weights are not those of the averaged ones.

    In the first steps d is at most (1 + t)/(10 + t), t steps being done, as in TensorFlow's
    ExponentialMovingAverage: the random start is soon forgotten.

    Args:
        model: whose trained parameters and floating-point buffers are averaged.
        decay: d, 0 to 1.

    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        frozen = {name for name, each in model.named_parameters() if not each.requires_grad}
        named = [
            (name, each)
            for name, each in model.state_dict(keep_vars=True).items()
            if each.is_floating_point() and name not in frozen
        ]
        self._names = [name for name, _ in named]
        self._weights = [each.detach() for _, each in named]
        self._averages = [each.clone() for each in self._weights]
        self._decay = decay

    def update(self, step: int) -> None:
        """Take in the weights after step ``step``, counted from 0."""
        import torch

        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._averages, self._weights, 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let the model have the averages in the body; its own weights come back, bit for bit."""
        import torch

        own = [each.clone() for each in self._weights]
        torch._foreach_copy_(self._weights, self._averages)
        try:
            yield
        finally:
            torch._foreach_copy_(self._weights, own)

    def settle(self) -> None:
        """Give the model the averages for good."""
        import torch

        torch._foreach_copy_(self._weights, self._averages)

    def tensors(self) -> dict[str, torch.Tensor]:
        """The averages by their parameters' names; not copies."""
        return dict(zip(self._names, self._averages, strict=True))
