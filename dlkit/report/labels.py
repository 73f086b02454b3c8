"""Where labels stand around their points so that none covers another.

Each label takes the first free place of a list: beside its dot, then farther out with a line that
leads back to it (after point-feature label placement, Christensen, Marks and Shieber 1995,
https://doi.org/10.1145/212332.212334; greedy, most important first). One that finds no place stands
beside its dot, faded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_GAP: Final = 2.0  # px between a dot and its label, and between two labels
_LEADING: Final = (9.0, 18.0, 30.0)  # px from the dot, where there is no room beside it
# Right, left, above, below, then the corners: the order in which a reader looks.
_BESIDE: Final = (0.0, math.pi, -math.pi / 2, math.pi / 2, -0.6, 0.6, math.pi + 0.6, math.pi - 0.6)
_AROUND: Final = tuple(index * math.pi / 8 for index in range(16))


class Place(NamedTuple):
    """The box of a label: its left top corner, its size, and how it is drawn."""

    left: float
    top: float
    width: float
    height: float
    faded: bool
    led: bool  # a line leads from the dot to it

    def nearest(self, x: float, y: float) -> tuple[float, float]:
        """The point of the box that is nearest to (x, y)."""
        return (
            min(max(x, self.left), self.left + self.width),
            min(max(y, self.top), self.top + self.height),
        )


def place(
    points: npt.NDArray[np.float64],
    sizes: npt.NDArray[np.float64],
    radii: npt.NDArray[np.float64],
    order: Sequence[int],
    frame: tuple[float, float, float, float],
) -> list[Place]:
    """Boxes for the labels of ``points``, none of which overlap but the faded ones.

    Args:
        points: (N, 2) px, where the dots are.
        sizes: (N, 2) px, width and height of each label.
        radii: (N,) px, of the dots.
        order: the rows, the most important first.
        frame: left, top, right, bottom: no label leaves it, but a faded one.

    """
    dots = np.column_stack([points - radii[:, None], points + radii[:, None]])
    taken = np.empty((len(points), 4))
    count = 0
    places: dict[int, Place] = {}
    for row in order:
        boxes, led = _candidates(points[row], sizes[row], float(radii[row]))
        reach = np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])
        free = _within(boxes, frame) & ~_overlaps(boxes, _touching(reach, taken[:count]))
        others = _touching(reach, np.delete(dots, row, axis=0))
        # Rather over a small dot than far away; rather far away than over another label.
        clear = free & ~_overlaps(boxes, others)
        fits = np.flatnonzero(clear) if clear.any() else np.flatnonzero(free & ~led)
        chosen = int(fits[0]) if len(fits) else 0
        width, height = map(float, sizes[row])
        left, top = map(float, boxes[chosen, :2] + _GAP / 2)
        places[row] = Place(left, top, width, height, not len(fits), bool(led[chosen]))
        if len(fits):
            taken[count] = boxes[chosen]
            count += 1
    return [places[row] for row in range(len(points))]


def _candidates(
    point: npt.NDArray[np.float64], size: npt.NDArray[np.float64], radius: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """(C, 4) boxes with a gap around them, best first; (C,) whether a line must lead there."""
    spots = [(_GAP, angle) for angle in _BESIDE]
    spots += [(distance, angle) for distance in _LEADING for angle in _AROUND]
    away, angles = np.array(spots).T
    half = size / 2 + _GAP / 2
    out = (radius + away)[:, None]
    centres = point + np.column_stack([np.cos(angles), np.sin(angles)]) * (out + half)
    return np.column_stack([centres - half, centres + half]), away > _GAP


def _within(
    boxes: npt.NDArray[np.float64], frame: tuple[float, float, float, float]
) -> npt.NDArray[np.bool_]:
    left, top, right, bottom = frame
    inside = (boxes[:, 0] >= left) & (boxes[:, 1] >= top)
    return inside & (boxes[:, 2] <= right) & (boxes[:, 3] <= bottom)


def _touching(
    box: npt.NDArray[np.float64], others: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Those of ``others`` (P, 4) that overlap ``box`` (4,): few, and found at once."""
    apart = (others[:, :2] >= box[2:]) | (others[:, 2:] <= box[:2])
    return others[~apart.any(axis=1)]


def _overlaps(
    boxes: npt.NDArray[np.float64], others: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """(C,) whether each of ``boxes`` (C, 4) overlaps any of ``others`` (P, 4)."""
    beyond = boxes[:, None, :2] >= others[None, :, 2:]
    before = boxes[:, None, 2:] <= others[None, :, :2]
    apart = np.logical_or.reduce(beyond | before, axis=2)
    return ~np.logical_and.reduce(apart, axis=1)  # type: ignore[no-any-return]
