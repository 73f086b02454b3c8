"""Curves on logarithmic axes: as a picture, and in the characters of a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from dlkit.report.axes import Scale, count_text, decade_ticks
from dlkit.report.svg import COLOURS, Drawing

_SIZE: Final = (760, 520)
_LEFT, _TOP, _RIGHT, _BOTTOM = 72, 64, 28, 58
# Dots of a Braille character by (column, row): Unicode 17, chart U+2800.
_DOTS: Final = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))


class Curve(NamedTuple):
    """Points (x, y), all above zero, and the curve's name; ``dashed`` for what was fitted."""

    name: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


def draw_log_log(
    curves: Sequence[Curve], *, x: str, y: str, title: str, subtitle: str = ""
) -> bytes:
    """An SVG file of ``curves`` on two logarithmic axes called ``x`` and ``y``.

    Points outside the range of the first curve's values are left out of the picture.
    """
    width, height = _SIZE
    across, up = _log_scales(curves[0], _LEFT, width - _RIGHT, height - _BOTTOM, _TOP)
    drawing = Drawing(width, height, title=title)
    drawing.text(_LEFT, 30, title, size=18, look="ink strong")
    if subtitle:
        drawing.text(_LEFT, 50, subtitle, size=12.5, look="grey")
    for value in decade_ticks(10**across.low, 10**across.high):
        place = across.of(math.log10(value))
        drawing.line(place, up.start, place, up.end, look="faint")
        text = count_text(value)
        drawing.text(place, up.start + 18, text, size=12, look="grey", anchor="middle")
    for value in decade_ticks(10**up.low, 10**up.high):
        place = up.of(math.log10(value))
        drawing.line(across.start, place, across.end, place, look="faint")
        text = count_text(value)
        drawing.text(across.start - 8, place + 4, text, size=12, look="grey", anchor="end")
    drawing.line(across.start, up.start, across.end, up.start, look="grey thin")
    drawing.line(across.start, up.start, across.start, up.end, look="grey thin")
    middle = (across.start + across.end) / 2
    drawing.text(middle, height - 16, x, size=13, anchor="middle")
    drawing.text(20, (up.start + up.end) / 2, y, size=13, anchor="middle", turned=True)
    for index, curve in enumerate(curves):
        look = f"c{index % len(COLOURS)}" + (" dashed" if curve.dashed else "")
        logs = [(math.log10(a), math.log10(b)) for a, b in curve.points]
        seen = [p for p in logs if _seen(across, p[0]) and _seen(up, p[1])]
        drawing.path([(across.of(a), up.of(b)) for a, b in seen], look=look)
        legend = up.end + 16 + 20 * index
        drawing.line(width - 250, legend - 4, width - 222, legend - 4, look=look)
        drawing.text(width - 214, legend, curve.name, size=12.5)
    return drawing.render()


def _log_scales(
    curve: Curve, left: float, right: float, bottom: float, top: float
) -> tuple[Scale, Scale]:
    """Scales of log10 x and log10 y that hold ``curve``; a single value gets a decade."""
    scales = []
    for axis, (start, end) in enumerate(((left, right), (bottom, top))):
        logs = [math.log10(point[axis]) for point in curve.points]
        low, high = min(logs), max(logs)
        scales.append(Scale(low, high if high > low else low + 1, start, end))
    return scales[0], scales[1]


def _seen(scale: Scale, value: float) -> bool:
    return scale.low - 1e-9 <= value <= scale.high + 1e-9


def text_log_log(curve: Curve, *, x: str, y: str, columns: int = 56, rows: int = 12) -> str:
    """``curve`` on two logarithmic axes in Braille dots, with its ends' values beside it.

    Args:
        curve: in the order of x; gaps between its points are filled.
        x: name of the axis across.
        y: name of the axis upward.
        columns: characters across.
        rows: lines of dots.

    """
    across, up = _log_scales(curve, 0, 2 * columns - 1, 4 * rows - 1, 0)
    cells = [[0] * columns for _ in range(rows)]
    last: tuple[float, float] | None = None
    for a, b in curve.points:
        spot = across.of(math.log10(a)), up.of(math.log10(b))
        start = last or spot
        steps = max(1, round(max(abs(spot[0] - start[0]), abs(spot[1] - start[1]))))
        for step in range(steps + 1):
            column = round(start[0] + (spot[0] - start[0]) * step / steps)
            line = round(start[1] + (spot[1] - start[1]) * step / steps)
            cells[line // 4][column // 2] |= _DOTS[column % 2][line % 4]
        last = spot
    top, bottom = count_text_near(10**up.high), count_text_near(10**up.low)
    margin = max(len(top), len(bottom))
    beside = [top, *[""] * (rows - 2), bottom] if rows > 1 else [top]
    lines = [
        f"{label:>{margin}} │" + "".join(chr(0x2800 + cell) for cell in row)
        for label, row in zip(beside, cells, strict=True)
    ]
    low, high = count_text_near(10**across.low), count_text_near(10**across.high)
    gap = columns - len(low) - len(high)
    lines.append(" " * margin + " └" + "─" * columns)
    lines.append(" " * (margin + 2) + low + " " * max(1, gap) + high)
    lines.append(" " * (margin + 2) + f"{y} by {x}, both axes logarithmic")
    return "\n".join(lines) + "\n"


def count_text_near(value: float) -> str:
    """A whole number in full, for the ends of an axis."""
    return f"{round(value):,}"
