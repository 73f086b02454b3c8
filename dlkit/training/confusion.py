"""What was taken for what: the confusion matrix, and the scores that it gives.

The definitions are those of scikit-learn's metrics, which the tests compare with.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Counts = npt.NDArray[np.int64]

_Z: Final = 1.959963984540054  # of the normal distribution, 95 % within

Interval = tuple[float, float]


@dataclass(frozen=True)
class ClassScore:
    """One class: precision, recall, their harmonic mean, and how many samples it has.

    A share of nothing is None: the precision of a class that was never predicted.
    """

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    samples: int


def interval(correct: int, total: int) -> Interval:
    """The 95 % interval of a share (Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953).

    Args:
        correct: how many of them.
        total: how many, at least one.

    """
    share, spread = correct / total, _Z * _Z / total
    middle = share + spread / 2
    half = _Z * math.sqrt(share * (1 - share) / total + spread / (4 * total))
    # At the ends the formula gives 0 and 1 but for the last digit.
    low = (middle - half) / (1 + spread) if correct else 0.0
    return low, (middle + half) / (1 + spread) if correct < total else 1.0


def confusion_of(predicted: Counts, labels: Counts, classes: int) -> Counts:
    """(C, C) how many samples of each class (row) were taken for each (column)."""
    pairs = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return pairs.reshape(classes, classes)


def class_scores(confusion: Counts, names: Sequence[str]) -> list[ClassScore]:
    """The score of each class, from the confusion (C, C)."""
    right = np.diag(confusion).tolist()
    samples, taken = (confusion.sum(axis=axis).tolist() for axis in (1, 0))
    return [
        ClassScore(
            name,
            precision=hit / guesses if guesses else None,
            recall=hit / there if there else None,
            f1=2 * hit / (there + guesses) if there + guesses else None,
            samples=there,
        )
        for name, hit, there, guesses in zip(names, right, samples, taken, strict=True)
    ]


def macro_f1(confusion: Counts) -> float:
    """The mean of F1 over the classes that stand in the labels or the predictions."""
    right, samples, taken = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    return float(macro_f1s(right[None], samples[None], taken[None])[0])


def weighted_f1(confusion: Counts) -> float:
    """The mean of F1 over the samples' classes: a class weighs as many samples as it has."""
    right, samples, taken = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    return float(weighted_f1s(right[None], samples[None], taken[None])[0])


def _f1(right: Counts, samples: Counts, taken: Counts) -> npt.NDArray[np.float64]:
    """(B, C) F1 of each class in each of B confusions; 0 where a class is nowhere."""
    return np.asarray(2 * right / np.maximum(samples + taken, 1))


def macro_f1s(right: Counts, samples: Counts, taken: Counts) -> npt.NDArray[np.float64]:
    """(B,) ``macro_f1`` of B confusions: how many are right, there, taken for each class (B, C)."""
    there = (samples + taken > 0).sum(axis=1)
    return np.asarray(_f1(right, samples, taken).sum(axis=1) / there)


def weighted_f1s(right: Counts, samples: Counts, taken: Counts) -> npt.NDArray[np.float64]:
    """(B,) ``weighted_f1`` of B confusions: how many are right, there, taken for each class."""
    weighted = (_f1(right, samples, taken) * samples).sum(axis=1)
    return np.asarray(weighted / samples.sum(axis=1))
