"""Tiles of the distance matrix in PyTorch: keys of rows of bytes, bounds of rows of floats.

Products of float32 are exact for bytes taken in pieces of so few columns that no sum exceeds 2^24;
of floats there are lower and upper bounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.neighbours import ranking
from dlkit.neighbours.answers import Neighbours, integer_distances
from dlkit.neighbours.kernels.bounds import ROUNDED, TINY, relative_error
from dlkit.neighbours.kernels.powers import order_of
from dlkit.neighbours.kernels.selection import CLOSE
from dlkit.neighbours.scaling import Points, Scaled

if TYPE_CHECKING:
    import numpy.typing as npt
    import torch

    from dlkit.neighbours.config import Metric

# Products of shifted bytes are at most 2^14, differences below 2^8; sums stay within 2^24.
_PRODUCT_COLUMNS: Final = 1024
_DIFFERENCE_COLUMNS: Final = 65_536
_HIGH_ORDER: Final = 16.0


def minkowski_bounds(x: Any, y: Any, order: float) -> tuple[Any, Any]:
    """Lower and upper bounds (B, N) of the Minkowski distances of float64 rows of up to 2.

    High powers of small differences leave float64: of high orders the largest difference tells
    enough, and of the others what is lost is added.
    """
    import torch

    width = x.shape[1]
    error = 1e-9 + width * 2.0**-52
    if order > _HIGH_ORDER:
        low = torch.cdist(x, y, p=torch.inf)
        return low * (1 - error), low * (width ** (1 / order) * (1 + error))
    sums = 4 * torch.cdist(x / 4, y / 4, p=order)
    lost = 4 * (width * 2.0**-1022) ** (1 / order)
    return sums * (1 - error), sums * (1 + error) + lost


class ByteTiles:
    """Keys of rows of bytes: squared L2, L1, L-infinity, or minus product over length.

    They are exact; of minkowski there are bounds of the distances, and the host sums integers.
    """

    def __init__(self, points: npt.NDArray[Any], metric: Metric, device: torch.device) -> None:
        import torch

        self.metric, self.kind, self.device = metric, metric.kind, device
        self.points = points
        # On the device once; on the host the memory is shared.
        self.there = torch.from_numpy(points).to(device)
        self.lengths = ranking.squared_lengths(points)

    def rows(self, queries: npt.NDArray[Any], *, first: int = 0) -> torch.Tensor:
        """Queries on the device."""
        import torch

        del first
        return torch.from_numpy(queries).to(self.device)

    def bounds(self, queries: torch.Tensor, start: int, stop: int) -> tuple[Any, Any]:
        """Keys (B, stop - start), which are their own lower and upper bounds."""
        import torch

        points = self.there[start:stop]
        if self.kind == "minkowski":
            x, y = (z.to(torch.float64) / 256 for z in (queries, points))
            low, high = minkowski_bounds(x, y, self.metric.order)
            return 256 * low, 256 * high
        columns = _DIFFERENCE_COLUMNS if self.kind in ("l1", "linf") else _PRODUCT_COLUMNS
        keys: Any = torch.zeros(len(queries), stop - start, dtype=torch.float64, device=self.device)
        for column in range(0, queries.shape[1], columns):
            x = queries[:, column : column + columns].to(torch.float32)
            y = points[:, column : column + columns].to(torch.float32)
            if self.kind == "l1":
                keys += torch.cdist(x, y, p=1.0)
                continue
            if self.kind == "linf":
                keys = keys.maximum(torch.cdist(x, y, p=torch.inf))
                continue
            if self.kind == "l2":  # distances do not change when both are moved
                x, y = x - 128, y - 128
                xx, yy = (z.to(torch.float64).square().sum(1) for z in (x, y))
                keys += xx[:, None] + yy
                keys.sub_((x @ y.T).to(torch.float64), alpha=2)
            else:
                shifted = ((x - 128) @ (y - 128).T).to(torch.float64)
                sums = x.to(torch.float64).sum(1)[:, None] + y.to(torch.float64).sum(1)
                keys += shifted + 128 * sums - 16384 * x.shape[1]
        if self.kind == "cosine":
            lengths = torch.from_numpy(self.lengths[start:stop]).to(self.device)
            keys = -keys / lengths.clamp(min=1).to(torch.float64).sqrt()
            # Keys that differ by roundings only are ranked in integers on the host.
            return keys * (1 + CLOSE), keys * (1 - CLOSE)
        return keys, keys

    def limits(self, kth: npt.NDArray[np.float64]) -> torch.Tensor:
        """What lower bounds must be below."""
        import torch

        if self.kind == "cosine":
            kth = kth * (1 - CLOSE)
        elif self.kind == "minkowski":
            kth = kth ** (1 / self.metric.order) * (1 + 1e-12)
        return torch.from_numpy(kth)

    def keys_of(self, queries: npt.NDArray[Any], first: int, stop: int) -> ranking.Keys:
        """How candidates are ranked."""
        if self.kind == "cosine":
            return ranking.CosineKeys(self.points, queries[first:stop], self.lengths)
        if self.kind == "minkowski":
            order = order_of(self.metric, queries.shape[1], integers=True)
            return ranking.PowerKeys(self.points, queries[first:stop], order)
        return ranking.Keys()

    def answer(self, found: ranking.Found, queries: npt.NDArray[Any]) -> Neighbours:
        """Distances of the nearest."""
        squares = ranking.squared_lengths(queries)
        distances = integer_distances(
            self.metric, queries.shape[1], found.keys, found.products, squares, self.lengths,
            found.indices,
        )  # fmt: skip
        return Neighbours(found.indices, distances)


class FloatTiles:
    """Bounds of the keys of rows of floats; see `kernels.bounds`."""

    def __init__(
        self,
        points: npt.NDArray[Any],
        queries: npt.NDArray[Any],
        metric: Metric,
        device: torch.device,
    ) -> None:
        self.metric, self.kind, self.device = metric, metric.kind, device
        self.points = points
        self.scaled = Scaled(Points(points, metric.kind), queries)
        self.error = relative_error(points.shape[1])

    def rows(self, rows: npt.NDArray[Any], *, first: int, points: bool = False) -> Any:
        """Rows moved and scaled, on the device, with what the errors of distances are shares of.

        Rounded to float32, with squared or L1 lengths or largest values; minkowski: not rounded.
        """
        import torch

        scales = self.scaled.points if points else self.scaled.queries
        moved = (rows - self.scaled.centre) * scales[first : first + len(rows), None]
        if self.kind == "minkowski":
            return torch.from_numpy(moved).to(self.device), None
        there = torch.from_numpy(moved.astype(np.float32)).to(self.device)
        wide = there.to(torch.float64)
        if self.kind == "linf":
            return there, wide.abs().amax(1)
        return there, wide.abs().sum(1) if self.kind == "l1" else wide.square().sum(1)

    def bounds(self, queries: Any, start: int, stop: int) -> tuple[Any, Any]:
        """Lower and upper bounds (B, stop - start) of the keys."""
        import torch

        x, x_length = queries
        y, y_length = self.rows(self.points[start:stop], first=start, points=True)
        if self.kind == "minkowski":
            return minkowski_bounds(x, y, self.metric.order)
        width = x.shape[1]
        lengths = x_length[:, None] + y_length
        if self.kind in ("l1", "linf"):
            order = 1.0 if self.kind == "l1" else torch.inf
            sums = torch.cdist(x, y, p=order).to(torch.float64)
            slack = lengths * ROUNDED + 2 * width * TINY
            return sums / (1 + 2 * self.error) - slack, sums * (1 + 2 * self.error) + slack
        keys = lengths - 2 * (x @ y.T).to(torch.float64)
        slack = lengths * self.error + 2 * width * TINY
        if self.kind == "cosine":  # a row of zeros has key 1, and no lower bound exceeds it
            zeros = (x_length == 0)[:, None] | (y_length == 0)
            return (keys - slack) / 2, ((keys + slack) / 2).masked_fill(zeros, 1.0)
        return keys - slack, keys + slack

    def limits(self, kth: npt.NDArray[np.float64]) -> torch.Tensor:
        """What lower bounds must be below."""
        import torch

        return torch.from_numpy(kth)

    def keys_of(self, queries: npt.NDArray[Any], first: int, stop: int) -> ranking.Keys:
        """How candidates are ranked."""
        return ranking.FloatKeys(
            self.points, queries[first:stop], self.scaled, self.scaled.queries[first:stop],
            self.metric,
        )  # fmt: skip

    def answer(self, found: ranking.Found, queries: npt.NDArray[Any]) -> Neighbours:
        """Distances of the nearest."""
        del queries
        return Neighbours(found.indices, self.scaled.distances(found.keys))
