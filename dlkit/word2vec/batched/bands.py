"""Batches of windows as bands of small dense matrices, on any PyTorch device.

Words that stand in order are cut in blocks of B rows. Every word that a row may be paired with
lies in the B + 2 * window words around its block: the columns. A mask of zeros and ones says which
are. So the products of all pairs of a batch are one batched matrix product, and vectors of columns
are read B + 2 * window at a time instead of once for each pair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from dlkit.word2vec.batched.batches import Piece


class Band(NamedTuple):
    """One batch: which of n * B rows are paired with which columns of their block."""

    rows: Tensor  # (n, B) ids
    columns: Tensor  # (n, B + 2 * window) ids
    mask: Tensor  # (n, B, B + 2 * window) float32: 1 for a pair, else 0
    length: int  # rows that belong to the batch; those behind have no pair


class Bands:
    """The words of a piece on a device, ready to be cut in batches.

    Args:
        piece: words and windows.
        window: most words to either side.
        block: B, rows of a block.
        rows: ``centres``: rows are centres, columns the contexts that they see. ``inputs``: rows
            are contexts, columns the centres that see them.
        device: where the tensors lie.

    """

    def __init__(
        self,
        piece: Piece,
        *,
        window: int,
        block: int,
        rows: Literal["centres", "inputs"],
        device: str,
    ) -> None:
        import torch

        self._window, self._block, self._by_centre = window, block, rows == "centres"
        # Every index that a band may ask for exists; what stands in the margin sees nothing.
        margin = window + block

        def padded(values: np.ndarray, moved: int) -> Tensor:
            wide = np.pad(values.astype(np.int64) + moved, margin)
            return torch.from_numpy(wide).to(device)

        self._words = padded(piece.words, 0)
        self._low, self._high = padded(piece.low, margin), padded(piece.high, margin)
        self._places = torch.arange(len(self._words), device=device)
        self._margin = margin

    def cut(self, first: int, last: int) -> Band:
        """The band whose rows are words ``first .. last - 1`` of the piece."""
        block, window = self._block, self._window
        start, stop = first + self._margin, last + self._margin
        end = start + -(-(last - first) // block) * block

        def rows(values: Tensor) -> Tensor:
            return values[start:end].view(-1, block)

        def columns(values: Tensor) -> Tensor:
            return values[start - window : end + window].unfold(0, block + 2 * window, block)

        row, column = rows(self._places)[:, :, None], columns(self._places)[:, None]
        if self._by_centre:
            low, high, seen = rows(self._low)[:, :, None], rows(self._high)[:, :, None], column
        else:
            low, high, seen = columns(self._low)[:, None], columns(self._high)[:, None], row
        mask = (low <= seen) & (seen < high) & (row != column)
        if end > stop:
            mask &= row < stop
        return Band(rows(self._words), columns(self._words), mask.float(), last - first)
