"""How good predictions are: accuracy with its interval, per class, and what is taken for what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dlkit.training.confusion import ClassScore, class_scores, interval, macro_f1s

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.knn.asking import Choice


@dataclass(frozen=True, eq=False)
class Score:
    """How a choice did.

    Attributes:
        choice: the choice.
        truth: (P,) classes of samples.
        taken: (P,) what some of these were taken for; no pair stands twice.
        counts: (P,) how many.
        number: C, how many classes there are.

    """

    choice: Choice
    truth: npt.NDArray[np.int64]
    taken: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    number: int

    @property
    def confusion(self) -> npt.NDArray[np.int64]:
        """(C, C) how many samples of each class (row) were taken for each (column)."""
        # Made when it is asked for: of thousands of classes each takes megabytes, mostly zeros.
        matrix = np.zeros((self.number, self.number), np.int64)
        matrix[self.truth, self.taken] = self.counts
        return matrix

    @property
    def score(self) -> Score:
        """The score itself: what a score of folds has, too."""
        return self

    @property
    def correct(self) -> int:
        """How many were right."""
        return int(self.counts[self.truth == self.taken].sum())

    @property
    def total(self) -> int:
        """How many were judged."""
        return int(self.counts.sum())

    @property
    def accuracy(self) -> float:
        """The share that was right."""
        return self.correct / self.total

    def classes(self, names: tuple[str, ...]) -> list[ClassScore]:
        """The score of each class."""
        return class_scores(self.confusion, names)

    @property
    def macro_f1(self) -> float:
        """The mean of F1 over the classes that stand in the labels or the predictions."""
        right = np.zeros((1, self.number), np.int64)
        same = self.truth == self.taken
        right[0, self.truth[same]] = self.counts[same]
        there, taken = np.zeros_like(right), np.zeros_like(right)
        np.add.at(there[0], self.truth, self.counts)
        np.add.at(taken[0], self.taken, self.counts)
        return float(macro_f1s(right, there, taken)[0])

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
    pairs, counts = np.unique(labels * classes + predicted, return_counts=True)
    return Score(choice, pairs // classes, pairs % classes, counts.astype(np.int64), classes)
