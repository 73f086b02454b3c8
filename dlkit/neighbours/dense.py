"""The search through PyTorch: for other devices, and where there is no numba.

Tiles of the distance matrix are computed on the device (`dense_tiles`). What may be among the
nearest is brought to the host, computed there in float64 (floats), and ranked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.errors import USAGE, DlkitError
from dlkit.neighbours.dense_tiles import ByteTiles, FloatTiles
from dlkit.neighbours.ranking import Candidates

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.neighbours.answers import Neighbours
    from dlkit.neighbours.config import Metric
    from dlkit.neighbours.fused import Block

_QUERIES: Final = 512
_POINTS: Final = 4096
_HELD: Final = 1 << 20  # candidates held before they are reduced


class Dense:
    """Points ready to be searched; the same answers as `fused.Fused`.

    Args:
        points: (N, D) bytes or floats.
        metric: which distance.
        groups: (N,) or None.
        device: a device of PyTorch.

    Raises:
        DlkitError: there is no such device.

    """

    def __init__(
        self,
        points: npt.NDArray[Any],
        metric: Metric,
        groups: npt.NDArray[np.int64] | None,
        device: str,
    ) -> None:
        import torch

        try:
            self.device = torch.device(device)
            torch.empty(1, device=self.device)
        except (RuntimeError, AssertionError) as problem:
            why = str(problem).partition("\n")[0]
            raise DlkitError(f"device {device}: {why}", code=USAGE) from None
        self.points, self.metric, self.groups = points, metric, groups

    concurrent = False  # each block uses all of the device

    @property
    def engine(self) -> str:
        """What computes, in words."""
        return f"PyTorch on {self.device}"

    def prepare(
        self,
        queries: npt.NDArray[Any],
        k: int,
        groups: npt.NDArray[np.int64] | None,
        threads: int,
    ) -> tuple[int, Block]:
        """The size of a block, and the function of its first and last query."""
        both = self.points.dtype == np.uint8 and queries.dtype == np.uint8
        exact = both and self.metric.whole(queries.shape[1])
        tiles: ByteTiles | FloatTiles = (
            ByteTiles(self.points, self.metric, self.device)
            if exact
            else FloatTiles(self.points, queries, self.metric, self.device)
        )
        del threads  # PyTorch has its own
        size = max(1, min(_QUERIES, _HELD * 8 // k))

        def block(first: int, stop: int) -> Neighbours:
            candidates = Candidates(stop - first, k, tiles.keys_of(queries, first, stop))
            theirs = None if groups is None else groups[first:stop]
            with _full_precision():
                self._fill(candidates, tiles, queries[first:stop], first, theirs)
            return tiles.answer(candidates.finish(), queries[first:stop])

        return size, block

    def _fill(
        self,
        candidates: Candidates,
        tiles: ByteTiles | FloatTiles,
        queries: npt.NDArray[Any],
        first: int,
        groups: npt.NDArray[np.int64] | None,
    ) -> None:
        """Hold every point that may be among the nearest of a query."""
        import torch

        prepared = tiles.rows(queries, first=first)
        k = candidates.k
        for start in range(0, len(self.points), _POINTS):
            stop = min(start + _POINTS, len(self.points))
            low, high = tiles.bounds(prepared, start, stop)
            if groups is not None and self.groups is not None:
                same = torch.from_numpy(groups[:, None] == self.groups[None, start:stop])
                same = same.to(self.device)
                low = low.masked_fill(same, torch.inf)
                high = high.masked_fill(same, torch.inf)
            limits = tiles.limits(candidates.kth).to(self.device)
            wanted = low < limits[:, None]
            if k <= stop - start:
                # Of this tile alone no more than its k nearest matter.
                kth = high.kthvalue(k, dim=1, keepdim=True).values
                wanted &= low <= kth
            wanted &= low < torch.inf
            query, point = torch.nonzero(wanted, as_tuple=True)
            found = low[query, point]
            candidates.add(query.cpu().numpy(), point.cpu().numpy() + start, found.cpu().numpy())


@contextmanager
def _full_precision() -> Iterator[None]:
    """Products of float32 in float32, whatever the process has allowed."""
    import torch

    allowed = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(allowed)
