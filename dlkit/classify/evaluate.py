"""Scores on data that nothing was learnt from."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from dlkit import signals
from dlkit.classify.asking import values_of
from dlkit.classify.beginning import kept_of
from dlkit.data.loading import load, load_test
from dlkit.errors import DlkitError, quoted
from dlkit.training.metrics import Scores
from dlkit.training.metrics import scores as score

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dlkit.classify.config import ClassifyConfig
    from dlkit.classify.saved import Classifier
    from dlkit.data.samples import Samples
    from dlkit.records import Record


class Judged(NamedTuple):
    """A test split and what the network says of it.

    Attributes:
        scores: how good it is.
        samples: the data.
        values: (N, C) probabilities, or scores of a hinge loss.

    """

    scores: Scores
    samples: Samples
    values: npt.NDArray[np.float64]


def evaluate(
    classifier: Classifier,
    config: ClassifyConfig,
    *,
    other_data: bool,
    top_k: Sequence[int] = (5,),
) -> Generator[Record, None, Judged]:
    """Judge an artifact on its own test split, or on other data.

    Args:
        classifier: the artifact.
        config: its settings, with those that are asked for now.
        other_data: ``config.data`` are other data than it was trained on.
        top_k: numbers of classes to look for the right one among.

    Raises:
        DlkitError: the test data are not those that were recorded, or cannot be read.
        StoppedError: a signal came.

    """
    with signals.catch() as stop:
        seed = config.training.seed
        if other_data:
            samples = yield from load_test(
                config.data, config.input, form=classifier.form, classes=classifier.classes,
                seed=seed, learnt=classifier.learnt(),
            )  # fmt: skip
        else:
            kept = {} if config.begin is None else kept_of(classifier)
            samples = yield from load(config.data, config.input, seed=seed, **kept)
            check_unchanged(classifier, samples, "test")
            if not len(samples.test):
                raise DlkitError(
                    f"{classifier.reference} has no test split: nothing was held out of "
                    f"{samples.name}",
                    hint=f"dlkit classify eval DATA --from {quoted(classifier.reference)}",
                )
        stop.check()
        found = yield from classifier.scores(samples.test.inputs, what="test")
        judged = judge(found, samples.test.labels, samples.classes, classifier.loss, top_k=top_k)
        return Judged(judged, samples, values_of(found, classifier.loss))


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


def check_unchanged(classifier: Classifier, samples: Samples, split: str) -> None:
    """Do nothing if a split is the one that the artifact was trained with.

    Raises:
        DlkitError: its content has changed.

    """
    then = classifier.fingerprints.get(split, "not there")
    now = samples.fingerprint(split) if split in samples.splits else "not there"
    if then != now:
        raise DlkitError(
            f"the {split} data of {classifier.reference} have changed: their fingerprint was "
            f"{then[:16]}…, now it is {now[:16]}…",
            hint=f"dlkit classify eval DATA --from {classifier.reference} judges it on other data",
        )
