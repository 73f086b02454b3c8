"""How well cosines follow people's judgements: Spearman's and Pearson's correlation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.vectors.rules import Lookup
    from dlkit.vectors.store import WordVectors
    from dlkit.vectors.wordtests import Pairs

_AT_ONCE = 4096  # pairs; their vectors in float64 take some megabytes


class PairScores(NamedTuple):
    """The answer to a test of pairs.

    Attributes:
        spearman: correlation of ranks; None where it is undefined: fewer than two different
            values on either side.
        pearson: correlation of values; None likewise.
        pairs: all pairs of the test.
        used: pairs that the correlations are of.
        unknown: pairs with an unknown word, whether used with a cosine of 0 or skipped.
        composed: pairs with a word whose vector is that of its n-grams; none of them is unknown.

    """

    spearman: float | None
    pearson: float | None
    pairs: int
    used: int
    unknown: int
    composed: int = 0


def score_pairs(vectors: WordVectors, test: Pairs, lookup: Lookup) -> PairScores:
    """The correlation of cosines with the scores of ``test``.

    Cosines are computed in float64 and rounded to float32, as ``dlkit similar --pair`` gives them:
    what is equal but for the order of a sum shares its rank.
    """
    found = [(lookup.row(first), lookup.row(second)) for first, second in test.pairs]
    known = np.array([None not in rows for rows in found], dtype=bool)
    rows = np.array([pair for pair in found if None not in pair], dtype=np.intp).reshape(-1, 2)
    cosines = np.zeros(len(found), dtype=np.float32)
    cosines[known] = _cosines(vectors, rows)
    composed = 0
    if lookup.rules.subwords:
        for place in np.flatnonzero(~known):
            cosine = _composed(vectors, test.pairs[place], found[place], lookup)
            if cosine is not None:
                cosines[place], known[place] = cosine, True
                composed += 1
    used = known if lookup.rules.unknown == "skip" else np.ones_like(known)
    told, computed = np.array(test.scores)[used], cosines[used].astype(np.float64)
    return PairScores(
        spearman=correlation(ranks(told), ranks(computed)),
        pearson=correlation(told, computed),
        pairs=len(known),
        used=int(used.sum()),
        unknown=int((~known).sum()),
        composed=composed,
    )


def _cosines(vectors: WordVectors, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
    """(N,) the cosine of each two ``rows`` (N, 2); 0 if one of them is all zeros."""
    cosines = np.empty(len(rows), dtype=np.float32)
    for start in range(0, len(rows), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        products = vectors.units(rows[some, 0]) * vectors.units(rows[some, 1])
        cosines[some] = np.clip(products.sum(axis=1), -1, 1)
    return cosines


def _composed(
    vectors: WordVectors,
    pair: tuple[str, str],
    rows: tuple[int | None, int | None],
    lookup: Lookup,
) -> np.float32 | None:
    """The cosine of two words of which one or both are unknown; None if one has no n-gram."""
    units = []
    for word, row in zip(pair, rows, strict=True):
        if row is not None:
            units.append(vectors.units([row])[0])
            continue
        spelt = vectors.normalise(word) if lookup.rules.spelling else word
        vector = None if vectors.subwords is None else vectors.subwords.vector(spelt)
        if vector is None:
            return None
        length = float(np.linalg.norm(vector.astype(np.float64)))
        units.append(vector / length if length else vector.astype(np.float64))
    return np.float32(np.clip((units[0] * units[1]).sum(), -1, 1))


def ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(N,) the ranks of ``values`` (N,) from 1; equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def correlation(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float | None:
    """Pearson's correlation of two (N,); None if one of them does not vary."""
    if len(first) < 2 or (first == first[0]).all() or (second == second[0]).all():
        return None
    first, second = _scaled(first - first.mean()), _scaled(second - second.mean())
    product = float(first @ second) / math.sqrt(float(first @ first) * float(second @ second))
    return min(1.0, max(-1.0, product))


def _scaled(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """``values`` times a power of two, which is exact, so that their squares are in range."""
    scaled: npt.NDArray[np.float64] = np.ldexp(values, -np.frexp(np.abs(values).max())[1])
    return scaled
