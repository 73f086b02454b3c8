"""A picture of labelled points in the plane."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np

from dlkit.report.axes import Scale, round_ticks, tick_text
from dlkit.report.labels import Place, place
from dlkit.report.svg import COLOURS, Drawing, text_width

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.report.canvas import Canvas

_WIDTH: Final = 1000  # px of a picture of up to _ROOMY points; it grows with more
_ROOMY: Final = 150
_LEFT, _TOP, _RIGHT, _BOTTOM = 64, 64, 24, 52  # px around the plot
_ASPECT: Final = (0.55, 1.0)  # least and most height of the plot by its width
_LINE: Final = 1.25  # height of a label by its font size

Rank = Literal["asked", "near", "plain"]
# How important a point is: font size, radius of its dot.
_SIZES: Final[dict[Rank, tuple[float, float]]] = {
    "asked": (15.0, 4.5),
    "near": (12.5, 3.0),
    "plain": (12.0, 2.2),
}


class Point(NamedTuple):
    """A label at a place, and how it stands out."""

    x: float
    y: float
    label: str
    rank: Rank = "plain"
    colour: int | None = None  # of svg.COLOURS; None: grey


class Axes(NamedTuple):
    """What the axes are called; without ``numbered`` their units mean nothing."""

    x: str
    y: str
    numbered: bool = True


class Picture(NamedTuple):
    """An SVG file and how many of its labels found no free place."""

    svg: bytes
    faded: int


def draw_points(points: Sequence[Point], axes: Axes, *, title: str, subtitle: str = "") -> Picture:
    """Draw ``points``, one unit as long on either axis; asked ones first where room is short.

    Args:
        points: one or more; equals in rank are placed in their order.
        axes: their names.
        title: stands above.
        subtitle: stands under the title.

    """
    assert points
    places = np.array([(point.x, point.y) for point in points], dtype=np.float64)
    growth = math.sqrt(max(1.0, len(points) / _ROOMY))
    x_scale, y_scale = scales_of(places, round(_WIDTH * growth))
    width, height = round(x_scale.end + _RIGHT), round(y_scale.start + _BOTTOM)
    drawing = Drawing(width, height, title=title)
    draw_axes(drawing, axes, x_scale, y_scale)
    drawing.text(_LEFT, 30, title, size=18, look="ink strong")
    if subtitle:
        drawing.text(_LEFT, 50, subtitle, size=12.5, look="grey")
    on_page = np.array([(x_scale.of(x), y_scale.of(y)) for x, y in places])
    order = sorted(
        range(len(points)), key=lambda row: ("asked", "near", "plain").index(points[row].rank)
    )
    frame = (x_scale.start, y_scale.end, x_scale.end, y_scale.start)
    sizes = np.array([_label_size(point) for point in points])
    radii = np.array([_SIZES[point.rank][1] for point in points])
    boxes = place(on_page, sizes, radii, order, frame)
    _draw_marks(drawing, points, on_page, boxes, order)
    return Picture(drawing.render(), sum(box.faded for box in boxes))


def _label_size(point: Point) -> tuple[float, float]:
    size = _SIZES[point.rank][0]
    bold = 1.08 if point.rank == "asked" else 1.0
    return bold * text_width(point.label, size), _LINE * size


def scales_of(places: npt.NDArray[np.float64], width: int) -> tuple[Scale, Scale]:
    """Scales of x and y with the same px a unit; the height follows the points."""
    low, high = places.min(axis=0), places.max(axis=0)
    middle, span = (low + high) / 2, (high - low) * 1.1
    across = width - _LEFT - _RIGHT
    if not span.any():
        span = np.ones(2)
    least, most = _ASPECT
    aspect = min(max(span[1] / span[0], least), most) if span[0] else most
    unit = max(span[0] / across, span[1] / (across * aspect))  # of the values, a px
    reach = np.array([across, across * aspect]) * unit / 2
    (left, bottom), (right, top) = (middle - reach).tolist(), (middle + reach).tolist()
    return (
        Scale(left, right, _LEFT, width - _RIGHT),
        Scale(bottom, top, _TOP + across * aspect, _TOP),
    )


def draw_axes(drawing: Canvas, axes: Axes, x: Scale, y: Scale) -> None:
    """Draw a frame, and the names and, if ``axes`` are numbered, the values of both axes."""
    if axes.numbered:
        for value in round_ticks(x.low, x.high):
            drawing.line(x.of(value), y.start, x.of(value), y.end, look="faint")
            text = tick_text(value)
            drawing.text(x.of(value), y.start + 16, text, size=11, look="grey", anchor="middle")
        for value in round_ticks(y.low, y.high, 6):
            drawing.line(x.start, y.of(value), x.end, y.of(value), look="faint")
            text = tick_text(value)
            drawing.text(x.start - 6, y.of(value) + 4, text, size=11, look="grey", anchor="end")
    for ends in (
        (x.start, y.start, x.end, y.start),
        (x.start, y.end, x.end, y.end),
        (x.start, y.start, x.start, y.end),
        (x.end, y.start, x.end, y.end),
    ):
        drawing.line(*ends, look="grey thin")
    middle = (x.start + x.end) / 2
    drawing.text(middle, y.start + 38, axes.x, size=12.5, look="ink", anchor="middle")
    middle = (y.start + y.end) / 2
    drawing.text(18, middle, axes.y, size=12.5, look="ink", anchor="middle", turned=True)


def _draw_marks(
    drawing: Drawing,
    points: Sequence[Point],
    on_page: npt.NDArray[np.float64],
    boxes: Sequence[Place],
    order: Sequence[int],
) -> None:
    """The dots, then the labels: faded ones first, the most important last and on top."""
    reverse = list(reversed(order))
    looks = [_look(point) for point in points]
    for row in reverse:
        box, (x, y) = boxes[row], map(float, on_page[row])
        if box.led and not box.faded:
            drawing.line(x, y, *box.nearest(x, y), look=f"{looks[row]} thin")
    for row in reverse:
        x, y = map(float, on_page[row])
        radius = _SIZES[points[row].rank][1]
        drawing.dot(x, y, radius, look=looks[row], tip=points[row].label)
    for row in sorted(reverse, key=lambda row: not boxes[row].faded):
        box, point = boxes[row], points[row]
        size = _SIZES[point.rank][0]
        look = "ink" if point.rank == "plain" else looks[row]
        look += " strong" if point.rank == "asked" else ""
        look += " faded" if box.faded else " halo"
        drawing.text(box.left, box.top + 0.93 * size, point.label, size=size, look=look)


def _look(point: Point) -> str:
    return "grey" if point.colour is None else f"c{point.colour % len(COLOURS)}"
