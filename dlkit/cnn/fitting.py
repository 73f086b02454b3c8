"""A convolutional network trained by epochs; nothing is saved here."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from dlkit.cnn.feeding import batches_of, judged_batches
from dlkit.cnn.prepare import Prepared, build
from dlkit.training.fitting import Trained, by_epochs

if TYPE_CHECKING:
    from torch import nn

    from dlkit.cnn.config import CnnConfig
    from dlkit.records import Record
    from dlkit.signals import Stop
    from dlkit.training.checkpoint import Keeper
    from dlkit.training.state import State


def train(
    config: CnnConfig,
    ready: Prepared,
    stop: Stop | None,
    *,
    keep: Keeper | None = None,
    state: State | None = None,
) -> Generator[Record, None, Trained[nn.Module]]:
    """Train a network on ``ready.train``; nothing is written but checkpoints.

    Args:
        config: settled settings.
        ready: the data.
        stop: asks to stop, or to save.
        keep: takes the checkpoints.
        state: where to go on.

    Raises:
        DlkitError: there is no such network, diverged, out of memory, ``state`` is of another
            training.
        StoppedError: a signal came.

    """
    from dlkit.training import losses

    model, arguments = yield from build(config, ready)
    settings = config.training
    loss = losses.build(
        "softmax",
        classes=len(ready.samples.classes),
        labels=ready.train.labels,
        smoothing=settings.label_smoothing,
        class_weights=settings.class_weights,
    )
    judged = ready.validation
    return (
        yield from by_epochs(
            model,
            arguments,
            batches_of(ready.train, config, ready),
            config=settings,
            loss=loss,
            validate=None if judged is None else judged_batches(judged, settings),
            state=state,
            stop=stop,
            keep=keep,
        )
    )
