"""How good predictions are: accuracy with its interval, per class, and what is taken for what."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.knn.asking import Choice

_Z: Final = 1.959963984540054  # of the normal distribution, 95 % within


def interval(correct: int, total: int) -> tuple[float, float]:
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


@dataclass(frozen=True, eq=False)
class Score:
    """How a choice did.

    Attributes:
        choice: the choice.
        confusion: (C, C) how many samples of each class (row) were taken for each (column).

    """

    choice: Choice
    confusion: npt.NDArray[np.int64]

    @property
    def score(self) -> Score:
        """The score itself: what a score of folds has, too."""
        return self

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

    def classes(self, names: tuple[str, ...]) -> list[ClassScore]:
        """The score of each class."""
        rows = []
        for place, name in enumerate(names):
            right = int(self.confusion[place, place])
            samples, taken = (int(self.confusion.sum(axis=axis)[place]) for axis in (1, 0))
            both = samples + taken
            rows.append(
                ClassScore(
                    name,
                    right / taken if taken else None,
                    right / samples if samples else None,
                    2 * right / both if both else None,
                    samples,
                )
            )
        return rows

    @property
    def macro_f1(self) -> float:
        """The mean of F1 over the classes that stand in the labels or the predictions."""
        right = np.diag(self.confusion)
        both = self.confusion.sum(axis=0) + self.confusion.sum(axis=1)
        return float((2 * right[both > 0] / both[both > 0]).mean())

    def document(self) -> dict[str, object]:
        """The score in JSON's types."""
        low, high = interval(self.correct, self.total)
        return {
            **self.choice.document(),
            "accuracy": self.accuracy,
            "low": low,
            "high": high,
            "errors": self.total - self.correct,
            "samples": self.total,
            "macro_f1": self.macro_f1,
        }


def judge(
    choice: Choice,
    predicted: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
    classes: int,
) -> Score:
    """Compare predictions (Q,) with labels (Q,)."""
    pairs = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return Score(choice, pairs.reshape(classes, classes))
