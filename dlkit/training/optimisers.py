"""The optimisers of PyTorch, with the penalty on the weights alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlkit.training.penalties import divide

if TYPE_CHECKING:
    import torch
    from torch import nn

    from dlkit.training.config import TrainingConfig


def build(model: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """The optimizer of ``config``; with l2 in two groups, weights and the rest, which has none.

    One fused program does a whole step where PyTorch has it (CPU and CUDA).
    """
    import torch

    weights, rest = divide(model)
    if not config.l2:
        weights, rest = weights + rest, []  # one group is one call of the fused program
    groups = [
        {"params": parameters, "weight_decay": decay}
        for parameters, decay in ((weights, config.l2), (rest, 0.0))
        if parameters
    ]
    shared: dict[str, Any] = {"lr": config.first_lr, "fused": _fused(weights + rest)}
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, momentum=config.momentum, nesterov=config.nesterov, **shared)
    shared |= {"betas": config.betas, "eps": config.eps}
    if config.optimizer == "adam":
        return torch.optim.Adam(groups, **shared)
    assert config.optimizer == "adamw", config.optimizer
    return torch.optim.AdamW(groups, **shared)


def _fused(parameters: list[nn.Parameter]) -> bool:
    return all(
        each.device.type in ("cpu", "cuda") and each.is_floating_point() for each in parameters
    )
