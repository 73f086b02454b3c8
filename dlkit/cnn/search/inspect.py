"""The space that embeddings fill: how much of it they use, hubs, and what whitening does to it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit.cnn.search import whitening
from dlkit.cnn.search.measures import Measures, Truth, measure, same_content
from dlkit.cnn.search.rankers import Products
from dlkit.cnn.search.whitening import covariance
from dlkit.errors import DlkitError
from dlkit.neighbours.search import Index
from dlkit.records import Noted, Record, Step

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.cnn.search.saved import ImageIndex

    Floats = npt.NDArray[np.float32]
    Ints = npt.NDArray[np.int64]

_SOME: Final = 5_000  # images that are looked at, at most
_PAIRS: Final = 200_000  # of images whose cosines are drawn
K: Final = 10  # neighbours that hubs are counted by
_HUBS: Final = 10  # that are told
SHARES: Final = (0.9, 0.99)  # of the variance
BINS: Final = 100  # of the cosines, from -1 to 1


class Hub(NamedTuple):
    """An image that is among the nearest of many others."""

    place: int
    times: int


@dataclass(frozen=True, eq=False)
class Space:
    """What is found of embeddings.

    Attributes:
        name: plain, or how they were changed.
        dim: numbers of an embedding.
        variances: (D,) along the principal axes, falling.
        times: (n,) how often each image is among the 10 nearest of another one.
        same: (100,) how many drawn pairs of one class have a cosine in each hundredth of -1 to 1.
        other: (100,) the same of pairs of two classes, or where there are no classes of all.
        cosines: mean cosine of the pairs of one class, and of the others; None: there are none.
        measures: how well classes are found; None: there are none.

    """

    name: str
    dim: int
    variances: npt.NDArray[np.float64]
    times: Ints
    same: Ints
    other: Ints
    cosines: tuple[float | None, float | None]
    measures: Measures | None

    @property
    def participation(self) -> float:
        """(Σλ)² / Σλ²: D where all variances are equal, 1 where there is one."""
        total = float((self.variances**2).sum())
        return float(self.variances.sum()) ** 2 / total if total else 0.0

    @property
    def effective_rank(self) -> float:
        """Exp of the entropy of the variances' shares (Roy and Vetterli 2007)."""
        total = float(self.variances.sum())
        if not total:
            return 0.0
        shares = self.variances[self.variances > 0] / total
        return float(np.exp(-(shares * np.log(shares)).sum()))

    def components(self, share: float) -> int:
        """How many axes hold that share of the variance."""
        total = self.variances.cumsum()
        if not total[-1]:
            return 0
        return int(np.searchsorted(total, share * total[-1] * (1 - 1e-12)) + 1)

    @property
    def hubness(self) -> float:
        """The skewness of ``times`` (Radovanović et al. 2010, section 3): 0 without hubs."""
        spread = float(self.times.std())
        if not spread:
            return 0.0
        return float((((self.times - self.times.mean()) / spread) ** 3).mean())

    def document(self) -> dict[str, Any]:
        """All of it in JSON's types, but for the histograms."""
        told: dict[str, Any] = {"dim": self.dim, "effective_rank": self.effective_rank}
        told["participation"] = self.participation
        told |= {f"components_{share:.0%}": self.components(share) for share in SHARES}
        told |= {
            "hubness": self.hubness,
            "most_found": int(self.times.max()),
            "never_found": float((self.times == 0).mean()),
            "cosine_same": self.cosines[0],
            "cosine_other": self.cosines[1],
        }
        if self.measures is not None:
            found = self.measures.document()
            told |= {"map": found["map"], "recall@1": found["recall@1"]}
        return told


@dataclass(frozen=True, eq=False)
class Inspection:
    """What is found of an index.

    Attributes:
        index: the index.
        places: (n,) of the images that were looked at.
        spaces: the embeddings as they are, and whitened.
        searched: which of them the index searches.
        hubs: of that, the images that are found most often; places of the index.

    """

    index: ImageIndex
    places: Ints
    spaces: Sequence[Space]
    searched: str
    hubs: Sequence[Hub]


def inspect(
    index: ImageIndex, *, threads: int | None = None
) -> Generator[Record, None, Inspection]:
    """Look into an index.

    Args:
        index: the index; of more than 5,000 images as many are looked at, evenly spread.
        threads: how many search; None: all cores.

    Raises:
        DlkitError: it has fewer than 3 images.

    """
    if len(index) < 3:
        raise DlkitError(f"{index.reference} has {len(index)} images: nothing can be said of them")
    places = np.unique(np.linspace(0, len(index) - 1, min(len(index), _SOME)).round()).astype(int)
    if len(places) < len(index):
        yield Noted(f"{len(places):,} of {len(index):,} images are looked at, evenly spread")
    plain = np.ascontiguousarray(index.plain[places])
    made = index.whitening
    if made is None or not made.whiten:
        made = whitening.learn(index.plain, whiten=True, shrinkage=None, components=None)
    spaces, searched = [], "plain"
    variants = {"plain": plain, f"whitened, shrinkage {made.shrinkage:.3g}": made.apply(plain)}
    if index.whitening is not None:
        searched = list(variants)[1]
        if not index.whitening.whiten:
            searched = f"{index.rows.shape[1]} components"
            variants[searched] = index.rows[places]
    for number, (name, rows) in enumerate(variants.items()):
        yield Step(f"looking at {name}", number, len(variants), "spaces", 0)
        spaces.append((yield from _space(index, name, rows, places, threads)))
    times = next(each.times for each in spaces if each.name == searched)
    order = np.argsort(-times, kind="stable")[:_HUBS]
    hubs = [Hub(int(places[place]), int(times[place])) for place in order if times[place]]
    return Inspection(index, places, spaces, searched, hubs)


def _space(
    index: ImageIndex, name: str, rows: Floats, places: Ints, threads: int | None
) -> Generator[Record, None, Space]:
    _, spread = covariance(rows)
    variances = np.maximum(np.linalg.eigvalsh(spread)[::-1], 0)
    each = np.arange(len(rows))
    k = min(K, len(rows) - 1)
    found = Index(rows, "cosine", groups=each).search(rows, k, groups=each, threads=threads)
    times = np.bincount(found.indices.ravel(), minlength=len(rows))
    labels = index.labels[places]
    same, other, cosines = _cosines(rows, labels)
    measures = None
    if (labels >= 0).any():
        known = np.flatnonzero(labels >= 0)
        digests = index.digests[places][known]
        truth = Truth(labels[known], labels[known], same_content(digests, digests))
        ranker = Products(np.ascontiguousarray(rows[known]), np.ascontiguousarray(rows[known]))
        measures = yield from measure(ranker, truth, (1,), what=f"ranking, {name}", threads=threads)
        if not len(measures.places):
            measures = None
    return Space(name, rows.shape[1], variances, times, same, other, cosines, measures)


def _cosines(rows: Floats, labels: Ints) -> tuple[Ints, Ints, tuple[float | None, float | None]]:
    """Histograms and means of the cosines of drawn pairs: of one class, and of the others."""
    generator = np.random.default_rng(0)
    first, second = generator.integers(0, len(rows), (2, _PAIRS))
    apart = first != second
    first, second = first[apart], second[apart]
    # Pairs of one class are rare where there are many classes: as many again are drawn of them.
    groups = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[groups], labels)
    sizes = np.searchsorted(labels[groups], labels, "right") - starts
    one = generator.integers(0, len(rows), _PAIRS)
    partner = groups[starts[one] + generator.integers(0, 1 << 62, _PAIRS) % sizes[one]]
    fine = (partner != one) & (labels[one] >= 0)
    one, partner = one[fine], partner[fine]
    same = np.einsum("ij,ij->i", rows[one], rows[partner])
    differ = (labels[first] != labels[second]) | (labels[first] < 0)
    other = np.einsum("ij,ij->i", rows[first[differ]], rows[second[differ]])
    edges = np.linspace(-1, 1, BINS + 1)
    counts = [
        np.histogram(np.clip(values, -1, 1), edges)[0].astype(np.int64) for values in (same, other)
    ]
    means = tuple(float(values.mean()) if len(values) else None for values in (same, other))
    return counts[0], counts[1], (means[0], means[1])
