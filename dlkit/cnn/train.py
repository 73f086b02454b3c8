"""From settings and images to an artifact: a convolutional network, trained and judged."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dlkit.cnn.fitting import train
from dlkit.cnn.prepare import EXAMPLE, Prepared, prepare, settle
from dlkit.cnn.save import absolute, commit
from dlkit.cnn.saved import TASK
from dlkit.training import running

if TYPE_CHECKING:
    from dlkit.cnn.config import CnnConfig
    from dlkit.records import Record, Saved


def run(
    config: CnnConfig, *, name: str | None = None, default_name: str | None = None
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


def _work() -> running.Work[CnnConfig, Prepared]:
    from dlkit.cnn.config import CnnConfig

    return running.Work(
        TASK, f"dlkit {TASK} train", EXAMPLE, CnnConfig, headline, _settled, absolute,
        lambda ready: ready.samples.fingerprint("train"), train, commit,
    )  # fmt: skip


def _settled(config: CnnConfig) -> Generator[Record, None, tuple[CnnConfig, Prepared]]:
    ready = yield from prepare(config)
    return (yield from settle(config, ready)), ready


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
