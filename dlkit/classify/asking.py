"""The scores of a network for many inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from dlkit.classifiers.asking import scores_in
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
    count = len(numbers.offsets) - 1 if isinstance(numbers, Bags) else len(numbers)
    if not count:
        return np.zeros((0, 0), np.float32)
    labels = np.zeros(count, np.int64)
    return scores_in(model, batches(numbers, labels, size=at_once, device=device))
