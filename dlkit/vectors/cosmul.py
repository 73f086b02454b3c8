"""3CosMul: analogies by products of cosines (https://aclanthology.org/W14-1618/, equation 4).

Cosines are shifted to 0…1. A word's score is the product of those with the plus words, divided by
the product of those with the minus words and a small number, which keeps the score finite.

As everywhere, float32 finds the words that can be among the nearest, and float64 decides: each
score is known to lie between two bounds, and a word is looked at again where its upper bound
reaches the k-th highest lower one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dlkit.errors import USAGE, DlkitError
from dlkit.vectors.queries import Neighbour, Term, not_finite, ranked

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.vectors.candidates import Candidates
    from dlkit.vectors.store import WordVectors

    Cosines = npt.NDArray[np.float64]

_EPSILON = 1e-6  # as in gensim; the paper has 0.001
_ROWS_AT_ONCE = 8192


def check(question: Sequence[Term]) -> None:
    """Refuse a question that has no product.

    Raises:
        DlkitError: there is no plus word, or a word has a weight.

    """
    if any(abs(term.weight) != 1 for term in question):
        raise DlkitError("a product of cosines has no weights", hint="--method add", code=USAGE)
    if all(term.weight < 0 for term in question):
        raise DlkitError(
            "a product of cosines needs a word with plus", hint="--method add", code=USAGE
        )


def nearest_by_product(
    vectors: WordVectors,
    question: Sequence[Term],
    candidates: Candidates,
    *,
    k: int | None = 10,
    least: float | None = None,
) -> list[Neighbour]:
    """The ``k`` words with the highest scores, the highest first; as ``queries.nearest_each``.

    Raises:
        DlkitError: as ``check``; the vectors hold values that are no finite numbers.

    """
    check(question)
    k = len(candidates) if k is None else min(k, len(candidates))
    units = np.array([term.unit for term in question])
    minus = np.array([term.weight < 0 for term in question])
    cosines = candidates.cosines(units).astype(np.float64)
    if not np.isfinite(cosines).all():
        raise not_finite(vectors)
    slack = float(candidates.slack) * np.where(minus, -1, 1)
    lowest, highest = _scores(cosines - slack, minus), _scores(cosines + slack, minus)
    own = candidates.places([term.row for term in question if term.row is not None])
    lowest[own] = highest[own] = -np.inf
    # A little lower still: float32 is what the scores are rounded to.
    bound = np.partition(lowest, len(lowest) - k)[-k] * (1 - 2.0**-22)
    if least is not None:
        bound = max(bound, least * (1 - 2.0**-22) if least > 0 else least)
    rows = candidates.rows(np.flatnonzero(highest >= max(bound, 0)))
    scores = np.empty(len(rows), dtype=np.float32)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        exact = vectors.units(rows[start : start + _ROWS_AT_ONCE]) @ units.T
        scores[start : start + len(exact)] = _scores(exact, minus)
    enough = scores >= np.float32(-np.inf if least is None else least)
    return ranked(vectors, rows[enough], scores[enough])[:k]


def _scores(cosines: Cosines, minus: npt.NDArray[np.bool_]) -> Cosines:
    """(N,) the scores of N words from their ``cosines`` (N, T) with T words; ``minus`` is (T,)."""
    shifted = (1 + np.clip(cosines, -1, 1)) / 2
    return shifted[:, ~minus].prod(axis=1) / (  # type: ignore[no-any-return]
        shifted[:, minus].prod(axis=1) + _EPSILON
    )
