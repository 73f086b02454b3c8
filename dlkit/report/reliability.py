"""The reliability diagram: how often predictions are right by how sure they were.

DeGroot and Fienberg 1983, https://doi.org/10.2307/2987588; as Guo et al. 2017, arXiv 1706.04599.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from dlkit.report.axes import Scale, tick_text
from dlkit.report.canvas import Canvas, Figure

_SIDE: Final = 320.0  # px of the plot
_LEFT, _TOP = 76.0, 76.0
_BELOW: Final = 70.0  # px of the bars that count samples
_TICKS: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


class Counted(Protocol):
    """Predictions of a range of confidence, as training.metrics counts them."""

    @property
    def low(self) -> float:
        """The lower end of the range."""

    @property
    def high(self) -> float:
        """The upper end."""

    @property
    def samples(self) -> int:
        """How many there are."""

    @property
    def confidence(self) -> float | None:
        """Their mean confidence; None: there are none."""

    @property
    def accuracy(self) -> float | None:
        """The share that is right."""


def reliability_figure(bins: Sequence[Counted], *, ece: float, title: str) -> Figure:
    """Accuracy against mean confidence of each bin, under it how many samples each has."""
    right, bottom = _LEFT + _SIDE, _TOP + _SIDE
    across, up = Scale(0, 1, _LEFT, right), Scale(0, 1, bottom, _TOP)
    foot = bottom + 14 + _BELOW
    most = max(each.samples for each in bins)
    subtitle = (
        f"expected calibration error {ece:.4f} over {len(bins)} bins; dashed: as sure as right"
    )

    def draw(canvas: Canvas) -> None:
        canvas.text(24, 30, title, size=18, look="ink strong")
        canvas.text(24, 50, subtitle, size=12.5, look="grey")
        for value in _TICKS:
            canvas.line(_LEFT, up.of(value), right, up.of(value), look="faint")
            text = f"{tick_text(value * 100)} %"
            canvas.text(_LEFT - 8, up.of(value) + 4, text, size=12, look="grey", anchor="end")
            at = across.of(value)
            canvas.text(at, foot + 18, text, size=12, look="grey", anchor="middle")
        for each in bins:
            _bin(canvas, each, across, up, foot, most)
        canvas.line(_LEFT, bottom, right, _TOP, look="grey dashed")
        canvas.line(_LEFT, bottom, right, bottom, look="grey thin")
        canvas.line(_LEFT, foot, right, foot, look="grey thin")
        canvas.line(_LEFT, bottom, _LEFT, _TOP, look="grey thin")
        canvas.text((_LEFT + right) / 2, foot + 40, "confidence", size=13, anchor="middle")
        middle = (_TOP + bottom) / 2
        canvas.text(24, middle, "accuracy", size=13, anchor="middle", turned=True)
        beside = foot - _BELOW / 2
        canvas.text(24, beside, "samples", size=13, anchor="middle", turned=True)
        canvas.text(_LEFT - 8, foot - _BELOW + 8, f"{most:,}", size=12, look="grey", anchor="end")

    return Figure(round(right + 120), round(foot + 56), title, draw)


def _bin(canvas: Canvas, each: Counted, across: Scale, up: Scale, foot: float, most: int) -> None:
    if each.accuracy is None or each.confidence is None:
        return
    left, wide = across.of(each.low) + 1, across.of(each.high) - across.of(each.low) - 2
    told = f"{each.samples:,} samples, {each.confidence:.1%} sure, {each.accuracy:.1%} right"
    top = up.of(each.accuracy)
    canvas.box(left, top, wide, up.start - top, look="c0", strength=0.35, tip=told)
    canvas.dot(across.of(each.confidence), top, 4, look="c0", tip=told)
    high = _BELOW * each.samples / most
    canvas.box(left, foot - high, wide, high, look="grey", strength=0.6, tip=told)
