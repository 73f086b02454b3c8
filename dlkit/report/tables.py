"""Tables that several commands show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

CONFUSION: Final = ("class", "taken for", "samples")
_MOST_COLUMNS: Final = 20  # classes of a confusion matrix on a terminal


class Table(NamedTuple):
    """Names of columns, rows of as many values, and what stands above them."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    caption: str = ""


def confused_pairs(
    confusion: npt.NDArray[np.int64], classes: Sequence[str]
) -> Iterator[tuple[str, str, int]]:
    """Class, what its samples were taken for (itself included), how many; only where some were."""
    for name, row in zip(classes, confusion.tolist(), strict=True):
        for other, count in zip(classes, row, strict=True):
            if count:
                yield name, other, count


def confusion_table(
    confusion: npt.NDArray[np.int64], classes: Sequence[str], *, caption: str
) -> Table:
    """The confusion (C, C); of many classes the pairs that are confused, most often first."""
    if len(classes) <= _MOST_COLUMNS:
        rows = [[name, *row] for name, row in zip(classes, confusion.tolist(), strict=True)]
        return Table(("class", *classes), rows, caption)
    wrong = most_confused(confusion, classes)
    return Table(CONFUSION, wrong, f"{caption}, the most frequent first")


def most_confused(
    confusion: npt.NDArray[np.int64], classes: Sequence[str]
) -> list[tuple[str, str, int]]:
    """Class, the other that its samples were taken for, how many: most often first."""
    places = confusion.copy()
    for place in range(len(classes)):
        places[place, place] = 0
    return sorted(confused_pairs(places, classes), key=lambda pair: -pair[2])
