"""Histograms of oriented gradients of many images at once.

Dalal and Triggs 2005, "Histograms of Oriented Gradients for Human Detection". Conventions are those
of scikit-image's ``hog``: unsigned gradients by central differences, without interpolation between
bins; of several channels the one with the strongest gradient counts; blocks overlap by all but one
cell and are normalised by L2-Hys.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from dlkit.data.arrays import new_array

if TYPE_CHECKING:
    from dlkit.data.samples import Floats

_BYTES: Final = 1 << 24  # that the work on some images takes
_COPIES: Final = 6  # of the images in float64, at most, that it holds together
_EPSILON: Final = 1e-5  # added to a block's norm
_CLIP: Final = 0.2  # largest share of one number in a block, before it is normalised again


def length(size: tuple[int, int], *, orientations: int, cell: int, block: int) -> int:
    """How many numbers describe an image of ``size`` (height, width); 0 if it is too small."""
    rows, columns = (max(0, side // cell - block + 1) for side in size)
    return rows * columns * block * block * orientations


def describe(images: npt.NDArray[Any], *, orientations: int, cell: int, block: int) -> Floats:
    """The descriptors of images.

    Args:
        images: (N, H, W, C), uint8 or float.
        orientations: bins of the half circle.
        cell: pixels a side.
        block: cells a side.

    Returns:
        (N, length) float32: by block, by cell inside it, by orientation.

    """
    bytes_each = 8 * _COPIES * math.prod(images.shape[1:])
    step = max(1, _BYTES // max(1, bytes_each))
    size = length(images.shape[1:3], orientations=orientations, cell=cell, block=block)
    described = new_array((len(images), size), np.float32)
    for start in range(0, len(images), step):
        some = images[start : start + step]
        described[start : start + step] = _describe(some, orientations, cell, block)
    return described


def _describe(images: npt.NDArray[Any], orientations: int, cell: int, block: int) -> Floats:
    """As ``describe``, in memory of several times the images'."""
    pixels = images.astype(np.float64)
    down = np.zeros_like(pixels)  # (N, H, W, C)
    down[:, 1:-1] = pixels[:, 2:] - pixels[:, :-2]
    across = np.zeros_like(pixels)
    across[:, :, 1:-1] = pixels[:, :, 2:] - pixels[:, :, :-2]
    strength = np.hypot(down, across)
    if images.shape[3] > 1:
        strongest = strength.argmax(axis=3)[..., None]
        down, across, strength = (
            np.take_along_axis(each, strongest, axis=3) for each in (down, across, strength)
        )
    angle = np.rad2deg(np.arctan2(down[..., 0], across[..., 0])) % 180
    cells = _cells(angle, strength[..., 0], orientations=orientations, cell=cell)
    windows = np.lib.stride_tricks.sliding_window_view(cells, (block, block), axis=(1, 2))
    # (N, rows, columns, orientations, block, block) -> by block, by cell, by orientation
    blocks = np.ascontiguousarray(windows.transpose(0, 1, 2, 4, 5, 3))
    flat = blocks.reshape(*blocks.shape[:3], -1)
    flat = np.minimum(flat / _norm(flat), _CLIP)
    return (flat / _norm(flat)).reshape(len(images), -1).astype(np.float32)


def _cells(
    angle: npt.NDArray[np.float64],
    strength: npt.NDArray[np.float64],
    *,
    orientations: int,
    cell: int,
) -> npt.NDArray[np.float64]:
    """The histogram of each cell, (N, rows, columns, orientations): mean strength per pixel."""
    count, height, width = angle.shape
    rows, columns = height // cell, width // cell
    some = (slice(None), slice(rows * cell), slice(columns * cell))
    edges = 180 / orientations * np.arange(1, orientations + 1)
    bins = np.searchsorted(edges, angle[some], side="right")
    weight = np.where(bins < orientations, strength[some], 0)  # 180 degrees, rounded up, is in none
    bins = np.minimum(bins, orientations - 1)
    image, row, column = np.ogrid[:count, : rows * cell, : columns * cell]
    place = ((image * rows + row // cell) * columns + column // cell) * orientations + bins
    total = np.bincount(
        place.ravel(), weight.ravel(), minlength=count * rows * columns * orientations
    )
    return total.reshape(count, rows, columns, orientations) / cell**2


def _norm(blocks: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    norm: npt.NDArray[np.float64] = np.sqrt((blocks**2).sum(axis=-1, keepdims=True) + _EPSILON**2)
    return norm
