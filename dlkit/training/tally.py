"""What steps saw, added up: read many steps at once, because a GPU waits for whoever reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dlkit.training import failures

if TYPE_CHECKING:
    from dlkit.training.state import Progress
    from dlkit.training.steps import Seen, Steps


def add(unread: Sequence[Seen], progress: Progress, steps: Steps, epoch_steps: int) -> None:
    """Add to ``progress`` the losses and the measure of some steps.

    Args:
        unread: what the steps saw, in their order.
        progress: where the sums are.
        steps: what made them.
        epoch_steps: steps of an epoch.

    Raises:
        DlkitError: a loss or a gradient is no number any more.

    """
    import torch

    if not unread:
        return
    for seen, loss, norm in failures.numbers(unread):
        failures.refuse(seen, loss, norm, progress, steps, epoch_steps)
        if progress.first is None:
            progress.first = loss / seen.samples
        progress.loss += loss
        progress.seen += seen.samples
    answers = [seen.answers for seen in unread if seen.answers is not None]
    if answers:
        labels = torch.cat([seen.labels for seen in unread if seen.labels is not None])
        progress.measured += int((torch.cat(answers) == labels).sum())
    sums = [seen.measured for seen in unread if seen.measured is not None]
    # One after the other: a sum of floats must not depend on how many are read at once.
    for amount in torch.stack(sums).tolist() if sums else ():
        progress.measured += amount
    failures.refuse_scale(steps.scaler, progress)
