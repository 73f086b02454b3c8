"""Trainings that go wrong, told with step, batch, learning rate and what was good last."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from dlkit.errors import DlkitError

if TYPE_CHECKING:
    import torch
    from torch import nn

    from dlkit.training.judging import Judged
    from dlkit.training.state import Progress
    from dlkit.training.steps import Seen, Steps

# So many times the loss of the first batch as the mean of an epoch, and it is lost. In the first
# epoch a rate that is high for the first weights may still find its way down.
_DIVERGED: Final = 10.0
_DIVERGED_AT_FIRST: Final = 1000.0

# The scale of fp16's gradients is halved at each overflow; it begins at 65,536.
_LEAST_SCALE: Final = 1e-3


def numbers(unread: Sequence[Seen]) -> Iterator[tuple[Seen, float, float | None]]:
    """Each with its loss and norm as numbers, brought from the device at once."""
    import torch

    losses = torch.stack([seen.loss for seen in unread]).tolist()
    norms: list[float | None] = [None] * len(unread)
    if unread[0].norm is not None:
        norms = torch.stack([seen.norm for seen in unread if seen.norm is not None]).tolist()
    yield from zip(unread, losses, norms, strict=True)


def refuse(
    seen: Seen, loss: float, norm: float | None, progress: Progress, steps: Steps, epoch_steps: int
) -> None:
    """Do nothing while the numbers of a step are numbers.

    Raises:
        DlkitError: the loss or the norm of the gradient is NaN or infinite.

    """
    # Under fp16 a gradient may overflow: the step is left out and the scale becomes smaller.
    wrong = norm is not None and not math.isfinite(norm) and not steps.scaler.is_enabled()
    if math.isfinite(loss) and not wrong:
        return
    epoch, number = divmod(seen.step, epoch_steps)
    lr = steps.lr(seen.step)
    what = "the loss" if not math.isfinite(loss) else "the gradient"
    value = loss if not math.isfinite(loss) else norm
    raise DlkitError(
        f"training diverged in epoch {epoch + 1}, batch {number + 1} of {epoch_steps} "
        f"(step {seen.step + 1}): {what} is {value} at learning rate {lr:.4g}; {_last(progress)}",
        hint=_hint(steps),
    )


def refuse_weights(model: nn.Module, progress: Progress) -> None:
    """Do nothing while all weights are numbers.

    Raises:
        DlkitError: one is NaN or infinite.

    """
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point() and not _finite(tensor):
            raise DlkitError(
                f"training diverged in epoch {progress.epoch + 1} by step {progress.step} of it: "
                f"{name} is NaN or infinite; {_last(progress)}",
                hint="lower the learning rate (--lr), or clip the gradient (--clip 1)",
            )


def refuse_divergence(progress: Progress, steps: Steps) -> None:
    """Do nothing while the loss of an epoch is of the size of the first batch's, or less.

    Raises:
        DlkitError: from the second epoch on, or in the only one, it is more than ten times that,
            in the first of several more than a thousand times.

    """
    mean = progress.loss / progress.seen
    settled = progress.epoch or steps.config.epochs == 1
    most = _DIVERGED if settled else _DIVERGED_AT_FIRST
    if progress.first is not None and mean > most * max(progress.first, 1e-3):
        raise DlkitError(
            f"training diverged in epoch {progress.epoch + 1}: its mean loss is {mean:.4g}, that "
            f"of the first batch was {progress.first:.4g}; {_last(progress)}",
            hint=_hint(steps),
        )


def refuse_validation(judged: Judged, progress: Progress) -> None:
    """Do nothing while all that an epoch is judged by are numbers.

    Raises:
        DlkitError: the worth or a metric is NaN or infinite.

    """
    for name, value in {**judged.metrics, "worth": judged.worth}.items():
        if math.isfinite(value):
            continue
        raise DlkitError(
            f"the {name.replace('_', ' ')} is {value} after epoch {progress.epoch + 1}; "
            f"{_last(progress)}",
            hint="lower the learning rate (--lr), or look for NaN in the data",
        )


def refuse_scale(scaler: torch.amp.GradScaler, progress: Progress) -> None:
    """Do nothing while fp16 has room for the gradients.

    Raises:
        DlkitError: they overflowed so often that it has not.

    """
    if scaler.is_enabled() and scaler.get_scale() < _LEAST_SCALE:
        raise DlkitError(
            f"gradients overflow fp16 in epoch {progress.epoch + 1}, whatever their scale",
            hint="--precision bf16, which has the range of fp32",
        )


def _finite(tensor: torch.Tensor) -> bool:
    return bool(tensor.isfinite().all())


def _last(progress: Progress) -> str:
    """What is not lost."""
    if not progress.history:
        return "no epoch was finished"
    loss = progress.history[-1]["loss"]
    return f"the last good epoch was {progress.history[-1]['epoch']}, loss {loss:.4g}"


def _hint(steps: Steps) -> str:
    lr = steps.config.first_lr
    return f"lower the learning rate: --lr {lr / 10:.4g}, or clip the gradient: --clip 1"
