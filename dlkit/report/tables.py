"""Tables that several commands show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple
from unicodedata import east_asian_width

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

CONFUSION: Final = ("class", "taken for", "samples")
_MOST_COLUMNS: Final = 20  # classes of a confusion matrix on a terminal
_BETWEEN: Final = 3  # characters from one column to the next


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
    confusion: npt.NDArray[np.int64],
    classes: Sequence[str],
    *,
    caption: str,
    width: int | None = None,
) -> Table:
    """The confusion (C, C); of many classes the pairs that are confused, most often first.

    Args:
        confusion: how many of each class (row) were taken for each (column).
        classes: (C,) names.
        caption: what it is.
        width: characters of a line, into which names and numbers must fit; None: any.

    """
    if len(classes) <= _MOST_COLUMNS and (width is None or _across(confusion, classes) <= width):
        rows = [[name, *row] for name, row in zip(classes, confusion.tolist(), strict=True)]
        return Table(("class", *classes), rows, caption)
    wrong = most_confused(confusion, classes)
    return Table(CONFUSION, wrong, f"{caption}, the most frequent first")


def _across(confusion: npt.NDArray[np.int64], classes: Sequence[str]) -> int:
    """How many characters wide the table is."""
    names = [sum(2 if east_asian_width(c) in "WF" else 1 for c in name) for name in classes]
    digits = [len(f"{int(most):,}") for most in confusion.max(axis=0)]
    columns = [max(pair) for pair in zip(names, digits, strict=True)]
    return max(len("class"), *names) + sum(columns) + _BETWEEN * len(columns)


def most_confused(
    confusion: npt.NDArray[np.int64], classes: Sequence[str]
) -> list[tuple[str, str, int]]:
    """Class, the other that its samples were taken for, how many: most often first."""
    places = confusion.copy()
    for place in range(len(classes)):
        places[place, place] = 0
    return sorted(confused_pairs(places, classes), key=lambda pair: -pair[2])
