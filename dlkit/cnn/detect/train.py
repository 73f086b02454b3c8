"""From settings and images with boxes to an artifact: a detector, trained and judged."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlkit.cnn.detect.feeding import Given, batches_of
from dlkit.cnn.detect.prepare import EXAMPLE, Prepared, build, prepare, settle
from dlkit.cnn.detect.save import absolute, commit
from dlkit.cnn.detect.saved import TASK
from dlkit.training import running
from dlkit.training.fitting import Trained, by_epochs

if TYPE_CHECKING:
    from torch import nn

    from dlkit.cnn.detect.collection import Split
    from dlkit.cnn.detect.config import DetectConfig
    from dlkit.records import Record, Saved
    from dlkit.signals import Stop
    from dlkit.training.checkpoint import Keeper
    from dlkit.training.judging import Judge, Judged
    from dlkit.training.state import State


def run(
    config: DetectConfig, *, name: str | None = None, default_name: str | None = None
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


def _work() -> running.Work[DetectConfig, Prepared]:
    from dlkit.cnn.detect.config import DetectConfig

    return running.Work(
        TASK, "dlkit cnn detect train", EXAMPLE, DetectConfig, headline, _settled, absolute,
        lambda ready: ready.collection.splits["train"].fingerprint(ready.classes), train, commit,
    )  # fmt: skip


def _settled(config: DetectConfig) -> Generator[Record, None, tuple[DetectConfig, Prepared]]:
    ready = yield from prepare(config)
    return (yield from settle(config, ready)), ready


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
