"""A table's cells by column: numbers and words, before any rule is learnt (`table_rules`)."""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from dlkit.data.cells import is_missing, number, plain_numbers
from dlkit.data.samples import Digests, digests_of
from dlkit.data.wording import counted, shown
from dlkit.errors import DlkitError
from dlkit.records import Record, Step, Warned

if TYPE_CHECKING:
    from dlkit.data.forms import TableForm
    from dlkit.data.frames import Frame

_TOLD: Final = 4096  # rows between two records of how far the reading has come
_NAMED: Final = 5  # rows in a message
LARGEST: Final = float(np.finfo(np.float32).max)  # of a table's numbers


@dataclass(frozen=True, eq=False)
class RawTable:
    """A table's cells by column, before any rule is learnt.

    Attributes:
        numbers: columns of numbers, (N,) float64 each, NaN where a cell is missing.
        words: columns of words, N each, None where a cell is missing.
        labels: the label's cells.
        places: where each row is.
        order: all columns of inputs, in order.
        content: the columns by whose cells a test split is held out, whichever are inputs.
        groups: the cells of the column of groups; None: there is none.

    """

    numbers: dict[str, npt.NDArray[np.float64]]
    words: dict[str, list[str | None]]
    labels: list[Any]
    places: list[str]
    order: tuple[str, ...]
    content: tuple[str, ...]
    groups: list[Any] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, places: npt.NDArray[np.int64]) -> RawTable:
        """The rows at ``places``, in that order."""
        chosen = places.tolist()
        return RawTable(
            {name: values[places] for name, values in self.numbers.items()},
            {name: [values[place] for place in chosen] for name, values in self.words.items()},
            [self.labels[place] for place in chosen],
            [self.places[place] for place in chosen],
            self.order,
            self.content,
            None if self.groups is None else [self.groups[place] for place in chosen],
        )

    def digests(self, form: TableForm | None = None) -> Digests:
        """The digest of each row's cells, (N,): of the columns of ``form``, or of ``content``."""
        names = self.content if form is None else [column.name for column in form.sources]
        # Minus zero is zero, and every NaN, however its bits are set, a missing number.
        columns = [self.numbers[name] + 0.0 for name in names if name in self.numbers]
        for values in columns:
            values[np.isnan(values)] = np.nan
        table = np.stack(columns, axis=1) if columns else np.zeros((len(self), 1))
        words = [self.words[name] for name in names if name in self.words]
        if not words:
            return digests_of(table)
        rows = zip(digests_of(table).tolist(), zip(*words, strict=True), strict=True)
        return digests_of([repr(row) for row in rows])


def read_table(
    frame: Frame,
    label: str | None,
    inputs: Sequence[str],
    *,
    numeric: Sequence[str],
    skip_bad: bool,
    beside: Sequence[str] = (),
    group: str | None = None,
) -> Iterator[Record | RawTable]:
    """Read a table's inputs and labels.

    Args:
        frame: the table.
        label: its column; None: no labels are read.
        inputs: their columns.
        numeric: which of them are of numbers.
        skip_bad: leave out, and count, rows with a cell that is not what its column asks for.
        beside: further columns, whose cells are content and may be anything.
        group: the column of groups; None: no groups are read.

    Yields:
        What to tell, and last the table.

    Raises:
        DlkitError: such a cell, with its row and column, unless ``skip_bad``.

    """
    numbers = [name for name in inputs if name in numeric]
    values = array("d")  # row after row
    words: dict[str, list[str | None]] = {name: [] for name in inputs if name not in numeric}
    further: dict[str, array[float]] = {
        name: array("d") for name in beside if frame.kinds[name] == "number"
    }
    words |= {name: [] for name in beside if name not in further}
    labels: list[Any] = []
    groups: list[Any] | None = None if group is None else []
    places: list[str] = []
    bad: list[str] = []
    known: dict[str | None, str | None] = {}
    apart = [name for name in (group, label) if name is not None]
    columns = [*numbers, *words, *further, *apart]
    started = time.monotonic()
    for done, (place, cells) in enumerate(frame.rows(columns), 1):
        if done % _TOLD == 0:
            rate = done / max(1e-6, time.monotonic() - started)
            yield Step(f"reading {frame.name}", done, frame.count, "rows", rate)
        try:
            row = _numbers(cells[: len(numbers)])
        except ValueError as error:
            column = next(n for n, cell in zip(numbers, cells, strict=False) if not _fits(cell))
            message = f"{place}: column {shown(column)}: {error}"
            if not skip_bad:
                raise DlkitError(
                    message, hint="--skip-bad leaves out, and counts, rows that cannot be read"
                ) from error
            bad.append(message)
            continue
        values.extend(row)
        for name, cell in zip(words, cells[len(numbers) :], strict=False):
            word = _word(cell)
            # Few values, many rows: equal words are one object.
            words[name].append(known.setdefault(word, word))
        for name, cell in zip(further, cells[len(numbers) + len(words) :], strict=False):
            further[name].append(_number(cell) if _fits(cell) else math.nan)
        labels.append(cells[-1] if label is not None else None)
        if groups is not None:
            groups.append(cells[-len(apart)])
        places.append(place)
    if bad:
        some = "; ".join(bad[:_NAMED]) + ("; …" if len(bad) > _NAMED else "")
        yield Warned(f"{counted(len(bad), 'bad row')} ({some}) left out")
    matrix = np.array(values, np.float64).reshape(len(places), len(numbers))
    yield RawTable(
        {name: matrix[:, place] for place, name in enumerate(numbers)}
        | {name: np.array(values) for name, values in further.items()},
        words,
        labels,
        places,
        tuple(inputs),
        tuple(name for name in frame.kinds if name in inputs or name in beside),
        groups,
    )


def _numbers(cells: Sequence[Any]) -> list[float]:
    """Cells as numbers; the way that most rows take is quick.

    Raises:
        ValueError: one is none.

    """
    try:
        row = list(map(float, cells))
    except (TypeError, ValueError, OverflowError):
        pass
    else:
        if (
            plain_numbers(cells)
            and math.isfinite(sum(row))
            and -LARGEST <= min(row, default=0) <= max(row, default=0) <= LARGEST
        ):
            return row
    return [_number(cell) for cell in cells]


def _number(cell: Any) -> float:
    try:
        value = number(cell)
    except ValueError as error:
        raise ValueError(f"{shown(repr(cell))} is not a number") from error
    if abs(value) > LARGEST:
        raise ValueError(f"{shown(str(cell))} is infinite or too large")
    return value


def _fits(cell: Any) -> bool:
    try:
        _number(cell)
    except ValueError:
        return False
    return True


def _word(cell: Any) -> str | None:
    if is_missing(cell):
        return None
    return str(cell).lower() if isinstance(cell, bool) else str(cell).strip()
