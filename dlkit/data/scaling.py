"""The steps of preprocessing that learn from training inputs: scales, means and axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from dlkit.data.arrays import new_array
from dlkit.data.steps import Array, chunks, flat
from dlkit.errors import USAGE, DlkitError

_SMALL: Final = 512  # numbers, of which all axes are found at once
_FEW: Final = 6  # times as many numbers as axes: the axes are found one by one
_EXACT_BITS: Final = 52  # of float64, less one for the rounding up of the largest part
_MOST_FEATURES: Final = 20_000  # of PCA and ZCA, whose covariance has the square of it


def _mean(inputs: Array) -> npt.NDArray[np.float64]:
    """The mean of each number, (D,) float64; sums are exact for uint8."""
    total = np.zeros(flat(inputs[:1]).shape[1])
    for some in chunks(inputs):
        total += flat(inputs[some]).sum(axis=0, dtype=np.float64)
    return total / len(inputs)


def _variance(inputs: Array, mean: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The variance of each number around ``mean``, (D,) float64, divided by N."""
    total = np.zeros(len(mean))
    for some in chunks(inputs):
        off = flat(inputs[some]) - mean
        total += np.einsum("nd,nd->d", off, off)
    return total / len(inputs)


def _covariance(inputs: Array, mean: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(D, D) float64, divided by N - 1."""
    total = np.zeros((len(mean), len(mean)))
    for some in chunks(inputs):
        off = flat(inputs[some]) - mean
        total += off.T @ off
    return total / max(1, len(inputs) - 1)


def _axes(inputs: Array, name: str, count: int | None = None) -> tuple[Array, Array, Array, float]:
    """The principal axes.

    Returns:
        The mean (D,), variances falling, axes in rows, both all D or the first ``count``, and the
        sum of all D variances. Signs are settled.

    """
    width = flat(inputs[:1]).shape[1]
    if width > _MOST_FEATURES:
        raise DlkitError(
            f"{name} of {width:,} numbers needs a matrix of their square; at most "
            f"{_MOST_FEATURES:,} are allowed",
            hint=f"resize:32,grey,{name}",
            code=USAGE,
        )
    mean = _mean(inputs)
    covariance = _covariance(inputs, mean)
    total = float(np.trace(covariance))
    few = count is not None and width > _SMALL and _FEW * count < width and total > 0
    values, vectors = _largest(covariance, count or width) if few else np.linalg.eigh(covariance)
    values, vectors = np.maximum(values[::-1], 0), vectors.T[::-1]
    # The sign of an axis means nothing: the largest of its numbers is made positive.
    largest = np.abs(vectors).argmax(axis=1)
    vectors = vectors * np.where(np.take_along_axis(vectors, largest[:, None], 1) < 0, -1, 1)
    return mean, values, vectors, total


def _largest(matrix: Array, count: int) -> tuple[Array, Array]:
    """The ``count`` largest eigenvalues, rising, and their vectors, to machine precision.

    Lanczos' method (ARPACK), where all of them would take many times as long; its first vector is
    always the same.
    """
    from scipy.sparse.linalg import ArpackError, eigsh  # type: ignore[import-untyped]

    begin = np.random.default_rng(0).normal(size=len(matrix))
    try:
        values, vectors = eigsh(matrix, k=count, v0=begin)
    except ArpackError:  # eigenvalues that lie too close
        values, vectors = np.linalg.eigh(matrix)
    order = np.argsort(values, kind="stable")
    return values[order], vectors[:, order]


def _projected(inputs: Array, matrix: Array, offset: Array) -> Array:
    """``inputs @ matrix + offset`` in float32, (N, n): each row the same whatever is beside it.

    A library's product sums in an order that depends on the number of rows and of threads. Here
    both sides are cut into integers so short that every sum of their products is exact in float64,
    and so has one value in any order (Ozaki, Ogita, Oishi and Rump 2012, "Error-free
    transformations of matrix multiplication", doi.org/10.1007/s11075-011-9478-1).
    """
    whole = inputs.dtype == np.uint8
    bits = _EXACT_BITS - math.ceil(math.log2(max(2, len(matrix))))
    left, right = (8, bits - 8) if whole else (bits // 2, bits // 2)
    parts = _cut(matrix.astype(np.float64), right, axis=0, count=1 if whole else 2)
    out = new_array((len(inputs), matrix.shape[1]), np.float32)
    for some in chunks(inputs):
        rows = flat(inputs[some]).astype(np.float64)
        if whole:
            out[some] = rows @ parts[0] + offset
            continue
        high, low = _cut(rows, left, axis=1, count=2)
        out[some] = high @ parts[0] + (high @ parts[1] + low @ parts[0]) + offset
    return out


def _cut(values: Array, bits: int, *, axis: int, count: int) -> list[Array]:
    """``values`` as a sum of ``count`` parts, each ``bits`` bits of what those before left.

    The parts' bits stand below the power of two above the largest value along ``axis``. What the
    last part leaves is at most 2^-(bits * count + 1) of that power.
    """
    _, power = np.frexp(np.abs(values).max(axis=axis, keepdims=True, initial=0))
    parts = []
    for _ in range(count):
        power = power - bits
        part = np.ldexp(np.rint(np.ldexp(values, -power)), power)
        parts.append(part)
        values = values - part
    return parts


def _each(inputs: Array, factor: Array, offset: Array) -> Array:
    """``(inputs - offset) * factor`` for each number, float32, in the inputs' shape."""
    out = new_array(inputs.shape, np.float32)
    for some in chunks(inputs):
        rows = (flat(inputs[some]) - offset) * factor
        out[some] = rows.reshape(inputs[some].shape)
    return out


def _type_for(inputs: Array) -> type[np.floating[Any]]:
    """The type of a projection: a table's numbers may be large beside what they differ by."""
    return np.float64 if inputs.ndim == 2 else np.float32


@dataclass(frozen=True, eq=False)
class Scale:
    """Numbers from 0 to 1: pixels divided by 255, a table's columns by their training range."""

    name: ClassVar[str] = "scale"
    factor: Array  # (D,) or (1,) float64
    offset: Array  # as factor

    @classmethod
    def fit(cls, inputs: Array) -> Self:
        """Find each column's range; a column of one value becomes 0."""
        if inputs.dtype == np.uint8:
            return cls(np.array([1 / 255]), np.zeros(1))
        rows = flat(inputs)
        low, high = (found.astype(np.float64) for found in (rows.min(axis=0), rows.max(axis=0)))
        width = high - low  # in float32 it could be infinite
        factor = np.divide(1, width, out=np.zeros_like(width), where=width > 0)
        return cls(factor, low)

    def apply(self, inputs: Array) -> Array:
        """The inputs' shape, float32; beyond 0 and 1 where training had nothing so far out."""
        return _each(inputs, self.factor, self.offset)


@dataclass(frozen=True, eq=False)
class Centre:
    """Each number less its training mean."""

    name: ClassVar[str] = "centre"
    mean: Array  # (D,) float64

    @classmethod
    def fit(cls, inputs: Array) -> Self:
        """Find the means."""
        return cls(_mean(inputs))

    def apply(self, inputs: Array) -> Array:
        """The inputs' shape, float32."""
        return _each(inputs, np.ones(1), self.mean)


@dataclass(frozen=True, eq=False)
class Standardise:
    """Each number less its training mean, over its training deviation; a constant becomes 0."""

    name: ClassVar[str] = "standardise"
    mean: Array  # (D,) float64
    factor: Array  # (D,) float64, one over the deviation; 0 where that is none

    @classmethod
    def fit(cls, inputs: Array) -> Self:
        """Find means and deviations (divided by N)."""
        mean = _mean(inputs)
        variance = _variance(inputs, mean)
        # What rounding alone can leave of a constant's variance (as scikit-learn bounds it).
        tiny = np.finfo(np.float64).eps
        count = len(inputs)
        constant = variance <= count * tiny * variance + (count * mean * tiny) ** 2
        deviation = np.sqrt(np.where(constant, 1, variance))
        factor = np.where(constant, 0, 1 / deviation)
        return cls(mean, factor)

    def apply(self, inputs: Array) -> Array:
        """The inputs' shape, float32."""
        return _each(inputs, self.factor, self.mean)


@dataclass(frozen=True, eq=False)
class Pca:
    """The inputs along the axes of the largest training variance (principal components)."""

    name: ClassVar[str] = "pca"
    matrix: Array  # (D, n), an axis in each column; float64 for rows, float32 for images
    offset: Array  # (n,) as matrix, what makes the training mean 0
    share: float  # of the variance that is kept

    @classmethod
    def fit(cls, inputs: Array, components: float) -> Self:
        """Find the axes: ``components`` of them, or for a fraction as many as keep that share."""
        most = min(flat(inputs).shape)
        if components > most:
            raise DlkitError(
                f"pca:{components}: {len(inputs):,} training samples of {flat(inputs).shape[1]:,} "
                f"numbers have at most {most:,} components",
                code=USAGE,
            )
        count = int(components) if components >= 1 else None
        mean, variances, vectors, total = _axes(inputs, cls.name, count)
        shares = np.cumsum(variances) / total if total > 0 else np.ones(len(variances))
        if count is None:
            count = min(int(np.searchsorted(shares, components, side="right")) + 1, most)
        matrix = vectors[:count].T
        return cls(
            np.ascontiguousarray(matrix, _type_for(inputs)),
            (-mean @ matrix).astype(_type_for(inputs)),
            float(shares[count - 1]),
        )

    def apply(self, inputs: Array) -> Array:
        """(N, n) float32."""
        return _projected(inputs, self.matrix, self.offset)


@dataclass(frozen=True, eq=False)
class Zca:
    """Whitened along the principal axes and turned back, so that images still look like images.

    Bell and Sejnowski 1997, "The 'Independent Components' of Natural Scenes are Edge Filters".
    """

    name: ClassVar[str] = "zca"
    matrix: Array  # (D, D), float64 for rows, float32 for images
    offset: Array  # (D,) as matrix

    @classmethod
    def fit(cls, inputs: Array, epsilon: float = 0.01) -> Self:
        """Find the axes; ``epsilon``, in squares of the inputs' unit, is added to variances."""
        mean, variances, vectors, _ = _axes(inputs, cls.name)
        if epsilon == 0 and (variances <= 1e-12 * variances.max(initial=0)).any():
            raise DlkitError("zca:0: some axes have no variance", hint="zca:0.01", code=USAGE)
        matrix = (vectors.T / np.sqrt(variances + epsilon)) @ vectors
        kind = _type_for(inputs)
        return cls(matrix.astype(kind), (-mean @ matrix).astype(kind))

    def apply(self, inputs: Array) -> Array:
        """The inputs' shape, float32."""
        return _projected(inputs, self.matrix, self.offset).reshape(inputs.shape)
