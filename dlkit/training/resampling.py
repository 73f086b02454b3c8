"""Intervals of 95 % by the bootstrap: percentiles of a score over resamples of the samples.

Efron 1979, https://doi.org/10.1214/aos/1176344552.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Counts = npt.NDArray[np.int64]

_ENDS: Final = (2.5, 97.5)  # percentiles
_AT_ONCE: Final = 1 << 21  # numbers that are held at once


def of_confusion(
    confusion: Counts,
    functions: Mapping[str, Callable[[Counts, Counts, Counts], npt.NDArray[np.float64]]],
    resamples: int,
    seed: int,
) -> dict[str, tuple[float, float]]:
    """Intervals of scores that a confusion matrix gives.

    Samples of one class that were taken for one class are alike, so a resample of the samples is
    a draw of the cells' counts from the multinomial distribution.

    Args:
        confusion: (C, C).
        functions: score by name, of B confusions: how many are right, are there, were taken for
            each class, three of (B, C).
        resamples: how many.
        seed: of the draws.

    """
    generator = np.random.default_rng([seed, 1])
    rows, columns = np.nonzero(confusion)
    counts = confusion[rows, columns]
    total, size = int(counts.sum()), len(confusion)
    found: dict[str, list[npt.NDArray[np.float64]]] = {name: [] for name in functions}
    at_once = max(1, _AT_ONCE // max(len(counts), size))
    for first in range(0, resamples, at_once):
        several = min(at_once, resamples - first)
        drawn = generator.multinomial(total, counts / total, size=several)
        sums = np.zeros((3, several, size), np.int64)
        same = rows == columns
        sums[0][:, rows[same]] = drawn[:, same]
        for place, keys in ((1, rows), (2, columns)):
            order = np.argsort(keys, kind="stable")
            starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
            sums[place][:, keys[order][starts]] = np.add.reduceat(drawn[:, order], starts, axis=1)
        for name, function in functions.items():
            found[name].append(function(*sums))
    return {name: _ends(np.concatenate(values)) for name, values in found.items()}


def of_mean(values: npt.NDArray[np.float64], resamples: int, seed: int) -> tuple[float, float]:
    """The interval of the mean of ``values`` (N,).

    Args:
        values: of the samples.
        resamples: how many.
        seed: of the draws.

    """
    generator = np.random.default_rng([seed, 2])
    size = len(values)
    at_once = max(1, _AT_ONCE // size)
    found = [
        values[generator.integers(0, size, (min(at_once, resamples - first), size))].mean(axis=1)
        for first in range(0, resamples, at_once)
    ]
    return _ends(np.concatenate(found))


def _ends(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.percentile(values, _ENDS)
    return float(low), float(high)
