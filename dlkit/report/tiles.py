"""Small pictures side by side: templates, filters, maps, and where a picture was looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit.report.canvas import Canvas, Figure
from dlkit.report.sheet import png_of
from dlkit.report.svg import shortened, text_width

if TYPE_CHECKING:
    import numpy.typing as npt

    Picture = npt.NDArray[np.uint8]

_SIDE: Final = 88.0  # px of a picture
_BETWEEN: Final = 16.0  # px from one to the next
_LINE: Final = 15.0  # px from one line of a caption to the next
_LEFT, _TOP, _UNDER = 24.0, 57.0, 17.0
_POSITIVE: Final = (178, 24, 43)  # red
_NEGATIVE: Final = (33, 102, 172)  # blue
# From nothing to the most: black, purple, orange, light yellow; ever lighter, so that prints in
# grey and readers who see few colours have the same order.
_WARM: Final = ((0, 0, 0), (110, 25, 105), (220, 90, 45), (252, 250, 170))


class Tile(NamedTuple):
    """A picture (H, W, C) uint8, C 1 or 3, and the lines under it."""

    picture: npt.NDArray[np.uint8]
    captions: tuple[str, ...]


def signed(grids: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Numbers (K, H, W, C), C 1 or 3, as pictures (K, H, W, 3), each in a scale of its own.

    Of one channel a number above 0 is red, one below 0 blue, 0 white. Of three channels each is
    the brightness of its colour, 0 the middle grey.
    """
    most = np.abs(grids).max(axis=(1, 2, 3), keepdims=True)
    shares = grids / np.where(most > 0, most, 1)
    if grids.shape[3] == 3:
        return np.asarray(np.round(127.5 + 127.5 * shares), np.uint8)
    white = np.full(3, 255.0)
    ends = np.where(shares > 0, np.array(_POSITIVE, float), np.array(_NEGATIVE, float))
    return np.asarray(np.round(white + np.abs(shares) * (ends - white)), np.uint8)


def warm(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Numbers from 0 to 1, (H, W), as colours (H, W, 3): black, purple, orange, light yellow."""
    places = np.linspace(0, 1, len(_WARM))
    parts = [np.interp(values, places, channel) for channel in zip(*_WARM, strict=True)]
    return np.asarray(np.round(np.stack(parts, axis=-1)), np.uint8)


def heated(picture: npt.NDArray[np.uint8], values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """A picture (H, W, C) in grey, and over it ``warm`` colours, thicker where values are higher.

    Args:
        picture: the ground.
        values: (H, W) from 0 to 1; where they are 0 the ground is bare.

    """
    grey = picture.mean(axis=2, keepdims=True) * 0.8 + 25
    thick = 0.85 * np.sqrt(values)[:, :, None]
    mixed = (1 - thick) * grey + thick * warm(0.3 + 0.7 * values)
    return np.asarray(np.round(mixed), np.uint8)


def tiles_figure(
    tiles: Sequence[Tile],
    *,
    title: str,
    lines: Sequence[str] = (),
    across: int = 8,
    side: float = _SIDE,
) -> Figure:
    """The pictures row by row, each as large as the others on its longer side.

    Args:
        tiles: one or more.
        title: stands above.
        lines: stand under the title.
        across: pictures of a row.
        side: px of a picture's longer side.

    """
    across = min(across, len(tiles))
    down = math.ceil(len(tiles) / across)
    most = max(len(tile.captions) for tile in tiles)
    top = _TOP + _UNDER * len(lines)
    pitch = side + 13 + _LINE * most
    step = side + _BETWEEN

    def draw(canvas: Canvas) -> None:
        canvas.text(_LEFT, 32, title, size=18, look="ink strong")
        for number, line in enumerate(lines):
            canvas.text(_LEFT, 52 + _UNDER * number, line, size=12.5, look="grey")
        for place, tile in enumerate(tiles):
            row, column = divmod(place, across)
            _draw(canvas, tile, _LEFT + column * step, top + row * pitch, side)

    told = [text_width(title, 18) * 1.08, *(text_width(line, 12.5) for line in lines)]
    width = max(2 * _LEFT + across * step, 2 * _LEFT + max(told), 520)
    return Figure(round(width), round(top + down * pitch + 8), title, draw)


def _draw(canvas: Canvas, tile: Tile, x: float, y: float, side: float) -> None:
    high, wide = tile.picture.shape[:2]
    scale = side / max(high, wide)
    right, bottom = x + wide * scale, y + high * scale
    tip = "; ".join(tile.captions)
    canvas.image(x, y, right - x, bottom - y, png_of(tile.picture), tip)
    # A picture may be white at its sides.
    canvas.path([(x, y), (right, y), (right, bottom), (x, bottom), (x, y)], look="faint")
    for number, line in enumerate(tile.captions):
        text = shortened(line, 12, side + _BETWEEN - 6)
        canvas.text(
            x, bottom + _LINE * (number + 1), text, size=12, look="grey" if number else "ink"
        )
