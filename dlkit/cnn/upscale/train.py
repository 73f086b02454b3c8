"""From settings and images to an artifact: a network that makes images larger."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dlkit import signals
from dlkit.artifacts.runs import reserve
from dlkit.artifacts.runs import resume as reopen
from dlkit.classifiers.fitting import Trained, by_epochs
from dlkit.classifiers.running import check_data, interrupted, name_after
from dlkit.cnn.upscale.loss import Differences
from dlkit.cnn.upscale.patches import Unpacking
from dlkit.cnn.upscale.prepare import EXAMPLE, Prepared, build, prepare, settle
from dlkit.cnn.upscale.save import absolute, commit
from dlkit.cnn.upscale.saved import TASK
from dlkit.errors import USAGE, DlkitError, quoted
from dlkit.records import Noted, Record, Saved, Started, Warned
from dlkit.training.checkpoint import Keeper

if TYPE_CHECKING:
    from torch import nn

    from dlkit.artifacts.runs import Run
    from dlkit.cnn.upscale.config import UpscaleConfig
    from dlkit.signals import Stop
    from dlkit.training.batches import Batches
    from dlkit.training.state import State

_AT_ONCE: Final = 1 << 17  # pixels of small images that are judged together
_READERS: Final = 2  # threads that read patches which memory does not hold


def run(
    config: UpscaleConfig, *, name: str | None = None, default_name: str | None = None
) -> Generator[Record, None, Saved]:
    """Train on ``config.data`` and commit an artifact; yields records, returns the last one.

    Args:
        config: the settings.
        name: name of the artifact, or None for one after the data.
        default_name: the name to use then instead of the data's own.

    Raises:
        DlkitError: no or unreadable data, settings that do not go together, the training diverged,
            memory or disk too small; a live process holds ``name``.
        StoppedError: a signal came; a checkpoint was saved if epochs had begun.

    """
    check_data(config.data, example=EXAMPLE)
    default = default_name or f"{name_after(config.data[0], fallback=TASK)}-x{config.scale}"
    with signals.catch() as stop, reserve(TASK, name, default=default) as held:
        yield Started(f"training {TASK}/{held.name}", headline(config))
        ready = yield from prepare(config)
        config = yield from settle(config)
        stop.check()
        keep = keeper(held, absolute(config, ready), ready)
        trained = yield from train(config, ready, stop, keep=keep)
        saved = yield from commit(held, config, ready, trained)
        yield saved
        return saved


def resume(
    name: str | None,
    *,
    recipe: Path | None = None,
    sets: Sequence[str] = (),
    options: Mapping[str, object] | None = None,
) -> Generator[Record, None, Saved]:
    """Go on with an interrupted run: the newest, or that called ``name``.

    Settings given again must equal those of the run, but for the epochs, the threads and the
    device. The images are read again, and must be those that the run began with.

    Raises:
        DlkitError: no such run (NOT_FOUND), it is held by a live process (BUSY), its checkpoint is
            damaged (DAMAGED), another setting is asked for (USAGE), the data have changed.
        StoppedError: as in run.

    """
    from dlkit.cnn.upscale.config import UpscaleConfig

    with signals.catch() as stop, reopen(TASK, name) as held:
        config, (document, state, changed) = interrupted(
            held, UpscaleConfig, recipe=recipe, sets=sets, options=options
        )
        yield Started(f"going on with {TASK}/{held.name}", headline(config))
        for change in changed:
            yield Noted(change)
        ready = yield from prepare(config)
        config = yield from settle(config)
        if document["fingerprint"] != ready.collection.splits["train"].fingerprint:
            raise DlkitError(
                f"the training images of {held.reference} have changed since the run began",
                hint="train anew without --resume",
                code=USAGE,
            )
        differences = state.differences(config.training)
        for difference in differences:
            yield Warned(difference)
        past = [*document["resumptions"], {"changes": changed, "differences": differences}]
        keep = keeper(held, absolute(config, ready), ready, past)
        trained = yield from train(config, ready, stop, keep=keep, state=state)
        trained.told["resumptions"] = past
        made = yield from commit(held, config, ready, trained)
        yield made
        return made


def keeper(
    held: Run,
    config: UpscaleConfig,
    ready: Prepared,
    resumptions: Sequence[Mapping[str, Any]] = (),
) -> Keeper:
    """What takes the checkpoints of a run.

    Args:
        held: the run.
        config: settled settings that find the data from any folder.
        ready: the images.
        resumptions: what ``run.json`` tells of earlier stretches.

    """
    return Keeper(
        held,
        command=f"dlkit cnn upscale train --resume --name {quoted(held.name)}",
        document={
            "config": config.model_dump(mode="json"),
            "fingerprint": ready.collection.splits["train"].fingerprint,
            "resumptions": list(resumptions),
        },
    )


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
