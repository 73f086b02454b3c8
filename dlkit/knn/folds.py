"""Cross-validation: each training sample judged by those of the other parts, in one search.

All parts are searched at once: a sample finds no point of its own part, which is what searching
each part's complement anew would find.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dlkit.errors import USAGE, DlkitError
from dlkit.knn.asking import Choice, Engine, Points, choices, numbers_to_try, predict
from dlkit.knn.scores import Score, judge

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.knn.config import KnnConfig
    from dlkit.records import Record


@dataclass(frozen=True, eq=False)
class Validated:
    """How a choice did in cross-validation.

    Attributes:
        choice: the choice.
        correct: (F,) right answers in each part.
        sizes: (F,) samples in each part.
        score: of all training samples together.

    """

    choice: Choice
    correct: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    score: Score

    @property
    def mean(self) -> float:
        """The mean of the parts' accuracies."""
        return float((self.correct / self.sizes).mean())

    @property
    def deviation(self) -> float | None:
        """Their standard deviation (n - 1); None where each part is one sample."""
        if (self.sizes == 1).all():
            return None
        return float((self.correct / self.sizes).std(ddof=1))

    def document(self) -> dict[str, object]:
        """The score in JSON's types."""
        return {
            **self.choice.document(),
            "accuracy": self.mean,
            "deviation": self.deviation,
            "errors": self.score.total - self.score.correct,
            "samples": self.score.total,
            "folds": len(self.sizes),
        }


def parts(labels: npt.NDArray[np.int64], folds: int | str, *, seed: int) -> npt.NDArray[np.int64]:
    """The part (N,) of each sample: equal in size and in classes as far as numbers allow.

    Args:
        labels: (N,) classes.
        folds: how many parts; loo: one for each sample.
        seed: of the shuffling within each class.

    Raises:
        DlkitError: (USAGE) there are fewer samples than parts.

    """
    count = len(labels)
    if folds == "loo":
        return np.arange(count)
    assert isinstance(folds, int)
    if folds > count:
        raise DlkitError(
            f"folds: {folds:,} parts of {count:,} training samples",
            hint="--folds loo makes one part of each sample",
            code=USAGE,
        )
    shuffled = np.random.default_rng(seed).permutation(count)
    # Samples of a class stand together and are dealt out in turn, without a break between classes.
    ordered = shuffled[np.argsort(labels[shuffled], kind="stable")]
    found = np.empty(count, np.int64)
    found[ordered] = np.arange(count) % folds
    return found


def cross_validate(
    points: Points, config: KnnConfig, engine: Engine
) -> Generator[Record, None, list[Validated]]:
    """The score of every choice of ``config`` on the training data alone.

    Raises:
        DlkitError: (USAGE) a k larger than what lies outside of the largest part; too few samples.

    """
    part = parts(points.labels, config.folds, seed=config.seed)
    sizes = np.bincount(part)
    if len(sizes) < 2:
        raise DlkitError("cross-validation needs at least two training samples")
    ks = yield from numbers_to_try(config, len(part) - int(sizes.max()))
    found = yield from predict(
        points, points.rows, choices(config, ks), engine, groups=(part, part)
    )
    return [
        Validated(
            choice,
            np.bincount(part[winners == points.labels], minlength=len(sizes)),
            sizes,
            judge(choice, winners, points.labels, len(points.classes)),
        )
        for choice, winners in found.items()
    ]


def best(scores: Sequence[Validated]) -> Validated:
    """The choice with the highest mean; of equal ones that of the fewest neighbours, the first."""
    highest = max(score.mean for score in scores)
    # Means of the same right answers in other orders may differ in the last digit.
    equal = [s for s in scores if math.isclose(s.mean, highest, rel_tol=1e-12)]
    return min(equal, key=lambda score: score.choice.k)
