"""What images are ranked by: products of embeddings, and distances of raw pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.neighbours.ranking import squared_lengths
from dlkit.neighbours.rows import as_writable

if TYPE_CHECKING:
    import numpy.typing as npt

    Keys = npt.NDArray[np.uint64]

_POINTS: Final = 4_096  # rows of pixels that are made floats together
_COLUMNS: Final = 512  # of bytes from -128 to 127: sums of products below 2^24, which float32 has


class Products:
    """By the products of rows of length 1, their cosines, in float32.

    Args:
        points: (N, D) float32.
        queries: (Q, D) float32.

    """

    def __init__(self, points: npt.NDArray[Any], queries: npt.NDArray[Any]) -> None:
        import torch

        self._points = torch.from_numpy(as_writable(points))
        self._queries = torch.from_numpy(as_writable(queries))

    def __len__(self) -> int:
        return len(self._points)

    def keys(self, first: int, stop: int) -> Keys:
        """(B, N): floats of either sign as integers of the opposite order."""
        similar = (self._queries[first:stop] @ self._points.T).numpy()
        similar += 0.0  # -0 is 0
        bits = similar.view(np.uint32)
        # Of negative floats a larger integer is a smaller number; of others it is a larger one.
        positive = bits < np.uint32(1 << 31)
        bits[positive] ^= np.uint32((1 << 31) - 1)
        return bits.astype(np.uint64)


class Pixels:
    """By the Euclidean distance of raw pixels, in integers.

    Args:
        points: (N, P) uint8.
        queries: (Q, P) uint8.

    """

    def __init__(self, points: npt.NDArray[Any], queries: npt.NDArray[Any]) -> None:
        self._points, self._queries = points, queries
        # Less 128, products are smaller; distances stay.
        self._lengths = _lengths(points)

    def __len__(self) -> int:
        return len(self._points)

    def keys(self, first: int, stop: int) -> Keys:
        """(B, N) squared distances."""
        import torch

        queries = self._queries[first:stop]
        mine = _centred(queries)
        found = np.empty((len(queries), len(self)), np.int64)
        for start in range(0, len(self), _POINTS):
            theirs = _centred(self._points[start : start + _POINTS])
            total = torch.zeros((len(mine), len(theirs)), dtype=torch.float64)
            for column in range(0, mine.shape[1], _COLUMNS):
                some = slice(column, column + _COLUMNS)
                total += mine[:, some] @ theirs[:, some].T
            found[:, start : start + _POINTS] = total.to(torch.int64).numpy()
        found *= -2
        found += self._lengths
        found += _lengths(queries)[:, None]
        return found.view(np.uint64)


def _centred(rows: npt.NDArray[Any]) -> Any:
    import torch

    return torch.from_numpy(as_writable(np.ascontiguousarray(rows))).to(torch.float32) - 128


def _lengths(rows: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """The sums of squares of rows of bytes less 128: Σ x² - 256 Σ x + 128² P."""
    sums = rows.sum(axis=1, dtype=np.int64)
    lengths: npt.NDArray[np.int64] = squared_lengths(rows) - 256 * sums + 128**2 * rows.shape[1]
    return lengths
