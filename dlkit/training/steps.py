"""One step of the optimizer: gradients of a batch, whole or in parts, and what follows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from dlkit.errors import DlkitError
from dlkit.training import machine, optimisers, penalties
from dlkit.training.averaging import Average
from dlkit.training.schedules import learning_rate

if TYPE_CHECKING:
    import torch
    from torch import nn

    from dlkit.training.batches import Batch, Batches
    from dlkit.training.config import TrainingConfig
    from dlkit.training.losses import ClassLoss, Loss


class Seen(NamedTuple):
    """What a step saw; tensors that are read later, many steps at once."""

    step: int
    samples: int
    loss: torch.Tensor  # () summed over the samples
    norm: torch.Tensor | None  # of the gradient, where it is clipped
    measured: torch.Tensor | None = None  # () summed over the samples
    # (B, ...) each, of classes: compared when many steps are read, which takes less time.
    answers: torch.Tensor | None = None
    labels: torch.Tensor | None = None


class Steps:
    """Everything that a step changes: weights, optimizer, average, scale of the gradients.

    Args:
        model: on its device already.
        batches: what is trained on; their number and size say when the learning rate changes.
        loss: of a batch.
        config: how to train.
        lr_factors: of parameters, by patterns of their names; see ``loop.fit``.

    Attributes:
        size: most samples at once; halved when memory does not suffice for more.
        notes: what to tell, emptied by the reader.

    """

    def __init__(
        self,
        model: nn.Module,
        batches: Batches,
        loss: Loss,
        config: TrainingConfig,
        lr_factors: Mapping[str, float] | None = None,
    ) -> None:
        import torch

        self.model = model
        self.config = config
        self.loss = loss
        self._answers: Callable[[torch.Tensor], torch.Tensor] | None = getattr(
            loss, "answers", None
        )
        self.weights, rest = penalties.divide(model)
        self._trained = self.weights + rest
        self.optimizer = optimisers.Optimizer(model, config, lr_factors)
        self.average = Average(model, config.ema) if config.ema else None
        self.scaler = machine.scaler(config)
        self.size = min(config.batch_size, batches.batch_size)
        self.notes: list[str] = []
        self._forward: Any = torch.compile(model) if config.compile else model
        self._epoch_steps = len(batches)
        self._steps = config.epochs * self._epoch_steps
        self._device = batches.device
        self._plain = config.precision == "fp32"  # entering a context takes time, too
        self._shares: dict[int, torch.Tensor] = {}
        self._least = 2 if _has_batch_norm(model) else 1  # which needs two samples

    def lr(self, step: int) -> float:
        """The learning rate of a step, counted from 0 over all epochs."""
        return learning_rate(self.config, step, steps=self._steps, epoch_steps=self._epoch_steps)

    def step(self, batch: Batch, step: int) -> Seen:
        """Learn from a batch; the model must be in training mode.

        Raises:
            DlkitError: memory does not suffice for the smallest part of a batch.

        """
        config = self.config
        lr = self.lr(step)
        for group in self.optimizer.param_groups:
            group["lr"] = lr * group["factor"]
        loss, told = self._gradients(batch)
        norm = self._changed_gradients()
        self.scaler.step(self.optimizer)  # type: ignore[arg-type]
        self.scaler.update()
        if config.l1 and (amount := penalties.shrinks_by(config, lr)):
            for group in self.optimizer.param_groups:
                if group["weights"]:
                    penalties.shrink(group["params"], amount * group["factor"])
        if self.average is not None:
            self.average.update(step)
        samples = len(batch.targets)
        if not self._answers or told is None:
            return Seen(step, samples, loss, norm, told)
        if batch.others is not None:
            return Seen(step, samples, loss, norm, _right(batch, told))
        return Seen(step, samples, loss, norm, None, told, batch.targets)

    def _changed_gradients(self) -> torch.Tensor | None:
        """Clip the gradients and add the penalty's where asked for; their norm if clipped."""
        import torch

        config = self.config
        subgradient = config.l1 and config.optimizer == "adam"
        if config.clip or subgradient:
            self.scaler.unscale_(self.optimizer)  # type: ignore[arg-type]
        norm = None
        if config.clip:
            norm = torch.nn.utils.clip_grad_norm_(self._trained, config.clip)
        if subgradient:
            penalties.add_l1_gradient(self.weights, config.l1)
        return norm

    def _gradients(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Set the gradients of the mean loss; return the sum of the losses, and what is measured.

        Of classes those are the answers (B, ...), else the sum of the measure; None without one.
        """
        while True:
            try:
                return self._summed(batch)
            except (RuntimeError, MemoryError) as problem:
                if not machine.is_out_of_memory(problem):
                    raise
            # Here the error and all that it held of the memory is gone.
            self._halve(len(batch.targets))

    def _summed(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor | None]:
        import torch

        self._forget()
        share = self._share(len(batch.targets))
        losses, told = [], []
        for part in batch.parts(self.size):
            if self._plain:
                outputs = self._forward(*part.inputs)
            else:
                with machine.autocast(self.config):
                    outputs = self._forward(*part.inputs)
            if part.others is None or part.share is None:
                total = self.loss.total(outputs, part.targets)
            else:
                loss = cast("ClassLoss", self.loss)
                total = loss.mixed(outputs, part.targets, part.others, part.share)
            self.scaler.scale(total).backward(share)  # type: ignore[no-untyped-call]
            losses.append(total.detach())
            if self._answers:
                told.append(self._answers(outputs))
            elif self.loss.measure is not None:
                told.append(self.loss.measured(outputs, part.targets).detach())
        if len(losses) == 1:
            return losses[0], told[0] if told else None
        joined = torch.cat if self._answers else _sum
        return torch.stack(losses).sum(), joined(told) if told else None

    def _share(self, samples: int) -> torch.Tensor:
        """1 / samples: what the sum of the losses is multiplied by, without another operation."""
        import torch

        if samples not in self._shares:
            self._shares[samples] = torch.tensor(1 / samples, device=self._device)
        return self._shares[samples]

    def _forget(self) -> None:
        """Drop the gradients: what ``optimizer.zero_grad`` does, without its record keeping."""
        for each in self._trained:
            each.grad = None

    def _halve(self, samples: int) -> None:
        import torch

        self._forget()
        if self._device == "cuda":
            torch.cuda.empty_cache()
        before = min(self.size, samples)
        if before <= self._least:
            raise DlkitError(
                f"out of memory with {before} sample{'s' * (before > 1)} at once",
                hint="a smaller network or smaller inputs, or --device cpu",
            )
        self.size = max(before // 2, self._least)
        self.notes.append(
            f"out of memory with {before:,} samples at once: from here on {self.size:,}, "
            "added up to the same batch"
        )


def _sum(tensors: list[torch.Tensor]) -> torch.Tensor:
    import torch

    return torch.stack(tensors).sum()


def _right(batch: Batch, answers: torch.Tensor) -> torch.Tensor:
    """() of mixed samples the sum of the shares that the answered classes have in them."""
    assert batch.others is not None
    assert batch.share is not None
    own, other = answers == batch.targets, answers == batch.others
    shares: torch.Tensor = own * batch.share + other * (1 - batch.share)
    return shares.sum()


def _has_batch_norm(model: nn.Module) -> bool:
    """Whether a network normalises over the samples of a batch."""
    from torch import nn

    return any(isinstance(each, nn.modules.batchnorm._BatchNorm) for each in model.modules())
