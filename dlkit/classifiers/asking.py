"""Scores of a network for many inputs, and what they say: probabilities, doubts, mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import nn

    from dlkit.training.batches import Batches


def scores_in(model: nn.Module, batches: Batches) -> npt.NDArray[np.float32]:
    """(N, C) the scores of what is in ``batches``, in evaluation mode; the mode comes back.

    Args:
        model: a network, where the batches are.
        batches: in their order; their size changes no score but in its last bits.

    """
    import torch

    from dlkit.training.modes import judging

    with judging(model), torch.inference_mode():
        parts = [model(*batch.inputs).float().cpu().numpy() for batch in batches.at()]
    return np.concatenate(parts)


def probabilities_of(scores: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """softmax(scores) (N, C), in float64: each row's greatest is taken off first, exp(0) = 1."""
    shifted = scores.astype(np.float64) - scores.max(axis=1, keepdims=True, initial=-np.inf)
    exponentials = np.exp(shifted)
    found: npt.NDArray[np.float64] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return found


def values_of(
    scores: npt.NDArray[np.floating], loss: Literal["softmax", "hinge"]
) -> npt.NDArray[np.float64]:
    """What is told of each class: its probability, or by the hinge loss its score."""
    return probabilities_of(scores) if loss == "softmax" else scores.astype(np.float64)


def worst_of(
    values: npt.NDArray[np.float64],
    labels: npt.NDArray[np.int64],
    n: int,
    loss: Literal["softmax", "hinge"],
) -> npt.NDArray[np.int64]:
    """Places of the ``n`` samples with the largest loss, largest first; of equal ones the first.

    Args:
        values: (N, C) as ``values_of`` gives them.
        labels: (N,) places of the right classes.
        n: how many.
        loss: softmax or hinge.

    """
    from dlkit.training import metrics

    if loss == "softmax":
        return metrics.worst(values, labels, n)
    own = np.take_along_axis(values, labels[:, None], axis=1)
    # The class itself is among the summands with 1.
    lost = np.maximum(0, values - own + 1).sum(axis=1) - 1
    return np.argsort(-lost, kind="stable")[:n]


def unsure_of(
    values: npt.NDArray[np.float64], n: int, loss: Literal["softmax", "hinge"]
) -> npt.NDArray[np.int64]:
    """Places of the ``n`` samples with the highest entropy, of scores the nearest two highest.

    Args:
        values: (N, C) as ``values_of`` gives them.
        n: how many.
        loss: softmax or hinge.

    """
    from dlkit.training import metrics

    if loss == "softmax":
        return metrics.uncertain(values, n)
    two = np.partition(values, -2, axis=1)[:, -2:]
    return np.argsort(two[:, 1] - two[:, 0], kind="stable")[:n]
