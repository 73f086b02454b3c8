"""R(W): which parameters are weights, what they are penalised by, and the step that does it.

The penalty is l2/2 Σ W² + l1 Σ |W|. Weights are the parameters of two or more axes that are no
part of a normalisation: those of linear, convolutional, recurrent and embedding layers. Biases and
the scales and shifts of normalisation are never penalised.

    l2   sgd, adam: its gradient l2 W is added to the loss' (after clipping, which is of the loss'
         gradient alone); adamw: weights shrink by lr l2 W in each step, apart from the gradient
         (Loshchilov and Hutter 2019)
    l1   sgd: the proximal step, W moves towards 0 by lr/(1 - momentum) l1 after each step and
         stays there if it arrives (Beck and Teboulle 2009), so weights become exactly 0; adamw: the
         same by lr l1; adam: its subgradient l1 sign(W) is added to the loss' gradient

Momentum makes a constant gradient's step 1/(1 - momentum) times as long; the proximal step is as
much longer, so that the two balance where the penalised loss has its least value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn

    from dlkit.training.config import TrainingConfig


def divide(model: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The trained parameters: weights, which are penalised, and the others; each once."""
    from torch import nn

    norms = (
        nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm,
        nn.LocalResponseNorm,
    )  # fmt: skip
    spared = {
        id(parameter)
        for module in model.modules()
        if isinstance(module, norms)
        for parameter in module.parameters(recurse=False)
    }
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    weights = [each for each in trained if each.ndim > 1 and id(each) not in spared]
    chosen = {id(each) for each in weights}
    return weights, [each for each in trained if id(each) not in chosen]


def penalty(weights: Sequence[torch.Tensor], *, l2: float, l1: float) -> float:
    """l2/2 Σ W² + l1 Σ |W|, added up in float64."""
    import torch

    total = 0.0
    for each in weights:
        # Apple's GPUs have no float64.
        wide = torch.float32 if each.device.type == "mps" else torch.float64
        if l2:
            total += l2 / 2 * float(torch.linalg.vector_norm(each.detach(), 2, dtype=wide)) ** 2
        if l1:
            total += l1 * float(torch.linalg.vector_norm(each.detach(), 1, dtype=wide))
    return total


def add_l1_gradient(weights: Sequence[torch.Tensor], l1: float) -> None:
    """Add the subgradient of l1 Σ |W| to the gradients: for adam."""
    import torch

    having = [each for each in weights if each.grad is not None]
    gradients = [each.grad for each in having if each.grad is not None]
    torch._foreach_add_(gradients, torch._foreach_sign(having), alpha=l1)


def shrink(weights: Sequence[torch.Tensor], amount: float) -> None:
    """Move every weight towards 0 by ``amount``, at most to 0: the proximal step of l1."""
    import torch

    with torch.no_grad():
        for each in weights:
            each.copy_(each.sign() * (each.abs() - amount).clamp_(min=0))


def shrinks_by(config: TrainingConfig, lr: float) -> float:
    """What ``shrink`` takes after a step at learning rate ``lr``; 0 if it is not to be called."""
    if config.optimizer == "adam":
        return 0.0
    if config.optimizer == "sgd":
        return lr * config.l1 / (1 - config.momentum)
    return lr * config.l1
