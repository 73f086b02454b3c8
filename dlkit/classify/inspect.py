"""What a classifier has learnt: its layers, its course, its templates, one sample's way."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from dlkit import signals
from dlkit.classifiers.beginning import kept_of
from dlkit.classifiers.evaluate import check_unchanged
from dlkit.classifiers.history import history_of
from dlkit.classify import layers
from dlkit.classify.explain import Way, explain
from dlkit.data.loading import load, load_test
from dlkit.errors import NOT_FOUND, DlkitError
from dlkit.records import Noted, Record

if TYPE_CHECKING:
    from dlkit.classify.config import ClassifyConfig
    from dlkit.classify.layers import Layer
    from dlkit.classify.saved import Classifier
    from dlkit.data.samples import Samples
    from dlkit.report.canvas import Figure

LOOKED_AT: Final = 2048  # samples


class Inspection(NamedTuple):
    """What was found.

    Attributes:
        samples: the data.
        layers: of the network, on samples of the data.
        looked_at: how many.
        way: of the sample that was asked about.

    """

    samples: Samples
    layers: list[Layer]
    looked_at: int
    way: Way | None


def inspect(
    classifier: Classifier, config: ClassifyConfig, *, other_data: bool, number: int | None = None
) -> Generator[Record, None, Inspection]:
    """Look at a network with the data that it was trained on, or with others.

    Args:
        classifier: the artifact.
        config: its settings, with those that are asked for now.
        other_data: ``config.data`` are other data than it was trained on.
        number: a sample of the test split to explain, counted from 1.

    Raises:
        DlkitError: unreadable data, data that changed; (NOT_FOUND) no such sample.
        StoppedError: a signal came.

    """
    with signals.catch() as stop:
        seed = config.training.seed
        if other_data:
            samples = yield from load_test(
                config.data, config.input, form=classifier.form, classes=classifier.classes,
                seed=seed,
            )  # fmt: skip
            split = samples.test
        else:
            kept = {} if config.begin is None else kept_of(classifier)
            samples = yield from load(config.data, config.input, seed=seed, **kept)
            check_unchanged(classifier, samples, "train")
            check_unchanged(classifier, samples, "test")
            split = samples.train
        stop.check()
        if number is not None and number > (count := len(samples.test)):
            raise DlkitError(
                f"--explain {number}: the test split of {samples.name} has {count:,} samples",
                hint=f"--explain {count}" if count else "give DATA with samples to explain",
                code=NOT_FOUND,
            )
        some = np.linspace(0, len(split) - 1, min(LOOKED_AT, len(split))).round().astype(np.int64)
        looked = split.take(some)
        numbers = yield from classifier.reader.apply(looked.inputs, what="samples")
        if len(looked) < len(split):
            what = "test" if other_data else "training"
            yield Noted(f"looked at {len(looked):,} of {len(split):,} {what} samples")
        found = layers.look(classifier, numbers, looked.labels)
        way = None
        if number is not None:
            one = samples.test.take(np.array([number - 1]))
            numbers = yield from classifier.reader.apply(one.inputs, what="the sample")
            way = explain(classifier, one, numbers, 0)
        return Inspection(samples, found, len(looked), way)


def figures(classifier: Classifier, *, name: str) -> dict[str, Figure]:
    """The learning curves, and where inputs are pixels the templates, by file name."""
    from dlkit.classify.showing import curves
    from dlkit.classify.templates import pictures, templates_figure

    best = classifier.document["scores"].get("best_epoch")
    found = {"curves": curves(history_of(classifier), name=name, best=best)}
    images = pictures(classifier)
    if images is not None:
        linear = not classifier.document["model"]["hidden"]
        names = classifier.classes if linear else [f"neuron {n}" for n in range(1, len(images) + 1)]
        what = "what each class looks for" if linear else "what the first neurons look for"
        found["templates"] = templates_figure(
            images, names, title=f"{name}: {what}", grey=classifier.form.channels == 1  # type: ignore[union-attr]
        )  # fmt: skip
    return found
