"""Whether a network learns or is asked: the mode of each of its modules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def learn(model: nn.Module) -> None:
    """Put ``model`` in training mode, without the batch normalisations whose parameters are frozen.

    Those belong to weights that do not change any more: their running means and variances must not
    change either.
    """
    from torch import nn

    model.train()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            own = list(module.parameters(recurse=False))
            if own and not any(each.requires_grad for each in own):
                module.eval()


@contextmanager
def judging(model: nn.Module) -> Iterator[None]:
    """Let ``model`` be in evaluation mode in the body; each module's own mode comes back."""
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training
