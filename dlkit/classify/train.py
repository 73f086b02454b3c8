"""From settings and data to an artifact: a linear classifier or a network, trained and judged."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlkit import signals
from dlkit.artifacts.runs import reserve
from dlkit.artifacts.runs import resume as reopen
from dlkit.classifiers.running import check_data, check_same, interrupted, keeper, name_after
from dlkit.classify.fitting import train
from dlkit.classify.prepare import EXAMPLE, prepare, settle
from dlkit.classify.save import absolute, commit
from dlkit.classify.saved import TASK
from dlkit.records import Noted, Record, Saved, Started, Warned

if TYPE_CHECKING:
    from dlkit.classify.config import ClassifyConfig


def run(
    config: ClassifyConfig, *, name: str | None = None, default_name: str | None = None
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
        config = settle(config, ready)
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
    from dlkit.classify.config import ClassifyConfig

    with signals.catch() as stop, reopen(TASK, name) as held:
        config, (document, state, changed) = interrupted(
            held, ClassifyConfig, recipe=recipe, sets=sets, options=options
        )
        yield Started(f"going on with {TASK}/{held.name}", headline(config))
        for change in changed:
            yield Noted(change)
        ready = yield from prepare(config)
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


def headline(config: ClassifyConfig) -> dict[str, object]:
    """The settings that a user wants to see first."""
    training = config.training
    told: dict[str, Any] = {"hidden": ",".join(map(str, config.hidden)) or "none"}
    if config.hidden:
        told["activation"] = config.activation
    told["loss"] = config.loss
    if training.l2 or "l2" in training.model_fields_set:  # else it may depend on the data
        told["l2"] = training.l2
    for name in ("l1", "ema", "clip", "label_smoothing"):
        if value := getattr(training, name):
            told[name] = value
    for name in ("dropout", "batch_norm", "preprocess", "features", "begin"):
        if value := getattr(config, name):
            told[name] = value
    told["seed"] = training.seed
    if training.device != "cpu":
        told["device"] = training.device
    return told
