"""Rows of numbers from columns of numbers and words, by rules learnt from training rows alone.

A missing number becomes the median of its column's training rows. A column of words becomes one
number, 0 or 1, for each value that training rows have; a missing or new value is 0 in all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from dlkit.data.forms import Column, TableForm
from dlkit.data.labels import natural
from dlkit.data.wording import counted, listed, shown
from dlkit.errors import DlkitError
from dlkit.records import Noted, Record, Warned

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.data.samples import Rows
    from dlkit.data.tabular import RawTable

_MOST_LEVELS: Final = 1_000  # values of a column of words
_NAMED: Final = 5  # columns in a message
_AT_ONCE: Final = 4096  # rows


def fit_form(raw: RawTable) -> Iterator[Record | TableForm]:
    """Learn the rules from training rows.

    Yields:
        What to tell, and last the form.

    Raises:
        DlkitError: no column is of use.

    """
    columns: list[Column] = []
    constant: list[str] = []
    for name in raw.order:
        if name in raw.numbers:
            values = raw.numbers[name]
            there = values[~np.isnan(values)]
            if not len(there):
                yield Warned(f"the column {shown(name)} has no values in training: left out")
                continue
            if there.min() == there.max():
                constant.append(name)
            columns.append(Column(name, float(np.median(there))))
            continue
        words = sorted({word for word in raw.words[name] if word is not None})
        levels = sorted(words, key=natural)
        if len(levels) > _MOST_LEVELS or (len(levels) > 20 and 2 * len(levels) > len(raw)):
            yield Warned(
                f"the column {shown(name)} has {len(levels):,} different values in {len(raw):,} "
                "rows: left out, it tells rows apart, not classes"
            )
            continue
        if not levels:
            yield Warned(f"the column {shown(name)} has no values in training: left out")
            continue
        if len(levels) == 1:
            constant.append(name)
        columns.append(Column(name, levels=tuple(levels)))
        number = counted(len(levels), "word")
        yield Noted(f"the column {shown(name)}: {number}, each a number that is 0 or 1")
    if not columns:
        raise DlkitError("no column of the table is of use")
    if constant:
        yield Noted(
            f"{counted(len(constant), 'column')} of one value in training: {listed(constant)}"
        )
    yield TableForm(tuple(columns))


def encode(raw: RawTable, form: TableForm, *, what: str) -> Iterator[Record | Rows]:
    """Rows of numbers by rules that were learnt.

    Yields:
        What was filled, and last the rows, (N, D) float32 or, where a number would change by that,
        float64: seconds since 1970 are 128 apart in float32.

    """
    rows = np.zeros((len(raw), len(form.columns)), np.float64)
    filled: dict[str, int] = {}
    new: dict[str, int] = {}
    place = 0
    for column in form.sources:
        if column.levels is None:
            values = raw.numbers[column.name]
            missing = np.isnan(values)
            rows[:, place] = np.where(missing, column.fill, values)
            if missing.any():
                filled[column.name] = int(missing.sum())
            place += 1
            continue
        number_of = {level: i for i, level in enumerate(column.levels)}
        words = raw.words[column.name]
        known = np.fromiter((number_of.get(word, -1) for word in words), np.int64, len(words))  # type: ignore[arg-type]
        there = np.flatnonzero(known >= 0)
        rows[there, place + known[there]] = 1
        if none := sum(word is None for word in words):
            filled[column.name] = none
        if unknown := len(words) - len(there) - none:
            new[column.name] = unknown
        place += len(column.levels)
    if filled:
        yield Noted(
            f"{what}: {counted(sum(filled.values()), 'missing value')} ({_counts(filled)}): the "
            "training median for a number, no word for a word"
        )
    if new:
        yield Warned(
            f"{what}: {counted(sum(new.values()), 'word')} that training has not ({_counts(new)})"
        )
    yield _narrowed(rows)


def _narrowed(rows: npt.NDArray[np.float64]) -> Rows:
    """The same numbers as float32, if it has them all."""
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        if not np.array_equal(some.astype(np.float32), some):
            return rows
    return rows.astype(np.float32)


def _counts(counts: dict[str, int]) -> str:
    listed = ", ".join(f"{shown(name)} {count:,}" for name, count in list(counts.items())[:_NAMED])
    return listed + (", …" if len(counts) > _NAMED else "")
