"""Small pictures in one line of text: a curve's course, and how long a bar is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

_HEIGHTS: Final = "▁▂▃▄▅▆▇█"
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"


def sparkline(values: Sequence[float], columns: int = 40) -> str:
    """The course of ``values`` from the lowest to the highest in at most ``columns`` characters.

    Of more values than columns each character shows a mean; what is not finite is a gap.
    """
    count = min(columns, len(values))
    means = []
    for place in range(count):
        part = values[len(values) * place // count : len(values) * (place + 1) // count]
        known = [value for value in part if math.isfinite(value)]
        # Half of each: the largest numbers' sum, and their distance, would be infinite.
        half = [value / (2 * len(known)) for value in known]
        means.append(math.fsum(half) if known else math.nan)
    finite = [value for value in means if math.isfinite(value)]
    if not finite:
        return " " * count
    low, span = min(finite), max(finite) - min(finite)
    if span == 0:
        return "".join(_HEIGHTS[3] if math.isfinite(value) else " " for value in means)
    top = len(_HEIGHTS) - 1
    return "".join(
        _HEIGHTS[round((value - low) / span * top)] if math.isfinite(value) else " "
        for value in means
    )


def text_bar(value: float, most: float, columns: int = 20) -> str:
    """A bar whose length is to ``columns`` characters as ``value`` is to ``most``."""
    share = min(1.0, max(0.0, value / most)) if most > 0 and math.isfinite(value) else 0.0
    eighths = round(share * columns * 8)
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_EIGHTHS[rest] if rest else "")
