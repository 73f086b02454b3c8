"""Scores of analogy questions: of all words in float32 block by block, of a few words exactly.

Questions share words, so the cosines of all words with each asked word are computed once by a
matrix product, and each question's scores are sums or products of three rows of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.vectors.store import WordVectors

Method = Literal["add", "mul"]
METHODS: Final = ("add", "mul")

_EPSILON = 0.001  # of 3CosMul, as in the paper
# What bounds the memory: the table of cosines has so many values, of so many rows of vectors;
# so many questions are scored at a time.
_TABLE = 1 << 22
_FEWEST_ROWS, _MOST_ROWS = 256, 4096
_SCORED_AT_ONCE = 64
_ROUNDING = 2.0**-24  # of float32


class Asked(NamedTuple):
    """Q questions as rows.

    ``rows`` (Q, 3) are a, b and c. ``wanted`` holds for each question the rows that are right,
    ``excluded`` those that are no answers.
    """

    rows: npt.NDArray[np.intp]
    wanted: list[tuple[int, ...]]
    excluded: list[tuple[int, ...]]

    def only(self, places: npt.NDArray[np.intp]) -> Asked:
        """The questions at ``places``."""
        return Asked(
            self.rows[places],
            [self.wanted[place] for place in places],
            [self.excluded[place] for place in places],
        )


class Tile(NamedTuple):
    """Scores of n questions, the first of which is ``question``, and m rows, from ``row`` on.

    ``scores`` (n, m) float32 are -inf for rows that are right or no answers; rounding has changed
    the others by ``error`` (n,) at most.
    """

    question: int
    row: int
    scores: npt.NDArray[np.float32]
    error: npt.NDArray[np.float32]

    @property
    def questions(self) -> slice:
        """The places of the n questions among all."""
        return slice(self.question, self.question + len(self.scores))


def tiles(vectors: WordVectors, asked: Asked, rows: int, method: Method) -> Iterator[Tile]:
    """The scores of all questions and the first ``rows`` rows; a tile is valid until the next."""
    words, places = np.unique(asked.rows, return_inverse=True)
    places = places.reshape(asked.rows.shape)
    units = vectors.units(words).astype(np.float32)
    height = min(max(_TABLE // len(words), _FEWEST_ROWS), _MOST_ROWS)
    chunks = range(0, len(places), _SCORED_AT_ONCE)
    masks = [_mask(asked, slice(start, start + _SCORED_AT_ONCE)) for start in chunks]
    for row in range(0, rows, height):
        some = slice(row, min(row + height, rows))
        block = vectors.matrix[some].astype(np.float32) * vectors.scales[some, np.newaxis]
        cosines = units @ block.T
        zeros = np.flatnonzero(vectors.scales[some] == 0)
        minus, error = _subtracted(cosines, method, vectors.dim)
        buffer = np.empty((2, _SCORED_AT_ONCE, len(block)), dtype=np.float32)
        for start, (masked_rows, masked_questions) in zip(chunks, masks, strict=True):
            a, b, c = places[start : start + _SCORED_AT_ONCE].T
            scores, factor = buffer[:, : len(a)]
            # With "clip" NumPy writes to ``out`` directly; no place is out of range.
            np.take(cosines, b, axis=0, out=scores, mode="clip")
            for table, asked_word, operation in (
                (cosines, c, np.add if method == "add" else np.multiply),
                (minus, a, np.subtract if method == "add" else np.multiply),
            ):
                np.take(table, asked_word, axis=0, out=factor, mode="clip")
                operation(scores, factor, out=scores)
            inside = slice(*np.searchsorted(masked_rows, (some.start, some.stop)))
            scores[masked_questions[inside], masked_rows[inside] - row] = -np.inf
            scores[:, zeros] = -np.inf
            yield Tile(start, row, scores, error[a])


def _subtracted(
    cosines: npt.NDArray[np.float32], method: Method, dim: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The table (U, m) for a word that is taken away, and (U,) by how much scores may be wrong.

    For 3CosMul ``cosines`` (U, m) are moved to 0 to 1 in place. The bounds follow from that of a
    product of D terms, D times 2^-24, for vectors that were rounded to float32 before.
    """
    if method == "add":
        return cosines, np.full(len(cosines), 3 * (dim + 12) * _ROUNDING, dtype=np.float32)
    cosines += 1
    cosines /= 2
    minus = np.float32(1) / (cosines + np.float32(_EPSILON))
    reach = minus.max(axis=1)
    return minus, np.float32((dim + 16) * _ROUNDING) * (reach + reach * reach)


def _mask(asked: Asked, some: slice) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The rows, ascending, that are right or no answers in ``some`` questions, and which these."""
    both = zip(asked.wanted[some], asked.excluded[some], strict=True)
    questions, rows = flat([wanted + excluded for wanted, excluded in both])
    order = np.argsort(rows, kind="stable")
    return rows[order], questions[order]


def flat(
    lists: Sequence[tuple[int, ...]],
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """For each number of ``lists`` the place of its list, and the number."""
    lengths = np.array([len(each) for each in lists], dtype=np.intp)
    numbers = np.array([number for each in lists for number in each], dtype=np.intp)
    return np.repeat(np.arange(len(lists)), lengths), numbers


def exact(
    vectors: WordVectors,
    method: Method,
    asked: npt.NDArray[np.intp],
    rows: npt.NDArray[np.intp],
) -> npt.NDArray[np.float32]:
    """(n,) the score of each of ``rows`` (n,) for the question of ``asked`` (n, 3).

    Computed in float64, each row in the same order of additions; -inf for rows of zeros, which
    are no answers.
    """
    units = vectors.units(rows)
    a, b, c = (np.clip((units * vectors.units(each)).sum(axis=1), -1, 1) for each in asked.T)
    if method == "add":
        scores = b + c - a
    else:
        a, b, c = (a + 1) / 2, (b + 1) / 2, (c + 1) / 2
        scores = b * c / (a + _EPSILON)
    scores[vectors.scales[rows] == 0] = -np.inf
    return scores.astype(np.float32)  # type: ignore[no-any-return]
