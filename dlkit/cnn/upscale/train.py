"""From settings and images to an artifact: a network that makes images larger."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dlkit.cnn.upscale.loss import Differences
from dlkit.cnn.upscale.patches import Unpacking
from dlkit.cnn.upscale.prepare import EXAMPLE, Prepared, build, prepare, settle
from dlkit.cnn.upscale.save import absolute, commit
from dlkit.cnn.upscale.saved import TASK
from dlkit.training import running
from dlkit.training.fitting import Trained, by_epochs

if TYPE_CHECKING:
    from torch import nn

    from dlkit.cnn.upscale.config import UpscaleConfig
    from dlkit.records import Record, Saved
    from dlkit.signals import Stop
    from dlkit.training.batches import Batches
    from dlkit.training.checkpoint import Keeper
    from dlkit.training.state import State

_AT_ONCE: Final = 1 << 17  # pixels of small images that are judged together
_READERS: Final = 2  # threads that read patches which memory does not hold


def run(
    config: UpscaleConfig, *, name: str | None = None, default_name: str | None = None
) -> Generator[Record, None, Saved]:
    """Train on ``config.data`` and commit an artifact; see ``training.running.run``."""
    return running.run(_work(), config, name=name, default_name=default_name)


def resume(
    name: str | None,
    *,
    recipe: Path | None = None,
    sets: Sequence[str] = (),
    options: Mapping[str, object] | None = None,
) -> Generator[Record, None, Saved]:
    """Go on with an interrupted run; see ``training.running.resume``."""
    return running.resume(_work(), name, recipe=recipe, sets=sets, options=options)


def _work() -> running.Work[UpscaleConfig, Prepared]:
    from dlkit.cnn.upscale.config import UpscaleConfig

    return running.Work(
        TASK, "dlkit cnn upscale train", EXAMPLE, UpscaleConfig, headline, _settled,
        absolute, lambda ready: ready.collection.splits["train"].fingerprint, train, commit,
        ending=lambda config: f"-x{config.scale}",
    )  # fmt: skip


def _settled(config: UpscaleConfig) -> Generator[Record, None, tuple[UpscaleConfig, Prepared]]:
    ready = yield from prepare(config)
    return (yield from settle(config)), ready


def train(
    config: UpscaleConfig,
    ready: Prepared,
    stop: Stop | None,
    *,
    keep: Keeper | None = None,
    state: State | None = None,
) -> Generator[Record, None, Trained[nn.Module]]:
    """Train a network on ``ready.rows``; nothing is written but checkpoints.

    Args:
        config: settled settings.
        ready: the patches.
        stop: asks to stop, or to save.
        keep: takes the checkpoints.
        state: where to go on.

    Raises:
        DlkitError: diverged, out of memory, ``state`` is of another training.
        StoppedError: a signal came.

    """
    model, arguments = build(config, ready)
    return (
        yield from by_epochs(
            model,
            arguments,
            batches_of(config, ready),
            config=config.training,
            loss=loss_of(config),
            validate=None if ready.judged is None else _judged(config, ready),
            state=state,
            stop=stop,
            keep=keep,
        )
    )


def loss_of(config: UpscaleConfig) -> Differences:
    """The loss that settled settings ask for."""
    assert config.loss is not None
    return Differences(config.loss, shave=config.scale)


def batches_of(config: UpscaleConfig, ready: Prepared) -> Batches:
    """Patches to learn from in batches, drawn anew, mirrored and turned in each epoch."""
    from dlkit.training.batches import Batches

    training = config.training
    return Batches(
        ready.rows, None, batch_size=training.batch_size * training.accumulate,
        seed=training.seed, device=training.device, workers=_READERS,
        augment=Unpacking(ready.grid, turning=config.augment),
    )  # fmt: skip


def _judged(config: UpscaleConfig, ready: Prepared) -> Batches:
    """Patches to be judged by in batches, in their order and as they are."""
    from dlkit.training.batches import Batches

    training = config.training
    assert ready.judged is not None
    return Batches(
        ready.judged, None, batch_size=max(1, _AT_ONCE // ready.grid.side**2), seed=training.seed,
        device=training.device, shuffle=False, augment=Unpacking(ready.grid, turning=False),
    )  # fmt: skip


def headline(config: UpscaleConfig) -> dict[str, object]:
    """The settings that a user wants to see first."""
    told: dict[str, object] = {"model": config.model, "scale": config.scale,
                               "channels": config.channels}  # fmt: skip
    if config.begin:
        told["begin"] = config.begin
    asked = config.training.model_fields_set
    for name in ("epochs", "batch_size", "optimizer", "lr", "precision", "ema"):
        if name in asked:
            told[name] = getattr(config.training, name)
    told["seed"] = config.training.seed
    return told
