"""The loss of windows, in float64, from logits that nothing has clipped."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlkit.word2vec.kernels.blocks import BLOCK, CELL_FLOATS
from dlkit.word2vec.kernels.inline import inlined


@inlined
def softplus(z: Any) -> Any:
    """log(1 + exp(z)) = -log sigmoid(-z), exact for large ``z``; NaN stays NaN."""
    positive = z if z > 0.0 else 0.0
    return positive + np.log1p(np.exp(-abs(z)))


@inlined
def window_loss(cells: Any, labels: Any, pairs: Any, block_cells: Any, count: Any) -> Any:
    """Summed loss of a window's pairs from the cells that its update filled.

    Args:
        cells: (cells, 16) float32, logits in columns 8 to 13.
        labels: (blocks,) int64, six labels in the low bits of each.
        pairs: pairs of the window (skip-gram: its contexts; CBOW: 1).
        block_cells: cells from one block to the next.
        count: real outputs.

    """
    total = 0.0
    logits = CELL_FLOATS // 2
    for pair in range(pairs):
        for output in range(count):
            block = output // BLOCK
            lane = output - block * BLOCK
            logit = np.float64(cells[block * block_cells + pair, logits + lane])
            total += softplus(-logit if labels[block] >> lane & 1 else logit)
    return total
