"""The answer of a search, and the distances that integers stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.neighbours.config import Metric


class Neighbours(NamedTuple):
    """The nearest points of Q queries, nearest first, of equal ones the lowest index first.

    Attributes:
        indices: (Q, k) int64, rows of the points.
        distances: (Q, k) float64: L2 the Euclidean distance (not squared), L1 the sum of absolute
            differences, linf the largest of them, minkowski the p-th root of the sum of their
            p-th powers, cosine 1 - cosine, which is 1 where either row is zeros.

    """

    indices: npt.NDArray[np.int64]
    distances: npt.NDArray[np.float64]


def integer_distances(
    metric: Metric,
    columns: int,
    keys: npt.NDArray[np.float64],
    products: npt.NDArray[np.int64],
    squares: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
    indices: npt.NDArray[np.int64],
) -> npt.NDArray[np.float64]:
    """Distances (Q, k) of rows of bytes.

    Args:
        metric: which.
        columns: of the rows.
        keys: (Q, k) squared L2 distances, sums of powers, L1 or L-infinity distances.
        products: (Q, k) cosine: the products of query and neighbour.
        squares: (Q,) squared lengths of the queries.
        lengths: (N,) squared lengths of the points.
        indices: (Q, k).

    """
    if metric.kind in ("l1", "linf"):
        return keys
    if metric.kind == "l2":
        return np.sqrt(keys)
    if metric.kind == "minkowski":
        from dlkit.neighbours.kernels.powers import order_of
        from dlkit.neighbours.ranking import roots

        found = roots(keys, np.zeros(1, np.int64), order_of(metric, columns))
        return np.maximum.accumulate(found, axis=1)
    # 1 - p / sqrt(xy) = (xy - p^2) / (sqrt(xy) (sqrt(xy) + p)), whose numerator is an exact
    # integer: equal directions are at distance 0, near ones lose no digits.
    theirs = lengths[indices]
    most = int(squares.max(initial=0)) * int(lengths.max(initial=0))
    if most < 1 << 64:
        x, y, p = (each.astype(np.uint64) for each in (squares[:, None], theirs, products))
        rest = (x * y - p * p).astype(np.float64)
    else:
        x, y, p = (each.astype(object) for each in (squares[:, None], theirs, products))
        rest = (x * y - p * p).astype(np.float64)
    root = np.sqrt(squares[:, None].astype(np.float64)) * np.sqrt(theirs.astype(np.float64))
    with np.errstate(invalid="ignore"):
        found = np.where(root == 0, 1.0, rest / (root * (root + products)))
    # The order is exact; the last digit of a rounded distance shall not contradict it.
    return np.maximum.accumulate(found, axis=1)
