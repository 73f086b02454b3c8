"""Scores and probabilities of a network for many inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from dlkit.classify.linear import LinearNgrams
from dlkit.classify.prepare import batches
from dlkit.data.ngrams import Bags

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import nn

    from dlkit.classify.inputs import Numbers

_AT_ONCE: Final = 1024


def scores_of(
    model: nn.Module | LinearNgrams,
    numbers: Numbers,
    *,
    device: str = "cpu",
    at_once: int = _AT_ONCE,
) -> npt.NDArray[np.float32]:
    """(N, C) the scores of ``numbers`` in evaluation mode; the mode comes back.

    Args:
        model: a network.
        numbers: rows (N, D), or n-grams of N texts.
        device: where the network is.
        at_once: inputs of a batch, which changes no score but in its last bits.

    """
    if isinstance(model, LinearNgrams):
        assert isinstance(numbers, Bags)
        return model.scores(numbers)
    parts = list(_parts(model, numbers, device, at_once))
    return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)


def _parts(
    model: nn.Module, numbers: Numbers, device: str, at_once: int
) -> Iterator[npt.NDArray[np.float32]]:
    import torch

    count = len(numbers.offsets) - 1 if isinstance(numbers, Bags) else len(numbers)
    if not count:
        return
    labels = np.zeros(count, np.int64)
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            for batch in batches(numbers, labels, size=at_once, device=device).at():
                yield model(*batch.inputs).float().cpu().numpy()
    finally:
        model.train(training)


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
