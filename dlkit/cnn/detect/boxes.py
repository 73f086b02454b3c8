"""Boxes: their formats, what is wrong with some, and where they lie in an image of another size.

Here a box is (left, top, right, bottom) in pixels; the left top corner of an image is (0, 0), and
the right bottom one (width, height), as COCO counts. Datasets write boxes in three ways:

    xyxy      left, top, right, bottom, pixels (Pascal VOC, torchvision)
    xywh      left, top, width, height, pixels (COCO)
    cxcywh    middle across, middle down, width, height, as shares of the image's sides (YOLO)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Format = Literal["xyxy", "xywh", "cxcywh"]
Floats = npt.NDArray[np.float64]

SLACK: Final = 1.0  # pixels by which rounded boxes may lie outside an image; they are cut


class Placement(NamedTuple):
    """Where an image lies in another of the network's size: x' = x * across + left.

    Attributes:
        across: pixels of the network's image for one of the image.
        down: likewise.
        left: pixels left of it.
        top: pixels above it.

    """

    across: float
    down: float
    left: int
    top: int

    def into(self, boxes: npt.NDArray[np.floating]) -> Floats:
        """(K, 4) boxes of the image, in the network's."""
        scale = np.array([self.across, self.down] * 2)
        found: Floats = boxes * scale + np.array([self.left, self.top] * 2)
        return found

    def back(self, boxes: npt.NDArray[np.floating]) -> Floats:
        """(K, 4) boxes of the network's image, in the image."""
        scale = np.array([self.across, self.down] * 2)
        found: Floats = (boxes - np.array([self.left, self.top] * 2)) / scale
        return found


def placement(size: tuple[int, int], wanted: tuple[int, int]) -> Placement:
    """Where ``resizing.fitted`` with ``pad`` puts an image.

    Args:
        size: (height, width) of the image.
        wanted: those of the network's.

    """
    if size == wanted:
        return Placement(1.0, 1.0, 0, 0)
    scale = max(size[1] / wanted[1], size[0] / wanted[0])
    width, height = max(1, round(size[1] / scale)), max(1, round(size[0] / scale))
    left, top = (wanted[1] - width) // 2, (wanted[0] - height) // 2
    return Placement(width / size[1], height / size[0], left, top)


def corners(numbers: Sequence[object], kind: Format, size: tuple[int, int]) -> Floats:
    """A box by its corners, (4,), cut to the image where it is out by rounding alone.

    Args:
        numbers: as the data have them.
        kind: what they are.
        size: (height, width) of the image in pixels.

    Raises:
        ValueError: it is no box in the image; says why.

    """
    told = ", ".join(f"{each:g}" if isinstance(each, float) else str(each) for each in numbers)
    if len(numbers) != 4:
        raise ValueError(f"a box of {len(numbers)} numbers ({told}), not 4")
    try:
        a, b, c, d = (_number(each) for each in numbers)
    except (TypeError, ValueError):
        raise ValueError(f"a box that is not of numbers ({told})") from None
    if not all(map(math.isfinite, (a, b, c, d))):
        raise ValueError(f"a box with a number that is not finite ({told})")
    height, width = size
    if kind == "cxcywh":
        if max(abs(a), abs(b), c, d) > 1 + 1e-3:
            raise ValueError(f"a box ({told}) that is not of shares from 0 to 1 (cxcywh)")
        a, b, c, d = a * width, b * height, c * width, d * height
        a, b = a - c / 2, b - d / 2
    if kind != "xyxy":
        if c <= 0 or d <= 0:
            raise ValueError(f"a box without area: width {c:g}, height {d:g} ({told})")
        c, d = a + c, b + d
    if c < a or d < b:
        raise ValueError(f"a reversed box ({told}): its right bottom corner comes first")
    if c == a or d == b:
        raise ValueError(f"a box without area ({told})")
    if min(a, b) < -SLACK or c > width + SLACK or d > height + SLACK:
        raise ValueError(
            f"a box ({a:g}, {b:g}, {c:g}, {d:g}) outside the image of {width}x{height} pixels"
        )
    box = np.array([max(a, 0.0), max(b, 0.0), min(c, width), min(d, height)])
    if box[2] <= box[0] or box[3] <= box[1]:
        raise ValueError(f"a box outside the image of {width}x{height} pixels ({told})")
    return box


def _number(value: object) -> float:
    if isinstance(value, bool) or value is None:
        raise TypeError
    if isinstance(value, str) and (not value.isascii() or "_" in value):
        raise ValueError
    return float(value)  # type: ignore[arg-type]


def inferred(header: Sequence[str]) -> Format | None:
    """The format that the names of a box's four columns say; None: they say none."""
    names = [name.strip().lower().replace("_", "").replace("-", "") for name in header]
    return next((kind for kind, known in _HEADERS.items() if tuple(names) in known), None)


_HEADERS: Final[dict[Format, frozenset[tuple[str, ...]]]] = {
    "xyxy": frozenset(
        [
            ("x1", "y1", "x2", "y2"),
            ("xmin", "ymin", "xmax", "ymax"),
            ("left", "top", "right", "bottom"),
            ("x0", "y0", "x1", "y1"),
        ]
    ),
    "xywh": frozenset(
        [
            ("x", "y", "w", "h"),
            ("x", "y", "width", "height"),
            ("left", "top", "width", "height"),
            ("xmin", "ymin", "width", "height"),
        ]
    ),
    "cxcywh": frozenset(
        [
            ("cx", "cy", "w", "h"),
            ("cx", "cy", "width", "height"),
            ("xcenter", "ycenter", "width", "height"),
            ("xcentre", "ycentre", "width", "height"),
        ]
    ),
}
NAMES: Final = tuple(sorted({name for kind in _HEADERS.values() for name in kind}))


def areas(boxes: npt.NDArray[np.floating]) -> Floats:
    """(K,) of boxes (K, 4), square pixels."""
    found: Floats = np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), float)
    return found


def overlaps(ours: npt.NDArray[np.floating], theirs: npt.NDArray[np.floating]) -> Floats:
    """(K, M) intersection over union of boxes (K, 4) and (M, 4)."""
    low = np.maximum(ours[:, None, :2], theirs[None, :, :2])
    high = np.minimum(ours[:, None, 2:], theirs[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(axis=2)
    union = areas(ours)[:, None] + areas(theirs)[None, :] - common
    found: Floats = np.asarray(common / np.maximum(union, 1e-12))
    return found
