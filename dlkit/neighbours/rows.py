"""What a search is given: rows, k and groups, checked."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    import numpy.typing as npt

_MOST_POINTS: Final = (1 << 31) - 1  # kernels number points in 32 bits
_AT_ONCE: Final = 1 << 22  # values looked at together
_LARGEST: Final = 1e300  # differences of larger numbers leave float64


def checked_rows(rows: npt.ArrayLike, what: str) -> npt.NDArray[np.generic]:
    """Rows (N, D) as bytes, float32 or float64, each row in one piece.

    Bytes, float32 and float64 that lie in rows are taken as they are, mapped files too; truth
    values become bytes, all other numbers float64 (16-bit floats: float32).

    Args:
        rows: (N, D) numbers.
        what: what they are, for messages.

    Raises:
        DlkitError: not a matrix, no rows, no columns, not numbers, or not finite.

    """
    matrix = np.asarray(rows)
    if matrix.ndim != 2 or 0 in matrix.shape:
        shape = " x ".join(map(str, matrix.shape)) or "one number"
        raise DlkitError(f"{what}: {shape}; needed are rows and columns, at least one of each")
    if len(matrix) > _MOST_POINTS:
        raise DlkitError(f"{what}: {len(matrix):,} rows; at most {_MOST_POINTS:,} can be searched")
    if matrix.dtype.kind not in "buif" or matrix.dtype.itemsize > 8:
        raise DlkitError(
            f"{what}: values of type {matrix.dtype}, not real numbers of up to 64 bits"
        )
    if matrix.dtype == np.bool_:
        matrix = matrix.view(np.uint8)
    elif matrix.dtype == np.float16:
        matrix = matrix.astype(np.float32)
    elif matrix.dtype not in (np.uint8, np.float32, np.float64):
        if matrix.dtype.itemsize == 8:
            _check_exact(matrix, what)
        matrix = matrix.astype(np.float64)
    matrix = np.ascontiguousarray(matrix)
    if matrix.dtype != np.uint8:
        _check_finite(matrix, what)
    return matrix


def as_writable(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same memory as an array that may be written, which nobody does.

    Kernels are compiled for such arrays, and PyTorch warns of others; mapped files are read-only.
    The result is valid as long as ``rows`` is.
    """
    if rows.flags.writeable:
        return rows
    memory = (ctypes.c_uint8 * rows.nbytes).from_address(rows.ctypes.data)
    return np.ndarray(rows.shape, rows.dtype, buffer=memoryview(memory))


def _check_exact(matrix: npt.NDArray[np.generic], what: str) -> None:
    """64-bit integers must be ones that float64 has."""
    if max(abs(int(matrix.min())), abs(int(matrix.max()))) > 1 << 53:
        raise DlkitError(f"{what}: integers beyond 2^53, which 64-bit floats cannot tell apart")


def _check_finite(matrix: npt.NDArray[np.generic], what: str) -> None:
    step = max(1, _AT_ONCE // matrix.shape[1])
    for first in range(0, len(matrix), step):
        part = matrix[first : first + step]
        if float(np.abs(part).max()) <= _LARGEST:
            continue
        row, column = np.argwhere(~(np.abs(part.astype(np.float64)) <= _LARGEST))[0]
        raise DlkitError(
            f"{what}: row {first + row}, column {column} is {part[row, column]}, "
            "which has no distance to anything"
        )


def checked_groups(
    groups: npt.ArrayLike | None, count: int, what: str
) -> npt.NDArray[np.int64] | None:
    """One integer for each of ``count`` rows.

    Raises:
        DlkitError: another number of them, or not integers.

    """
    if groups is None:
        return None
    numbers = np.asarray(groups)
    if numbers.shape != (count,) or numbers.dtype.kind not in "bui":
        raise DlkitError(
            f"groups of {what}: {numbers.dtype} of shape {numbers.shape}; needed is one integer "
            f"for each of {count:,} rows"
        )
    return np.ascontiguousarray(numbers.astype(np.int64))


def check_k(
    k: int,
    count: int,
    point_groups: npt.NDArray[np.int64] | None,
    query_groups: npt.NDArray[np.int64] | None,
) -> None:
    """Every query must have at least ``k`` points that may be its neighbours.

    Raises:
        DlkitError: ``k`` is below 1 or too large.

    """
    if k < 1:
        raise DlkitError(f"k is {k}; it is at least 1", code=USAGE)
    if k > count:
        raise DlkitError(
            f"k is {k:,}, but there are {count:,} points",
            hint=f"use a k of at most {count:,}",
            code=USAGE,
        )
    if point_groups is None or query_groups is None or not len(query_groups):
        return
    numbers, sizes = np.unique(point_groups, return_counts=True)
    shared = np.isin(numbers, query_groups)
    left = count - int(sizes[shared].max(initial=0))
    if k > left:
        group = numbers[shared][sizes[shared].argmax()]
        raise DlkitError(
            f"k is {k:,}, but outside of group {group} there are {left:,} points",
            hint=f"use a k of at most {left:,}" if left else "leave out fewer points",
            code=USAGE,
        )
