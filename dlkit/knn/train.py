"""From settings and data to an artifact: points, and the choice of cross-validation."""

from __future__ import annotations

import time
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dlkit import signals
from dlkit.artifacts.names import name_from
from dlkit.artifacts.runs import reserve
from dlkit.errors import USAGE, DlkitError
from dlkit.knn.asking import Choice, Engine, choices, numbers_to_try
from dlkit.knn.folds import Validated, best, cross_validate, plan
from dlkit.knn.prepare import Prepared, prepare
from dlkit.knn.save import commit
from dlkit.knn.saved import TASK
from dlkit.records import Noted, Record, Saved, Started

if TYPE_CHECKING:
    from dlkit.knn.config import KnnConfig

_TRIED: Final = 256  # queries that an estimate is made from


def run(
    config: KnnConfig, *, name: str | None = None, default_name: str | None = None
) -> Generator[Record, None, Saved]:
    """Index ``config.data`` and commit an artifact; yields records, returns the last one.

    Args:
        config: the settings.
        name: name of the artifact, or None for one after the data.
        default_name: the name to use then instead of the data's own.

    Raises:
        DlkitError: no or unreadable data, a k larger than the number of points, no choice without
            cross-validation; the disk refused; a live process holds ``name``.
        StoppedError: a signal came.

    """
    default = default_name or (name_after(config.data[0]) if config.data else TASK)
    with signals.catch() as stop, reserve(TASK, name, default=default) as held:
        yield Started(f"training {TASK}/{held.name}", headline(config))
        begun = time.monotonic()
        ready = yield from prepare(config)
        engine = Engine(config.threads, config.device, stop.check)
        chosen, scores = yield from choose(ready, config, engine)
        stop.check()
        seconds = time.monotonic() - begun
        return commit(held, config, ready, chosen, scores, seconds=seconds)


def choose(
    ready: Prepared, config: KnnConfig, engine: Engine
) -> Generator[Record, None, tuple[Choice, list[Validated]]]:
    """The choice that cross-validation takes, and all scores; none where it is not asked for.

    Raises:
        DlkitError: (USAGE) as ``asked_for``.

    """
    if config.folds != "none":
        scores = yield from cross_validate(ready, config, engine)
        winner = best(scores)
        if len(scores) > 1:
            yield Noted(
                f"chosen: k {winner.choice.k}, {winner.choice.metric}, {winner.choice.weights}: "
                f"{winner.accuracy:.4f} in cross-validation"
            )
        return winner.choice, scores
    return (yield from asked_for(ready, config))[0], []


def asked_for(ready: Prepared, config: KnnConfig) -> Generator[Record, None, list[Choice]]:
    """The choices that a training judges; the one that it takes, if it judges none.

    Raises:
        DlkitError: (USAGE) a k that is too large, more parts than samples; there is more than one
            choice and no cross-validation.

    """
    if config.folds != "none":
        return (yield from plan(ready, config)).asked
    asked = choices(config, (yield from numbers_to_try(config, len(ready.points.rows))))
    if len(asked) > 1:
        raise DlkitError(
            f"folds none: {len(asked)} combinations of k, metric and weights, and nothing to "
            "choose one by",
            hint="--k 5 --metric l2, or --folds 5",
            code=USAGE,
        )
    return asked


def dry_run(config: KnnConfig) -> Generator[Record, None, dict[str, object]]:
    """Read the data, search for a few samples, estimate; nothing stays on disk.

    Returns:
        Samples, classes, numbers in a row and their type, bytes of the points, choices, seconds.

    """
    from dlkit.neighbours.search import Index

    with signals.catch() as stop:
        ready = yield from prepare(config)
        rows = ready.points.rows
        asked = yield from asked_for(ready, config)
        largest = max(choice.k for choice in asked)
        seconds = 0.0
        for metric in config.metric:
            stop.check()
            index = Index(rows, metric, device=config.device)
            index.search(rows[:1], largest, threads=config.threads)  # compiles
            begun = time.monotonic()
            tried = rows[:_TRIED]
            index.search(tried, largest, threads=config.threads)
            seconds += (time.monotonic() - begun) * len(rows) / len(tried)
        samples = ready.samples
        return {
            "data": samples.name,
            "training samples": len(rows),
            "test samples": len(samples.test),
            "classes": len(samples.classes),
            "rows": f"{len(rows):,} x {rows.shape[1]:,} {rows.dtype}",
            "bytes": rows.nbytes,
            "features": ready.transform.text,
            "combinations": len(asked),
            "searches": 0 if config.folds == "none" else len(config.metric),
            "seconds": round(0.0 if config.folds == "none" else seconds, 1),
        }


def headline(config: KnnConfig) -> dict[str, object]:
    """The settings that a user wants to see first."""
    told: dict[str, Any] = {
        "metric": ",".join(config.metric),
        "weights": ",".join(config.weights),
        "folds": config.folds,
        "seed": config.seed,
    }
    if config.k is not None:
        told = {"k": ",".join(map(str, config.k))} | told
    if config.preprocess:
        told["preprocess"] = config.preprocess
    if config.features:
        told["features"] = config.features
    if config.device != "cpu":
        told["device"] = config.device
    return told


def name_after(entry: str) -> str:
    """A name for the artifact after the first of the data: reviews.csv.gz -> reviews."""
    base = Path(entry.rstrip("/").rsplit(":", 1)[-1]).name.split(".", 1)[0]
    return name_from(base[:60], fallback=TASK)
