"""From settings and data to an artifact: a linear classifier or a network, trained and judged."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlkit import signals
from dlkit.artifacts.names import name_from
from dlkit.artifacts.runs import reserve
from dlkit.artifacts.runs import resume as reopen
from dlkit.classify.fitting import train
from dlkit.classify.prepare import Prepared, check_data, prepare, settle
from dlkit.classify.save import commit
from dlkit.classify.saved import TASK
from dlkit.errors import USAGE, DlkitError, quoted
from dlkit.records import Noted, Record, Saved, Started, Warned

if TYPE_CHECKING:
    from dlkit.artifacts.runs import Run
    from dlkit.classify.config import ClassifyConfig
    from dlkit.training.checkpoint import Keeper


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
    check_data(config)
    default = default_name or name_after(config.data[0])
    with signals.catch() as stop, reserve(TASK, name, default=default) as held:
        yield Started(f"training {TASK}/{held.name}", headline(config))
        ready = yield from prepare(config)
        config = settle(config, ready)
        stop.check()
        trained = yield from train(config, ready, stop, keep=_keeper(held, config, ready))
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
    from dlkit.config.resolve import resolve, validate
    from dlkit.training.checkpoint import load
    from dlkit.training.resuming import changes

    with signals.catch() as stop, reopen(TASK, name) as held:
        document, state, _ = load(held)
        saved = validate(ClassifyConfig, document["config"])
        config = resolve(
            ClassifyConfig,
            recipe=recipe,
            sets=sets,
            options=options,
            base=saved.model_dump(mode="json"),
        )
        changed = changes(saved, config, done=state.numbers["epoch"])
        yield Started(f"going on with {TASK}/{held.name}", headline(config))
        for change in changed:
            yield Noted(change)
        ready = yield from prepare(config)
        _check_same(document, ready, held.reference)
        differences = state.differences(config.training)
        for difference in differences:
            yield Warned(difference)
        past = [*document["resumptions"], {"changes": changed, "differences": differences}]
        keep = _keeper(held, config, ready, past)
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
    told |= {"loss": config.loss, "l2": training.l2}
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


def _keeper(
    held: Run,
    config: ClassifyConfig,
    ready: Prepared,
    resumptions: Sequence[Mapping[str, Any]] = (),
) -> Keeper:
    from dlkit.classify.save import absolute
    from dlkit.training.checkpoint import Keeper

    return Keeper(
        held,
        command=f"dlkit classify train --resume --name {quoted(held.name)}",
        document={
            "config": absolute(config, ready).model_dump(mode="json"),
            "fingerprint": ready.samples.fingerprint("train"),
            "resumptions": list(resumptions),
        },
    )


def _check_same(document: Mapping[str, Any], ready: Prepared, reference: str) -> None:
    now = ready.samples.fingerprint("train")
    if document["fingerprint"] != now:
        raise DlkitError(
            f"the training data of {reference} have changed since the run began: their "
            f"fingerprint was {document['fingerprint'][:16]}…, now it is {now[:16]}…",
            hint="train anew without --resume",
            code=USAGE,
        )


def name_after(entry: str) -> str:
    """A name for the artifact after the first of the data: reviews.csv.gz -> reviews."""
    base = Path(entry.rstrip("/").rsplit(":", 1)[-1]).name.split(".", 1)[0]
    return name_from(base[:60], fallback=TASK)
