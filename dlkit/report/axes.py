"""Axes: round numbers to mark, and how a value becomes a place."""

from __future__ import annotations

import math
import sys
from typing import NamedTuple


def round_ticks(low: float, high: float, most: int = 8) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten within ``low`` to ``high``, at most ``most``."""
    span = high - low
    if not sys.float_info.min < span / most < math.inf:  # below, ten's powers lose their digits
        return [low]
    magnitude = 10.0 ** math.floor(math.log10(span / most))
    step = next(m * magnitude for m in (1, 2, 5, 10, 20) if span / (m * magnitude) < most)
    first = math.ceil(low / step - 1e-9)
    return [index * step for index in range(first, math.floor(high / step + 1e-9) + 1)]


def tick_text(value: float) -> str:
    """A tick of ``round_ticks`` without the dust of binary fractions; a true minus sign."""
    return f"{value:.6g}".replace("-", "−")


def decade_ticks(low: float, high: float) -> list[float]:
    """The powers of ten within ``low`` to ``high``, both above zero."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    return [10.0**power for power in range(first, last + 1)]


def count_text(value: float) -> str:
    """A short form of a power of ten: 1, 10, 1k, 10k, 1M."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:g}{unit}"
    return f"{value:g}"


class Scale(NamedTuple):
    """A linear map of values to px; ``of(low)`` is ``start``, ``of(high)`` is ``end``."""

    low: float
    high: float
    start: float
    end: float

    def of(self, value: float) -> float:
        """Where ``value`` lies, px."""
        if self.high == self.low:
            return (self.start + self.end) / 2
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)
