"""PCA whitening of embeddings, with a covariance that is shrunk.

Jégou and Chum 2012, "Negative evidences and co-occurences in image retrieval", section 3: rows less
their mean, turned to the principal axes, each divided by its standard deviation, and brought to
length 1 again. The covariance Σ is shrunk first, (1 - a) Σ + a tr(Σ)/D I, or the axes in which
nothing happens would be blown up; a is given, or estimated (Ledoit and Wolf 2004).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

_AT_ONCE: Final = 8_192  # rows
_LEAST: Final = 1e-6  # of the largest variance: smaller ones are taken for it
_TINY: Final = 1e-12  # a variance below which nothing happens at all


@dataclass(frozen=True, eq=False)
class Whitening:
    """What was learnt of embeddings.

    Attributes:
        mean: (D,) float32.
        matrix: (D, K) float32, the axes, divided by their deviations where they are whitened.
        variances: (D,) float64, along all the principal axes, falling, before they are shrunk.
        shrinkage: a, from 0 to 1.
        whiten: whether axes are divided by their deviations; else rows are only turned and cut.

    """

    mean: Floats
    matrix: Floats
    variances: npt.NDArray[np.float64]
    shrinkage: float
    whiten: bool

    def apply(self, rows: Floats) -> Floats:
        """Rows (N, K) of length 1, of rows (N, D)."""
        found = np.empty((len(rows), self.matrix.shape[1]), np.float32)
        for first in range(0, len(rows), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            found[some] = normalised((rows[some] - self.mean) @ self.matrix)
        return found

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays, for a file."""
        return {"mean": self.mean, "matrix": self.matrix, "variances": self.variances}

    def document(self) -> dict[str, Any]:
        """The rest, in JSON's types."""
        return {
            "whiten": self.whiten,
            "shrinkage": self.shrinkage,
            "components": int(self.matrix.shape[1]),
        }


def normalised(rows: npt.NDArray[Any]) -> Floats:
    """Rows (N, D) divided by their lengths; rows of zeros stay."""
    wide = rows.astype(np.float32, copy=False)
    lengths = np.sqrt(np.einsum("ij,ij->i", wide, wide, dtype=np.float64))
    lengths[lengths == 0] = 1
    made: Floats = (wide / lengths[:, None]).astype(np.float32)
    return made


def covariance(rows: Floats) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The mean (D,) and the covariance (D, D) of rows (N, D), divided by N, in float64."""
    mean = rows.mean(axis=0, dtype=np.float64)
    total = np.zeros((rows.shape[1], rows.shape[1]))
    for first in range(0, len(rows), _AT_ONCE):
        part = rows[first : first + _AT_ONCE] - mean
        total += part.T @ part
    return mean, total / len(rows)


def learn(
    rows: Floats, *, whiten: bool, shrinkage: float | None, components: int | None
) -> Whitening:
    """Find the axes of rows (N, D).

    Args:
        rows: embeddings of length 1.
        whiten: divide the axes by their deviations.
        shrinkage: a; None: as Ledoit and Wolf estimate it.
        components: K, the axes of the largest variances; None: all D.

    Raises:
        DlkitError: (USAGE) fewer than 2 rows, or fewer columns than ``components``.

    """
    count, width = rows.shape
    if components is not None and components > width:
        raise DlkitError(
            f"--components {components:,}: embeddings have {width:,} numbers",
            hint=f"--components {width}",
            code=USAGE,
        )
    if count < 2:
        raise DlkitError(f"whitening is learnt on 2 images or more, not on {count}", code=USAGE)
    mean, spread = covariance(rows)
    variances, axes = np.linalg.eigh(spread)
    variances, axes = np.maximum(variances[::-1], 0), axes[:, ::-1]
    if whiten and shrinkage is None:
        from sklearn.covariance import ledoit_wolf_shrinkage

        shrinkage = float(ledoit_wolf_shrinkage(rows))
    amount = (shrinkage or 0.0) if whiten else 0.0
    kept = components or width
    matrix = axes[:, :kept] * np.where(axes.sum(axis=0)[:kept] < 0, -1, 1)
    if whiten:
        shrunk = (1 - amount) * variances + amount * variances.mean()
        least = max(_LEAST * float(shrunk.max()), _TINY)
        matrix = matrix / np.sqrt(np.maximum(shrunk[:kept], least))
    return Whitening(
        mean.astype(np.float32), np.ascontiguousarray(matrix, np.float32), variances, amount, whiten
    )
