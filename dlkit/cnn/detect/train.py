"""From settings and images with boxes to an artifact: a detector, trained and judged."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlkit import signals
from dlkit.artifacts.runs import reserve
from dlkit.artifacts.runs import resume as reopen
from dlkit.classifiers.fitting import Trained, by_epochs
from dlkit.classifiers.running import check_data, interrupted, name_after
from dlkit.cnn.detect.feeding import Given, batches_of
from dlkit.cnn.detect.prepare import EXAMPLE, Prepared, build, prepare, settle
from dlkit.cnn.detect.save import absolute, commit
from dlkit.cnn.detect.saved import TASK
from dlkit.errors import USAGE, DlkitError, quoted
from dlkit.records import Noted, Record, Saved, Started, Warned
from dlkit.training.checkpoint import Keeper

if TYPE_CHECKING:
    from torch import nn

    from dlkit.artifacts.runs import Run
    from dlkit.cnn.detect.collection import Split
    from dlkit.cnn.detect.config import DetectConfig
    from dlkit.signals import Stop
    from dlkit.training.judging import Judge, Judged
    from dlkit.training.state import State


def run(
    config: DetectConfig, *, name: str | None = None, default_name: str | None = None
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
    device. The data are read again, and must be those that the run began with.

    Raises:
        DlkitError: no such run (NOT_FOUND), it is held by a live process (BUSY), its checkpoint is
            damaged (DAMAGED), another setting is asked for (USAGE), the data have changed.
        StoppedError: as in run.

    """
    from dlkit.cnn.detect.config import DetectConfig

    with signals.catch() as stop, reopen(TASK, name) as held:
        config, (document, state, changed) = interrupted(
            held, DetectConfig, recipe=recipe, sets=sets, options=options
        )
        yield Started(f"going on with {TASK}/{held.name}", headline(config))
        for change in changed:
            yield Noted(change)
        ready = yield from prepare(config)
        config = yield from settle(config, ready)
        if document["fingerprint"] != _fingerprint(ready):
            raise DlkitError(
                f"the training data of {held.reference} have changed since the run began",
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


def _fingerprint(ready: Prepared) -> str:
    return ready.collection.splits["train"].fingerprint(ready.classes)


def keeper(
    held: Run,
    config: DetectConfig,
    ready: Prepared,
    resumptions: Sequence[Mapping[str, Any]] = (),
) -> Keeper:
    """What takes the checkpoints of a run.

    Args:
        held: the run.
        config: settled settings that find the data from any folder.
        ready: the data.
        resumptions: what ``run.json`` tells of earlier stretches.

    """
    return Keeper(
        held,
        command=f"dlkit cnn detect train --resume --name {quoted(held.name)}",
        document={
            "config": config.model_dump(mode="json"),
            "fingerprint": _fingerprint(ready),
            "resumptions": list(resumptions),
        },
    )


def train(
    config: DetectConfig,
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
        DlkitError: diverged, out of memory, ``state`` is of another training.
        StoppedError: a signal came.

    """
    model, arguments = yield from build(config, ready)
    judged = ready.validation
    return (
        yield from by_epochs(
            model,
            arguments,
            batches_of(ready.train, config),
            config=config.training,
            loss=Given(),
            validate=None if judged is None else judge_of(judged, ready.classes, config),
            state=state,
            stop=stop,
            keep=keep,
        )
    )


def judge_of(split: Split, classes: Sequence[str], config: DetectConfig) -> Judge:
    """Judges a network by its mean average precision on the images of a split."""
    from dlkit.cnn.detect.asking import found_in
    from dlkit.cnn.detect.scoring import score
    from dlkit.training.judging import Judged

    def judge(model: Any) -> Judged:
        work = found_in(model, split.images, split.sizes, precision=config.training.precision)
        while True:
            try:
                next(work)
            except StopIteration as end:
                scores = score(end.value, split.objects, classes)
                break
        metrics = {"validation_map": scores.map or 0.0, "validation_map50": scores.map50 or 0.0}
        return Judged(-metrics["validation_map"], metrics, "the largest validation mAP")

    return judge


def headline(config: DetectConfig) -> dict[str, object]:
    """The settings that a user wants to see first."""
    told: dict[str, object] = {"model": config.model}
    for name in ("pretrained", "begin", "augment"):
        if value := getattr(config, name):
            told[name] = value
    asked = config.training.model_fields_set
    for name in ("epochs", "batch_size", "optimizer", "lr", "precision", "ema"):
        if name in asked:
            told[name] = getattr(config.training, name)
    told["seed"] = config.training.seed
    if config.training.device != "cpu":
        told["device"] = config.training.device
    return told
