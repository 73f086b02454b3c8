"""What figures are drawn on: the same marks give an SVG file or a PNG file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from dlkit.report.svg import Drawing


class Canvas(Protocol):
    """Marks by px from the left top corner; ``look`` names classes as ``svg.Drawing`` has them."""

    def line(self, x1: float, y1: float, x2: float, y2: float, *, look: str) -> None:
        """A straight line."""

    def path(self, points: Sequence[tuple[float, float]], *, look: str) -> None:
        """An open line through points."""

    def dot(self, x: float, y: float, radius: float, *, look: str, tip: str = ...) -> None:
        """A filled circle."""

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        look: str,
        strength: float = ...,
        tip: str = ...,
    ) -> None:
        """A filled rectangle."""

    def image(self, x: float, y: float, width: float, height: float, png: bytes, tip: str) -> None:
        """A picture."""

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float,
        look: str = ...,
        anchor: str = ...,
        turned: bool = ...,
    ) -> None:
        """A line of text on its baseline."""


class Figure(NamedTuple):
    """A picture that is not drawn yet.

    Attributes:
        width: px.
        height: px.
        title: what it shows, for readers of screens.
        draw: puts its marks on a canvas of that size.

    """

    width: int
    height: int
    title: str
    draw: Callable[[Canvas], None]


def to_svg(figure: Figure) -> bytes:
    """The figure as an SVG file, its text as text."""
    drawing = Drawing(figure.width, figure.height, title=figure.title)
    figure.draw(drawing)
    return drawing.render()


def to_png(figure: Figure) -> tuple[bytes, int]:
    """The figure as a PNG file, and how many texts have characters that the font lacks."""
    from dlkit.report.painting import Painting

    painting = Painting(figure.width, figure.height)
    figure.draw(painting)
    return painting.render(), painting.lacking


def to_files(figures: Mapping[str, Figure], *, png: bool = False) -> tuple[dict[str, bytes], int]:
    """Figures as files, NAME.svg, and how many texts the font has gaps in.

    Args:
        figures: by name.
        png: NAME.png beside each, too; only their texts can have gaps.

    """
    files, lacking = {}, 0
    for name, figure in figures.items():
        files[f"{name}.svg"] = to_svg(figure)
        if png:
            files[f"{name}.png"], missed = to_png(figure)
            lacking += missed
    return files, lacking


def gaps(lacking: int) -> str:
    """What is said of texts that a PNG shows with gaps."""
    return f".png: the font lacks characters of {lacking:,} texts; .svg has them all"
