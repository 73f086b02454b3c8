"""Scores on data that nothing was learnt from, and in cross-validation."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

from dlkit import signals
from dlkit.data.loading import load, load_test
from dlkit.errors import NOT_FOUND, DlkitError
from dlkit.knn.asking import Choice, Engine, Points, choices, numbers_to_try, predict
from dlkit.knn.folds import Validated, check_parts, cross_validate
from dlkit.knn.prepare import prepare
from dlkit.knn.scores import Score, judge
from dlkit.records import Noted, Record

if TYPE_CHECKING:
    from dlkit.data.samples import Samples, Split
    from dlkit.knn.config import KnnConfig
    from dlkit.knn.rows import Transform
    from dlkit.knn.saved import Knn


def evaluate(config: KnnConfig) -> Generator[Record, None, tuple[list[Score], Samples]]:
    """Judge every choice of ``config`` on the test split by the training split.

    Raises:
        DlkitError: as ``prepare``; a k larger than the number of training samples.
        StoppedError: a signal came.

    """
    with signals.catch() as stop:
        ready = yield from prepare(config)
        check_judged(ready.samples)
        ks = yield from numbers_to_try(config, len(ready.points.rows))
        engine = Engine(config.threads, config.device, stop.check)
        asked = choices(config, ks)
        scores = yield from _scores(
            ready.points, ready.transform, ready.samples.test, asked, engine
        )
        return scores, ready.samples


def validate(config: KnnConfig) -> Generator[Record, None, tuple[list[Validated], Samples]]:
    """Judge every choice of ``config`` by cross-validation on the training split alone.

    Raises:
        DlkitError: as ``prepare`` and ``cross_validate``.
        StoppedError: a signal came.

    """
    check_parts(config)
    with signals.catch() as stop:
        ready = yield from prepare(config)
        engine = Engine(config.threads, config.device, stop.check)
        scores = yield from cross_validate(ready, config, engine)
        return scores, ready.samples


def evaluate_artifact(
    knn: Knn, config: KnnConfig, *, other_data: bool
) -> Generator[Record, None, tuple[list[Score], Samples]]:
    """Judge an artifact on its own test split, or on other data.

    Args:
        knn: the artifact.
        config: its settings, with those that are asked for now.
        other_data: ``config.data`` are other data than it was trained on.

    Raises:
        DlkitError: the test data are not those that were recorded, or cannot be read; a k larger
            than the number of points.
        StoppedError: a signal came.

    """
    with signals.catch() as stop:
        ks = yield from numbers_to_try(config, len(knn.points.rows))
        if other_data:
            samples = yield from load_test(
                config.data, config.input, form=knn.form, classes=knn.points.classes,
                seed=config.seed, learnt=knn.digests,
            )  # fmt: skip
        else:
            samples = yield from load(config.data, config.input, seed=config.seed)
            check_judged(samples)
            check_unchanged(knn, samples, "test")
        engine = Engine(config.threads, config.device, stop.check)
        asked = choices(config, ks)
        scores = yield from _scores(knn.points, knn.transform, samples.test, asked, engine)
        return scores, samples


def check_judged(samples: Samples) -> None:
    """Raise DlkitError (NOT_FOUND) if there is nothing to judge on."""
    if not len(samples.test):
        raise DlkitError(
            f"nothing of {samples.name} was held out (test_share 0): there is nothing to judge on",
            hint="--cross-validate judges training samples, DATA other ones",
            code=NOT_FOUND,
        )


def check_unchanged(knn: Knn, samples: Samples, split: str) -> None:
    """Do nothing if a split is the one that the artifact was trained with.

    Raises:
        DlkitError: its content has changed.

    """
    then = knn.fingerprints.get(split)
    now = samples.fingerprint(split) if split in samples.splits else "not there"
    if then != now:
        raise DlkitError(
            f"the {split} data of {knn.reference} have changed: their fingerprint was "
            f"{str(then)[:16]}…, now it is {now[:16]}…",
            hint=f"dlkit knn eval DATA --from {knn.reference} judges it on other data",
        )


def _scores(
    points: Points, transform: Transform, test: Split, asked: Sequence[Choice], engine: Engine
) -> Generator[Record, None, list[Score]]:
    with signals.waiting():
        queries = yield from transform.apply(test.inputs, what="test")
    found = yield from predict(points, queries, asked, engine)
    if len(asked) > 1:
        yield Noted(
            "which choice is best is for cross-validation to say: picked by its test score, "
            "that score flatters (knn train, or eval --cross-validate)"
        )
    count = len(points.classes)
    return [judge(choice, found[choice], test.labels, count) for choice in asked]
