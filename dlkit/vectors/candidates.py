"""The words that may be answers: a range of frequency ranks, or a list of words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.vectors.store import WordVectors

_VALUES_AT_ONCE = 1 << 20


class Candidates:
    """Some rows of ``vectors``, in order of frequency, and their products with directions.

    Args:
        vectors: (V, D).
        first: the first row that may be an answer.
        stop: the row after the last one; None: V.
        rows: of these the listed rows only, in any order; their vectors are copied once.

    """

    def __init__(
        self,
        vectors: WordVectors,
        *,
        first: int = 0,
        stop: int | None = None,
        rows: npt.ArrayLike | None = None,
    ) -> None:
        stop = len(vectors) if stop is None else min(stop, len(vectors))
        first = min(first, stop)
        self._first, self._stop = first, stop
        self._rows: npt.NDArray[np.intp] | None = None
        if rows is None:
            self._matrix = vectors.matrix[first:stop]
            self._scales = vectors.scales[first:stop]
        else:
            listed = np.unique(np.asarray(rows, dtype=np.intp))
            self._rows = listed[(listed >= first) & (listed < stop)]
            self._matrix = vectors.matrix[self._rows]
            self._scales = vectors.scales[self._rows]

    def __len__(self) -> int:
        return len(self._matrix)

    def rows(self, places: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """The rows of ``vectors`` at ``places`` among the candidates."""
        return places + self._first if self._rows is None else self._rows[places]

    def places(self, rows: list[int]) -> list[int]:
        """The places of those of ``rows`` that are candidates."""
        if self._rows is None:
            return [row - self._first for row in rows if self._first <= row < self._stop]
        places = np.searchsorted(self._rows, rows)
        return [
            int(place)
            for place, row in zip(places, rows, strict=True)
            if place < len(self) and self._rows[place] == row
        ]

    def cosines(self, directions: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """(N, Q) float32, the cosines of the N candidates with ``directions`` (Q, D) of length 1.

        They are as exact as one product in float32 is: within ``slack`` of the truth.
        """
        sought = np.asarray(directions, dtype=np.float32)
        matrix = self._matrix
        if matrix.dtype == np.float32:
            cosines = _product(matrix, sought)
        else:  # float16 has no fast product; a part of the matrix at a time takes little memory
            cosines = np.empty((len(self), len(sought)), dtype=np.float32)
            at_once = max(1, _VALUES_AT_ONCE // matrix.shape[1])
            for start in range(0, len(self), at_once):
                part = matrix[start : start + at_once].astype(np.float32)
                cosines[start : start + at_once] = _product(part, sought)
        cosines *= self._scales[:, np.newaxis]
        return cosines

    @property
    def slack(self) -> np.float32:
        """How far two of the ``cosines`` together can be from the truth by rounding."""
        return np.float32(2 * (self._matrix.shape[1] + 8) * 2.0**-24)


def _product(
    matrix: npt.NDArray[np.float32], sought: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """(N, Q); one direction is multiplied faster as a vector than as a matrix of one column."""
    product: npt.NDArray[np.float32] = matrix @ (sought[0] if len(sought) == 1 else sought.T)
    return product.reshape(len(matrix), len(sought))
