"""SGD, Adam and AdamW, with the penalty on the weights alone.

The arithmetic is PyTorch's (``torch.optim.adam.adam`` and its like, one fused program for a whole
step where it has one); what goes around it is here. PyTorch's own classes load its compiler,
``torch._dynamo``, when one is made, which takes longer than many a training of dlkit, and keep
records in each step that nobody reads.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from dlkit.training.penalties import divide

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch
    from torch import nn

    from dlkit.training.config import TrainingConfig


class Optimizer:
    """What ``config`` asks for, over the weights (with decay ``l2``) and the rest (without).

    Attributes:
        param_groups: dicts of "params", "weight_decay", "lr", "factor" of the learning rate, and
            "weights", whether they are penalised; the lr is set before each step.
        state: what was gathered for each parameter: "momentum_buffer" (sgd) or "step", "exp_avg"
            and "exp_avg_sq" (adam, adamw), in the shape of the parameter but for "step" ().

    """

    def __init__(
        self,
        model: nn.Module,
        config: TrainingConfig,
        lr_factors: Mapping[str, float] | None = None,
    ) -> None:
        weights, rest = (list(each) for each in divide(model))
        factors = _factors(model, lr_factors or {})
        self._config = config
        self._fused = _can_fuse(weights + rest)
        self.state: dict[torch.Tensor, dict[str, torch.Tensor]] = {}
        self.param_groups: list[dict[str, Any]] = []
        # As few groups as can be: one is one call of the fused program.
        parted = bool(config.l2 or config.l1)
        halves = [(weights, True), (rest, False)] if parted else [(weights + rest, True)]
        for factor in dict.fromkeys([1.0, *(lr_factors or {}).values()]):
            for half, penalised in halves:
                own = [each for each in half if factors.get(id(each), 1.0) == factor]
                if own:
                    self.param_groups.append({
                        "params": own, "weight_decay": config.l2 if penalised else 0.0,
                        "lr": config.first_lr * factor, "factor": factor, "weights": penalised,
                    })  # fmt: skip

    @property
    def parameters(self) -> list[torch.Tensor]:
        """All parameters, in the order of their groups."""
        return [each for group in self.param_groups for each in group["params"]]

    def step(self) -> None:
        """Move the parameters along their gradients; those without one stay."""
        import torch

        learn = self._sgd if self._config.optimizer == "sgd" else self._adam
        with torch.no_grad():
            for group in self.param_groups:
                moved = [each for each in group["params"] if each.grad is not None]
                if moved:
                    learn(moved, group["lr"], group["weight_decay"])

    def put(self, number: int, key: str, tensor: torch.Tensor) -> None:
        """Give back what was gathered for parameter ``number``, counted as in ``parameters``.

        Raises:
            ValueError: it has another shape than the parameter.

        """
        import torch

        parameter = self.parameters[number]
        if key == "step":
            own = torch.zeros((), device=parameter.device if self._fused else "cpu")
        else:
            own = torch.empty_like(parameter)  # in the parameter's memory layout
        if tensor.shape != own.shape:
            raise ValueError("the optimizer's state is not that of the network")
        self.state.setdefault(parameter, {})[key] = own.copy_(tensor)

    def _sgd(self, moved: list[torch.Tensor], lr: float, decay: float) -> None:
        from torch.optim.sgd import sgd

        momentum = self._config.momentum
        velocities: list[torch.Tensor | None] = [
            self.state.get(each, {}).get("momentum_buffer") for each in moved
        ]
        sgd(
            moved, _gradients(moved), velocities,
            weight_decay=decay, momentum=momentum, lr=lr, dampening=0.0,
            nesterov=self._config.nesterov, maximize=False, fused=self._fused,
        )  # fmt: skip
        if momentum:
            for each, velocity in zip(moved, velocities, strict=True):
                assert velocity is not None
                self.state[each] = {"momentum_buffer": velocity}

    def _adam(self, moved: list[torch.Tensor], lr: float, decay: float) -> None:
        from torch.optim.adam import adam

        config = self._config
        states = [self.state.get(each) or self._begin(each) for each in moved]
        adam(
            moved, _gradients(moved),
            [each["exp_avg"] for each in states], [each["exp_avg_sq"] for each in states], [],
            [each["step"] for each in states], fused=self._fused, amsgrad=False,
            beta1=config.betas[0], beta2=config.betas[1], lr=lr, weight_decay=decay,
            eps=config.eps, maximize=False, decoupled_weight_decay=config.optimizer == "adamw",
        )  # fmt: skip

    def _begin(self, parameter: torch.Tensor) -> dict[str, torch.Tensor]:
        import torch

        device = parameter.device if self._fused else "cpu"
        self.state[parameter] = {
            "step": torch.zeros((), device=device),
            "exp_avg": torch.zeros_like(parameter, memory_format=torch.preserve_format),
            "exp_avg_sq": torch.zeros_like(parameter, memory_format=torch.preserve_format),
        }
        return self.state[parameter]


def _factors(model: nn.Module, patterns: Mapping[str, float]) -> dict[int, float]:
    """Of the parameters that a pattern fits, by their ids, what their learning rate is times.

    Raises:
        ValueError: a pattern fits none that is trained.

    """
    trained = {name: each for name, each in model.named_parameters() if each.requires_grad}
    found: dict[int, float] = {}
    for pattern, factor in patterns.items():
        fitting = [each for name, each in trained.items() if fnmatchcase(name, pattern)]
        if not fitting:
            raise ValueError(f"no trained parameter has a name like {pattern}")
        for each in fitting:
            found.setdefault(id(each), factor)
    return found


def _gradients(moved: list[torch.Tensor]) -> list[torch.Tensor]:
    return [each.grad for each in moved if each.grad is not None]


def _can_fuse(parameters: Sequence[torch.Tensor]) -> bool:
    return all(
        each.device.type in ("cpu", "cuda") and each.is_floating_point() for each in parameters
    )
