"""The area under the ROC curve, of each class against the rest, and its interval.

The area is the chance that a sample of the class has a higher value than one of another class, half
where they are equal (Hanley and McNeil 1982, https://doi.org/10.1148/radiology.143.1.7063747).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_Z: Final = 1.959963984540054  # of the normal distribution, 95 % within
_TOGETHER: Final = 64  # columns that are copied together


class Areas(NamedTuple):
    """Areas under ROC curves.

    Attributes:
        each: (C,) of each class against the rest; None for a class with no sample, or with all.
        mean: of two classes that of the second, of more the mean of those there are; None: there
            are none.
        interval: of 95 % around ``mean``.

    """

    each: tuple[float | None, ...]
    mean: float | None
    interval: tuple[float, float] | None


def areas(values: npt.NDArray[Any], truth: npt.NDArray[np.int64]) -> Areas:
    """Areas by the values (N, C) of the classes, where ``truth`` (N,) are the right ones.

    The interval is that of DeLong et al. 1988 (https://doi.org/10.2307/2531595), for the mean of
    several areas by the mean of their samples' influence. It is taken on the scale of the logit,
    so that it lies within 0 and 1.
    """
    classes = values.shape[1]
    meant = [1] if classes == 2 else range(classes)
    each: list[float | None] = []
    influence = np.zeros(len(truth))
    known = 0
    for place in range(classes):
        if place % _TOGETHER == 0:  # columns of a wide array lie far apart in memory
            columns = np.ascontiguousarray(values[:, place : place + _TOGETHER].T)
        own = truth == place
        if not own.any() or own.all():
            each.append(None)
            continue
        area, moved = _area(columns[place % _TOGETHER], own)
        each.append(area)
        if place in meant:
            influence += moved
            known += 1
    if not known:
        return Areas(tuple(each), None, None)
    mean = math.fsum(each[place] or 0.0 for place in meant) / known
    error = math.sqrt(float(np.square(influence / known).sum()))
    return Areas(tuple(each), mean, _on_logit(mean, error))


def _area(
    values: npt.NDArray[Any], own: npt.NDArray[np.bool_]
) -> tuple[float, npt.NDArray[np.float64]]:
    """The area of one class, and how much each sample (N,) moves it from where it is."""
    order = np.argsort(values)
    ordered, is_own = values[order], own[order]
    starts = np.concatenate([[0], np.flatnonzero(ordered[1:] != ordered[:-1]) + 1])
    inside = np.add.reduceat(is_own, starts, dtype=np.int64)  # in each run of equal values
    sizes = np.diff(starts, append=len(ordered))
    outside = sizes - inside
    mine, others = int(inside.sum()), int(outside.sum())
    below = (np.cumsum(outside) - outside / 2) / others  # others that a run's values beat
    above = (mine - np.cumsum(inside) + inside / 2) / mine  # own that beat a run's values
    area = float(inside @ below) / mine
    influence = np.empty(len(values))
    influence[order] = np.where(
        is_own, np.repeat((below - area) / mine, sizes), np.repeat((above - area) / others, sizes)
    )
    return area, influence


def _on_logit(area: float, error: float) -> tuple[float, float]:
    """The 95 % interval of an area by its standard error."""
    if error == 0 or not 0 < area < 1:
        return area, area
    middle, half = math.log(area / (1 - area)), _Z * error / (area * (1 - area))
    low, high = (1 / (1 + math.exp(min(-(middle + sign * half), 700.0))) for sign in (-1, 1))
    return low, high
