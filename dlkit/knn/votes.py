"""Votes: the class that the nearest neighbours have, for every number of them in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Labels = npt.NDArray[np.int64]
    Shares = npt.NDArray[np.float64]


# Distances whose inverses, or their sum, would leave float64, are made longer first.
_NEAR: Final = 1e-290
_ENLARGED: Final = 2.0**100


class Votes(NamedTuple):
    """What neighbours say.

    Attributes:
        winners: (K, Q) the class with most votes, of equal ones the first, for each k and query.
        shares: (Q, C) the share of the votes that each class has, at the largest k.

    """

    winners: Labels
    shares: Shares


def weigh(distances: npt.NDArray[np.float64], weights: str) -> npt.NDArray[np.float64]:
    """The weights (Q, k) of neighbours at ``distances`` (Q, k), nearest first.

    Args:
        distances: rising in each row.
        weights: uniform: 1 each; distance: 1 / distance, and where neighbours are at distance 0,
            1 for these and 0 for the others.

    """
    if weights == "uniform":
        return np.ones_like(distances)
    near = np.where(distances[:, :1] < _NEAR, distances * _ENLARGED, distances)
    with np.errstate(divide="ignore"):
        inverse: npt.NDArray[np.float64] = 1 / near
    infinite = np.isinf(inverse)
    exact = infinite.any(axis=1)
    inverse[exact] = infinite[exact]
    return inverse


def count(
    labels: Labels,
    distances: npt.NDArray[np.float64],
    classes: int,
    ks: Sequence[int],
    weights: str,
) -> Votes:
    """Count the votes of the first k neighbours, for each k of ``ks``.

    Args:
        labels: (Q, k) of the neighbours, nearest first; k at least the largest of ``ks``.
        distances: (Q, k) of the same.
        classes: C, how many there are.
        ks: rising.
        weights: see ``weigh``.

    """
    rows = np.arange(len(labels))
    tally = np.zeros((len(labels), classes))
    heavy = weigh(distances, weights)
    winners = np.empty((len(ks), len(labels)), np.int64)
    done = 0
    for place, k in enumerate(ks):
        # Nearest first, one after the other: equal weights in equal order give equal sums.
        for neighbour in range(done, k):
            tally[rows, labels[:, neighbour]] += heavy[:, neighbour]
        done = k
        winners[place] = tally.argmax(axis=1)
    sums: Any = tally.sum(axis=1, keepdims=True)
    return Votes(winners, tally / sums)
