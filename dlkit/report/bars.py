"""Horizontal bars, one a name: samples of each class, F1 of each class, weights of features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from dlkit.report.axes import Scale, round_ticks, tick_text
from dlkit.report.canvas import Canvas, Figure
from dlkit.report.svg import shortened, text_width

_PLOT: Final = 420.0  # px from the axis' one end to the other
_THICK: Final = 16.0
_PITCH: Final = 23.0  # px from one bar to the next
_LONGEST: Final = 220.0  # px of a label
_TOP: Final = 74.0
_FONT: Final = 12.5


class Bar(NamedTuple):
    """A name and its value; ``low`` and ``high`` are its interval, ``note`` stands behind it."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    note: str = ""


def bars_figure(
    bars: Sequence[Bar],
    *,
    title: str,
    subtitle: str = "",
    percent: bool = False,
    most: int = 60,
) -> Figure:
    """Bars from 0 to their values, in the order given.

    Args:
        bars: one or more, of finite values; more than ``most`` are cut off, which is said.
        title: stands above.
        subtitle: stands under the title.
        percent: values are shares: the axis is 0 to 100 %.
        most: bars that have room.

    """
    shown = list(bars[:most])
    if len(bars) > most:
        subtitle += f"{'; ' if subtitle else ''}the first {most} of {len(bars):,}"
    ends = [end for bar in shown for end in (bar.value, bar.low, bar.high) if end is not None]
    low, high = min(0.0, *ends), max(0.0, *ends)
    if percent:
        low, high = min(low, 0.0), max(high, 1.0)
    elif low == high:
        high = 1.0
    margin = min(_LONGEST, max(text_width(bar.name, _FONT) for bar in shown))
    left = 24 + margin + 10
    notes = [_note(bar, percent=percent) for bar in shown]
    behind = max(text_width(note, 12) for note in notes)
    told = max(text_width(title, 18) * 1.08, text_width(subtitle, 12.5)) + 48
    width = round(max(left + _PLOT + 12 + behind + 24, told))
    bottom = _TOP + _PITCH * len(shown)
    across = Scale(low, high, left, left + _PLOT)

    def draw(canvas: Canvas) -> None:
        canvas.text(24, 30, title, size=18, look="ink strong")
        if subtitle:
            canvas.text(24, 50, subtitle, size=12.5, look="grey")
        for value in round_ticks(low, high, 6):
            canvas.line(across.of(value), _TOP - 6, across.of(value), bottom, look="faint")
            text = f"{tick_text(value * 100)} %" if percent else f"{value:,.6g}".replace("-", "−")
            at = across.of(value)
            canvas.text(at, bottom + 18, text, size=12, look="grey", anchor="middle")
        for place, (bar, note) in enumerate(zip(shown, notes, strict=True)):
            _bar(canvas, bar, note, across, _TOP + place * _PITCH, margin)
        canvas.line(across.of(0), _TOP - 6, across.of(0), bottom, look="grey thin")

    return Figure(width, round(bottom + 34), title, draw)


def _bar(canvas: Canvas, bar: Bar, note: str, across: Scale, top: float, margin: float) -> None:
    middle = top + _THICK / 2
    label = shortened(bar.name, _FONT, margin)
    canvas.text(24 + margin, middle + 4, label, size=_FONT, anchor="end")
    start, end = sorted((across.of(0), across.of(bar.value)))
    look = "c0" if bar.value >= 0 else "c1"
    tip = f"{bar.name}: {note}"
    canvas.box(start, top, max(end - start, 0.5), _THICK, look=look, strength=0.75, tip=tip)
    if bar.low is not None and bar.high is not None:
        ends = across.of(bar.low), across.of(bar.high)
        canvas.line(ends[0], middle, ends[1], middle, look="ink")
        for each in ends:
            canvas.line(each, middle - 4, each, middle + 4, look="ink")
    canvas.text(across.end + 12, middle + 4, note, size=12, look="grey")


def _note(bar: Bar, *, percent: bool) -> str:
    value = f"{bar.value * 100:.1f} %" if percent else f"{bar.value:,.6g}"
    value = value.replace("-", "−")
    return f"{value}, {bar.note}" if bar.note else value
