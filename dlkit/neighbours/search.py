"""Exact nearest neighbours: an index of points, searched by rows of queries.

What is exact:

- Rows of bytes (uint8 on both sides): every metric is computed and ranked in integers, for rows of
  any length; the answer is that of 64-bit (cosine: unlimited) integers, ties included. Minkowski
  distances are where p is whole and D 255^p at most 2^53 (p = 3: any D, 4: two million, 5: 8,353);
  others are those of floats.
- Other rows: pairs are ranked by a distance computed in float64 from the rows themselves, column
  differences summed in one fixed order, whose relative error is below (D / 8 + 16) 2^-53 (cosine:
  of rows divided by their float64 lengths; Minkowski distances: (6 + (D / 8 + 200) / p) 2^-53;
  linf: 2^-53). Two points whose distances differ by more come in the
  right order; rows that are equal have equal distances. Nothing is lost before: float32 serves for
  lower bounds only.
- Ties go to the lowest index, and no result depends on threads, tiles or the order of the queries.

With numba the search runs in kernels; without it, and on other devices than the CPU, through
PyTorch, with the same answers.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlkit.errors import USAGE, DlkitError
from dlkit.jit import has_numba
from dlkit.machine import cores
from dlkit.neighbours.answers import Neighbours
from dlkit.neighbours.config import parse
from dlkit.neighbours.fused import Fused
from dlkit.neighbours.rows import (
    as_writable,
    check_k,
    checked_groups,
    checked_rows,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.neighbours.dense import Dense


class Tile(NamedTuple):
    """The neighbours of some queries: those from ``first`` on."""

    first: int
    neighbours: Neighbours


class Index:
    """Points that are searched many times; they are used where they lie, not copied.

    Args:
        points: (N, D) numbers; uint8, float32 and float64 rows in one piece are not copied.
        metric: "l2", "l1", "cosine", "linf", or "minkowski:3" and the like.
        groups: (N,) integers: a query of the same group does not find the point (leave-one-out:
            each point a group; cross-validation: the folds).
        device: "cpu", or a device of PyTorch.

    Raises:
        DlkitError: the rows, the metric or the groups are none.

    """

    def __init__(
        self,
        points: npt.ArrayLike,
        metric: str = "l2",
        *,
        groups: npt.ArrayLike | None = None,
        device: str = "cpu",
    ) -> None:
        self.metric = parse(metric)
        self.points = checked_rows(points, "points")
        self.groups = checked_groups(groups, len(self.points), "points")
        self._searcher: Fused | Dense
        points = as_writable(self.points)
        if device == "cpu" and sys.byteorder == "little" and has_numba():
            self._searcher = Fused(points, self.metric, self.groups)
        else:
            from dlkit.neighbours.dense import Dense

            self._searcher = Dense(points, self.metric, self.groups, device)

    @property
    def engine(self) -> str:
        """What searches, in words: kernels and their width, or PyTorch and its device."""
        return self._searcher.engine

    def __len__(self) -> int:
        return len(self.points)

    def tiles(
        self,
        queries: npt.ArrayLike,
        k: int,
        *,
        groups: npt.ArrayLike | None = None,
        threads: int | None = None,
    ) -> Iterator[Tile]:
        """Find the ``k`` nearest points of each query, some queries at a time and in order.

        Never more than a few tiles are held, so memory does not grow with the number of queries.

        Args:
            queries: (Q, D) numbers.
            k: 1 to N, or to as many points as lie outside of every query's group.
            groups: (Q,) integers, as those of the points; needed where the points have them.
            threads: how many; None: all cores.

        Raises:
            DlkitError: the queries do not fit the points, or ``k`` is too large; before the first
                tile.

        """
        rows = checked_rows(queries, "queries") if np.size(queries) else np.asarray(queries)
        if rows.ndim != 2 or rows.shape[1] != self.points.shape[1]:
            raise DlkitError(
                f"queries: {' x '.join(map(str, rows.shape))}; the points have "
                f"{self.points.shape[1]:,} columns"
            )
        if (groups is None) != (self.groups is None):
            missing = "queries" if groups is None else "points"
            raise DlkitError(f"groups: the {missing} have none; both have them, or neither")
        numbers = checked_groups(groups, len(rows), "queries")
        check_k(k, len(self), self.groups, numbers)
        threads = cores() if threads is None else threads
        if threads < 1:
            raise DlkitError(f"threads: {threads}; at least 1 is needed", code=USAGE)
        return self._tiles(rows, k, numbers, threads)

    def _tiles(
        self,
        rows: npt.NDArray[np.generic],
        k: int,
        groups: npt.NDArray[np.int64] | None,
        threads: int,
    ) -> Iterator[Tile]:
        if not len(rows):
            return
        size, block = self._searcher.prepare(as_writable(rows), k, groups, threads)
        starts = range(0, len(rows), size)
        if threads == 1 or len(starts) == 1 or not self._searcher.concurrent:
            for first in starts:
                yield Tile(first, block(first, min(first + size, len(rows))))
            return
        waiting: deque[tuple[int, Future[Neighbours]]] = deque()
        with ThreadPoolExecutor(threads) as pool:
            try:
                for first in starts:
                    stop = min(first + size, len(rows))
                    waiting.append((first, pool.submit(block, first, stop)))
                    if len(waiting) > threads:
                        done, future = waiting.popleft()
                        yield Tile(done, future.result())
                while waiting:
                    done, future = waiting.popleft()
                    yield Tile(done, future.result())
            finally:
                for _, future in waiting:
                    future.cancel()

    def search(
        self,
        queries: npt.ArrayLike,
        k: int,
        *,
        groups: npt.ArrayLike | None = None,
        threads: int | None = None,
    ) -> Neighbours:
        """All of `tiles` in one: (Q, k) indices and distances.

        Raises:
            DlkitError: as `tiles`.

        """
        tiles = list(self.tiles(queries, k, groups=groups, threads=threads))
        if not tiles:
            return Neighbours(np.empty((0, k), np.int64), np.empty((0, k)))
        return Neighbours(
            np.concatenate([tile.neighbours.indices for tile in tiles]),
            np.concatenate([tile.neighbours.distances for tile in tiles]),
        )


def search(
    points: npt.ArrayLike,
    queries: npt.ArrayLike,
    k: int,
    metric: str = "l2",
    *,
    point_groups: npt.ArrayLike | None = None,
    query_groups: npt.ArrayLike | None = None,
    threads: int | None = None,
    device: str = "cpu",
) -> Neighbours:
    """The ``k`` nearest of ``points`` (N, D) to each of ``queries`` (Q, D); see `Index`.

    Raises:
        DlkitError: as `Index` and `Index.tiles`.

    """
    index = Index(points, metric, groups=point_groups, device=device)
    return index.search(queries, k, groups=query_groups, threads=threads)
