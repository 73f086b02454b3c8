"""Scores and probabilities of a network for many inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from dlkit.classify.prepare import batches
from dlkit.data.ngrams import Bags

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import nn

    from dlkit.classify.inputs import Numbers

_AT_ONCE: Final = 1024


def scores_of(
    model: nn.Module, numbers: Numbers, *, device: str = "cpu", at_once: int = _AT_ONCE
) -> npt.NDArray[np.float32]:
    """(N, C) the scores of ``numbers`` in evaluation mode; the mode comes back.

    Args:
        model: a network.
        numbers: rows (N, D), or n-grams of N texts.
        device: where the network is.
        at_once: inputs of a batch, which changes no score but in its last bits.

    """
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
