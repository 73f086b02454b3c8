"""Exact keys of candidates, and their order, on the host without compiled code."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit.neighbours.kernels.powers import DEEPEST, Order, order_of, raised
from dlkit.neighbours.kernels.selection import CLOSE

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.neighbours.config import Metric
    from dlkit.neighbours.scaling import Scaled

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

_AT_ONCE: Final = 1 << 20  # values computed together
_PARTS: Final = 8  # sums of a distance, as in `kernels.distances.distance`


def squared_lengths(rows: npt.NDArray[Any]) -> Ints:
    """The sum of squares of each row of bytes (N, D), as (N,) 64-bit integers."""
    found = np.empty(len(rows), np.int64)
    step = max(1, _AT_ONCE // rows.shape[1])
    for first in range(0, len(rows), step):
        part = rows[first : first + step].astype(np.int64)
        found[first : first + step] = np.einsum("ij,ij->i", part, part)
    return found


def roots(totals: Floats, exponents: npt.NDArray[Any], order: Order) -> Floats:
    """The p-th roots of totals times 2^exponents, 0 of 0; bit for bit those of `kernels.powers`."""
    if not order.fraction:
        # Of one number one mantissa, whatever it was scaled by: equal sums have equal roots.
        mantissas, shifts = np.frexp(totals)
        places = shifts + exponents.astype(np.int64) * order.whole
        exponents = places // order.whole
        totals = np.ldexp(mantissas, places - exponents * order.whole)
    found, powers, work = (np.empty_like(totals) for _ in range(3))
    raised(totals.copy(), found, work, 0, order.inverse)
    raised(found.copy(), powers, work, order.whole, order.fraction)
    with np.errstate(invalid="ignore"):
        found += found * ((totals - powers) / (powers * order.value))
    return np.where(totals > 0, np.ldexp(found, exponents), 0.0)


class Found(NamedTuple):
    """The nearest of B queries: keys, indices and products (B, k); unused products are (B, 0)."""

    keys: Floats
    indices: Ints
    products: Ints


class Keys:
    """Keys that are exact as they come."""

    def exact(self, query: Ints, point: Ints, key: Floats) -> Floats:
        """The keys (M,) of pairs of a query of the block and a point."""
        del query, point
        return key

    def products(self, query: Ints, point: Ints) -> Ints:
        """The products (M,) of pairs, if keys alone do not rank them; else none."""
        del query, point
        return np.empty(0, np.int64)

    def order(self, query: Ints, point: Ints, key: Floats) -> Ints:
        """What sorts pairs by query, key and point."""
        return np.lexsort((point, key, query))


class CosineKeys(Keys):
    """Minus product over length of rows of bytes: pairs too close for floats by integers.

    Args:
        points: (N, D) bytes.
        queries: (B, D) bytes.
        lengths: (N,) squared lengths of the points.

    """

    def __init__(self, points: npt.NDArray[Any], queries: npt.NDArray[Any], lengths: Ints) -> None:
        self.points, self.queries, self.lengths = points, queries, lengths

    def products(self, query: Ints, point: Ints) -> Ints:
        """The products (M,) of pairs."""
        found = np.empty(len(query), np.int64)
        step = max(1, _AT_ONCE // self.points.shape[1])
        for first in range(0, len(query), step):
            some = slice(first, first + step)
            x = self.queries[query[some]].astype(np.int64)
            found[some] = np.einsum("ij,ij->i", x, self.points[point[some]].astype(np.int64))
        return found

    def order(self, query: Ints, point: Ints, key: Floats) -> Ints:
        """What sorts pairs by query, cosine and point."""
        order = super().order(query, point, key)
        keys = key[order]
        near = np.abs(np.diff(keys)) <= CLOSE * np.abs(keys[:-1])
        near &= np.diff(query[order]) == 0
        # Runs of pairs whose keys differ by roundings at most.
        edges = np.flatnonzero(np.diff(np.concatenate(([False], near, [False])).astype(np.int8)))
        for first, last in edges.reshape(-1, 2):
            run = order[first : last + 1]
            products = self.products(query[run], point[run]).tolist()
            lengths = np.maximum(self.lengths[point[run]], 1).tolist()
            cosines = [-Fraction(p * p, y) for p, y in zip(products, lengths, strict=True)]
            places = sorted(range(len(run)), key=lambda i: (cosines[i], point[run[i]]))
            order[first : last + 1] = run[places]
        return order


class PowerKeys(Keys):
    """Sums of powers of the differences of rows of bytes, in integers.

    Args:
        points: (N, D) bytes.
        queries: (B, D) bytes.
        order: with a table.

    """

    def __init__(self, points: npt.NDArray[Any], queries: npt.NDArray[Any], order: Order) -> None:
        self.points, self.queries, self.table = points, queries, order.table

    def exact(self, query: Ints, point: Ints, key: Floats) -> Floats:
        """The sums (M,) of pairs."""
        found = np.empty(len(key))
        step = max(1, _AT_ONCE // self.points.shape[1])
        for first in range(0, len(key), step):
            some = slice(first, first + step)
            x = self.queries[query[some]].astype(np.int16)
            found[some] = self.table[np.abs(x - self.points[point[some]])].sum(axis=1)
        return found


class FloatKeys(Keys):
    """Distances of rows of floats in float64; bit for bit those of `kernels.distances.distance`.

    Args:
        points: (N, D).
        queries: (B, D).
        scaled: scales of the points.
        scales: (B,) scales of the queries.
        metric: which distance.

    """

    def __init__(
        self,
        points: npt.NDArray[Any],
        queries: npt.NDArray[Any],
        scaled: Scaled,
        scales: Floats,
        metric: Metric,
    ) -> None:
        self.points, self.queries, self.scaled, self.scales = points, queries, scaled, scales
        self.kind, self.power = metric.kind, order_of(metric, points.shape[1])

    def exact(self, query: Ints, point: Ints, key: Floats) -> Floats:
        """The distances (M,) of pairs."""
        found = np.empty(len(key))
        step = max(1, _AT_ONCE // self.points.shape[1])
        for first in range(0, len(key), step):
            found[first : first + step] = self._distances(
                query[first : first + step], point[first : first + step]
            )
        return found

    def _distances(self, query: Ints, point: Ints) -> Floats:
        x_scale, y_scale = self.scales[query], self.scaled.points[point]
        width = self.points.shape[1]
        terms = np.zeros((len(query), -(-width // _PARTS) * _PARTS))
        x = self.queries[query].astype(np.float64) * x_scale[:, None]
        terms[:, :width] = x - self.points[point].astype(np.float64) * y_scale[:, None]
        terms = np.square(terms) if self.kind in ("l2", "cosine") else np.abs(terms)
        if self.kind == "linf":
            return np.asarray(terms.max(axis=1))
        if self.kind == "minkowski":
            return self._minkowski(terms)
        total = _summed(terms)
        if self.kind == "cosine":
            return np.where((x_scale == 0) | (y_scale == 0), 1.0, 0.5 * total)
        return total

    def _minkowski(self, terms: Floats) -> Floats:
        """The distances (M,) of absolute differences (M, columns), which are overwritten."""
        largest = terms.max(axis=1)
        exponents = np.maximum(np.frexp(largest)[1], DEEPEST)
        terms *= np.ldexp(1.0, -exponents)[:, None]
        powers, work = np.empty_like(terms), np.empty_like(terms)
        raised(terms, powers, work, self.power.whole, self.power.fraction)
        return np.asarray(np.maximum(roots(_summed(powers), exponents, self.power), largest))


def _summed(terms: Floats) -> Floats:
    """Sums (M,) of rows (M, columns), as kernels add."""
    # Over an axis that is not the last one, NumPy adds row after row.
    parts = np.add.reduce(terms.reshape(len(terms), -1, _PARTS), axis=1)
    while parts.shape[1] > 1:
        parts = parts[:, ::2] + parts[:, 1::2]
    return np.asarray(parts[:, 0])


class Candidates:
    """Points that may be among the ``k`` nearest of each of ``count`` queries.

    Attributes:
        k: neighbours wanted.
        kth: (count,) the k-th least key so far, infinite where there are fewer.

    """

    def __init__(self, count: int, k: int, keys: Keys) -> None:
        self.count, self.k, self.kth = count, k, np.full(count, np.inf)
        self._keys = keys
        self._held: list[tuple[Ints, Ints, Floats]] = []
        self._sorted = self._new = 0

    def add(self, query: Ints, point: Ints, key: Floats) -> None:
        """Add pairs (M,); ``key`` is their exact key or a bound of it."""
        if not len(query):
            return
        self._held.append((query, point, self._keys.exact(query, point, key)))
        self._new += len(query)
        if self._new >= self._sorted // 2:
            self._reduce()

    def _reduce(self) -> None:
        """Keep the ``k`` least of each query, sorted."""
        query, point, key = (
            np.concatenate([held[place] for held in self._held]) for place in range(3)
        )
        order = self._keys.order(query, point, key)
        starts = np.searchsorted(query[order], np.arange(self.count + 1))
        rank = np.arange(len(order)) - starts[query[order]]
        order = order[rank < self.k]
        full = np.flatnonzero(np.diff(starts) >= self.k)
        query, point, key = query[order], point[order], key[order]
        starts = np.searchsorted(query, np.arange(self.count + 1))
        self.kth[full] = key[starts[full] + self.k - 1]
        self._held = [(query, point, key)]
        self._sorted, self._new = len(query), 0

    def finish(self) -> Found:
        """The ``k`` least of each query; there must be as many."""
        self._reduce()
        query, point, key = self._held[0]
        shape = (self.count, self.k)
        products = self._keys.products(query, point)
        return Found(
            key.reshape(shape),
            point.reshape(shape),
            products.reshape(shape) if len(products) else products.reshape(self.count, 0),
        )
