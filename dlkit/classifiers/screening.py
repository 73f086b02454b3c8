"""One class against the rest at a threshold: who is found, who is taken for one wrongly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlkit.errors import NOT_FOUND, USAGE, DlkitError
from dlkit.training.confusion import interval
from dlkit.training.ranking import areas

if TYPE_CHECKING:
    import numpy.typing as npt

    Values = npt.NDArray[np.float64]
    Labels = npt.NDArray[np.int64]

COLUMNS = ("score", "value", "low", "high", "of")


class Screened(NamedTuple):
    """What a threshold finds.

    Attributes:
        positive: the class that is looked for.
        threshold: a sample is said to be of it from this probability on.
        chosen: how the threshold was chosen, in words.
        found: samples of the class above the threshold.
        missed: those below.
        alarms: samples of other classes above it.
        cleared: those below.
        area: under the ROC curve, with its interval of 95 %; None: one of the two has no samples.

    """

    positive: str
    threshold: float
    chosen: str
    found: int
    missed: int
    alarms: int
    cleared: int
    area: tuple[float, float, float] | None

    def rows(self) -> list[list[object]]:
        """Score, value, ends of its interval of 95 % (Wilson's, of the area DeLong's), of what."""
        shares = (
            ("sensitivity", self.found, self.found + self.missed),
            ("specificity", self.cleared, self.cleared + self.alarms),
            ("positive predictive value", self.found, self.found + self.alarms),
            ("negative predictive value", self.cleared, self.cleared + self.missed),
        )
        rows: list[list[object]] = [
            [name, part / whole, *interval(part, whole), whole] if whole
            else [name, None, None, None, 0]
            for name, part, whole in shares
        ]  # fmt: skip
        total = self.found + self.missed + self.alarms + self.cleared
        area = self.area or (None, None, None)
        return [["ROC-AUC", *area, total], *rows]

    def document(self) -> dict[str, Any]:
        """The same in JSON's types."""
        told: dict[str, Any] = {
            "positive": self.positive,
            "threshold": self.threshold,
            "chosen": self.chosen,
            "true_positives": self.found,
            "false_negatives": self.missed,
            "false_positives": self.alarms,
            "true_negatives": self.cleared,
        }
        for name, value, low, high, _ in self.rows():
            key = str(name).lower().replace(" ", "_").replace("-", "_")
            told[key] = {"value": value, "low": low, "high": high}
        return told


def place_of(positive: str, classes: Sequence[str]) -> int:
    """The place of a class by its name.

    Raises:
        DlkitError: (NOT_FOUND) there is none.

    """
    if positive not in classes:
        raise DlkitError(
            f"--positive {positive}: no such class",
            hint=f"the classes are {', '.join(classes[:20])}",
            code=NOT_FOUND,
        )
    return list(classes).index(positive)


def threshold_for(values: Values, labels: Labels, place: int, sensitivity: float) -> float:
    """The highest threshold at which at least so large a share of a class is found.

    Args:
        values: (N, C) probabilities of samples that nothing was learnt from and that are not
            tested on.
        labels: (N,).
        place: of the class.
        sensitivity: the share, above 0, at most 1.

    Raises:
        DlkitError: the class has no samples.

    """
    own = np.sort(values[labels == place, place])
    if not len(own):
        raise DlkitError(
            "the class has no validation samples to choose a threshold by",
            hint="--threshold P says it",
            code=USAGE,
        )
    # So many samples of the class may lie below.
    missed = int(np.floor((1 - sensitivity) * len(own) + 1e-9))
    return float(own[min(missed, len(own) - 1)])


def screen(
    values: Values,
    labels: Labels,
    classes: Sequence[str],
    *,
    positive: str,
    threshold: float,
    chosen: str,
) -> Screened:
    """What a threshold finds among the samples of a test split.

    Args:
        values: (N, C) probabilities.
        labels: (N,).
        classes: (C,) names.
        positive: the class that is looked for.
        threshold: from which probability on.
        chosen: how it was chosen.

    """
    place = place_of(positive, classes)
    own, above = labels == place, values[:, place] >= threshold
    area = None
    if own.any() and not own.all():
        turned = np.stack([1 - values[:, place], values[:, place]], axis=1)
        found = areas(turned, own.astype(np.int64))
        assert found.mean is not None
        assert found.interval is not None
        area = (found.mean, *found.interval)
    return Screened(
        positive,
        threshold,
        chosen,
        int((own & above).sum()),
        int((own & ~above).sum()),
        int((~own & above).sum()),
        int((~own & ~above).sum()),
        area,
    )
