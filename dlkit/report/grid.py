"""A score over two knobs: a cell for each pair of values, its colour by the score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from dlkit.report.canvas import Canvas, Figure
from dlkit.report.svg import shortened, text_width

_FONT: Final = 12.0
_HEIGHT: Final = 30.0  # px of a cell
_TOP: Final = 128.0
_STRONGEST: Final = 0.55  # of a cell's colour: the number on it stays readable
_LONGEST: Final = 120.0  # px of a label


class Part(NamedTuple):
    """One score.

    Attributes:
        name: stands above its grid.
        values: a list for each row, None where there is none.
        look: colour.
        ends: values of the faintest and the strongest colour.

    """

    name: str
    values: Sequence[Sequence[float | None]]
    look: str
    ends: tuple[float, float]


def grid_figure(
    parts: Sequence[Part],
    *,
    columns: tuple[str, Sequence[str]],
    rows: tuple[str, Sequence[str]],
    title: str,
    subtitle: str = "",
    best: tuple[int, int] | None = None,
) -> Figure:
    """The grids side by side; scores are shares, written in per cent.

    Args:
        parts: the scores.
        columns: the knob across and its values.
        rows: the knob down and its values.
        title: stands above.
        subtitle: stands under the title.
        best: row and column of a cell to emphasise.

    """
    widest = max(text_width(name, _FONT) for name in columns[1])
    cell = min(_LONGEST, max(52.0, widest + 10))
    margin = min(_LONGEST, max(text_width(name, _FONT) for name in rows[1]))
    left, across = 56 + margin, cell * len(columns[1])
    down = _HEIGHT * len(rows[1])
    step = max(across, max(text_width(part.name, 13) for part in parts)) + 36
    told = max(text_width(title, 18) * 1.08, text_width(subtitle, 12.5)) + 48
    width = round(max(told, left + len(parts) * step))

    def draw(canvas: Canvas) -> None:
        canvas.text(24, 30, title, size=18, look="ink strong")
        if subtitle:
            canvas.text(24, 50, subtitle, size=12.5, look="grey")
        canvas.text(28, _TOP + down / 2, rows[0], size=13, anchor="middle", turned=True)
        for place, name in enumerate(rows[1]):
            y = _TOP + (place + 0.5) * _HEIGHT + 4
            canvas.text(left - 10, y, shortened(name, _FONT, _LONGEST), size=_FONT, anchor="end")
        for number, part in enumerate(parts):
            x = left + number * step
            canvas.text(x, 84, part.name, size=13, look="ink strong")
            canvas.text(x + across / 2, _TOP + down + 24, columns[0], size=13, anchor="middle")
            for place, name in enumerate(columns[1]):
                text = shortened(name, _FONT, cell - 4)
                middle = x + (place + 0.5) * cell
                canvas.text(middle, _TOP - 10, text, size=_FONT, anchor="middle", look="grey")
            _cells(canvas, part, x, cell, best)

    return Figure(width, round(_TOP + down + 44), title, draw)


def _cells(
    canvas: Canvas, part: Part, left: float, cell: float, best: tuple[int, int] | None
) -> None:
    low, high = part.ends
    for row, line in enumerate(part.values):
        for column, value in enumerate(line):
            x, y = left + column * cell, _TOP + row * _HEIGHT
            text = "–"
            if value is not None:
                share = (value - low) / (high - low) if high > low else 0.5
                strength = _STRONGEST * min(1.0, max(0.0, share))
                canvas.box(x, y, cell, _HEIGHT, look=part.look, strength=strength)
                text = f"{100 * value:.1f}"
            look = "ink strong" if (row, column) == best else "ink"
            middle = x + cell / 2
            canvas.text(middle, y + 20, text, size=_FONT, anchor="middle", look=look)
    rows, columns = len(part.values), len(part.values[0])
    for place in range(rows + 1):
        y = _TOP + place * _HEIGHT
        canvas.line(left, y, left + columns * cell, y, look="faint")
    for place in range(columns + 1):
        x = left + place * cell
        canvas.line(x, _TOP, x, _TOP + rows * _HEIGHT, look="faint")
