"""How rows of floats are moved and scaled, so that neither float32 nor a square overflows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_AT_ONCE: Final = 1 << 20
_SHORTEST: Final = 1e-300  # a shorter row counts as zeros


def _parts(rows: npt.NDArray[Any]) -> range:
    return range(0, len(rows), max(1, _AT_ONCE // rows.shape[1]))


def centre_of(rows: npt.NDArray[Any], scale: float) -> npt.NDArray[np.float64]:
    """The mean (D,) of rows (N, D); distances between rows do not change when it is taken off."""
    total = np.zeros(rows.shape[1])
    for first in _parts(rows):
        total += (rows[first : first + _parts(rows).step] * np.float64(scale)).sum(axis=0)
    return total / len(rows) / scale


def largest(rows: npt.NDArray[Any]) -> float:
    """The largest magnitude of a value."""
    step = _parts(rows).step
    return max((float(np.abs(rows[i : i + step]).max()) for i in _parts(rows)), default=0.0)


def power_of_two(magnitude: float) -> float:
    """What brings values of up to ``magnitude`` to at most 1; a power of two loses no digits."""
    if magnitude == 0:
        return 1.0
    return math.ldexp(1.0, min(-math.frexp(magnitude)[1], 1000))


def inverse_lengths(rows: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """1 / sqrt(sum of squares) of each row; 0 for rows of zeros."""
    found = np.zeros(len(rows))
    step = _parts(rows).step
    for first in _parts(rows):
        part = rows[first : first + step].astype(np.float64)
        magnitude = np.abs(part).max(axis=1)
        scales = np.array([power_of_two(value) for value in magnitude])
        part *= scales[:, None]
        lengths = np.sqrt(np.einsum("ij,ij->i", part, part))
        there = magnitude > _SHORTEST
        found[first : first + step][there] = scales[there] / lengths[there]
    return found


class Points:
    """What the scales of points need, found once.

    Args:
        rows: (N, D).
        metric: of `config.KINDS`.

    """

    def __init__(self, rows: npt.NDArray[Any], metric: str) -> None:
        self.metric, self.count = metric, len(rows)
        self.largest = 0.0
        self.inverse = np.empty(0)
        self.centre = np.zeros(rows.shape[1])
        if metric == "cosine":
            self.inverse = inverse_lengths(rows)
        else:
            self.largest = largest(rows)
            self.centre = centre_of(rows, power_of_two(self.largest))


class Scaled:
    """The common centre and the scales of points and queries for one metric.

    Attributes:
        centre: (D,), taken off before rounding to float32; zeros for cosine.
        points: (N,) what each point is multiplied by: one power of two, or for cosine the inverse
            of its length.
        queries: (Q,) the same of the queries.

    """

    def __init__(self, points: Points, queries: npt.NDArray[Any]) -> None:
        self.metric, self.centre = points.metric, points.centre
        self.scale = 1.0
        if self.metric == "cosine":
            self.points, self.queries = points.inverse, inverse_lengths(queries)
            return
        self.scale = power_of_two(max(points.largest, largest(queries)))
        self.points = np.full(points.count, self.scale)
        self.queries = np.full(len(queries), self.scale)

    def distances(self, keys: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The distances of unscaled rows, by what kernels rank."""
        if self.metric == "l2":
            return np.sqrt(keys) / self.scale
        return keys / self.scale
