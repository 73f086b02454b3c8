"""What word vectors are: their vocabulary, lengths, directions and neighbours, in numbers.

The frequency of words falls with their rank r about as r^-s (Zipf's law); s is the slope of the
least-squares line through log count by log rank. How evenly the vectors point in all directions is
told by the mean cosine of two words and by the share of the variance that few principal components
take: https://arxiv.org/abs/1702.01417 finds that trained vectors share a large mean.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.vectors.store import WordVectors

COVERED: Final = (10, 100, 1_000, 10_000, 100_000)
QUANTILES: Final = {
    "smallest": 0.0,
    "1_percent": 0.01,
    "25_percent": 0.25,
    "median": 0.5,
    "75_percent": 0.75,
    "99_percent": 0.99,
    "largest": 1.0,
}
_COMPONENTS: Final = (1, 2, 3, 10)
_VALUES_AT_ONCE: Final = 1 << 20
_ON_CURVE: Final = 200  # points of a drawn curve, evenly apart on a logarithmic axis
# What artifact.json says of the layout rather than of the training.
_NOT_TOLD: Final = frozenset({"format", "task", "kind", "dim", "words"})


class Zipf(NamedTuple):
    """The line log count = intercept - exponent * log rank, natural logarithms, and its fit."""

    exponent: float
    intercept: float
    r_squared: float


class Inspection(NamedTuple):
    """All that is told, by section; ``curve`` holds (rank, count) and is empty without counts."""

    sections: dict[str, dict[str, Any]]
    curve: list[tuple[float, float]]
    zipf: Zipf | None


def inspect(
    vectors: WordVectors,
    counts: npt.NDArray[np.int64] | None,
    told: Mapping[str, Mapping[str, Any]],
    *,
    top: int,
) -> Inspection:
    """Everything about ``vectors``.

    Args:
        vectors: (V, D).
        counts: (V,) how often each word was seen, if it is known.
        told: sections that the artifact tells by itself; see ``told_by``.
        top: how many words the lists of words hold, and how many neighbours each gets.

    """
    sections: dict[str, dict[str, Any]] = {
        "vectors": {
            "name": vectors.name,
            "words": len(vectors),
            "dim": vectors.dim,
            "dtype": str(vectors.matrix.dtype),
        }
    }
    sections |= {section: dict(facts) for section, facts in told.items()}
    curve: list[tuple[float, float]] = []
    zipf = None
    if counts is not None:
        falling = np.sort(counts)[::-1]
        zipf = zipf_fit(falling)
        sections["frequency"] = frequency(falling, zipf)
        curve = curve_of(falling)
    sections["norms"] = norms(vectors.norms, counts)
    sections["directions"] = directions(vectors)
    sections["neighbours"] = _neighbours(vectors, top)
    sections["largest_norms"] = _extremes(vectors, top, longest=True)
    sections["smallest_norms"] = _extremes(vectors, top, longest=False)
    return Inspection(sections, curve, zipf)


def told_by(path: Path) -> dict[str, dict[str, Any]]:
    """What the artifact in the folder ``path`` says of its training and of its settings.

    Raises:
        DlkitError: (DAMAGED) its artifact.json cannot be read; its config.yaml is no plain YAML.

    """
    from dlkit.artifacts.load import read_document
    from dlkit.config import yamlfile

    document = read_document(path)
    told = {key: value for key, value in document.items() if key not in _NOT_TOLD}
    sections = {"training": dict(flattened(told))}
    if (path / "config.yaml").is_file():
        settings = flattened(yamlfile.read(path / "config.yaml"))
        sections["settings"] = {key: _typed(value) for key, value in settings}
    return sections


def _typed(value: Any) -> Any:
    """A setting, which YAML gave as text, as the number or truth value that it reads as."""
    if value in ("true", "false"):
        return value == "true"
    for kind in (int, float):
        try:
            number = kind(value)
        except (TypeError, ValueError):
            continue
        return number if math.isfinite(number) else value
    return value


def flattened(document: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """The leaves of nested objects, named ``outer.inner``; lists as text."""
    leaves: list[tuple[str, Any]] = []
    for key, value in document.items():
        if isinstance(value, Mapping):
            leaves += flattened(value, f"{before}{key}.")
        elif isinstance(value, (list, tuple)):
            leaves.append((f"{before}{key}", ", ".join(map(str, value))))
        else:
            leaves.append((f"{before}{key}", value))
    return leaves


def zipf_fit(falling: npt.NDArray[np.int64]) -> Zipf | None:
    """The least-squares line through (log rank, log count) of all words seen at least once.

    Args:
        falling: (V,) counts, the largest first.

    Returns:
        None where fewer than two words were seen: no line is defined.

    """
    seen = falling[falling > 0]
    if len(seen) < 2:
        return None
    x, y = np.log(np.arange(1, len(seen) + 1)), np.log(seen.astype(np.float64))
    across, up = x - x.mean(), y - y.mean()
    slope = float(across @ up / (across @ across))
    residual, total = float(((up - slope * across) ** 2).sum()), float(up @ up)
    r_squared = 1 - residual / total if np.ptp(y) > 0 else 1.0  # equal counts are on one line
    return Zipf(-slope, float(y.mean() - slope * x.mean()), r_squared)


def frequency(falling: npt.NDArray[np.int64], zipf: Zipf | None) -> dict[str, Any]:
    """How often words were seen; the shares are of the words of the vocabulary alone."""
    tokens = int(falling.sum(dtype=np.float64))
    facts: dict[str, Any] = {
        "tokens": tokens,
        "largest_count": int(falling[0]),
        "median_count": float(np.median(falling)),
        "smallest_count": int(falling[-1]),
        "seen_once": int((falling == 1).sum()),
        "zipf_exponent": None if zipf is None else zipf.exponent,
        "zipf_r_squared": None if zipf is None else zipf.r_squared,
    }
    if tokens:
        sums = np.cumsum(falling, dtype=np.float64)
        covered = [each for each in COVERED if each < len(falling)]
        facts |= {f"share_of_top_{each}": float(sums[each - 1] / sums[-1]) for each in covered}
        half = int(np.searchsorted(sums, sums[-1] / 2)) + 1
        facts["words_of_half_the_tokens"] = half
    return facts


def curve_of(falling: npt.NDArray[np.int64]) -> list[tuple[float, float]]:
    """(rank, count) of words seen at least once, at ranks evenly apart on a logarithmic axis."""
    seen = falling[falling > 0]
    if not len(seen):
        return []
    ranks = np.unique(np.round(np.geomspace(1, len(seen), _ON_CURVE)).astype(np.int64))
    return [(float(rank), float(seen[rank - 1])) for rank in ranks]


def norms(lengths: npt.NDArray[np.float32], counts: npt.NDArray[np.int64] | None) -> dict[str, Any]:
    """Quantiles of the vectors' norms, and Pearson's r of the norm and the log count."""
    values = np.quantile(lengths.astype(np.float64), list(QUANTILES.values()))
    facts: dict[str, Any] = dict(zip(QUANTILES, map(float, values), strict=True))
    facts["mean"] = float(lengths.mean(dtype=np.float64))
    facts["zeros"] = int((lengths < np.finfo(np.float32).tiny).sum())
    if counts is not None:
        seen = counts > 0
        x = np.log(counts[seen].astype(np.float64))
        facts["correlation_with_log_count"] = _pearson(x, lengths[seen].astype(np.float64))
    return facts


def _pearson(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float | None:
    """Pearson's r; None where one of the two does not vary."""
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    x, y = x - x.mean(), y - y.mean()
    return float(np.clip(x @ y / math.sqrt((x @ x) * (y @ y)), -1, 1))


def directions(vectors: WordVectors) -> dict[str, Any]:
    """How the unit vectors point: mean, cosines of all pairs of words, principal components.

    The mean and spread of all V(V-1)/2 cosines follow from the sum S of the unit vectors and from
    their second moments M (D, D), without looking at pairs: the sum of all V^2 cosines is |S|^2,
    that of their squares is the sum of M's squares. Vectors of zeros are left out.
    """
    total, moments, count = _moments(vectors)
    facts: dict[str, Any] = {"words": count}
    if count < 2:
        return facts
    mean = total / count
    pairs = count * (count - 1)
    cosine = (float(total @ total) - count) / pairs
    square = (float((moments**2).sum()) - count) / pairs
    facts["norm_of_mean"] = float(np.linalg.norm(mean))
    facts["mean_cosine_of_pairs"] = cosine
    facts["deviation_of_cosines"] = math.sqrt(max(0.0, square - cosine**2))
    covariance = moments / count - np.outer(mean, mean)
    variances = np.clip(np.linalg.eigvalsh(covariance)[::-1], 0, None)
    if variances.sum() > vectors.dim * np.finfo(np.float64).eps:
        shares = variances / variances.sum()
        for most in (each for each in _COMPONENTS if each <= vectors.dim):
            facts[f"variance_of_first_{most}"] = float(shares[:most].sum())
        # How many equal variances would be as spread out: (sum)^2 / sum of squares.
        facts["effective_dim"] = float(1 / (shares**2).sum())
    return facts


def _moments(
    vectors: WordVectors,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], int]:
    """The sum (D,) of the unit vectors, the sum of their outer products (D, D), their number."""
    total, moments = np.zeros(vectors.dim), np.zeros((vectors.dim, vectors.dim))
    directed = np.flatnonzero(vectors.scales)
    at_once = max(1, _VALUES_AT_ONCE // vectors.dim)
    for start in range(0, len(directed), at_once):
        units = vectors.units(directed[start : start + at_once])
        total += units.sum(axis=0)
        moments += units.T @ units
    return total, moments, len(directed)


def _neighbours(vectors: WordVectors, top: int) -> dict[str, Any]:
    """The ``top`` most frequent words and the nearest of each."""
    from dlkit.word2vec.near import nearest_words

    rows = list(range(min(top, len(vectors))))
    answers = nearest_words(vectors, rows, top)
    return {
        vectors.word(row): [each.word for each in answer]
        for row, answer in zip(rows, answers, strict=True)
    }


def _extremes(vectors: WordVectors, top: int, *, longest: bool) -> dict[str, Any]:
    """The words with the largest or smallest norms, and the norms; the more frequent of equals."""
    order = np.argsort(-vectors.norms if longest else vectors.norms, kind="stable")
    return {vectors.word(int(row)): float(str(vectors.norms[row])) for row in order[:top]}


def draw_frequency(found: Inspection) -> bytes:
    """The frequency curve and the line of Zipf's law as an SVG file; there must be a curve."""
    from dlkit.report.curves import Curve, draw_log_log

    curves = [Curve("words of the vocabulary", found.curve)]
    subtitle = ""
    if found.zipf is not None:
        fitted = [
            (rank, math.exp(found.zipf.intercept - found.zipf.exponent * math.log(rank)))
            for rank, _ in found.curve
        ]
        name = f"rank to the power of −{found.zipf.exponent:.2f}"
        curves.append(Curve(name, fitted, dashed=True))
        subtitle = f"Zipf's law by least squares: R² {found.zipf.r_squared:.3f}"
    title = f"{found.sections['vectors']['name']}: how often words were seen"
    return draw_log_log(curves, x="rank", y="count", title=title, subtitle=subtitle)
