"""The linear classifier of weighted n-grams without PyTorch: its weights, and scores by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dlkit.jit import has_numba

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.data.ngrams import Bags


@dataclass(frozen=True, eq=False)
class LinearNgrams:
    """What ``TextNetwork`` without layers reckons, s = W x + b.

    Attributes:
        weights: (V, C) float32 W, n-gram by n-gram.
        bias: (C,) float32 b.

    """

    weights: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]

    def scores(self, bags: Bags) -> npt.NDArray[np.float32]:
        """(N, C) the scores of N texts."""
        found = np.zeros((len(bags.offsets) - 1, len(self.bias)))
        if has_numba():
            from dlkit.classify.kernels import ascent

            ascent.scores(bags.values, bags.weights, bags.offsets, self.weights, found)
        else:
            text_of = np.repeat(np.arange(len(found)), np.diff(bags.offsets))
            wide = bags.weights.astype(np.float64)
            for column in range(found.shape[1]):
                products = self.weights[bags.values, column] * wide
                found[:, column] = np.bincount(text_of, products, minlength=len(found))
        return (found + self.bias).astype(np.float32)

    def tensors(self) -> dict[str, npt.NDArray[np.float32]]:
        """The weights by the names that they have in ``TextNetwork``."""
        return {"bag.weight": self.weights, "bias": self.bias}

    @property
    def parameters(self) -> int:
        """How many numbers were learnt."""
        return self.weights.size + self.bias.size
