"""Questions to word vectors: the nearest words, analogies, a pair's cosine, the odd one out.

Analogies are 3CosAdd over unit vectors (https://aclanthology.org/W14-1618/): the words nearest to
the sum of the plus words' unit vectors less the minus words'.

One product in float32 with the whole matrix finds the candidates, and only they are computed again
in float64. So the answers do not depend on how the machine adds up a product: they are those of
float64 arithmetic, rounded to float32, equal values in order of frequency.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlkit.errors import FAILED, NOT_FOUND, USAGE, DlkitError

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.vectors.store import WordVectors

# A sum of unit vectors shorter than this is what rounding left of zero.
_NOTHING = 1e-9
_BLOCK = 128
_ROWS_AT_ONCE = 8192
# Questions answered by one product: more gain little, and the products take memory.
_QUESTIONS_AT_ONCE = 64
_SCORES_AT_ONCE = 16_000_000


class Question(NamedTuple):
    """Rows whose unit vectors are added and subtracted."""

    plus: tuple[int, ...]
    minus: tuple[int, ...] = ()


class Neighbour(NamedTuple):
    """A word and its cosine with the question, -1 to 1."""

    word: str
    similarity: np.float32


def direction_of(vectors: WordVectors, question: Question) -> npt.NDArray[np.float64]:
    """(D,) float64 of length 1: where ``question`` points.

    Raises:
        DlkitError: it points nowhere: its vectors are zeros, or cancel out.

    """
    units = vectors.units([*question.plus, *question.minus])
    units[len(question.plus) :] *= -1
    total: npt.NDArray[np.float64] = units.sum(axis=0)
    length = float(np.linalg.norm(total))
    if length < _NOTHING * len(units):
        if len(units) == 1:
            what = f"the vector of '{vectors.word(question.plus[0])}' is all zeros"
        else:
            what = "the words of the question cancel out"
        raise DlkitError(f"{what}: no word is near it", code=NOT_FOUND)
    return total / length


def questions_at_once(vectors: WordVectors) -> int:
    """How many questions ``nearest_each`` should be given at a time, for speed and memory."""
    return max(1, min(_QUESTIONS_AT_ONCE, _SCORES_AT_ONCE // len(vectors)))


def nearest_each(
    vectors: WordVectors,
    questions: Sequence[Question],
    directions: Sequence[npt.NDArray[np.float64]],
    *,
    k: int = 10,
    restrict: int | None = None,
) -> list[list[Neighbour]]:
    """For each question the ``k`` words nearest to it, nearest first; by one product for all.

    The words of a question are no answers to it. Fewer than ``k`` come back where there are no
    more.

    Args:
        vectors: (V, D).
        questions: Q questions.
        directions: for each of them its ``direction_of``, (D,).
        k: how many answers each gets.
        restrict: only the so many most frequent words are answers.

    """
    if not questions:
        return []
    rows = len(vectors) if restrict is None else min(restrict, len(vectors))
    matrix = vectors.matrix[:rows]
    if len(directions) == 1:
        scores = (matrix @ directions[0].astype(np.float32))[:, np.newaxis]
    else:
        scores = matrix @ np.asarray(directions, dtype=np.float32).T
    scores *= vectors.scales[:rows, np.newaxis]
    for place, question in enumerate(questions):
        scores[[row for row in (*question.plus, *question.minus) if row < rows], place] = -np.inf
    # What rounding can do to a dot product of D terms, for the score and for the bound.
    bounds = _kth_highest(scores, min(k, rows)) - np.float32(2 * (vectors.dim + 8) * 2.0**-24)
    if not (bounds < np.inf).all():  # the highest of NaN and numbers is NaN
        raise DlkitError(
            f"{vectors.name} holds values that are no finite numbers",
            hint="train again with a lower learning rate",
            code=FAILED,
        )
    found = np.flatnonzero(scores >= np.maximum(bounds, np.finfo(np.float32).min))
    candidates, places = np.divmod(found, len(questions))
    order = np.argsort(places, kind="stable")
    ends = np.cumsum(np.bincount(places, minlength=len(questions)))
    return [
        _ranked(vectors, some, direction, k)
        for some, direction in zip(np.split(candidates[order], ends[:-1]), directions, strict=True)
    ]


def _kth_highest(scores: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.float32]:
    """(Q,) for each column of ``scores`` (V, Q) a lower bound of its k-th highest value.

    The k-th highest of the maxima of blocks of rows is one, and blocks are fewer to sort.
    """
    rows, columns = scores.shape
    blocks = -(-rows // _BLOCK)
    if blocks > k:
        whole = rows // _BLOCK * _BLOCK
        parts = [scores[:whole].reshape(-1, _BLOCK, columns).max(axis=1)]
        if whole < rows:
            parts.append(scores[whole:].max(axis=0, keepdims=True))
        scores = np.concatenate(parts)
    highest: npt.NDArray[np.float32] = np.partition(scores, len(scores) - k, axis=0)[-k:]
    # NaN is sorted as the highest of all.
    return np.where(np.isnan(highest).any(axis=0), np.float32(np.nan), highest[0])


def _ranked(
    vectors: WordVectors,
    rows: npt.NDArray[np.intp],
    direction: npt.NDArray[np.float64],
    k: int,
) -> list[Neighbour]:
    """The ``k`` of ``rows`` that are nearest to ``direction`` (D,), exactly."""
    similarities = np.empty(len(rows), dtype=np.float32)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        units = vectors.units(rows[start : start + _ROWS_AT_ONCE])
        similarities[start : start + len(units)] = np.clip(units @ direction, -1, 1)
    order = np.argsort(-similarities, kind="stable")[:k]
    return [Neighbour(vectors.word(int(rows[i])), similarities[i]) for i in order]


def pair(vectors: WordVectors, first: int, second: int) -> np.float32:
    """The cosine of two rows, -1 to 1; 0 if one of them is all zeros."""
    units = vectors.units([first, second])
    return np.float32(np.clip(units[0] @ units[1], -1, 1))


def odd_one_out(vectors: WordVectors, rows: Sequence[int]) -> int:
    """The place in ``rows`` of the word least like the others.

    It is the one whose unit vector has the smallest dot product with the mean of all; the first
    of equals.

    Raises:
        DlkitError: there are fewer than three rows.

    """
    if len(rows) < 3:
        raise DlkitError(
            f"the odd one out needs three words or more, not {len(rows)}",
            hint="dlkit similar --odd-one-out 早餐 午餐 天空",
            code=USAGE,
        )
    units = vectors.units(rows)
    return int(np.argmin(units @ units.mean(axis=0)))
