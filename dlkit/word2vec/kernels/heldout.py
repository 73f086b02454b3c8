"""The loss on text that was not trained on, in numpy.

Words are subsampled and windows drawn as in training, so that the figure compares with the
training loss; but all draws come from a seed of their own and are the same at every call, so that
the figures of two epochs compare, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from dlkit.word2vec.kernels.negatives import POWER, noise_mass

if TYPE_CHECKING:
    from dlkit.word2vec.huffman import Paths

SEED = 20131016
FLOATS_AT_ONCE = 1 << 22  # bounds the memory of a batch: 16 MB of rows

Floats = npt.NDArray[np.floating[Any]]
Longs = npt.NDArray[np.integer[Any]]
# (B, M, D) predictors, (B,) centres, (B, M) the words that the predictors are (skip-gram) to the
# (B, M) losses of the predictions.
Losses = Callable[[Floats, Longs, Longs], Floats]


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
    loss: Literal["ns", "hs", "softmax"] = "ns",
    context: Literal["mean", "sum"] = "mean",
    paths: Paths | None = None,
    fixed_window: bool = False,
    noise_exponent: float = POWER,
) -> float:
    """Mean loss of a pair (skip-gram) or of a window (CBOW); NaN if there is none.

    Args:
        ids: stream of ids below V, -1 ends a line.
        inputs: (V, D) input vectors.
        outputs: (V, D) output vectors; with ``hs`` row i is that of inner node i.
        counts: (V,) frequencies; negatives are drawn by ``counts ** noise_exponent``.
        keep: (V,) what a 32-bit draw must not exceed for a word to be kept.
        model: which predictions.
        window: most words to either side.
        negative: negatives of a window; one that equals the centre counts nothing.
        loss: negative sampling, hierarchical softmax or the softmax over the vocabulary.
        context: whether CBOW predicts from the mean or the sum of the contexts.
        paths: the tree of hierarchical softmax.
        fixed_window: each centre has the whole window, else it draws its own from 1 up.
        noise_exponent: see ``counts``.

    """
    draws = np.random.default_rng(SEED)
    drawn = draws.integers(0, 1 << 32, len(ids), np.uint32)
    ids = ids[(ids < 0) | (drawn <= keep[np.maximum(ids, 0)])]
    reach = draws.integers(window if fixed_window else 1, window + 1, len(ids))
    lines = np.cumsum(ids < 0)
    offsets = np.concatenate([np.arange(-window, 0), np.arange(1, window + 1)])
    centres = np.flatnonzero(ids >= 0)
    if loss == "ns":
        mass = noise_mass(counts, noise_exponent)
        losses, columns = _noise(outputs, mass, negative, draws), negative + 1
    elif loss == "hs":
        assert paths is not None
        losses, columns = _nodes(outputs, paths), int(np.diff(paths.offsets).max())
    else:
        words = np.unique(ids[centres]) if model == "skipgram" else None
        losses, columns = _softmax(inputs, outputs, words), 1
    batch = max(1, FLOATS_AT_ONCE // ((2 * window + columns) * inputs.shape[1]))
    total, terms = 0.0, 0
    for start in range(0, len(centres), batch):
        here = centres[start : start + batch]
        places = here[:, None] + offsets  # (B, 2 * window)
        inside = (places >= 0) & (places < len(ids))
        places[~inside] = 0
        inside &= (lines[places] == lines[here][:, None]) & (ids[places] >= 0)
        inside &= np.abs(offsets) <= reach[here][:, None]
        words_seen = np.where(inside, ids[places], 0)
        with np.errstate(over="ignore", invalid="ignore"):
            x = inputs[words_seen]
            if model == "cbow":
                seen = inside.sum(axis=1, keepdims=True)
                x = np.where(inside[..., None], x, 0).sum(axis=1)
                if context == "mean":
                    x /= np.maximum(seen, 1)
                x, inside = x[:, None], seen > 0
            lost = losses(x, ids[here], words_seen)
        total += float(np.sum(lost, where=inside))
        terms += int(inside.sum())
    return total / terms if terms else float("nan")


def _noise(outputs: Floats, mass: Floats, negative: int, draws: np.random.Generator) -> Losses:
    """Negative sampling: the centre against words drawn for each window."""

    def losses(x: Floats, centres: Longs, _: Longs) -> Floats:
        picked = np.searchsorted(mass, draws.random((len(centres), negative)) * mass[-1], "right")
        targets = np.column_stack([centres, np.minimum(picked, len(mass) - 1)])
        real = targets != centres[:, None]  # (B, 1 + negative)
        real[:, 0] = True
        logits = (x @ outputs[targets].transpose(0, 2, 1)).astype(np.float64)
        logits[..., 0] *= -1
        return _sum(np.logaddexp(0.0, logits), real)

    return losses


def _nodes(outputs: Floats, paths: Paths) -> Losses:
    """Hierarchical softmax: the questions on the way to the centre's leaf."""
    lengths = np.diff(paths.offsets)
    steps = np.arange(int(lengths.max()))

    def losses(x: Floats, centres: Longs, _: Longs) -> Floats:
        real = steps < lengths[centres][:, None]  # (B, L)
        places = np.where(real, paths.offsets[centres][:, None] + steps, 0)
        if not places.size:
            return np.zeros(x.shape[:2])
        signs = 1.0 - 2.0 * paths.codes[places]
        logits = (x @ outputs[paths.points[places]].transpose(0, 2, 1)).astype(np.float64)
        return _sum(np.logaddexp(0.0, -signs[:, None] * logits), real)

    return losses


def _softmax(inputs: Floats, outputs: Floats, words: Longs | None) -> Losses:
    """The softmax over all words; ``words``: all that predict by themselves, None for CBOW."""
    sums = np.zeros(len(inputs) if words is not None else 0)
    if words is not None:
        with np.errstate(over="ignore", invalid="ignore"):
            sums[words] = _log_sums(inputs[words], outputs)

    def losses(x: Floats, centres: Longs, seen: Longs) -> Floats:
        scores = (x @ outputs[centres][..., None])[..., 0].astype(np.float64)  # (B, M)
        if words is None:
            return _log_sums(x[:, 0], outputs)[:, None] - scores
        return sums[seen] - scores

    return losses


def _sum(losses: Floats, real: npt.NDArray[np.bool_]) -> Floats:
    """(B, M) sums of (B, M, K) losses over those that are real (B, K)."""
    summed: Floats = np.sum(losses, axis=-1, where=real[:, None])
    return summed


def _log_sums(hidden: Floats, outputs: Floats) -> npt.NDArray[np.float64]:
    """(T,) the logarithm of the sum over words of exp(hidden @ outputs.T)."""
    sums = np.empty(len(hidden))
    rows = max(1, FLOATS_AT_ONCE // len(outputs))
    for start in range(0, len(hidden), rows):
        logits = hidden[start : start + rows] @ outputs.T
        most = logits.max(axis=1, keepdims=True)
        logits -= most
        np.exp(logits, out=logits)
        sums[start : start + rows] = np.log(logits.sum(axis=1, dtype=np.float64)) + most[:, 0]
    return sums
