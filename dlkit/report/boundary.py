"""Decision boundaries: for each trial a map of the plane that shows which class lies where."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit.report.canvas import Canvas, Figure
from dlkit.report.svg import COLOURS, shortened, text_width

if TYPE_CHECKING:
    import numpy.typing as npt

_SIDE: Final = 168.0  # px of a map
_FINER: Final = 3  # pixels of a map's picture for each of its points
_BETWEEN: Final = 14.0
_HEAD: Final = 20.0  # px above a map, for its scores
_FAINTEST, _STRONGEST = 0.10, 0.55  # of a class' colour, by certainty
_LINE: Final = (60, 64, 72)  # colour of the boundary
_DOT: Final = 1.6  # radius of a sample, in points of the map
_MOST_DOTS: Final = 600


class Tile(NamedTuple):
    """A map.

    Attributes:
        row: its place from the top.
        column: its place from the left.
        classes: (S, S) the class at each point, the top row first.
        certainty: (S, S) from 0, all classes alike, to 1.
        text: stands above it.
        best: its text is emphasised.

    """

    row: int
    column: int
    classes: npt.NDArray[np.int64]
    certainty: npt.NDArray[np.float64]
    text: str
    best: bool = False


class Points(NamedTuple):
    """Samples to draw on every map: (N, 2) places from 0 to 1, right and down, (N,) classes."""

    places: npt.NDArray[np.float64]
    classes: npt.NDArray[np.int64]


class Names(NamedTuple):
    """What stands beside the maps: the knob across and its values, the knob down and its."""

    across: str
    columns: Sequence[str]
    down: str
    rows: Sequence[str]


def boundary_figure(
    tiles: Sequence[Tile],
    names: Names,
    points: Points,
    classes: Sequence[str],
    *,
    title: str,
    subtitle: str = "",
) -> Figure:
    """The maps in a grid, with ``points``, of many a regular choice.

    Args:
        tiles: one or more, each at a place of its own.
        names: of rows and columns.
        points: the training samples.
        classes: names of the classes, for the legend.
        title: stands above.
        subtitle: stands under the title.

    """
    if len(points.classes) > _MOST_DOTS:
        kept = np.linspace(0, len(points.classes) - 1, _MOST_DOTS).astype(np.int64)
        points = Points(points.places[kept], points.classes[kept])
    margin = max((text_width(name, 12.5) for name in names.rows), default=0.0)
    left = 28 + (28 if names.down else 0) + min(margin, 140.0)
    top = 128.0 if names.across else 92.0
    step, fall = _SIDE + _BETWEEN, _SIDE + _HEAD + 6
    columns = 1 + max(tile.column for tile in tiles)
    rows = 1 + max(tile.row for tile in tiles)
    legend = sum(text_width(name, 12.5) + 34 for name in classes)
    told = max(text_width(title, 18) * 1.08, text_width(subtitle, 12.5), legend) + 56
    width = round(max(told, left + columns * step + 16))
    pictures = [_picture(tile, points) for tile in tiles]

    def draw(canvas: Canvas) -> None:
        _heads(canvas, names, classes, title, subtitle, left)
        for place, name in enumerate(names.columns if names.across else ()):
            middle = left + place * step + _SIDE / 2
            text = shortened(name, 12.5, _SIDE)
            canvas.text(middle, top - 8, text, size=12.5, anchor="middle")
        for place, name in enumerate(names.rows):
            middle = top + place * fall + _HEAD + _SIDE / 2
            canvas.text(left - 10, middle + 4, shortened(name, 12.5, 140), size=12.5, anchor="end")
        if names.across:
            canvas.text(left + (columns * step - _BETWEEN) / 2, top - 28, names.across, size=13,
                        anchor="middle", look="ink strong")  # fmt: skip
        if names.down:
            middle = top + (rows * fall) / 2
            canvas.text(30, middle, names.down, size=13, anchor="middle", look="ink strong",
                        turned=True)  # fmt: skip
        for tile, picture in zip(tiles, pictures, strict=True):
            x, y = left + tile.column * step, top + tile.row * fall
            look = "ink strong" if tile.best else "grey"
            text = shortened(tile.text, 11.5, _SIDE)
            canvas.text(x + _SIDE / 2, y + 15, text, size=11.5, anchor="middle", look=look)
            canvas.image(x, y + _HEAD, _SIDE, _SIDE, picture, tile.text)

    return Figure(width, round(top + rows * fall + 16), title, draw)


def _heads(
    canvas: Canvas, names: Names, classes: Sequence[str], title: str, subtitle: str, left: float
) -> None:
    del names
    canvas.text(24, 30, title, size=18, look="ink strong")
    if subtitle:
        canvas.text(24, 50, subtitle, size=12.5, look="grey")
    at = left
    for place, name in enumerate(classes):
        canvas.dot(at + 6, 70, 5, look=f"c{place % len(COLOURS)}")
        canvas.text(at + 16, 74, name, size=12.5)
        at += text_width(name, 12.5) + 34


def _picture(tile: Tile, points: Points) -> bytes:
    """A PNG file of a map with the samples on it; its colours are those of a light ground."""
    from PIL import Image, ImageDraw

    full = np.array([_rgb(pair[0]) for pair in COLOURS], np.float64)
    colours = full[tile.classes % len(COLOURS)]
    strength = (_FAINTEST + (_STRONGEST - _FAINTEST) * tile.certainty)[..., None]
    plane = np.repeat(np.repeat(255 + strength * (colours - 255), _FINER, 0), _FINER, 1)
    winners = np.repeat(np.repeat(tile.classes, _FINER, 0), _FINER, 1)
    edge = np.zeros(winners.shape, bool)
    edge[:, 1:] |= winners[:, 1:] != winners[:, :-1]
    edge[1:] |= winners[1:] != winners[:-1]
    plane[edge] = _LINE
    image = Image.fromarray(np.rint(plane).astype(np.uint8))
    draw: Any = ImageDraw.Draw(image)
    radius = _DOT * _FINER
    size = np.array(winners.shape[::-1])
    for (x, y), label in zip((points.places * size).tolist(), points.classes.tolist(), strict=True):
        fill = tuple(map(int, full[label % len(COLOURS)]))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill, outline="white")
    stream = io.BytesIO()
    # Few colours: a file of a third of the size.
    image.quantize(64, dither=Image.Dither.NONE).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour.removeprefix("#")))
