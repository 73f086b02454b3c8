"""Points of classes in the plane, and queries among them with lines to what lies nearest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from dlkit.report.axes import Scale
from dlkit.report.canvas import Canvas, Figure
from dlkit.report.labels import place
from dlkit.report.points import Axes, draw_axes, scales_of
from dlkit.report.svg import COLOURS, text_width

if TYPE_CHECKING:
    import numpy.typing as npt

_WIDTH: Final = 840  # px
_LEFT, _RIGHT, _UNDER = 64.0, 24.0, 17.0  # px: at the sides, from one line of text to the next
_SIZE: Final = 12.5  # px of texts
_FAR, _NEAR, _ASKED = 2.0, 3.8, 5.2  # radii of points, of neighbours, of queries
_MOST: Final = 3000  # points that are nobody's neighbours


class Query(NamedTuple):
    """A place that was asked about.

    Attributes:
        x: its place.
        y: its place.
        label: stands beside it.
        near: places of its neighbours among the points.
        label_class: its class, whose colour it has; None: not known.

    """

    x: float
    y: float
    label: str
    near: Sequence[int]
    label_class: int | None = None


class Plane(NamedTuple):
    """Points and queries.

    Attributes:
        head: stands above them.
        axes: what the axes are called.
        points: (N, 2).
        classes: (N,).
        queries: what was asked.

    """

    head: str
    axes: Axes
    points: npt.NDArray[np.float64]
    classes: npt.NDArray[np.int64]
    queries: Sequence[Query]


def scatter_figure(
    planes: Sequence[Plane], classes: Sequence[str], *, title: str, lines: Sequence[str] = ()
) -> Figure:
    """The planes, one below the other; a unit is as long on either axis, as for the distance.

    Args:
        planes: one or more.
        classes: names of the classes, for the legend.
        title: stands above.
        lines: stand under the title.

    """
    top = 50 + _UNDER * len(lines)
    scales: list[tuple[Scale, Scale]] = []
    ground = top + 14
    for plane in planes:
        asked = np.array([(query.x, query.y) for query in plane.queries]).reshape(-1, 2)
        x, y = scales_of(np.concatenate([plane.points, asked]), _WIDTH)
        fall = ground + 28 - y.end
        scales.append((x, Scale(y.low, y.high, y.start + fall, y.end + fall)))
        ground = y.start + fall + 52

    def draw(canvas: Canvas) -> None:
        canvas.text(24, 30, title, size=18, look="ink strong")
        for number, line in enumerate(lines):
            canvas.text(24, 50 + _UNDER * number, line, size=_SIZE, look="grey")
        _legend(canvas, classes, top)
        for plane, (x, y) in zip(planes, scales, strict=True):
            canvas.text(_LEFT, y.end - 8, plane.head, size=_SIZE, look="grey")
            _draw(canvas, plane, classes, x, y)

    told = [text_width(title, 18) * 1.08, *(text_width(line, _SIZE) for line in lines)]
    return Figure(round(max(_WIDTH, max(told) + 48)), round(ground), title, draw)


def _legend(canvas: Canvas, classes: Sequence[str], top: float) -> None:
    at = _LEFT
    for number, name in enumerate(classes):
        if at + text_width(name, _SIZE) > _WIDTH - _RIGHT - 40:
            canvas.text(at, top + 4, "…", size=_SIZE)
            return
        canvas.dot(at + 4, top, 5, look=_look(number))
        canvas.text(at + 14, top + 4, name, size=_SIZE)
        at += text_width(name, _SIZE) + 34


def _draw(canvas: Canvas, plane: Plane, classes: Sequence[str], x: Scale, y: Scale) -> None:
    draw_axes(canvas, plane.axes, x, y)
    near = sorted({point for query in plane.queries for point in query.near})
    others = np.setdiff1d(np.arange(len(plane.points)), near)
    if len(others) > _MOST:
        others = others[np.linspace(0, len(others) - 1, _MOST).astype(np.int64)]
    on_page = [(x.of(across), y.of(up)) for across, up in plane.points.tolist()]
    names = plane.classes.tolist()

    def dot(point: int, radius: float) -> None:
        across, up = on_page[point]
        canvas.dot(across, up, radius, look=_look(names[point]), tip=classes[names[point]])

    for point in others.tolist():
        dot(point, _FAR)
    asked = [(x.of(query.x), y.of(query.y)) for query in plane.queries]
    for here, query in zip(asked, plane.queries, strict=True):
        for point in query.near:
            canvas.line(*here, *on_page[point], look="grey thin")
    for point in near:
        dot(point, _NEAR)
    for (across, up), query in zip(asked, plane.queries, strict=True):
        canvas.dot(across, up, _ASKED, look="ink", tip=query.label)
        if query.label_class is not None:
            canvas.dot(across, up, _ASKED - 2, look=_look(query.label_class), tip=query.label)
    _labels(canvas, plane.queries, asked, (x.start, y.end, x.end, y.start))


def _labels(
    canvas: Canvas,
    queries: Sequence[Query],
    asked: Sequence[tuple[float, float]],
    frame: tuple[float, float, float, float],
) -> None:
    """The queries' labels; one that finds no room is left to the tip of its dot."""
    if not queries:
        return
    sizes = np.array([(text_width(each.label, _SIZE) * 1.08, 1.25 * _SIZE) for each in queries])
    radii = np.full(len(queries), _ASKED)
    boxes = place(np.array(asked), sizes, radii, range(len(queries)), frame)
    for query, box, here in zip(queries, boxes, asked, strict=True):
        if box.faded:
            continue
        if box.led:
            canvas.line(*here, *box.nearest(*here), look="faint")
        at = box.top + 0.93 * _SIZE
        canvas.text(box.left, at, query.label, size=_SIZE, look="ink strong halo")


def _look(number: int) -> str:
    return f"c{number % len(COLOURS)}"
