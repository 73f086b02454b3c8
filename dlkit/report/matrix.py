"""A confusion matrix as a picture: a row for each class, a column for what it was taken for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from dlkit.report.canvas import Canvas, Figure
from dlkit.report.svg import shortened, text_width

if TYPE_CHECKING:
    import numpy.typing as npt

_MOST: Final = 30  # classes that have room
_FONT: Final = 12.0
_LONGEST: Final = 160.0  # px of a label
_TOP: Final = 96.0
_STRONGEST: Final = 0.5  # of a cell's colour: the number on it stays readable


class _Shown(NamedTuple):
    """What has room: counts (R, R) and names; ``summed``: the last are several classes."""

    counts: npt.NDArray[np.int64]
    names: list[str]
    told: str
    summed: bool


def confusion_figure(
    confusion: npt.NDArray[np.int64], classes: Sequence[str], *, title: str, most: int = _MOST
) -> Figure:
    """The picture of a confusion (C, C): rows are the right classes, columns the predicted ones.

    The colour of a cell is its share of its row. Of more than ``most`` classes those with the most
    errors, in the rows and columns together, are shown, and the rest as one.
    """
    shown = _chosen(confusion, classes, most)
    side = min(44.0, max(26.0, text_width(f"{shown.counts.max():,}", _FONT) + 8))
    margin = min(_LONGEST, max(text_width(name, _FONT) for name in shown.names)) + 8
    across = side * len(shown.names)
    turned = any(text_width(name, _FONT) > side - 4 for name in shown.names)
    head = margin if turned else 22.0
    left, top = 44 + margin, _TOP + head
    widest = max(text_width(title, 18) * 1.08, text_width(shown.told, 12.5), across + margin + 20)
    size = (round(24 + max(widest + 20, across + margin + 44)), round(top + across + 24))

    def draw(canvas: Canvas) -> None:
        canvas.text(24, 30, title, size=18, look="ink strong")
        canvas.text(24, 50, shown.told, size=12.5, look="grey")
        middle = left + across / 2
        canvas.text(middle, _TOP - 14, "predicted", size=13, anchor="middle")
        canvas.text(28, top + across / 2, "right class", size=13, anchor="middle", turned=True)
        for place, name in enumerate(shown.names):
            label = shortened(name, _FONT, margin - 6)
            centre = (place + 0.5) * side
            canvas.text(left - 8, top + centre + 4, label, size=_FONT, anchor="end")
            if turned:
                canvas.text(left + centre + 4, top - 8, label, size=_FONT, turned=True)
            else:
                canvas.text(left + centre, top - 8, label, size=_FONT, anchor="middle")
        _cells(canvas, shown, left, top, side)

    return Figure(*size, title, draw)


def _chosen(confusion: npt.NDArray[np.int64], classes: Sequence[str], most: int) -> _Shown:
    wrong = int(confusion.sum() - np.trace(confusion))
    told = f"{int(confusion.sum()):,} samples, {wrong:,} wrong; colour: share of the row"
    if len(classes) <= most:
        return _Shown(confusion, list(classes), told, summed=False)
    errors = confusion.sum(axis=0) + confusion.sum(axis=1) - 2 * np.diag(confusion)
    kept = np.sort(np.argsort(-errors, kind="stable")[:most])
    group = np.full(len(classes), most)
    group[kept] = np.arange(most)
    counts = np.zeros((most + 1, most + 1), np.int64)
    np.add.at(counts, (group[:, None], group[None, :]), confusion)
    rest = f"others ({len(classes) - most:,})"
    told += f"; the {most} of {len(classes):,} classes with the most errors"
    return _Shown(counts, [*(classes[place] for place in kept), rest], told, summed=True)


def _cells(canvas: Canvas, shown: _Shown, left: float, top: float, side: float) -> None:
    totals = shown.counts.sum(axis=1).tolist()
    for row, line in enumerate(shown.counts.tolist()):
        for column, count in enumerate(line):
            if not count:
                continue
            share = count / totals[row]
            x, y = left + column * side, top + row * side
            tip = f"{shown.names[row]} taken for {shown.names[column]}: {count:,} ({share:.1%})"
            # The sum of the others is right and wrong at once.
            summed = shown.summed and row == column == len(shown.names) - 1
            look = "grey" if summed else "c0" if row == column else "c1"
            strength = _STRONGEST * (0.15 + 0.85 * share)
            canvas.box(x, y, side, side, look=look, strength=strength, tip=tip)
            size = 11.0 if side < 40 else _FONT
            canvas.text(x + side / 2, y + side / 2 + 4, f"{count:,}", size=size, anchor="middle")
    for place in range(len(totals) + 1):
        at, end = place * side, side * len(totals)
        canvas.line(left, top + at, left + end, top + at, look="faint")
        canvas.line(left + at, top, left + at, top + end, look="faint")
