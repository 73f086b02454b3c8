"""How good a ranking of images is, against classes: an image of the query's class is right.

Of each query all images of the index are ranked, the most similar first, of equal ones the first;
images of the query's own content (the query itself among them) are left out.

    average precision  mean over the right images of the share of right ones down to each, over the
                       whole ranking (Manning, Raghavan, Schütze 2008, section 8.4); its mean over
                       the queries is mAP
    recall@k           share of queries with a right image among the first k, as metric learning
                       has it (Jégou et al. 2011; Song et al. 2016), not the share of right images
                       that are found
    precision@k        share of right images among the first k
    R-precision        share of right images among the first R, R the number of right images
    MAP@R              mean over the first R of the precision where the image is right, else 0
                       (Musgrave, Belongie, Lim 2020, section 3.2)

A query without any right image counts nowhere; how many there are is told. So is how many queries
have a right and a wrong image of equal similarity, whose order the rule above decides.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import numpy as np

from dlkit.machine import cores
from dlkit.records import Record, Step

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

_TILE: Final = 1 << 24  # numbers of the matrix of similarities that are held together
_BLOCK: Final = 1 << 20  # of them that a thread sorts together
_SURE: Final = 1.96  # standard errors of an interval of 95 %


class Ranker(Protocol):
    """What is ranked by."""

    def __len__(self) -> int:
        """N, images of the index."""

    def keys(self, first: int, stop: int) -> npt.NDArray[np.uint64]:
        """(B, N) of the queries first .. stop - 1: the smaller, the more similar."""


class Truth(NamedTuple):
    """What is right.

    Attributes:
        queries: (Q,) the classes of the queries.
        points: (N,) those of the index; -1: none.
        same: of queries by place: the images of the index with the same content, left out.

    """

    queries: Ints
    points: Ints
    same: Mapping[int, Ints]


@dataclass(frozen=True, eq=False)
class Measures:
    """How good a ranking is; see the module.

    Attributes:
        ks: the numbers of first images.
        places: (n,) of the queries that have right images.
        asked: Q, all queries.
        tied: queries in whose ranking a right and a wrong image are equally similar.
        average_precision: (n,).
        first: (n,) the rank of the first right image, from 1.
        r_precision: (n,).
        map_at_r: (n,).
        precision: (n, len(ks)).

    """

    ks: tuple[int, ...]
    places: Ints
    asked: int
    tied: int
    average_precision: Floats
    first: Ints
    r_precision: Floats
    map_at_r: Floats
    precision: Floats

    @property
    def without(self) -> int:
        """Queries without a right image, which count nowhere."""
        return self.asked - len(self.places)

    def recall(self, k: int) -> float:
        """Share of queries with a right image among the first ``k``."""
        return float((self.first <= k).mean())

    def interval(self) -> tuple[float, float]:
        """Of mAP, 95 % by the standard error of the mean over the queries."""
        values = self.average_precision
        error = _SURE * float(values.std(ddof=1)) / len(values) ** 0.5 if len(values) > 1 else 0.0
        return max(0.0, float(values.mean()) - error), min(1.0, float(values.mean()) + error)

    def document(self) -> dict[str, Any]:
        """All of them in JSON's types."""
        low, high = self.interval()
        told: dict[str, Any] = {"map": float(self.average_precision.mean())}
        told |= {"map_low": low, "map_high": high}
        told |= {f"recall@{k}": self.recall(k) for k in self.ks}
        told |= {
            f"precision@{k}": float(self.precision[:, place].mean())
            for place, k in enumerate(self.ks)
        }
        told |= {
            "r_precision": float(self.r_precision.mean()),
            "map@r": float(self.map_at_r.mean()),
            "queries": len(self.places),
            "without": self.without,
            "tied": self.tied,
        }
        return told


class _Row(NamedTuple):
    """What is found of some queries: which have right images, and those queries' measures."""

    there: npt.NDArray[np.bool_]
    tied: int
    measures: Floats  # (n, 4 + len(ks))


def measure(
    ranker: Ranker,
    truth: Truth,
    ks: Sequence[int],
    *,
    what: str = "ranking",
    threads: int | None = None,
) -> Generator[Record, None, Measures]:
    """Rank all images for each query, and measure the rankings.

    Args:
        ranker: what is ranked by.
        truth: which images are right.
        ks: the numbers of first images.
        what: the phase's name.
        threads: how many sort; None: all cores.

    """
    count, size = len(truth.queries), max(1, _TILE // len(ranker))
    found: list[_Row] = []
    begun = time.monotonic()
    with ThreadPoolExecutor(threads or cores()) as pool:
        for first in range(0, count, size):
            stop = min(first + size, count)
            keys = ranker.keys(first, stop)
            step = max(1, _BLOCK // len(ranker))
            firsts = range(first, stop, step)
            parts = [keys[each - first : each - first + step] for each in firsts]
            found += pool.map(partial(_ranked, truth=truth, ks=ks), parts, firsts)
            yield Step(what, stop, count, "queries", stop / max(time.monotonic() - begun, 1e-9))
    there = np.concatenate([each.there for each in found] or [np.zeros(0, bool)])
    values = np.concatenate([each.measures for each in found] or [np.zeros((0, 4 + len(ks)))])
    return Measures(
        tuple(ks),
        np.flatnonzero(there),
        count,
        sum(each.tied for each in found),
        values[:, 0],
        values[:, 1].astype(np.int64),
        values[:, 2],
        values[:, 3],
        values[:, 4:],
    )


def _ranked(keys: npt.NDArray[np.uint64], first: int, *, truth: Truth, ks: Sequence[int]) -> _Row:
    """The measures of some queries, of which ``first`` is the first."""
    rows, count = keys.shape
    bits = np.uint64(max(1, (count - 1).bit_length()))
    # Key and place in one number: sorted, they are ranked, of equal keys the first place first.
    packed = (keys << bits) | np.arange(count, dtype=np.uint64)
    last = np.full(rows, count)
    for row in range(rows):
        same = truth.same.get(first + row)
        if same is not None:
            packed[row, same] |= ~np.uint64((1 << int(bits)) - 1)
            last[row] -= len(same)
    packed.sort(axis=1)
    order = (packed & np.uint64((1 << int(bits)) - 1)).astype(np.int64)
    right = truth.points[order] == truth.queries[first : first + rows, None]
    for row in np.flatnonzero(last < count).tolist():
        right[row, last[row] :] = False
    packed >>= bits
    tied = (packed[:, 1:] == packed[:, :-1]) & (right[:, 1:] != right[:, :-1])
    for row in np.flatnonzero(last < count).tolist():
        tied[row, max(0, last[row] - 1) :] = False
    return _Row(right.any(axis=1), int(tied.any(axis=1).sum()), _measures(right, ks))


def _measures(right: npt.NDArray[np.bool_], ks: Sequence[int]) -> Floats:
    """(n, 4 + len(ks)) of the rankings (B, N) with right images, by rank whether one is right.

    Average precision, rank of the first right image, R-precision, MAP@R, precision at each k.
    """
    total = right.sum(axis=1)
    right, total = right[total > 0], total[total > 0]
    rows, ranks = np.nonzero(right)
    starts = np.cumsum(total) - total
    place = np.arange(len(rows)) - starts[rows] + 1  # of each right image among the right ones
    precision = place / (ranks + 1)
    within = ranks < total[rows]

    def mean(weights: npt.NDArray[Any]) -> Floats:
        found: Floats = np.bincount(rows, weights=weights, minlength=len(total)) / total
        return found

    found = [mean(precision), ranks[starts] + 1.0, mean(within), mean(precision * within)]
    found += [np.bincount(rows, weights=ranks < k, minlength=len(total)) / k for k in ks]
    return np.stack(found, axis=1)


def same_content(queries: npt.NDArray[Any], points: npt.NDArray[Any]) -> dict[int, Ints]:
    """Of each query (Q,) that has the digest of some points (N,): the places of these."""
    order = np.argsort(points, kind="stable")
    ordered = points[order]
    low, high = (np.searchsorted(ordered, queries, side) for side in ("left", "right"))
    return {
        place: np.sort(order[low[place] : high[place]])
        for place in np.flatnonzero(high > low).tolist()
    }
