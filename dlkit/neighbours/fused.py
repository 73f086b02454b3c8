"""The search by compiled kernels: distances and selection in one pass over the points."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.neighbours import scaling
from dlkit.neighbours.answers import Neighbours, integer_distances
from dlkit.neighbours.config import KINDS, Metric

if TYPE_CHECKING:
    import numpy.typing as npt

_TILE_BYTES: Final = 384 << 10  # of points: half of a common second cache
_QUERY_BYTES: Final = 4 << 20  # of queries: they come from the third cache
_ROOM_BYTES: Final = 48 << 20  # of candidates
_CANDIDATE_BYTES: Final = 20
_MOST_QUERIES: Final = 1008
_FEWEST_SPARE: Final = 16

Block = Callable[[int, int], Neighbours]


class Fused:
    """Points ready to be searched; see `search.Index`.

    Args:
        points: (N, D) bytes or floats.
        metric: which distance.
        groups: (N,) or None.

    """

    def __init__(
        self,
        points: npt.NDArray[Any],
        metric: Metric,
        groups: npt.NDArray[np.int64] | None,
    ) -> None:
        self.points, self.metric, self.groups = points, metric, groups
        self.number = KINDS.index(metric.kind)
        self._lengths: npt.NDArray[np.int64] | None = None
        self._scaling: scaling.Points | None = None

    concurrent = True  # blocks release the interpreter's lock

    @property
    def engine(self) -> str:
        """What computes, in words."""
        from dlkit.neighbours.kernels.machine import WIDTH

        return f"kernels of {WIDTH.bits} bits"

    def room(self, k: int) -> int:
        """Candidates kept for each query."""
        return k + max(_FEWEST_SPARE, min(k, len(self.points) - k))

    def block_size(self, count: int, k: int, threads: int, value_bytes: int) -> int:
        """Queries of a block: as many as caches and memory allow, an equal share for threads."""
        from dlkit.neighbours.kernels.machine import FLOAT_ROWS, PRODUCT_ROWS

        rows = PRODUCT_ROWS if value_bytes == 1 else FLOAT_ROWS
        most = min(
            _MOST_QUERIES,
            _QUERY_BYTES // (self.points.shape[1] * value_bytes),
            _ROOM_BYTES // (self.room(k) * _CANDIDATE_BYTES),
        )
        most = max(1, most // rows) * rows
        blocks = -(-count // most)
        blocks = -(-blocks // threads) * threads
        return -(-count // blocks // rows) * rows or rows

    def prepare(
        self,
        queries: npt.NDArray[Any],
        k: int,
        groups: npt.NDArray[np.int64] | None,
        threads: int,
    ) -> tuple[int, Block]:
        """The size of a block, and the function of its first and last query."""
        none = np.empty(0, np.int64)
        mine = none if self.groups is None or groups is None else self.groups
        theirs = none if self.groups is None or groups is None else groups
        both = self.points.dtype == np.uint8 and queries.dtype == np.uint8
        if both and self.metric.whole(queries.shape[1]):
            return self._integers(queries, k, mine, theirs, threads)
        return self._floats(queries, k, mine, theirs, threads)

    def _integers(
        self,
        queries: npt.NDArray[Any],
        k: int,
        mine: npt.NDArray[np.int64],
        theirs: npt.NDArray[np.int64],
        threads: int,
    ) -> tuple[int, Block]:
        from dlkit.neighbours.kernels import integers, machine, packing, powers

        if self._lengths is None:
            self._lengths = packing.squared_lengths(self.points)
        lengths, count = self._lengths, len(self.points)
        terms = np.zeros(-(-count // machine.POINTS) * machine.POINTS, np.uint32)
        if self.metric.kind in ("l2", "minkowski"):
            terms[:count] = lengths & 0xFFFFFFFF
        elif self.metric.kind == "cosine":
            with np.errstate(divide="ignore"):
                terms.view(np.float32)[:count] = np.where(lengths, 1 / np.sqrt(lengths), 0)
        tile = max(1, _TILE_BYTES // (machine.POINTS * self.points.shape[1]))
        order = powers.order_of(self.metric, queries.shape[1], integers=True)

        def block(first: int, stop: int) -> Neighbours:
            some = queries[first:stop]
            keys, indices, products = integers.block(
                self.number, order, self.points, some, lengths, terms, mine, theirs[first:stop],
                k, self.room(k), tile, integers.LONGEST, packing.CHUNK,
            )  # fmt: skip
            indices = indices.astype(np.int64)
            squares = packing.squared_lengths(some)
            return Neighbours(
                indices,
                integer_distances(
                    self.metric, queries.shape[1], keys, products, squares, lengths, indices
                ),
            )

        return self.block_size(len(queries), k, threads, 1), block

    def _floats(
        self,
        queries: npt.NDArray[Any],
        k: int,
        mine: npt.NDArray[np.int64],
        theirs: npt.NDArray[np.int64],
        threads: int,
    ) -> tuple[int, Block]:
        from dlkit.neighbours.kernels import floats, machine, powers

        if self._scaling is None:
            self._scaling = scaling.Points(self.points, self.metric.kind)
        scaled = scaling.Scaled(self._scaling, queries)
        tile = max(1, _TILE_BYTES // (4 * machine.POINTS * self.points.shape[1]))

        order = powers.order_of(self.metric, queries.shape[1])

        # Of the pairs of types few are compiled.
        alike = queries.dtype == self.points.dtype != np.uint8
        kind = queries.dtype if alike else np.dtype(np.float64)

        def block(first: int, stop: int) -> Neighbours:
            keys, indices = floats.block(
                self.number, order, self.points, queries[first:stop].astype(kind, copy=False),
                scaled.centre, scaled.points,
                scaled.queries[first:stop], mine, theirs[first:stop], k, self.room(k), tile,
            )  # fmt: skip
            return Neighbours(indices.astype(np.int64), scaled.distances(keys))

        return self.block_size(len(queries), k, threads, 4), block
