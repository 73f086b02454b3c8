"""The distance of two rows of floats, in float64 and in one fixed order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dlkit.jit import compiled
from dlkit.neighbours.kernels.bounds import COSINE, L1

_Rows = npt.NDArray[np.floating]
_Floats = npt.NDArray[np.float64]


@compiled()
def distance(
    metric: int, x: _Rows, y: _Rows, x_scale: float, y_scale: float, parts: _Floats
) -> float:
    """The distance of two rows in float64: L2 squared, L1, or half the squared L2 of unit rows.

    Eight sums take every eighth column each, in order, and are added in pairs.

    Args:
        metric: L2, L1 or COSINE.
        x: (D,).
        y: (D,).
        x_scale: what ``x`` is multiplied by. L2 and L1: a power of two, the same for all rows.
            COSINE: the inverse of its length, 0 for a row of zeros, which is at distance 1 from
            everything.
        y_scale: the same of ``y``.
        parts: (8,) scratch.

    """
    if metric == COSINE and (x_scale == 0.0 or y_scale == 0.0):
        return 1.0
    parts[:] = 0.0
    whole = len(x) // 8 * 8
    if metric == L1:
        for j in range(0, whole, 8):
            for part in range(8):
                parts[part] += abs(
                    np.float64(x[j + part]) * x_scale - np.float64(y[j + part]) * y_scale
                )
        for j in range(whole, len(x)):
            parts[j - whole] += abs(np.float64(x[j]) * x_scale - np.float64(y[j]) * y_scale)
    else:
        for j in range(0, whole, 8):
            for part in range(8):
                difference = np.float64(x[j + part]) * x_scale - np.float64(y[j + part]) * y_scale
                parts[part] += difference * difference
        for j in range(whole, len(x)):
            difference = np.float64(x[j]) * x_scale - np.float64(y[j]) * y_scale
            parts[j - whole] += difference * difference
    total = ((parts[0] + parts[1]) + (parts[2] + parts[3])) + (
        (parts[4] + parts[5]) + (parts[6] + parts[7])
    )
    return float(0.5 * total if metric == COSINE else total)


@compiled()
def largest(x: _Rows, y: _Rows, x_scale: float, y_scale: float, parts: _Floats) -> float:
    """The largest absolute difference of two scaled rows in float64; arguments as `distance`."""
    parts[:] = 0.0
    whole = len(x) // 8 * 8
    for j in range(0, whole, 8):
        for part in range(8):
            size = abs(np.float64(x[j + part]) * x_scale - np.float64(y[j + part]) * y_scale)
            parts[part] = size if size > parts[part] else parts[part]
    for j in range(whole, len(x)):
        size = abs(np.float64(x[j]) * x_scale - np.float64(y[j]) * y_scale)
        parts[j - whole] = max(size, parts[j - whole])
    return float(parts.max())
