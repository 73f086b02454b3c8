"""Scores on data that nothing was learnt from."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from dlkit import signals
from dlkit.classifiers.asking import values_of
from dlkit.classifiers.beginning import kept_of
from dlkit.classifiers.opened import fingerprints_of, learnt_of
from dlkit.data.loading import load, load_test
from dlkit.errors import DlkitError, quoted
from dlkit.records import Noted
from dlkit.training.metrics import Scores
from dlkit.training.metrics import scores as score

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dlkit.classifiers.opened import Classifier
    from dlkit.data.config import SampleConfig
    from dlkit.data.samples import Samples
    from dlkit.records import Record


class Judged(NamedTuple):
    """A test split and what the network says of it.

    Attributes:
        scores: how good it is.
        samples: the data.
        values: (N, C) probabilities, or scores of a hinge loss.
        seconds: that the answers took, without reading the samples.

    """

    scores: Scores
    samples: Samples
    values: npt.NDArray[np.float64]
    seconds: float


class Asked(NamedTuple):
    """The data that a classifier is asked about.

    Attributes:
        data: as the user typed them.
        input: how they are read.
        seed: of what is drawn.
        other: whether they are other data than the classifier was trained on.
        begun: whether its training began with another artifact, whose classes and form its own
            data were read by.

    """

    data: Sequence[str]
    input: SampleConfig
    seed: int
    other: bool
    begun: bool


def read_asked(
    classifier: Classifier, asked: Asked, *, unchanged: Sequence[str] = ("test",)
) -> Generator[Record, None, Samples]:
    """Read the data that a classifier is asked about; of other data the test split alone.

    Args:
        classifier: the artifact.
        asked: which data.
        unchanged: the splits of its own data that must be those that it was trained with.

    Raises:
        DlkitError: its own data are not those that were recorded, or data cannot be read.

    """
    if asked.other:
        known = {**kept_of(classifier), "learnt": learnt_of(classifier)}
        return (yield from load_test(asked.data, asked.input, seed=asked.seed, **known))
    kept = kept_of(classifier) if asked.begun else {}
    samples = yield from load(asked.data, asked.input, seed=asked.seed, **kept)
    for split in unchanged:
        check_unchanged(classifier, samples, split)
    return samples


def evaluate(
    classifier: Classifier, asked: Asked, *, top_k: Sequence[int] = (5,)
) -> Generator[Record, None, Judged]:
    """Judge an artifact on its own test split, or on other data.

    Args:
        classifier: the artifact.
        asked: on which data.
        top_k: numbers of classes to look for the right one among.

    Raises:
        DlkitError: the test data are not those that were recorded, or cannot be read.
        StoppedError: a signal came.

    """
    with signals.catch() as stop:
        samples = yield from read_asked(classifier, asked)
        check_test(classifier, samples)
        stop.check()
        begun = time.perf_counter()
        found = yield from classifier.scores(samples.test.inputs, what="test")
        seconds = time.perf_counter() - begun
        yield Noted(
            f"{len(found):,} samples asked about in {seconds:.3g} s, {len(found) / seconds:,.0f} a "
            "second"
        )
        judged = judge(found, samples.test.labels, samples.classes, classifier.loss, top_k=top_k)
        return Judged(judged, samples, values_of(found, classifier.loss), seconds)


def judge(
    scores: npt.NDArray[Any],
    labels: npt.NDArray[np.int64],
    classes: Sequence[str],
    loss: Literal["softmax", "hinge"],
    *,
    top_k: Sequence[int] = (5,),
) -> Scores:
    """Compare the scores (N, C) of a network with labels (N,)."""
    softmax = loss == "softmax"
    return score(values_of(scores, loss), labels, classes, top_k=top_k, probabilistic=softmax)


def check_test(classifier: Classifier, samples: Samples) -> None:
    """Do nothing if there are samples to judge a classifier on.

    Raises:
        DlkitError: there are none.

    """
    if not len(samples.test):
        raise DlkitError(
            f"{classifier.reference} has no test split: nothing was held out of {samples.name}",
            hint=f"{_command(classifier)} DATA --from {quoted(classifier.reference)}",
        )


def check_unchanged(classifier: Classifier, samples: Samples, split: str) -> None:
    """Do nothing if a split is the one that the artifact was trained with.

    Raises:
        DlkitError: its content has changed.

    """
    then = fingerprints_of(classifier).get(split, "not there")
    now = samples.fingerprint(split) if split in samples.splits else "not there"
    if then != now:
        raise DlkitError(
            f"the {split} data of {classifier.reference} have changed: their fingerprint was "
            f"{then[:16]}…, now it is {now[:16]}…",
            hint=f"{_command(classifier)} DATA --from {classifier.reference} judges it on other "
            "data",
        )


def _command(classifier: Classifier) -> str:
    return f"dlkit {classifier.document['task']} eval"
