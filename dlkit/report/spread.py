"""Curves with the spread of each of their points, on plain axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from dlkit.report.axes import Scale, round_ticks, tick_text
from dlkit.report.svg import COLOURS, Drawing, text_width

_SIZE: Final = (760, 480)
_LEFT, _TOP, _BOTTOM = 76, 72, 58
_APART: Final = 3.0  # px between the bars of two curves at one x
_WIDE: Final = 60.0  # of the largest x by the smallest: beyond it the axis is logarithmic
_MOST_TICKS: Final = 12


class Point(NamedTuple):
    """A mean and its spread, half above and half below; None where there is none."""

    x: float
    mean: float
    spread: float | None = None


class Series(NamedTuple):
    """A curve: its name and its points in the order of x, which is above 0."""

    name: str
    points: Sequence[Point]


def draw_spread(
    series: Sequence[Series], *, x: str, y: str, title: str, subtitle: str = "", percent: bool
) -> bytes:
    """An SVG file of ``series``: lines through the means, a bar of the spread at each.

    Args:
        series: one or more, each with points.
        x: name of the axis across; logarithmic where values differ much.
        y: name of the axis upward.
        title: stands above.
        subtitle: stands under the title.
        percent: write values of y as per cent.

    """
    width, height = _SIZE
    legend = 46 + max(text_width(each.name, 12.5) for each in series)
    right = width - legend - 24
    places = sorted({point.x for each in series for point in each.points})
    across = _across(places, right)
    up = _up(series, height - _BOTTOM)
    drawing = Drawing(width, height, title=title)
    drawing.text(_LEFT, 30, title, size=18, look="ink strong")
    if subtitle:
        drawing.text(_LEFT, 50, subtitle, size=12.5, look="grey")
    for value in round_ticks(up.low, up.high, 7):
        drawing.line(_LEFT, up.of(value), right, up.of(value), look="faint")
        text = f"{tick_text(value * 100)} %" if percent else tick_text(value)
        drawing.text(_LEFT - 8, up.of(value) + 4, text, size=12, look="grey", anchor="end")
    for value in _ticks(places, across):
        drawing.line(across(value), up.start, across(value), up.start + 4, look="grey thin")
        text = tick_text(value)
        drawing.text(across(value), up.start + 18, text, size=12, look="grey", anchor="middle")
    drawing.line(_LEFT, up.start, right, up.start, look="grey thin")
    drawing.line(_LEFT, up.start, _LEFT, up.end, look="grey thin")
    drawing.text((_LEFT + right) / 2, height - 16, x, size=13, anchor="middle")
    drawing.text(20, (up.start + up.end) / 2, y, size=13, anchor="middle", turned=True)
    for place, each in enumerate(series):
        shift = (place - (len(series) - 1) / 2) * _APART
        _draw(drawing, each, across, up, place, shift)
        line = _TOP + 16 + 20 * place
        look = f"c{place % len(COLOURS)}"
        drawing.line(right + 16, line - 4, right + 38, line - 4, look=look)
        drawing.dot(right + 27, line - 4, 3, look=look)
        drawing.text(right + 46, line, each.name, size=12.5)
    return drawing.render()


def _draw(
    drawing: Drawing,
    series: Series,
    across: Callable[[float], float],
    up: Scale,
    place: int,
    shift: float,
) -> None:
    look = f"c{place % len(COLOURS)}"
    drawing.path([(across(p.x) + shift, up.of(p.mean)) for p in series.points], look=look)
    for point in series.points:
        at = across(point.x) + shift
        tip = f"{series.name}, {tick_text(point.x)}: {point.mean:.4f}"
        if point.spread is not None:
            low, high = up.of(point.mean - point.spread), up.of(point.mean + point.spread)
            drawing.line(at, low, at, high, look=look)
            for end in (low, high):
                drawing.line(at - 3, end, at + 3, end, look=look)
            tip += f" ± {point.spread:.4f}"
        drawing.dot(at, up.of(point.mean), 3, look=look, tip=tip)


def _across(places: Sequence[float], right: float) -> Callable[[float], float]:
    """Where a value of x lies, px."""
    if places[-1] > _WIDE * places[0]:
        scale = Scale(math.log10(places[0]), math.log10(places[-1]), _LEFT + 24, right - 16)
        return lambda value: scale.of(math.log10(value))
    scale = Scale(places[0], places[-1], _LEFT + 24, right - 16)
    return scale.of


def _ticks(places: Sequence[float], across: Callable[[float], float]) -> list[float]:
    """The values of x themselves, as many as have room."""
    chosen: list[float] = []
    room = (across(places[-1]) - across(places[0])) / _MOST_TICKS
    for value in places:
        if not chosen or across(value) - across(chosen[-1]) >= min(room, 30):
            chosen.append(value)
    return chosen


def _up(series: Sequence[Series], bottom: float) -> Scale:
    """A scale that holds every bar, with a little room above and below."""
    ends = [
        end
        for each in series
        for point in each.points
        for end in (point.mean - (point.spread or 0), point.mean + (point.spread or 0))
    ]
    low, high = min(ends), max(ends)
    room = 0.08 * (high - low) or 0.01
    return Scale(low - room, high + room, bottom, _TOP)
