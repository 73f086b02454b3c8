"""From settings and data to an artifact: a linear classifier or a network, trained and judged."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlkit.classify.fitting import train
from dlkit.classify.prepare import EXAMPLE, Prepared, prepare, settle
from dlkit.classify.save import absolute, commit
from dlkit.classify.saved import TASK
from dlkit.training import running

if TYPE_CHECKING:
    from dlkit.classify.config import ClassifyConfig
    from dlkit.records import Record, Saved


def run(
    config: ClassifyConfig, *, name: str | None = None, default_name: str | None = None
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


def _work() -> running.Work[ClassifyConfig, Prepared]:
    from dlkit.classify.config import ClassifyConfig

    return running.Work(
        TASK, f"dlkit {TASK} train", EXAMPLE, ClassifyConfig, headline, _settled, absolute,
        lambda ready: ready.samples.fingerprint("train"), train, commit,
    )  # fmt: skip


def _settled(config: ClassifyConfig) -> Generator[Record, None, tuple[ClassifyConfig, Prepared]]:
    ready = yield from prepare(config)
    return settle(config, ready), ready


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
