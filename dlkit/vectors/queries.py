"""Questions to word vectors: the nearest words, ranks, the likeness of words and sets of words.

Analogies are 3CosAdd over unit vectors (https://aclanthology.org/W14-1618/): the words nearest to
the sum of the plus words' unit vectors less the minus words'; ``cosmul`` has the other way.

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

    from dlkit.vectors.candidates import Candidates
    from dlkit.vectors.store import WordVectors

    Vector = npt.NDArray[np.float64]

# Below the smallest normal float32 a norm has lost its digits: such a vector counts as zeros.
_TINY = float(np.finfo(np.float32).tiny)
# A sum of unit vectors shorter than this is what rounding left of zero.
_NOTHING = 1e-9
_BLOCK = 128
_ROWS_AT_ONCE = 8192
# Questions answered by one product: more gain little, and the products take memory.
_QUESTIONS_AT_ONCE = 64
_SCORES_AT_ONCE = 16_000_000


class Term(NamedTuple):
    """A word of a question.

    Attributes:
        word: as the vocabulary spells it.
        vector: (D,) float64.
        weight: what its unit vector is multiplied by: 1, or -1 for a word that is taken away.
        row: its row, which is no answer; None for a word that is not in the vocabulary.

    """

    word: str
    vector: Vector
    weight: float = 1.0
    row: int | None = None

    @property
    def unit(self) -> Vector:
        """(D,) ``vector`` divided by its norm; zeros stay zeros."""
        return _unit(self.vector)


class Neighbour(NamedTuple):
    """A word and its score: its cosine with the question, -1 to 1, unless said otherwise."""

    word: str
    similarity: np.float32


def term_of(vectors: WordVectors, row: int, weight: float = 1.0) -> Term:
    """The term of a word of the vocabulary."""
    vector = vectors.matrix[row].astype(np.float64)
    return Term(vectors.word(row), vector, weight, row)


def term_of_word(
    vectors: WordVectors, word: str, weight: float = 1.0, *, subwords: bool = True
) -> Term:
    """The term of ``word``; with ``subwords`` an unknown one has the vector of its n-grams.

    Raises:
        UnknownWordError: it is not in the vocabulary, and none of its n-grams is known.

    """
    from dlkit.vectors.store import UnknownWordError

    if (row := vectors.row(word)) is not None:
        return term_of(vectors, row, weight)
    # What holds a space is several words, or an expression that was not said to be one.
    if subwords and not any(map(str.isspace, word)) and vectors.subwords is not None:
        spelt = vectors.normalise(word)
        vector = vectors.subwords.vector(spelt)
        if vector is not None:
            return Term(spelt, vector.astype(np.float64), weight)
    raise UnknownWordError(word, vectors)


def _unit(vector: Vector) -> Vector:
    norm = float(np.linalg.norm(vector))
    unit: Vector = vector / norm if norm >= _TINY else np.zeros_like(vector)
    return unit


def direction_of(question: Sequence[Term]) -> Vector:
    """(D,) of length 1: where the weighted sum of the terms' unit vectors points.

    Raises:
        DlkitError: it points nowhere: its vectors are zeros, or cancel out.

    """
    total = np.sum([term.weight * term.unit for term in question], axis=0)
    length = float(np.linalg.norm(total))
    # Written so that NaN passes; nearest_each tells of it.
    if length <= _NOTHING * sum(abs(term.weight) for term in question):
        if len(question) == 1 and question[0].weight:
            what = f"the vector of '{question[0].word}' is all zeros"
        else:
            what = "the words of the question cancel out"
        raise DlkitError(f"{what}: no word is near it", code=NOT_FOUND)
    return total / length  # type: ignore[no-any-return]


def questions_at_once(vectors: WordVectors) -> int:
    """How many questions ``nearest_each`` should be given at a time, for speed and memory."""
    return max(1, min(_QUESTIONS_AT_ONCE, _SCORES_AT_ONCE // len(vectors)))


def nearest_each(
    vectors: WordVectors,
    questions: Sequence[Sequence[Term]],
    directions: Sequence[Vector],
    candidates: Candidates,
    *,
    k: int | None = 10,
    least: float | None = None,
) -> list[list[Neighbour]]:
    """For each question the ``k`` words nearest to it, nearest first; by one product for all.

    The words of a question are no answers to it. Fewer than ``k`` come back where there are no
    more.

    Args:
        vectors: (V, D).
        questions: Q questions.
        directions: for each of them its ``direction_of``, (D,).
        candidates: the words that may be answers.
        k: how many answers each gets; None: all.
        least: only words with this cosine or a higher one are answers.

    Raises:
        DlkitError: the vectors hold values that are no finite numbers.

    """
    if not questions:
        return []
    k = len(candidates) if k is None else min(k, len(candidates))
    scores = _scores(candidates, questions, directions)
    bounds = _kth_highest(scores, k) - candidates.slack
    if not (bounds < np.inf).all():  # the highest of NaN and numbers is NaN
        raise not_finite(vectors)
    if least is not None:
        bounds = np.maximum(bounds, np.float32(least) - candidates.slack)
    found = np.flatnonzero(scores >= np.maximum(bounds, np.finfo(np.float32).min))
    chosen, places = np.divmod(found, len(questions))
    order = np.argsort(places, kind="stable")
    ends = np.cumsum(np.bincount(places, minlength=len(questions)))
    rows = candidates.rows(chosen[order])
    limit = np.float32(-np.inf if least is None else least)
    answers = []
    for some, direction in zip(np.split(rows, ends[:-1]), directions, strict=True):
        similarities = _exactly(vectors, some, direction)
        enough = similarities >= limit
        answers.append(ranked(vectors, some[enough], similarities[enough])[:k])
    return answers


def closer_than(
    vectors: WordVectors, term: Term, limit: np.float32, candidates: Candidates
) -> list[Neighbour]:
    """The words whose cosine with ``term`` is higher than ``limit``, nearest first.

    Raises:
        DlkitError: the vector of ``term`` is zeros, or values are no finite numbers.

    """
    direction = direction_of([term])
    scores = _finite_scores(vectors, term, direction, candidates)
    rows = candidates.rows(np.flatnonzero(scores > limit - candidates.slack))
    similarities = _exactly(vectors, rows, direction)
    closer = similarities > limit
    return ranked(vectors, rows[closer], similarities[closer])


def rank(vectors: WordVectors, term: Term, limit: np.float32, candidates: Candidates) -> int:
    """1 and the number of words that are ``closer_than``, most of which need no second look."""
    direction = direction_of([term])
    scores = _finite_scores(vectors, term, direction, candidates)
    surely = scores > limit + candidates.slack
    perhaps = np.flatnonzero((scores > limit - candidates.slack) & ~surely)
    again = _exactly(vectors, candidates.rows(perhaps), direction)
    return 1 + int(np.count_nonzero(surely)) + int(np.count_nonzero(again > limit))


def _scores(
    candidates: Candidates, questions: Sequence[Sequence[Term]], directions: Sequence[Vector]
) -> npt.NDArray[np.float32]:
    """(N, Q) cosines of the candidates; -inf for the words of each question."""
    scores = candidates.cosines(directions)
    for place, question in enumerate(questions):
        own = [term.row for term in question if term.row is not None]
        scores[candidates.places(own), place] = -np.inf
    return scores


def _finite_scores(
    vectors: WordVectors, term: Term, direction: Vector, candidates: Candidates
) -> npt.NDArray[np.float32]:
    """(N,) cosines of the candidates with one term."""
    scores = _scores(candidates, [[term]], [direction])[:, 0]
    if not (scores < np.inf).all():
        raise not_finite(vectors)
    return scores


def not_finite(vectors: WordVectors) -> DlkitError:
    """The error for vectors that hold NaN or infinity."""
    return DlkitError(
        f"{vectors.name} holds values that are no finite numbers",
        hint="train again with a lower learning rate",
        code=FAILED,
    )


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


def _exactly(
    vectors: WordVectors, rows: npt.NDArray[np.intp], direction: Vector
) -> npt.NDArray[np.float32]:
    """(N,) the cosines of ``rows`` with ``direction`` (D,), computed in float64."""
    similarities = np.empty(len(rows), dtype=np.float32)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        units = vectors.units(rows[start : start + _ROWS_AT_ONCE])
        similarities[start : start + len(units)] = np.clip(units @ direction, -1, 1)
    return similarities


def ranked(
    vectors: WordVectors, rows: npt.NDArray[np.intp], scores: npt.NDArray[np.float32]
) -> list[Neighbour]:
    """``rows`` with their ``scores``, the highest first; equals in order of frequency."""
    order = np.argsort(-scores, kind="stable")
    return [Neighbour(vectors.word(int(rows[i])), scores[i]) for i in order]


def pair(first: Term, second: Term) -> np.float32:
    """The cosine of two words, -1 to 1; 0 if the vector of one of them is all zeros."""
    return np.float32(np.clip(first.unit @ second.unit, -1, 1))


def between_sets(first: Sequence[Term], second: Sequence[Term]) -> np.float32:
    """The cosine of the mean vectors of two sets of words; 0 if one of the means is all zeros.

    The vectors are averaged as they are, so that long ones count for more.
    """
    means = [np.mean([term.vector for term in terms], axis=0) for terms in (first, second)]
    return np.float32(np.clip(_unit(means[0]) @ _unit(means[1]), -1, 1))


def odd_one_out(terms: Sequence[Term]) -> int:
    """The place in ``terms`` of the word least like the others.

    It is the one whose unit vector has the smallest dot product with the mean of all; the first
    of equals.

    Raises:
        DlkitError: there are fewer than three words.

    """
    if len(terms) < 3:
        raise DlkitError(
            f"the odd one out needs three words or more, not {len(terms)}",
            hint="dlkit similar --odd-one-out 早餐 午餐 天空",
            code=USAGE,
        )
    units = np.array([term.unit for term in terms])
    return int(np.argmin(units @ units.mean(axis=0)))
