"""Analogy questions a : b = c : d, answered by the two methods of Levy and Goldberg 2014.

With unit vectors, the answer is the word x with the highest (https://aclanthology.org/W14-1618/)

- 3CosAdd: cos(x, b) + cos(x, c) - cos(x, a), their equation 3;
- 3CosMul: cos(x, b) cos(x, c) / (cos(x, a) + 0.001), each cosine moved to 0 to 1, equation 4.

All words are scored in float32; where rounding could turn the outcome, scores are computed again
in float64, so that the result does not depend on how the machine adds up a product. Equal scores,
rounded to float32, are decided by frequency.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from dlkit.errors import FAILED, DlkitError
from dlkit.records import Record, Step
from dlkit.vectors.offsets import Asked, Method, exact, flat, tiles

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.vectors.rules import Lookup
    from dlkit.vectors.store import WordVectors
    from dlkit.vectors.wordtests import Analogies

# So many questions share one table of cosines.
QUESTIONS_AT_ONCE: Final = 4096
_EXACT_AT_ONCE = 4096  # candidates computed in float64
_SILENCE = 1.0  # seconds between two records of how far it is: short work needs none
# A sum of unit vectors shorter than this is what rounding left of zero.
_NOTHING = 1e-9


class AnalogyScores(NamedTuple):
    """The answers to N questions.

    Attributes:
        known: (N,) bool, whether all four words are known.
        right: for each method (N,) bool, whether d was the answer.
        cosines: (N,) float64, the cosine of b - a + c with d; NaN where that is unknown.

    """

    known: npt.NDArray[np.bool_]
    right: dict[Method, npt.NDArray[np.bool_]]
    cosines: npt.NDArray[np.float64]


def score_analogies(
    vectors: WordVectors, test: Analogies, lookup: Lookup, methods: Sequence[Method] = ("add",)
) -> Generator[Record, None, AnalogyScores]:
    """Answer the questions of ``test``; yields how far it is.

    A question whose a, b or c has a vector of zeros has no answer, and such a word is none.

    Raises:
        DlkitError: the vectors hold values that are no finite numbers.

    """
    if not np.isfinite(vectors.norms[: lookup.rows]).all():
        raise _not_finite(vectors)
    found = [[lookup.row(word) for word in question] for question in test.questions]
    known = np.array([None not in rows for rows in found], dtype=bool)
    rows = np.array([each for each in found if None not in each], dtype=np.intp).reshape(-1, 4)
    right = {method: np.zeros(len(known), dtype=bool) for method in methods}
    cosines = np.full(len(known), np.nan)
    places = np.flatnonzero(known)
    for method in methods:
        begun = told = time.monotonic()
        for start in range(0, len(rows), QUESTIONS_AT_ONCE):
            some = slice(start, start + QUESTIONS_AT_ONCE)
            right[method][places[some]] = _right(
                vectors, _asked(rows[some], lookup), lookup, method
            )
            done = min(start + QUESTIONS_AT_ONCE, len(rows))
            now = time.monotonic()
            if now - told > _SILENCE:
                told = now
                phase = f"{test.name}, 3Cos{method.capitalize()}"
                yield Step(phase, done, len(rows), "questions", done / (now - begun))
    for start in range(0, len(rows), _EXACT_AT_ONCE):
        some = slice(start, start + _EXACT_AT_ONCE)
        cosines[places[some]] = _cosines(vectors, rows[some])
    return AnalogyScores(known, right, cosines)


def _asked(rows: npt.NDArray[np.intp], lookup: Lookup) -> Asked:
    """The questions of ``rows`` (Q, 4): a, b, c and d."""
    wanted, excluded = [], []
    for *three, right in rows.tolist():
        if lookup.rules.variants:
            three = [row for each in three for row in lookup.variants(each)]
        excluded.append(tuple(dict.fromkeys(three)))
        wanted.append(tuple(row for row in lookup.variants(right) if row not in three))
    return Asked(rows[:, :3], wanted, excluded)


def _right(
    vectors: WordVectors, asked: Asked, lookup: Lookup, method: Method
) -> npt.NDArray[np.bool_]:
    """(Q,) whether a wanted row has a higher score than all other candidates."""
    best, place = _best_wanted(vectors, asked, method)
    rivals = np.full(len(best), -np.inf, dtype=np.float32)
    error = np.zeros(len(best), dtype=np.float32)
    for tile in tiles(vectors, asked, lookup.rows, method):
        some = tile.questions
        np.maximum(rivals[some], tile.scores.max(axis=1), out=rivals[some])
        np.maximum(error[some], tile.error, out=error[some])
    if np.isnan(rivals).any() or np.isnan(best).any():
        raise _not_finite(vectors)
    possible = (best > -np.inf) & (vectors.scales[asked.rows] > 0).all(axis=1)
    if lookup.rules.above_zero:
        possible &= best > 0
    right = possible & (best - error > rivals)
    unsure = np.flatnonzero(possible & ~right & (best + error >= rivals))
    if len(unsure):
        closest = best[unsure] - error[unsure]
        again = asked.only(unsure)
        right[unsure] = ~_beaten(
            vectors, again, lookup.rows, method, best[unsure], place[unsure], closest
        )
    if lookup.rules.within is not None:
        _look_within(vectors, asked, lookup.rules.within, method, best, place, right)
    return right


def _not_finite(vectors: WordVectors) -> DlkitError:
    return DlkitError(
        f"{vectors.name} holds values that are no finite numbers",
        hint="train again with a lower learning rate",
        code=FAILED,
    )


def _best_wanted(
    vectors: WordVectors, asked: Asked, method: Method
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.intp]]:
    """(Q,) the highest score of a wanted row and (Q,) that row; -inf where none is wanted."""
    best = np.full(len(asked.rows), -np.inf, dtype=np.float32)
    place = np.zeros(len(asked.rows), dtype=np.intp)
    question, rows = flat(asked.wanted)
    scores = np.empty(len(rows), dtype=np.float32)
    for start in range(0, len(rows), _EXACT_AT_ONCE):
        some = slice(start, start + _EXACT_AT_ONCE)
        scores[some] = exact(vectors, method, asked.rows[question[some]], rows[some])
    # The lowest score first and of equals the last row, so that what is written last is the best.
    order = np.lexsort((-rows, scores))
    best[question[order]] = scores[order]
    place[question[order]] = rows[order]
    return best, place


def _beaten(
    vectors: WordVectors,
    asked: Asked,
    rows: int,
    method: Method,
    best: npt.NDArray[np.float32],
    place: npt.NDArray[np.intp],
    closest: npt.NDArray[np.float32],
) -> npt.NDArray[np.bool_]:
    """(Q,) whether a candidate is exactly as high as ``best`` (Q,) and before ``place``, or higher.

    Only candidates that have ``closest`` (Q,) or more in float32 can be.
    """
    beaten = np.zeros(len(best), dtype=bool)
    for tile in tiles(vectors, asked, rows, method):
        close = tile.scores >= closest[tile.questions, np.newaxis]
        question, row = np.nonzero(close)
        question, row = question + tile.question, row + tile.row
        for start in range(0, len(row), _EXACT_AT_ONCE):
            some = slice(start, start + _EXACT_AT_ONCE)
            still = ~beaten[question[some]]
            which, candidate = question[some][still], row[some][still]
            scores = exact(vectors, method, asked.rows[which], candidate)
            before = (scores == best[which]) & (candidate < place[which])
            beaten[which[(scores > best[which]) | before]] = True
    return beaten


def _look_within(
    vectors: WordVectors,
    asked: Asked,
    within: int,
    method: Method,
    best: npt.NDArray[np.float32],
    place: npt.NDArray[np.intp],
    right: npt.NDArray[np.bool_],
) -> None:
    """Clear ``right`` (Q,) where so many variants of asked words stand before the answer."""
    for question in np.flatnonzero(right):
        three = asked.rows[question]
        others = np.array([row for row in asked.excluded[question] if row not in three], np.intp)
        if len(others) >= within:
            scores = exact(vectors, method, np.tile(three, (len(others), 1)), others)
            equal = (scores == best[question]) & (others < place[question])
            right[question] = np.count_nonzero((scores > best[question]) | equal) < within


def _cosines(vectors: WordVectors, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """(n,) for ``rows`` (n, 4) the cosine of b - a + c with d; 0 if one of them is all zeros."""
    a, b, c, d = (vectors.units(each) for each in rows.T)
    offset = b - a + c
    lengths = np.linalg.norm(offset, axis=1)
    products = (offset * d).sum(axis=1)
    cosines = np.zeros(len(rows))
    np.divide(products, lengths, out=cosines, where=lengths > _NOTHING)
    return cosines
