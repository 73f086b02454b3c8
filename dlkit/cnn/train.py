"""From settings and images to an artifact: a convolutional network, trained and judged."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dlkit import signals
from dlkit.artifacts.runs import reserve
from dlkit.artifacts.runs import resume as reopen
from dlkit.classifiers.running import check_data, check_same, interrupted, keeper, name_after
from dlkit.cnn.fitting import train
from dlkit.cnn.prepare import EXAMPLE, prepare, settle
from dlkit.cnn.save import absolute, commit
from dlkit.cnn.saved import TASK
from dlkit.records import Noted, Record, Saved, Started, Warned

if TYPE_CHECKING:
    from dlkit.cnn.config import CnnConfig


def run(
    config: CnnConfig, *, name: str | None = None, default_name: str | None = None
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
    default = default_name or name_after(config.data[0], fallback=TASK)
    with signals.catch() as stop, reserve(TASK, name, default=default) as held:
        yield Started(f"training {TASK}/{held.name}", headline(config))
        ready = yield from prepare(config)
        config = yield from settle(config, ready)
        stop.check()
        keep = keeper(held, absolute(config, ready), ready.samples)
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
    device. The data are read again, and must be those that the run began with.

    Raises:
        DlkitError: no such run (NOT_FOUND), it is held by a live process (BUSY), its checkpoint is
            damaged (DAMAGED), another setting is asked for (USAGE), the data have changed.
        StoppedError: as in run.

    """
    from dlkit.cnn.config import CnnConfig

    with signals.catch() as stop, reopen(TASK, name) as held:
        config, (document, state, changed) = interrupted(
            held, CnnConfig, recipe=recipe, sets=sets, options=options
        )
        yield Started(f"going on with {TASK}/{held.name}", headline(config))
        for change in changed:
            yield Noted(change)
        ready = yield from prepare(config)
        config = yield from settle(config, ready)
        check_same(document, ready.samples, held.reference)
        differences = state.differences(config.training)
        for difference in differences:
            yield Warned(difference)
        past = [*document["resumptions"], {"changes": changed, "differences": differences}]
        keep = keeper(held, absolute(config, ready), ready.samples, past)
        trained = yield from train(config, ready, stop, keep=keep, state=state)
        trained.told["resumptions"] = past
        made = yield from commit(held, config, ready, trained)
        yield made
        return made


def headline(config: CnnConfig) -> dict[str, object]:
    """The settings that a user wants to see first."""
    told: dict[str, object] = {"model": config.model}
    for name in ("pretrained", "freeze", "begin", "augment"):
        if value := getattr(config, name):
            told[name] = value
    asked = config.training.model_fields_set
    for name in ("epochs", "batch_size", "optimizer", "lr", "l2", "precision", "ema"):
        if name in asked:
            told[name] = getattr(config.training, name)
    told["seed"] = config.training.seed
    if config.training.device != "cpu":
        told["device"] = config.training.device
    return told
