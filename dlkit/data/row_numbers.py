"""Columns that number a table's rows, which tell rows apart and nothing about their classes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np

from dlkit.data.wording import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

# id, row_id, PassengerId, index, what pandas calls an index without a name; compared as written
# where the letters' case parts the words.
_NAMES: Final = re.compile(
    r"(?i:(.*[\W_])?id|index|row|unnamed: ?\d+|编号|序号|行号|編號|序號|行號)|.*[^\W\d_A-Z]I[dD]|"
)
_FEWEST: Final = 10  # rows in which a constant step is no chance


def row_numbers(numbers: Mapping[str, npt.NDArray[np.float64]], *, others: int) -> dict[str, str]:
    """The columns whose numbers name their row, each with how that shows.

    Whole numbers, none missing and no two equal, in a column that is called like a row's number,
    or that rise from row to row by the same step. Such steps alone do not leave a table without
    inputs: they may be those of its one variable.

    Args:
        numbers: the columns of numbers in the order of the file, (N,) each, NaN where missing.
        others: how many columns of inputs there are beside them.

    """
    named: dict[str, str] = {}
    rising: dict[str, str] = {}
    for name, values in numbers.items():
        if len(values) < 2 or not (values == np.floor(values)).all():
            continue
        if _NAMES.fullmatch(name.strip()):
            if len(np.unique(values)) == len(values):
                named[name] = f"and is called {shown(name)!r}"
            continue
        steps = np.diff(values)
        if len(values) >= _FEWEST and steps[0] > 0 and (steps == steps[0]).all():
            rising[name] = f"that rises by {steps[0]:,.0f} from row to row"
    if others + len(numbers) == len(named) + len(rising):
        rising = {}
    return named | rising
