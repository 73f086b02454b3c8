"""Clusters of words: spherical k-means (Dhillon and Modha 2001).

https://doi.org/10.1023/A:1007612920971. Words and centres are unit vectors, a word belongs to the
centre of the highest cosine, and a centre is the sum of its words' unit vectors, made a unit vector
again. The first centres are drawn by k-means++ (Arthur and Vassilvitskii 2007).

scikit-learn's KMeans has Euclidean centres that are shorter where a cluster is wide, and adds up
its threads' sums in the order in which they end; here the sums have one order, so the same seed
gives the same clusters.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from dlkit.errors import USAGE, DlkitError
from dlkit.records import Noted, Record, Started, Step, Warned

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.vectors.store import WordVectors

NOWHERE: Final = -1  # the cluster of a word whose vector is zeros: it has no direction
_SCORES_AT_ONCE: Final = 4_000_000  # cosines held at a time, 16 MB
# Words from which the first centres are drawn: so many a cluster, but no fewer than that.
_DRAWN_A_CLUSTER, _DRAWN = 20, 10_000


class Clusters(NamedTuple):
    """Which word is in which cluster.

    Clusters are numbered by their most frequent word: number 0 has the most frequent of all.

    Attributes:
        labels: (V,) int64, 0 to k - 1, or ``NOWHERE``.
        similarities: (V,) float32, the cosine of each word and the centre of its cluster.
        centres: (k, D) float32 of length 1; those of empty clusters come last.
        iterations: how many were done.
        settled: no word changed its cluster in the last.

    """

    labels: npt.NDArray[np.int64]
    similarities: npt.NDArray[np.float32]
    centres: npt.NDArray[np.float32]
    iterations: int
    settled: bool


class Summary(NamedTuple):
    """One cluster: how many words, their mean cosine with the centre, the most central of them."""

    cluster: int
    size: int
    cohesion: float
    words: list[str]


def cluster(
    vectors: WordVectors, k: int, *, seed: int, iterations: int, restrict: int | None = None
) -> Generator[Record, None, Clusters]:
    """Cluster the words of ``vectors`` (of them the ``restrict`` most frequent) into ``k``.

    Raises:
        DlkitError: (USAGE) there are fewer words with a direction than clusters.

    """
    from threadpoolctl import threadpool_limits

    words = len(vectors) if restrict is None else min(restrict, len(vectors))
    scales = vectors.scales[:words]
    directed = _directed(scales, k)
    yield Started(f"clustering {vectors.name}", {"words": words, "clusters": k, "seed": seed})
    if len(directed) < words:
        zeros = f"{words - len(directed):,} words have vectors of zeros"
        yield Warned(f"{zeros} and belong to no cluster: they get {NOWHERE}")
    with threadpool_limits(1):  # these products are too small to share
        centres = _first_centres(vectors, directed, k, seed)
    labels = np.full(words, NOWHERE, dtype=np.int64)
    begun = time.monotonic()
    for done in range(1, iterations + 1):
        found, similarities, sums = _assign(vectors, words, centres)
        found[scales == 0] = NOWHERE
        changed = int((found != labels).sum())
        labels = found
        if changed == 0:
            break
        _fill_empty(vectors, labels, similarities, sums, k)
        centres = _normalised(sums, centres)
        rate = done / max(time.monotonic() - begun, 1e-9)
        facts = {"changed": float(changed), "cosine": float(similarities[directed].mean())}
        yield Step("clustering", done, iterations, "iterations", rate, facts)
    labels, similarities, _ = _assign(vectors, words, centres)
    np.clip(similarities, -1, 1, out=similarities)
    labels[scales == 0], similarities[scales == 0] = NOWHERE, 0
    if changed:
        yield Noted(f"stopped after {iterations} iterations, {changed:,} words moved in the last")
    labels, centres = _numbered(labels, centres)
    empty = k - int(labels.max()) - 1
    if empty:
        yield Warned(f"{empty:,} of the {k:,} clusters are empty")
    return Clusters(labels, similarities, centres, done, changed == 0)


def _directed(scales: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.intp]:
    """The rows whose vectors are not zeros; DlkitError where they are fewer than ``k``."""
    directed = np.flatnonzero(scales)
    if k > len(directed):
        raise DlkitError(
            f"-k: {k:,} clusters of {len(directed):,} words with a vector that is not zeros",
            hint=f"-k {max(1, len(directed) // 10)}",
            code=USAGE,
        )
    return directed


def _first_centres(
    vectors: WordVectors, rows: npt.NDArray[np.intp], k: int, seed: int
) -> npt.NDArray[np.float32]:
    """(k, D) unit vectors of words, drawn far from each other; from a sample where many are.

    k-means++: a word is drawn with a probability that grows with its squared distance, 2 - 2 cos,
    from the nearest centre so far; of a few so drawn the one that brings all words nearest stays.
    """
    random = np.random.default_rng(seed)
    most = max(_DRAWN, _DRAWN_A_CLUSTER * k)
    if len(rows) > most:
        rows = np.sort(random.choice(rows, most, replace=False))
    units = vectors.units(rows).astype(np.float32)
    drawn = [int(random.integers(len(rows)))]
    distances = _distances(units, drawn)[0]
    tried = 2 + int(math.log(k))  # as many as Arthur and Vassilvitskii try
    for _ in range(k - 1):
        sums = np.cumsum(distances, dtype=np.float64)
        spots = np.searchsorted(sums, random.random(tried) * sums[-1], side="right")
        candidates = np.minimum(spots, len(rows) - 1)  # where all distances are 0
        after = np.minimum(_distances(units, candidates), distances)
        best = int(after.sum(axis=1, dtype=np.float64).argmin())
        drawn.append(int(candidates[best]))
        distances = after[best]
    return units[drawn]


def _distances(
    units: npt.NDArray[np.float32], rows: Sequence[int] | npt.NDArray[np.intp]
) -> npt.NDArray[np.float32]:
    """(R, N) the squared distances of ``rows`` from all of ``units`` (N, D)."""
    distances: npt.NDArray[np.float32] = np.maximum(2 - 2 * (units[rows] @ units.T), 0)
    return distances


def _blocks(vectors: WordVectors, words: int, k: int) -> Iterator[tuple[int, np.ndarray]]:
    """The unit vectors (N, D) float32 of the first ``words`` words, and the row each begins at."""
    at_once = max(1, _SCORES_AT_ONCE // max(k, vectors.dim))
    for start in range(0, words, at_once):
        end = min(start + at_once, words)
        block = vectors.matrix[start:end].astype(np.float32)
        yield start, block * vectors.scales[start:end, np.newaxis]


def _assign(
    vectors: WordVectors, words: int, centres: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Each word to the centre of the highest cosine, the first of equals.

    Returns:
        (V,) labels, (V,) cosines, and (k, D) float64 the sums of the clusters' unit vectors.

    """
    labels = np.empty(words, dtype=np.int64)
    similarities = np.empty(words, dtype=np.float32)
    sums = np.zeros(centres.shape, dtype=np.float64)
    for start, units in _blocks(vectors, words, len(centres)):
        scores = units @ centres.T
        nearest = scores.argmax(axis=1)
        labels[start : start + len(units)] = nearest
        similarities[start : start + len(units)] = scores[np.arange(len(units)), nearest]
        order = np.argsort(nearest, kind="stable")
        present, firsts = np.unique(nearest[order], return_index=True)
        sums[present] += np.add.reduceat(units[order].astype(np.float64), firsts, axis=0)
    return labels, similarities, sums


def _fill_empty(
    vectors: WordVectors,
    labels: npt.NDArray[np.int64],
    similarities: npt.NDArray[np.float32],
    sums: npt.NDArray[np.float64],
    k: int,
) -> None:
    """Give each empty cluster the word that is farthest from its centre, in place."""
    sizes = np.bincount(labels[labels != NOWHERE], minlength=k)
    empty = np.flatnonzero(sizes == 0)
    if not len(empty):
        return
    farthest = np.argsort(similarities, kind="stable")
    spare = [int(row) for row in farthest if labels[row] != NOWHERE and sizes[labels[row]] > 1]
    for target, row in zip(empty, spare, strict=False):
        unit = vectors.units([row])[0]
        sums[labels[row]] -= unit
        sums[target] = unit


def _normalised(
    sums: npt.NDArray[np.float64], before: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """``sums`` (k, D) with length 1; a cluster that is empty or cancels out keeps its centre."""
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    kept = lengths < 1e-9
    lengths[kept] = 1.0
    return np.where(kept, before, sums / lengths).astype(np.float32)


def _numbered(
    labels: npt.NDArray[np.int64], centres: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Clusters numbered in the order of their first words; empty ones last."""
    present, firsts = np.unique(labels, return_index=True)
    order = present[np.argsort(firsts)]
    order = order[order != NOWHERE]
    order = np.concatenate([order, np.setdiff1d(np.arange(len(centres)), order)])
    numbers = np.empty(len(centres), dtype=np.int64)
    numbers[order] = np.arange(len(centres))
    return np.where(labels == NOWHERE, NOWHERE, numbers[labels]), centres[order]


def by_cluster(found: Clusters) -> npt.NDArray[np.intp]:
    """(V,) the rows in order of cluster, then of frequency; words in no cluster last."""
    last = np.where(found.labels == NOWHERE, len(found.centres), found.labels)
    return np.argsort(last, kind="stable")


def summaries(vectors: WordVectors, found: Clusters, top: int) -> Iterator[Summary]:
    """Each cluster that is not empty, with its ``top`` most central words."""
    order = np.lexsort((-found.similarities, found.labels))
    labels = found.labels[order]
    starts = np.searchsorted(labels, np.arange(len(found.centres) + 1))
    for number, (start, end) in enumerate(pairwise(starts)):
        if start == end:
            continue
        rows = order[start:end]
        words = [vectors.word(int(row)) for row in rows[:top]]
        yield Summary(number, len(rows), float(found.similarities[rows].mean()), words)
