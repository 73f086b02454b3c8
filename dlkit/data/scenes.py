"""Drawn scenes: several shapes on varied backgrounds, each with its exact box; some hold none."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from dlkit.data.shapes import SHAPES

if TYPE_CHECKING:
    from dlkit.data.samples import Pixels

CLASSES: Final = tuple(SHAPES)
SIDE: Final = 96  # pixels, unless another size is asked for
MOST: Final = 6  # shapes of a scene
EMPTY: Final = 0.08  # of the scenes hold no shape
_FINER: Final = 3  # points a pixel side, so that edges are smooth
_SMALLEST: Final = 6.0  # pixels of a radius: what is smaller can hardly be told
_RADII: Final = (0.085, 0.24)  # of a shape's circle, of the shorter side
_TRIES: Final = 24  # places that are tried for a shape before it is left out
_CONTRAST: Final = 70.0  # by which some channel of a shape differs from what is around it, at least


class Scene(NamedTuple):
    """A drawn image and what is in it.

    Attributes:
        image: (H, W, 3) uint8.
        boxes: (K, 4) float32 left, top, right, bottom in pixels: the tightest around what is drawn.
        labels: (K,) int64 places in ``CLASSES``.

    """

    image: Pixels
    boxes: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]


def draw(count: int, *, size: tuple[int, int], seed: int, part: int = 0) -> list[Scene]:
    """Draw scenes; each depends on ``seed``, ``part`` and its own number alone.

    Args:
        count: how many.
        size: height and width in pixels, 32 at least.
        seed: of everything random.
        part: 0 for training, 1 for the test: other scenes.

    """
    return [_scene(np.random.default_rng([seed, part, place]), size) for place in range(count)]


def _scene(generator: np.random.Generator, size: tuple[int, int]) -> Scene:
    canvas = _background(generator, size)
    empty = generator.random() < EMPTY
    wanted = 0 if empty else int(generator.integers(1, MOST + 1))
    boxes: list[tuple[float, ...]] = []
    labels: list[int] = []
    circles: list[tuple[float, float, float]] = []
    for _ in range(wanted):
        circle = _place(generator, size, circles)
        if circle is None:
            continue
        circles.append(circle)
        label = int(generator.integers(len(CLASSES)))
        boxes.append(_put(canvas, label, circle, generator))
        labels.append(label)
    canvas += generator.normal(0, generator.uniform(2, 8), canvas.shape)
    image = np.clip(np.rint(canvas), 0, 255).astype(np.uint8)
    found = np.array(boxes, np.float32).reshape(-1, 4)
    return Scene(image, found, np.array(labels, np.int64))


def _place(
    generator: np.random.Generator,
    size: tuple[int, int],
    taken: list[tuple[float, float, float]],
) -> tuple[float, float, float] | None:
    """Middle (x, y) and radius of a circle in the image that meets no other; None: no room."""
    height, width = size
    low, high = (max(share * min(size), _SMALLEST) for share in _RADII)
    for _ in range(_TRIES):
        radius = generator.uniform(low, high)
        x = generator.uniform(radius, width - radius)
        y = generator.uniform(radius, height - radius)
        if all(math.hypot(x - a, y - b) > radius + r for a, b, r in taken):
            return x, y, radius
    return None


def _put(
    canvas: npt.NDArray[np.float64],
    label: int,
    circle: tuple[float, float, float],
    generator: np.random.Generator,
) -> tuple[float, float, float, float]:
    """Draw a shape; its box."""
    x, y, radius = circle
    left, top = max(int(x - radius) - 1, 0), max(int(y - radius) - 1, 0)
    right = min(math.ceil(x + radius) + 1, canvas.shape[1])
    bottom = min(math.ceil(y + radius) + 1, canvas.shape[0])
    across = (left + (np.arange((right - left) * _FINER) + 0.5) / _FINER - x) / radius
    down = (top + (np.arange((bottom - top) * _FINER) + 0.5) / _FINER - y) / radius
    turn = generator.uniform(-0.5, 0.5)
    cosine, sine = math.cos(turn), math.sin(turn)
    u = cosine * across[None, :] + sine * down[:, None]
    v = cosine * down[:, None] - sine * across[None, :]
    inside = (np.hypot(u, v) < 1) & SHAPES[CLASSES[label]](u, v)
    fine = inside.reshape(bottom - top, _FINER, right - left, _FINER)
    covered = fine.mean(axis=(1, 3))[..., None]
    window = canvas[top:bottom, left:right]
    window += covered * (_colour(generator, window) - window)
    columns, rows = np.flatnonzero(inside.any(axis=0)), np.flatnonzero(inside.any(axis=1))
    return (
        left + columns[0] / _FINER,
        top + rows[0] / _FINER,
        left + (columns[-1] + 1) / _FINER,
        top + (rows[-1] + 1) / _FINER,
    )


def _colour(
    generator: np.random.Generator, around: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """(3,) a colour that stands out from what is around it."""
    mean = around.reshape(-1, 3).mean(axis=0)
    for _ in range(_TRIES):
        colour: npt.NDArray[np.float64] = generator.uniform(10, 245, 3)
        if np.abs(colour - mean).max() > _CONTRAST:
            return colour
    return np.asarray(np.where(mean > 127, mean - 120, mean + 120), np.float64)


def _background(generator: np.random.Generator, size: tuple[int, int]) -> npt.NDArray[np.float64]:
    """(H, W, 3) two colours mixed by a slope, waves, squares or clouds."""
    height, width = size
    first = generator.uniform(30, 225, 3)
    second = np.clip(first + generator.uniform(-60, 60, 3), 0, 255)
    y, x = np.mgrid[0:height, 0:width]
    angle = generator.uniform(0, 2 * math.pi)
    along = math.cos(angle) * x + math.sin(angle) * y
    length = generator.uniform(0.1, 0.5) * min(size)  # of a wave, a square, a cloud
    kind = generator.integers(4)
    if kind == 0:
        share = (along - along.min()) / np.ptp(along)
    elif kind == 1:
        share = 0.5 + 0.5 * np.sin(along * 2 * math.pi / length)
    elif kind == 2:
        share = ((x // length + y // length) % 2).astype(np.float64)
    else:
        share = _clouds(generator, size, length)
    return np.asarray(first + share[..., None] * (second - first), np.float64)


def _clouds(
    generator: np.random.Generator, size: tuple[int, int], length: float
) -> npt.NDArray[np.float64]:
    """(H, W) random heights at points so far apart, joined by straight lines, from 0 to 1."""
    grid = [math.ceil(side / length) + 1 for side in size]
    heights = generator.random(grid)
    down, across = (np.arange(side) / length for side in size)
    top, left = down.astype(np.int64), across.astype(np.int64)
    below, beside = (down - top)[:, None], (across - left)[None, :]
    upper = heights[top][:, left] * (1 - beside) + heights[top][:, left + 1] * beside
    lower = heights[top + 1][:, left] * (1 - beside) + heights[top + 1][:, left + 1] * beside
    return np.asarray(upper * (1 - below) + lower * below)
