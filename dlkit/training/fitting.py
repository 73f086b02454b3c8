"""A network trained by epochs, and what is told of it; nothing is saved here."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from dlkit.errors import DlkitError
from dlkit.records import Noted, Record

if TYPE_CHECKING:
    from torch import nn

    from dlkit.signals import Stop
    from dlkit.training.batches import Batches
    from dlkit.training.checkpoint import Keeper
    from dlkit.training.config import TrainingConfig
    from dlkit.training.judging import Judge
    from dlkit.training.losses import Loss
    from dlkit.training.state import State

Model = TypeVar("Model")


@dataclass
class Trained(Generic[Model]):
    """A model at the end of its training.

    Attributes:
        model: the network.
        arguments: what it is built again by.
        history: of each epoch, or each iteration of L-BFGS, its metrics; another run's are equal.
        facts: further reproducible facts: the best epoch, the objective.
        seconds: of the training alone.
        told: what run.json says besides: resumptions, the samples that went at once.

    """

    model: Model
    arguments: dict[str, Any]
    history: list[dict[str, Any]]
    facts: dict[str, Any]
    seconds: float
    told: dict[str, Any] = field(default_factory=dict)


def by_epochs(
    model: nn.Module,
    arguments: dict[str, Any],
    batches: Batches,
    *,
    config: TrainingConfig,
    loss: Loss,
    validate: Batches | Judge | None,
    state: State | None = None,
    stop: Stop | None = None,
    keep: Keeper | None = None,
) -> Generator[Record, None, Trained[nn.Module]]:
    """Train ``model`` as ``training.loop.fit`` does; it has its best weights then.

    Args:
        model: the network with its first weights.
        arguments: what it is built again by.
        batches: to learn from.
        config: how.
        loss: of a batch.
        validate: samples to judge each epoch by, or what judges the network after each; None:
            there are none.
        state: where to go on.
        stop: asks to stop, or to save.
        keep: takes the checkpoints.

    Raises:
        DlkitError: diverged, out of memory, ``state`` is of another training.
        StoppedError: a signal came.

    """
    from dlkit.training.loop import fit

    try:
        fitted = yield from fit(
            model, batches, config=config, loss=loss, validate=validate, state=state, stop=stop,
            keep=keep,
        )  # fmt: skip
    except ValueError as problem:
        if state is None:
            raise
        raise DlkitError(
            f"the run cannot be gone on with: {problem}", hint="train anew without --resume"
        ) from None
    falling = config.schedule in ("constant", "step") and not fitted.stopped_early
    if (
        validate is not None
        and not callable(validate)
        and falling
        and 1 < fitted.epochs == fitted.best_epoch
    ):
        yield Noted(
            "the validation loss was least in the last epoch: with more --epochs, a larger --lr or "
            "a smaller --batch-size it may become less"
        )
    facts = {"best_epoch": fitted.best_epoch, "epochs": fitted.epochs}
    told: dict[str, Any] = {"stopped_early": fitted.stopped_early}
    if fitted.batch_size != config.batch_size:
        told["samples_at_once"] = fitted.batch_size
    if fitted.seconds > 0:  # of all stretches, with what each epoch was judged by
        told["samples_per_second"] = round(batches.samples * fitted.epochs / fitted.seconds, 1)
    return Trained(model, arguments, fitted.history, facts, fitted.seconds, told)
