"""How good predictions are: scores with their intervals, per class, and what is taken for what.

The definitions are those of scikit-learn's metrics, which the tests compare with. They are computed
from the confusion matrix and from ranks, because the bootstrap needs a thousand of each.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit.errors import DlkitError
from dlkit.training import resampling
from dlkit.training.confusion import (
    ClassScore,
    Interval,
    class_scores,
    confusion_of,
    interval,
    macro_f1,
    macro_f1s,
    weighted_f1,
    weighted_f1s,
)
from dlkit.training.ranking import areas

if TYPE_CHECKING:
    import numpy.typing as npt

_BINS: Final = 15  # of the confidence, as Guo et al. 2017 (arXiv 1706.04599) take


class Bin(NamedTuple):
    """Predictions whose confidence lies above ``low`` and not above ``high``.

    ``confidence`` is their mean confidence, ``accuracy`` the share that is right; None for none.
    """

    low: float
    high: float
    samples: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True, eq=False)
class Scores:
    """How predictions compare with labels.

    Attributes:
        classes: (C,) names.
        confusion: (C, C) how many samples of each class (row) were taken for each (column).
        top_k: for each k, the share whose class is among the k most probable.
        log_loss: mean of -log p of the right class; None where the values are no probabilities.
        class_auc: (C,) area under the ROC curve of each class against the rest; None for a class
            with no sample, or with all.
        ece: expected calibration error: the mean distance of confidence and accuracy over bins of
            the confidence, weighted by their samples. It has no interval: resampling raises it.
        calibration: the bins.
        roc_auc: of two classes the area of the second, of more the mean over the classes that
            have one; None where none has.
        intervals: of 95 % by the score's name: Wilson's for ``accuracy`` and ``top5``, DeLong's
            for ``roc_auc``, those of the percentile bootstrap for ``macro_f1``, ``weighted_f1``
            and ``log_loss``.

    """

    classes: tuple[str, ...]
    confusion: npt.NDArray[np.int64]
    top_k: Mapping[int, float]
    log_loss: float | None
    class_auc: tuple[float | None, ...]
    roc_auc: float | None
    ece: float | None
    calibration: tuple[Bin, ...]
    intervals: Mapping[str, Interval]

    @property
    def correct(self) -> int:
        """How many were right."""
        return int(np.trace(self.confusion))

    @property
    def total(self) -> int:
        """How many were judged."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """The share that was right."""
        return self.correct / self.total

    @property
    def macro_f1(self) -> float:
        """The mean of F1 over the classes that stand in the labels or the predictions."""
        return macro_f1(self.confusion)

    @property
    def weighted_f1(self) -> float:
        """The mean of F1 over the samples' classes."""
        return weighted_f1(self.confusion)

    @property
    def per_class(self) -> list[ClassScore]:
        """The score of each class."""
        return class_scores(self.confusion, self.classes)

    def document(self) -> dict[str, Any]:
        """The scores in JSON's types."""
        low, high = self.intervals["accuracy"]
        return {
            "accuracy": self.accuracy,
            "low": low,
            "high": high,
            **{f"top{k}": value for k, value in self.top_k.items()},
            "macro_f1": self.macro_f1,
            "weighted_f1": self.weighted_f1,
            "log_loss": self.log_loss,
            "roc_auc": self.roc_auc,
            "ece": self.ece,
            "errors": self.total - self.correct,
            "samples": self.total,
            "intervals": {name: list(ends) for name, ends in sorted(self.intervals.items())},
        }


def scores(
    probabilities: npt.NDArray[Any],
    labels: npt.NDArray[np.integer[Any]],
    classes: Sequence[str],
    *,
    top_k: Sequence[int] = (5,),
    probabilistic: bool = True,
    resamples: int = 1000,
    seed: int = 0,
) -> Scores:
    """Judge predictions; the class with the highest value, of equal ones the first, is predicted.

    Args:
        probabilities: (N, C) floating point, each row with sum 1; or any scores.
        labels: (N,) places of the right classes.
        classes: (C,) their names.
        top_k: numbers of classes to look for the right one among; those not below C say nothing
            and are left out.
        probabilistic: the values are probabilities; otherwise (a hinge loss's scores) there is no
            log-loss and no calibration.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        DlkitError: there are no samples; a value is not finite.

    """
    values, truth = _checked(probabilities, labels, len(classes))
    assert not probabilistic or np.abs(values.sum(axis=1, dtype=np.float64) - 1).max() < 1e-2
    predicted = values.argmax(axis=1)
    matrix = confusion_of(predicted, truth, len(classes))
    ranks = _ranks(values, truth)
    tops = {k: int((ranks < k).sum()) for k in sorted(set(top_k)) if 1 <= k < len(classes)}
    bins = calibration(values.max(axis=1), predicted == truth) if probabilistic else ()
    told = values
    if len(classes) == 2 and not probabilistic:
        told = values.astype(np.float64) - values[:, ::-1]  # only their distance says something
    found = areas(told, truth)
    lost = losses(values, truth) if probabilistic else None
    right = int((ranks == 0).sum())
    intervals = {"accuracy": interval(right, len(truth))}
    intervals |= {f"top{k}": interval(count, len(truth)) for k, count in tops.items()}
    intervals |= resampling.of_confusion(
        matrix, {"macro_f1": macro_f1s, "weighted_f1": weighted_f1s}, resamples, seed
    )
    if lost is not None:
        intervals["log_loss"] = resampling.of_mean(lost, resamples, seed)
    if found.interval is not None:
        intervals["roc_auc"] = found.interval
    return Scores(
        classes=tuple(classes),
        confusion=matrix,
        top_k={k: count / len(truth) for k, count in tops.items()},
        log_loss=None if lost is None else float(lost.mean()),
        class_auc=found.each,
        roc_auc=found.mean,
        ece=calibration_error(bins) if probabilistic else None,
        calibration=bins,
        intervals=intervals,
    )


def _checked(
    values: npt.NDArray[Any], labels: npt.NDArray[np.integer[Any]], classes: int
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Values of float32 or float64 and labels of int64."""
    assert values.shape == (len(labels), classes), (values.shape, labels.shape, classes)
    if not len(labels):
        raise DlkitError("there are no samples to judge")
    if values.dtype not in (np.float32, np.float64):
        values = values.astype(np.float32)
    truth = labels.astype(np.int64)
    assert truth.min() >= 0, "a sample has no class"
    assert truth.max() < classes
    broken = int((~np.isfinite(values).all(axis=1)).sum())
    if broken:
        raise DlkitError(
            f"the model's scores are not finite for {broken:,} of {len(truth):,} samples"
        )
    return values, truth


def _ranks(values: npt.NDArray[Any], truth: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """(N,) how many classes come before the right one; of equal values the first does."""
    own = np.take_along_axis(values, truth[:, None], axis=1)
    before = np.arange(values.shape[1])[None] < truth[:, None]
    ahead = (values > own) | ((values == own) & before)
    return np.asarray(ahead.sum(axis=1, dtype=np.int64))


def calibration(
    confidence: npt.NDArray[Any], right: npt.NDArray[np.bool_], *, bins: int = _BINS
) -> tuple[Bin, ...]:
    """Bins of equal width of the predictions' confidence (N,), and whether they are right (N,)."""
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    samples = np.bincount(place, minlength=bins).tolist()
    trust = np.bincount(place, weights=confidence.astype(np.float64), minlength=bins).tolist()
    hits = np.bincount(place, weights=right, minlength=bins).tolist()
    return tuple(
        Bin(
            low,
            high,
            count,
            trust[i] / count if count else None,
            hits[i] / count if count else None,
        )
        for i, (low, high, count) in enumerate(
            zip(edges[:-1].tolist(), edges[1:].tolist(), samples, strict=True)
        )
    )


def calibration_error(bins: Sequence[Bin]) -> float:
    """The expected calibration error: the mean distance of confidence and accuracy over samples."""
    gaps = [
        each.samples * abs(each.confidence - each.accuracy)
        for each in bins
        if each.confidence is not None and each.accuracy is not None
    ]
    return math.fsum(gaps) / sum(each.samples for each in bins)


def losses(
    probabilities: npt.NDArray[Any], labels: npt.NDArray[np.integer[Any]]
) -> npt.NDArray[np.float64]:
    """(N,) -log p of the right class; p is at least the rounding of its type, so none is infinite.

    That floor is scikit-learn's: 1.2e-7 for float32, a loss of 15.9.
    """
    own = np.take_along_axis(probabilities, labels.astype(np.int64)[:, None], axis=1)[:, 0]
    floor = float(np.finfo(probabilities.dtype).eps)
    return np.asarray(-np.log(np.clip(own.astype(np.float64), floor, 1 - floor)))


def worst(
    probabilities: npt.NDArray[Any], labels: npt.NDArray[np.integer[Any]], n: int
) -> npt.NDArray[np.int64]:
    """Places of the ``n`` samples with the highest loss, highest first; of equal ones the first."""
    own = np.take_along_axis(probabilities, labels.astype(np.int64)[:, None], axis=1)[:, 0]
    return np.argsort(own, kind="stable")[:n]


def uncertain(probabilities: npt.NDArray[Any], n: int) -> npt.NDArray[np.int64]:
    """Places of the ``n`` samples with the highest entropy of their probabilities (N, C)."""
    sure = probabilities.astype(np.float64)
    entropy = -(sure * np.log(np.where(sure > 0, sure, 1))).sum(axis=1)
    return np.argsort(-entropy, kind="stable")[:n]
