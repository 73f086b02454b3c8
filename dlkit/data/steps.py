"""The steps of preprocessing: each is fitted on training inputs and applied to any.

Images are (N, H, W, C) uint8 or float32, rows (N, D) float32 or float64. Steps that look at numbers
one by one keep the shape; PCA, ZCA and HOG make rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from dlkit.data import hog
from dlkit.data.arrays import new_array
from dlkit.errors import USAGE, DlkitError

Array = npt.NDArray[Any]
_AT_ONCE: Final = 1 << 22  # numbers made float64 at a time


def flat(inputs: Array) -> Array:
    """Inputs as rows, (N, D)."""
    return inputs.reshape(len(inputs), -1)


def _images_only(inputs: Array, name: str) -> None:
    if inputs.ndim != 4:
        raise DlkitError(
            f"the step {name} is for images; here are rows of {flat(inputs).shape[1]:,} numbers",
            hint=f"put {name} before steps that make rows of images; a table has no use for it",
            code=USAGE,
        )


def chunks(inputs: Array) -> list[slice]:
    """Pieces of the inputs that are small enough to be made float64."""
    width = max(1, flat(inputs[:1]).shape[1] if len(inputs) else 1)
    step = max(1, _AT_ONCE // width)
    return [slice(start, start + step) for start in range(0, len(inputs), step)]


@dataclass(frozen=True, eq=False)
class Grey:
    """Colour made grey: 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601)."""

    name: ClassVar[str] = "grey"

    @classmethod
    def fit(cls, inputs: Array) -> Self:
        """Nothing to learn."""
        _images_only(inputs, cls.name)
        return cls()

    def apply(self, inputs: Array) -> Array:
        """(N, H, W, 1); uint8 stays uint8, rounded as Pillow does."""
        _images_only(inputs, self.name)
        if inputs.shape[3] == 1:
            return inputs
        whole = inputs.dtype == np.uint8
        weights = np.array([19_595, 38_470, 7_471], np.uint32)
        shares = np.array([0.299, 0.587, 0.114], np.float32)
        out = new_array((*inputs.shape[:3], 1), inputs.dtype)
        for some in chunks(inputs):
            part = inputs[some]
            out[some, ..., 0] = (part @ weights + 32_768) >> 16 if whole else part @ shares
        return out


@dataclass(frozen=True, eq=False)
class Resize:
    """Another size, both sides stretched; bilinear, averaged where it shrinks."""

    name: ClassVar[str] = "resize"
    width: int
    height: int

    @classmethod
    def fit(cls, inputs: Array, width: int, height: int) -> Self:
        """Nothing to learn."""
        _images_only(inputs, cls.name)
        return cls(width, height)

    def apply(self, inputs: Array) -> Array:
        """(N, height, width, C) of the inputs' type."""
        from PIL import Image

        _images_only(inputs, self.name)
        out = new_array((len(inputs), self.height, self.width, inputs.shape[3]), inputs.dtype)
        size = (self.width, self.height)
        for place, image in enumerate(inputs):
            for channel in range(inputs.shape[3]):
                plane = Image.fromarray(np.ascontiguousarray(image[..., channel]))
                out[place, ..., channel] = plane.resize(size, Image.Resampling.BILINEAR)
        return out


@dataclass(frozen=True, eq=False)
class Crop:
    """The middle of each image."""

    name: ClassVar[str] = "crop"
    width: int
    height: int

    @classmethod
    def fit(cls, inputs: Array, width: int, height: int) -> Self:
        """Look whether the images are large enough."""
        _images_only(inputs, cls.name)
        if inputs.shape[1] < height or inputs.shape[2] < width:
            raise DlkitError(
                f"crop:{width}x{height}: the images are {inputs.shape[2]}x{inputs.shape[1]}",
                code=USAGE,
            )
        return cls(width, height)

    def apply(self, inputs: Array) -> Array:
        """(N, height, width, C)."""
        _images_only(inputs, self.name)
        top, left = (inputs.shape[1] - self.height) // 2, (inputs.shape[2] - self.width) // 2
        return inputs[:, top : top + self.height, left : left + self.width]


@dataclass(frozen=True, eq=False)
class Contrast:
    """Each input less its mean, over its deviation: sqrt(variance + epsilon).

    Coates, Lee and Ng 2011, "An Analysis of Single-Layer Networks in Unsupervised Feature
    Learning", section 3.1, with epsilon 10 for pixels from 0 to 255.
    """

    name: ClassVar[str] = "contrast"
    epsilon: float

    @classmethod
    def fit(cls, inputs: Array, epsilon: float | None = None) -> Self:
        """Choose epsilon for the inputs' range, if it is not given."""
        if epsilon is None:
            epsilon = 10.0 if inputs.dtype == np.uint8 else 10.0 / 255**2
        return cls(epsilon)

    def apply(self, inputs: Array) -> Array:
        """The inputs' shape, float32; an input of one value becomes zeros."""
        out = new_array(inputs.shape, np.float32)
        for some in chunks(inputs):
            rows = flat(inputs[some]).astype(np.float64)
            rows -= rows.mean(axis=1, keepdims=True)
            rows /= np.sqrt(rows.var(axis=1, keepdims=True) + self.epsilon)
            out[some] = rows.reshape(inputs[some].shape)
        return out


@dataclass(frozen=True, eq=False)
class Hog:
    """Histograms of oriented gradients instead of pixels."""

    name: ClassVar[str] = "hog"
    orientations: int
    cell: int
    block: int

    @classmethod
    def fit(cls, inputs: Array, orientations: int = 9, cell: int | None = None) -> Self:
        """Choose a cell for the images' size, if none is given: 8, 4 or 2 pixels a side."""
        _images_only(inputs, cls.name)
        side = min(inputs.shape[1:3])
        cell = cell or next((size for size in (8, 4) if side >= 4 * size), 2)
        if side < cell:
            size = f"{inputs.shape[2]}x{inputs.shape[1]}"
            raise DlkitError(f"hog: cells of {cell} pixels in images of {size}", code=USAGE)
        return cls(orientations, cell, min(2, side // cell))

    def apply(self, inputs: Array) -> Array:
        """(N, D) float32."""
        _images_only(inputs, self.name)
        return hog.describe(
            inputs, orientations=self.orientations, cell=self.cell, block=self.block
        )
