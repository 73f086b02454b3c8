"""The negative-sampling loss on text that was not trained on, in numpy.

Words are subsampled and windows drawn as in training, so that the figure compares with the
training loss; but all draws come from a seed of their own and are the same at every call, so that
the figures of two epochs compare, too.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from dlkit.word2vec.kernels.negatives import POWER

SEED = 20131016
FLOATS_AT_ONCE = 1 << 22  # bounds the memory of a batch: 16 MB of rows

Floats = npt.NDArray[np.floating[Any]]


def held_out_loss(
    ids: npt.NDArray[np.int32],
    inputs: Floats,
    outputs: Floats,
    counts: npt.NDArray[np.int64],
    *,
    keep: npt.NDArray[np.uint32],
    model: Literal["skipgram", "cbow"],
    window: int,
    negative: int,
) -> float:
    """Mean loss of a pair (skip-gram) or of a window (CBOW); NaN if there is none.

    Args:
        ids: stream of ids below V, -1 ends a line.
        inputs: (V, D) input vectors.
        outputs: (V, D) output vectors.
        counts: (V,) frequencies; negatives are drawn by ``counts ** 0.75``.
        keep: (V,) what a 32-bit draw must not exceed for a word to be kept.
        model: which loss.
        window: most words to either side; each centre draws its own from 1 up.
        negative: negatives of a window; one that equals the centre counts nothing.

    """
    mass = np.cumsum(counts.astype(np.float64) ** POWER)
    draws = np.random.default_rng(SEED)
    drawn = draws.integers(0, 1 << 32, len(ids), np.uint32)
    ids = ids[(ids < 0) | (drawn <= keep[np.maximum(ids, 0)])]
    reach = draws.integers(1, window + 1, len(ids))
    lines = np.cumsum(ids < 0)
    offsets = np.concatenate([np.arange(-window, 0), np.arange(1, window + 1)])
    centres = np.flatnonzero(ids >= 0)
    batch = max(1, FLOATS_AT_ONCE // ((2 * window + negative + 1) * inputs.shape[1]))
    total, terms = 0.0, 0
    for start in range(0, len(centres), batch):
        here = centres[start : start + batch]
        places = here[:, None] + offsets  # (B, 2 * window)
        inside = (places >= 0) & (places < len(ids))
        places[~inside] = 0
        inside &= (lines[places] == lines[here][:, None]) & (ids[places] >= 0)
        inside &= np.abs(offsets) <= reach[here][:, None]
        picked = np.searchsorted(mass, draws.random((len(here), negative)) * mass[-1], "right")
        targets = np.column_stack([ids[here], np.minimum(picked, len(counts) - 1)])
        real = targets != ids[here][:, None]  # (B, 1 + negative)
        real[:, 0] = True
        with np.errstate(over="ignore", invalid="ignore"):
            x = inputs[np.where(inside, ids[places], 0)]
            if model == "cbow":
                seen = inside.sum(axis=1, keepdims=True)
                x = np.where(inside[..., None], x, 0).sum(axis=1) / np.maximum(seen, 1)
                x, inside = x[:, None], seen > 0
            logits = (x @ outputs[targets].transpose(0, 2, 1)).astype(np.float64)
            logits[..., 0] *= -1
            losses = np.logaddexp(0.0, logits)  # (B, contexts, 1 + negative)
        total += float(np.sum(losses, where=inside[..., None] & real[:, None]))
        terms += int(inside.sum())
    return total / terms if terms else float("nan")
