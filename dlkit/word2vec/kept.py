"""Vectors of words that stay bit for bit as they were given, whatever they are composed of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_WORDS, _VECTORS = "given_words", "given_vectors"


@dataclass(frozen=True, eq=False)
class Kept:
    """Words whose vectors stay, and the vectors.

    The rows that such a word is made of stay, too. But who composed its vector may have added them
    up in another order or precision, rounded it, or found other n-grams in it (words that were not
    UTF-8): the mean of the rows is not always the vector that was given.

    Attributes:
        words: (N,) int64 ids.
        vectors: (N, D) float32.

    """

    words: npt.NDArray[np.int64]
    vectors: npt.NDArray[np.float32]

    def among(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """A copy of ``matrix`` (V, D) with these vectors in their places."""
        matrix = matrix.copy()
        matrix[self.words] = self.vectors
        return matrix

    def arrays(self) -> dict[str, np.ndarray]:
        """What ``of_arrays`` makes this of."""
        return {_WORDS: self.words, _VECTORS: self.vectors}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray], *, vocabulary: int, dim: int) -> Kept:
        """What was kept of ``vocabulary`` words with vectors of ``dim`` numbers.

        Raises:
            ValueError: ``arrays`` do not say it.

        """
        words, vectors = arrays.get(_WORDS), arrays.get(_VECTORS)
        if (
            words is None
            or vectors is None
            or words.dtype != np.int64
            or vectors.dtype != np.float32
            or words.ndim != 1
            or vectors.shape != (len(words), dim)
            or (len(words) and not 0 <= words.min() <= words.max() < vocabulary)
        ):
            raise ValueError("state does not say which vectors were given")
        return cls(words, vectors)
