"""Words as points in the plane: principal components, or t-SNE.

Both look at unit vectors, so that near means alike by cosine. PCA (Pearson 1901) is linear: it
turns the cloud so that the first axis takes the most variance; what it leaves out is stated. t-SNE
(van der Maaten and Hinton 2008, https://jmlr.org/papers/v9/vandermaaten08a.html) keeps neighbours
together; its axes and the distances between its groups mean nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np

from dlkit.errors import NOT_FOUND, USAGE, DlkitError
from dlkit.vectors.queries import term_of_word

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.report.points import Picture, Rank
    from dlkit.vectors.queries import Term
    from dlkit.vectors.store import UnknownWordError, WordVectors

FACTS: Final = ("variance_1", "variance_2", "perplexity", "divergence")  # of either method
Method = Literal["pca", "tsne"]
METHODS: Final = ("pca", "tsne")
MOST_WORDS: Final = 5000  # a picture of more is a cloud, and placing its labels takes minutes
MOST_PERPLEXITY: Final = 30.0
FEWEST_FOR_TSNE: Final = 5
_START: Final = 1e-4  # standard deviation of the places at which t-SNE begins


class Chosen(NamedTuple):
    """The words of a map in the order in which they matter."""

    rows: list[int | None]  # None for a word that is not in the vocabulary, but has n-grams
    composed: list[Term]  # those, in their order
    ranks: list[Rank]
    groups: list[int | None]  # which asked word it is, or is near to
    unknown: list[UnknownWordError]
    respelt: list[tuple[str, str]]  # as asked, as found


def words_of(vectors: WordVectors, chosen: Chosen) -> list[str]:
    """(N,) the words of a map."""
    composed = iter(chosen.composed)
    return [next(composed).word if row is None else vectors.word(row) for row in chosen.rows]


def units_of(vectors: WordVectors, chosen: Chosen) -> npt.NDArray[np.float64]:
    """(N, D) the unit vectors of the words of a map; zeros stay zeros."""
    known = np.array([row is not None for row in chosen.rows], bool)
    units = np.zeros((len(known), vectors.dim))
    units[known] = vectors.units([row for row in chosen.rows if row is not None])
    for place, term in zip(np.flatnonzero(~known), chosen.composed, strict=True):
        units[place] = term.unit
    return units


class Projection(NamedTuple):
    """(N, 2) places, and what is to be said of them."""

    points: npt.NDArray[np.float64]
    facts: dict[str, object]


def choose(
    vectors: WordVectors, words: Sequence[str], *, top: int | None, neighbours: int
) -> Chosen:
    """``words``, then the ``neighbours`` nearest of each, then the ``top`` frequent.

    A word that is not in the vocabulary has the place of its n-grams, where some are known.

    A word that comes twice stands once. Without ``words``, ``top`` words are chosen.

    Raises:
        DlkitError: (NOT_FOUND) words were asked for and none is known.

    """
    from dlkit.vectors.store import UnknownWordError
    from dlkit.word2vec.near import nearest_terms

    asked: dict[int | str, Term] = {}
    unknown: list[UnknownWordError] = []
    respelt: list[tuple[str, str]] = []
    for word in words:
        try:
            term = term_of_word(vectors, word)
        except UnknownWordError as problem:
            unknown.append(problem)
            continue
        key = term.word if term.row is None else term.row
        if key not in asked and term.word != word:
            respelt.append((word, term.word))
        asked.setdefault(key, term)
    if words and not asked:
        raise _none_known(unknown)
    found: dict[int | str, tuple[Rank, int | None]] = {
        key: ("asked", index) for index, key in enumerate(asked)
    }
    if neighbours:
        answers = nearest_terms(vectors, list(asked.values()), neighbours)
        for index, answer in enumerate(answers):
            for each in answer:
                found.setdefault(vectors.find(each.word), ("near", index))
    for row in range(min(top or 0, len(vectors))):
        found.setdefault(row, ("plain", None))
    ranks, groups = [rank for rank, _ in found.values()], [group for _, group in found.values()]
    rows = [None if isinstance(key, str) else key for key in found]
    composed = [term for term in asked.values() if term.row is None]
    return Chosen(rows, composed, ranks, groups, unknown, respelt)


def check_drawable(chosen: Chosen) -> None:
    """Do nothing if a picture of ``chosen`` is of use.

    Raises:
        DlkitError: (USAGE) there are more words than ``MOST_WORDS``.

    """
    if len(chosen.rows) > MOST_WORDS:
        raise DlkitError(
            f"a map of {len(chosen.rows):,} words; {MOST_WORDS:,} are the most that are drawn",
            hint=f"--top {MOST_WORDS // 10}, or --points without --out",
            code=USAGE,
        )


def _none_known(unknown: Sequence[UnknownWordError]) -> DlkitError:
    if len(unknown) == 1:
        return unknown[0]
    return DlkitError(
        f"none of the {len(unknown):,} words is in the vocabulary; the first: {unknown[0].message}",
        hint=unknown[0].hint,
        code=NOT_FOUND,
    )


def project(units: npt.NDArray[np.float64], method: Method, *, seed: int) -> Projection:
    """The places of ``units`` (N, D), unit vectors or zeros, in the plane.

    Raises:
        DlkitError: (USAGE) too few words for t-SNE.

    """
    if method == "pca":
        points, shares = principal(units)
        names = ("variance_1", "variance_2")
        return Projection(points, dict(zip(names, map(float, shares), strict=True)))
    if len(units) < FEWEST_FOR_TSNE:
        raise DlkitError(
            f"t-SNE needs {FEWEST_FOR_TSNE} words or more, not {len(units)}",
            hint="--method pca takes any number",
            code=USAGE,
        )
    return _tsne(units, seed)


def principal(
    units: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The first two principal components of ``units`` (N, D).

    Returns:
        (N, 2) the centred rows on the first two axes, and (2,) the shares of the variance that
        the axes take. The sign of an axis is such that its entry of the largest size is positive.
        Where N or D has no second axis, and where all rows are equal, it is zeros.

    """
    centred = units - units.mean(axis=0)
    left, values, right = np.linalg.svd(centred, full_matrices=False)
    points, shares = np.zeros((len(units), 2)), np.zeros(2)
    total = float((values**2).sum())
    # What is left of equal rows is rounding, not variance.
    if total <= len(units) * np.finfo(np.float64).eps ** 2 * units.shape[1]:
        return points, shares
    for axis in range(min(2, len(values))):
        sign = 1.0 if right[axis][np.abs(right[axis]).argmax()] >= 0 else -1.0
        points[:, axis] = sign * left[:, axis] * values[axis]
        shares[axis] = values[axis] ** 2 / total
    return points, shares


def perplexity_for(words: int) -> float:
    """The perplexity of t-SNE for so many words: 30, but no more than a third of the others."""
    return min(MOST_PERPLEXITY, (words - 1) / 3)


def _tsne(units: npt.NDArray[np.float64], seed: int) -> Projection:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    start = principal(units)[0]
    spread = start[:, 0].std()
    if spread > 0:
        # A start from PCA keeps the large groups apart (Kobak and Linderman 2021,
        # https://doi.org/10.1038/s41587-020-00809-z); this small, it does not bind.
        start *= _START / spread
    # The seed's part: it also sets apart words whose vectors are equal.
    start += np.random.default_rng(seed).normal(scale=_START / 100, size=start.shape)
    perplexity = perplexity_for(len(units))
    model = TSNE(perplexity=perplexity, init=start.astype(np.float32), random_state=seed, n_jobs=1)
    with threadpool_limits(1):  # sums of several threads end in other digits every time
        points = model.fit_transform(units.astype(np.float32))
    facts: dict[str, object] = {
        "perplexity": round(perplexity, 4),
        "divergence": float(model.kl_divergence_),
    }
    return Projection(points.astype(np.float64), facts)


def draw(vectors: WordVectors, chosen: Chosen, projection: Projection, method: Method) -> Picture:
    """The map as a picture; the words of one group share a colour while there are enough."""
    from dlkit.report.points import Axes, Point, draw_points
    from dlkit.report.svg import COLOURS

    groups = chosen.ranks.count("asked")
    grouped = "near" in chosen.ranks and groups <= len(COLOURS)
    words, places = words_of(vectors, chosen), projection.points.tolist()
    points = [
        Point(
            place[0],
            place[1],
            word,
            rank,
            None if group is None else group if grouped else int(rank == "near"),
        )
        for word, rank, group, place in zip(words, chosen.ranks, chosen.groups, places, strict=True)
    ]
    facts = projection.facts
    if method == "pca":
        axes = Axes(
            f"first component: {_percent(facts['variance_1'])} of the variance",
            f"second component: {_percent(facts['variance_2'])}",
        )
        how = "principal components of the unit vectors"
    else:
        meaning = "what is near to what has a meaning; directions and long distances have none"
        axes = Axes(meaning, "", numbered=False)
        how = f"t-SNE of the unit vectors, perplexity {facts['perplexity']:g}"
    return draw_points(points, axes, title=_title(vectors, chosen), subtitle=how)


def _title(vectors: WordVectors, chosen: Chosen) -> str:
    asked, near, plain = (chosen.ranks.count(rank) for rank in ("asked", "near", "plain"))
    if not asked:
        return f"{vectors.name}: the {plain:,} most frequent words"
    parts = [f"{asked:,} words" if asked > 1 else words_of(vectors, chosen)[0]]
    parts += [f"{near:,} near {'them' if asked > 1 else 'it'}"] if near else []
    parts += [f"{plain:,} more of the most frequent"] if plain else []
    return f"{vectors.name}: {', '.join(parts)}"


def _percent(share: object) -> str:
    assert isinstance(share, float)
    return f"{100 * share:.1f} %"
