"""Drawn data: shapes whose background goes with the class in training and against it in the test.

The distance between two pictures is that of their pixels, and most pixels are background: what
learns from pixels alone follows the background, and is wrong as soon as that changes sides.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from dlkit.data.samples import Labels, Pixels

_Grid = npt.NDArray[np.float64]
_Mask = npt.NDArray[np.bool_]

AGREE: Final = 0.95  # of the training images have the background of their class
_FINER: Final = 3  # points a pixel side, so that edges are smooth
_NOISE: Final = 6.0  # standard deviation of each pixel, of 255
_AT_ONCE: Final = 1 << 22  # points drawn in one go

# Ten colours that are far from each other; a background varies around its own.
_COLOURS: Final = (
    (200, 60, 60), (60, 160, 75), (65, 100, 210), (225, 190, 60), (150, 70, 180),
    (60, 185, 190), (235, 135, 50), (120, 125, 135), (235, 150, 190), (110, 85, 55),
)  # fmt: skip


def _star(x: _Grid, y: _Grid) -> _Mask:
    angle = np.mod(np.arctan2(y, x) + math.pi / 2, 2 * math.pi / 5) - math.pi / 5
    return np.hypot(x, y) * (0.55 + np.abs(angle) * 1.45) < 0.62


def _triangle(x: _Grid, y: _Grid) -> _Mask:
    return (y < 0.6) & (np.abs(x) < (y + 0.9) * 0.6)


def _crescent(x: _Grid, y: _Grid) -> _Mask:
    return (np.hypot(x, y) < 0.9) & (np.hypot(x - 0.45, y) > 0.72)


def _square(x: _Grid, y: _Grid, side: float) -> _Mask:
    return np.maximum(np.abs(x), np.abs(y)) < side


# Each tells which points of the plane it covers; all fit into the circle of radius 1.
SHAPES: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "circle": lambda x, y: np.hypot(x, y) < 0.8,
    "ring": lambda x, y: (np.hypot(x, y) < 0.9) & (np.hypot(x, y) > 0.5),
    "square": lambda x, y: _square(x, y, 0.68),
    "frame": lambda x, y: _square(x, y, 0.72) & ~_square(x, y, 0.4),
    "triangle": _triangle,
    "star": _star,
    "cross": lambda x, y: np.minimum(np.abs(x), np.abs(y)) < 0.24,
    "bar": lambda x, y: (np.abs(y) < 0.26) & (np.abs(x) < 1),
    "crescent": _crescent,
    "half": lambda x, y: (np.hypot(x, y) < 0.9) & (y > 0),
}
CLASSES: Final = tuple(SHAPES)


def draw(
    count: int, *, size: tuple[int, int], agree: bool, seed: int, varied: bool = False
) -> tuple[Pixels, Labels, Labels]:
    """Draw shapes.

    Args:
        count: how many images; the classes take turns.
        size: height and width in pixels.
        agree: the background goes with the class (but for one image in twenty), as in training;
            else it is always that of another class.
        varied: where backgrounds would go with the class, each is as probable, whatever the class.
        seed: of everything random.

    Returns:
        Images (count, H, W, 3) uint8, classes (count,) and the class whose colour each background
        has (count,).

    """
    generator = np.random.default_rng([seed, int(agree)])
    labels = generator.permutation(np.arange(count) % len(CLASSES))
    another = (labels + generator.integers(1, len(CLASSES), count)) % len(CLASSES)
    share = 1 / len(CLASSES) if varied else AGREE
    keeps = generator.random(count) < share if agree else np.zeros(count, bool)
    background = np.where(keeps, labels, another)
    places = np.stack(
        [
            generator.uniform(0.45, 0.75, count),  # radius, of half the shorter side
            generator.uniform(-1, 1, count),  # how far off the middle, of the room that is left
            generator.uniform(-1, 1, count),
            generator.uniform(-0.35, 0.35, count),  # turned, in radians
        ]
    )
    grey = generator.choice([15.0, 240.0], count) + generator.uniform(-12, 12, count)
    shade = np.array(_COLOURS, np.float64)[background] + generator.uniform(-18, 18, (count, 3))
    images = np.empty((count, *size, 3), np.uint8)
    step = max(1, _AT_ONCE // (size[0] * size[1] * _FINER**2))
    for start in range(0, count, step):
        some = slice(start, min(start + step, count))
        covered = _coverage(labels[some], places[:, some], size)[..., None]
        flat = (
            shade[some][:, None, None] * (1 - covered) + grey[some][:, None, None, None] * covered
        )
        flat += generator.normal(0, _NOISE, flat.shape)
        images[some] = np.clip(np.rint(flat), 0, 255)
    return images, labels.astype(np.int64), background.astype(np.int64)


def _coverage(labels: Labels, places: _Grid, size: tuple[int, int]) -> _Grid:
    """How much of each pixel its image's shape covers, (n, H, W) from 0 to 1."""
    height, width = size
    half = min(size) / 2
    rows = (np.arange(height * _FINER) + 0.5) / _FINER - height / 2
    columns = (np.arange(width * _FINER) + 0.5) / _FINER - width / 2
    radius, aside, down, turn = places[:, :, None, None]
    radius = radius * half
    x = (columns[None, None, :] - aside * (width / 2 - radius)) / radius
    y = (rows[None, :, None] - down * (height / 2 - radius)) / radius
    cosine, sine = np.cos(turn), np.sin(turn)
    x, y = cosine * x + sine * y, cosine * y - sine * x
    inside = np.hypot(x, y) < 1
    for label, shape in enumerate(SHAPES.values()):
        of_class = labels == label
        inside[of_class] &= shape(x[of_class], y[of_class])
    fine = inside.reshape(len(labels), height, _FINER, width, _FINER)
    return np.asarray(fine.mean(axis=(2, 4)), np.float64)


def spirals(
    count: int, *, seed: int, noise: float = 0.06
) -> tuple[npt.NDArray[np.float32], Labels]:
    """Points of three spiral arms in the plane, which no straight line parts.

    Args:
        count: how many points; the arms take turns.
        seed: of everything random.
        noise: standard deviation of both coordinates; the arms reach radius 1.

    Returns:
        Points (count, 2) float32 and their arms (count,).

    """
    generator = np.random.default_rng(seed)
    arm = generator.permutation(np.arange(count) % 3).astype(np.int64)
    radius = np.sqrt(generator.uniform(0.01, 1, count))
    angle = radius * 1.5 * math.pi + arm * 2 * math.pi / 3
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return (points + generator.normal(0, noise, points.shape)).astype(np.float32), arm
