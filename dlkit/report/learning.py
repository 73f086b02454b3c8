"""Learning curves: how loss and accuracy went, of the training and of the validation data."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from dlkit.report.axes import Scale, decade_ticks, round_ticks, tick_text
from dlkit.report.canvas import Canvas, Figure
from dlkit.report.svg import COLOURS, text_width

_PLOT: Final = (420.0, 260.0)  # px of one panel's plot
_LEFT, _TOP, _BOTTOM, _BETWEEN = 76.0, 92.0, 54.0, 88.0
_RIGHT: Final = 28.0


class Line(NamedTuple):
    """A curve's name and its points (x, y); where y is not finite the curve has a gap.

    ``dots`` marks the points, ``joined`` draws the line through them.
    """

    name: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False
    dots: bool = False
    joined: bool = True


class Panel(NamedTuple):
    """What is measured, and a curve or more of it.

    ``percent`` writes shares as per cent; ``logarithmic`` is for values above 0 that differ much.
    """

    name: str
    lines: Sequence[Line]
    percent: bool = False
    logarithmic: bool = False


class _Axis(NamedTuple):
    """Where values lie, px, and which are marked by what."""

    of: Callable[[float], float]
    marks: list[tuple[float, str]]


def learning_figure(
    panels: Sequence[Panel],
    *,
    title: str,
    x: str = "epoch",
    subtitle: str = "",
    marked: float | None = None,
    ticks: Sequence[tuple[float, str]] | None = None,
) -> Figure:
    """Panels side by side on one axis across.

    Args:
        panels: one or more, each with a finite point.
        title: stands above.
        x: name of the axis across.
        subtitle: stands under the title.
        marked: a value of x to mark by a line, the epoch whose weights were kept.
        ticks: what is written at which places of the axis across; None: round numbers.

    """
    legends = max(sum(text_width(line.name, 12.5) + 46 for line in panel.lines) for panel in panels)
    plot_width = max(_PLOT[0], legends)
    told = max(text_width(title, 18) * 1.08, text_width(subtitle, 12.5)) + 2 * _RIGHT
    width = _LEFT + len(panels) * (plot_width + _BETWEEN) - _BETWEEN + _RIGHT
    height = round(_TOP + _PLOT[1] + _BOTTOM)
    places = [point[0] for panel in panels for line in panel.lines for point in line.points]
    if ticks is None:
        found = round_ticks(min(places), max(places), 8)
        ticks = [(each, tick_text(each)) for each in found if min(places) <= each <= max(places)]
    across = ticks

    def draw(canvas: Canvas) -> None:
        canvas.text(_RIGHT, 30, title, size=18, look="ink strong")
        if subtitle:
            canvas.text(_RIGHT, 50, subtitle, size=12.5, look="grey")
        for number, panel in enumerate(panels):
            left = _LEFT + number * (plot_width + _BETWEEN)
            sides = (left, left + plot_width)
            _panel(canvas, panel, sides, (min(places), max(places)), x, marked, across)

    return Figure(round(max(width, told)), height, title, draw)


def _panel(
    canvas: Canvas,
    panel: Panel,
    sides: tuple[float, float],
    ends: tuple[float, float],
    x: str,
    marked: float | None,
    ticks: Sequence[tuple[float, str]],
) -> None:
    left, right = sides
    top, bottom = _TOP, _TOP + _PLOT[1]
    across = Scale(*ends, left + 6, right - 6)
    up = _upward(panel, bottom, top)
    for value, text in up.marks:
        canvas.line(left, up.of(value), right, up.of(value), look="faint")
        canvas.text(left - 8, up.of(value) + 4, text, size=12, look="grey", anchor="end")
    for value, text in ticks:
        canvas.line(across.of(value), bottom, across.of(value), bottom + 4, look="grey thin")
        canvas.text(across.of(value), bottom + 18, text, size=12, look="grey", anchor="middle")
    canvas.line(left, bottom, right, bottom, look="grey thin")
    canvas.line(left, bottom, left, top, look="grey thin")
    canvas.text((left + right) / 2, bottom + 40, x, size=13, anchor="middle")
    canvas.text(left - 56, (top + bottom) / 2, panel.name, size=13, anchor="middle", turned=True)
    if marked is not None and ends[0] <= marked <= ends[1]:
        canvas.line(across.of(marked), bottom, across.of(marked), top, look="grey dashed")
    at = left
    for number, line in enumerate(panel.lines):
        look = f"c{number % len(COLOURS)}" + (" dashed" if line.dashed else "")
        for piece in _pieces(line.points, logarithmic=panel.logarithmic):
            spots = [(across.of(a), up.of(b)) for a, b in piece]
            if line.joined and len(spots) > 1:
                canvas.path(spots, look=look)
            if line.dots or not line.joined or len(spots) == 1:
                for spot, (_, value) in zip(spots, piece, strict=True):
                    canvas.dot(*spot, 2.5 + line.dots, look=look, tip=f"{line.name}: {value:.6g}")
        canvas.line(at, top - 14, at + 20, top - 14, look=look)
        canvas.text(at + 26, top - 10, line.name, size=12.5)
        at += text_width(line.name, 12.5) + 46


def _pieces(
    points: Sequence[tuple[float, float]], *, logarithmic: bool
) -> list[list[tuple[float, float]]]:
    """Runs of points that can be drawn: what is not finite, or has no logarithm, parts them."""
    runs: list[list[tuple[float, float]]] = [[]]
    for place, value in points:
        if math.isfinite(value) and (value > 0 or not logarithmic):
            runs[-1].append((place, value))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _upward(panel: Panel, bottom: float, top: float) -> _Axis:
    values = [
        value
        for line in panel.lines
        for piece in _pieces(line.points, logarithmic=panel.logarithmic)
        for _, value in piece
    ]
    low, high = min(values), max(values)
    if panel.logarithmic:
        logs = Scale(math.log10(low), math.log10(high), bottom - 10, top + 10)
        ticks = decade_ticks(low, high)
        if len(ticks) < 2:  # within a decade: the ends say more
            ticks = [low, high]
        return _Axis(lambda value: logs.of(math.log10(value)), [(t, f"{t:.3g}") for t in ticks])
    room = 0.06 * (high - low) or 0.05 * abs(high) or 0.01
    scale = Scale(low - room, high + room, bottom, top)
    return _Axis(scale.of, [(t, _text(t, panel)) for t in round_ticks(scale.low, scale.high, 7)])


def _text(value: float, panel: Panel) -> str:
    return f"{tick_text(value * 100)} %" if panel.percent else tick_text(value)
