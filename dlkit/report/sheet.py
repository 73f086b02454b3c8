"""Contact sheets: rows of pictures or texts with captions, as SVG or PNG."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from dlkit.report.svg import Drawing, shortened, text_width

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.report.canvas import Canvas

Mark = Literal["right", "wrong", "none"]

_SIDE: Final = 84.0  # px of a picture
_ACROSS: Final = 104.0  # px from one picture to the next
_LINE: Final = 15.0  # px from one line of a caption to the next
_GAP: Final = 18.0  # px between rows
_LEFT: Final = 24.0
_UNDER: Final = 17.0  # px from one line under the title to the next
_HEAD: Final = 28.0  # px between the query and its neighbours
_CAPTION: Final = 11.5
_LOOKS: Final[dict[Mark, str]] = {"right": "c2", "wrong": "c1 dashed", "none": "faint"}
_SIGNS: Final[dict[Mark, str]] = {"right": "✓ ", "wrong": "✗ ", "none": ""}


class Cell(NamedTuple):
    """One picture of a sheet, or a text in its place.

    Attributes:
        picture: (H, W, C) uint8, C 1 or 3; None: ``text`` stands there.
        text: what is read instead of a picture; its lines stay lines.
        captions: lines under it; the mark's sign stands before the first.
        mark: whether it is right or wrong, by colour, dashes and sign.

    """

    picture: npt.NDArray[Any] | None
    text: str
    captions: tuple[str, ...]
    mark: Mark = "none"


class Row(NamedTuple):
    """A cell and those that belong to it."""

    head: Cell
    cells: Sequence[Cell]


def drawn_sheet(
    rows: Sequence[Row], *, png: bool, heads: tuple[str, str], title: str, lines: Sequence[str]
) -> Generator[int, None, tuple[bytes, int]]:
    """Draw ``rows`` into a file; yields how many of them are drawn by then.

    Args:
        rows: one or more, each with its head cell and others.
        png: a PNG file; else SVG.
        heads: what stands above the head cells and above the others.
        title: stands above.
        lines: stand under the title.

    Returns:
        The file, and how many of its texts have characters that its font lacks: none in SVG.

    """
    width, height = _size(rows, heads, title, lines)
    if png:
        from dlkit.report.painting import Painting

        painting = Painting(width, height)
        yield from _draw(painting, rows, heads, title, lines)
        return painting.render(), painting.lacking
    drawing = Drawing(width, height, title=title)
    yield from _draw(drawing, rows, heads, title, lines)
    return drawing.render(), 0


def png_of(picture: npt.NDArray[Any]) -> bytes:
    """A picture (H, W, C) uint8 as a PNG file."""
    from PIL import Image

    image = Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture)
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _lines(rows: Sequence[Row]) -> int:
    return max(len(cell.captions) for row in rows for cell in (row.head, *row.cells))


def _size(
    rows: Sequence[Row], heads: tuple[str, str], title: str, lines: Sequence[str]
) -> tuple[int, int]:
    most = max(len(row.cells) for row in rows)
    width = 2 * _LEFT + _ACROSS + _HEAD + _ACROSS * most
    told = max([text_width(title, 18) * 1.08, *(text_width(line, 12.5) for line in lines)])
    told = max(told, _ACROSS + _HEAD + text_width(heads[1], 12))
    height = _top(lines) + len(rows) * _pitch(rows) + 8
    return round(max(width, told + 2 * _LEFT)), round(height)


def _top(lines: Sequence[str]) -> float:
    """Where the first row begins, px."""
    return 67 + _UNDER * len(lines)


def _pitch(rows: Sequence[Row]) -> float:
    """Px from one row to the next."""
    return _SIDE + _LINE * _lines(rows) + _GAP


def _draw(
    canvas: Canvas, rows: Sequence[Row], heads: tuple[str, str], title: str, lines: Sequence[str]
) -> Iterator[int]:
    canvas.text(_LEFT, 30, title, size=18, look="ink strong")
    for number, line in enumerate(lines):
        canvas.text(_LEFT, 50 + _UNDER * number, line, size=12.5, look="grey")
    start = _top(lines)
    first = _LEFT + _ACROSS + _HEAD
    canvas.text(_LEFT, start - 8, heads[0], size=12, look="grey")
    canvas.text(first, start - 8, heads[1], size=12, look="grey")
    for number, row in enumerate(rows):
        top = start + number * _pitch(rows) + 2
        _cell(canvas, row.head, _LEFT, top)
        middle = first - _HEAD / 2 - 8
        canvas.line(middle, top, middle, top + _SIDE, look="faint")
        for place, cell in enumerate(row.cells):
            _cell(canvas, cell, first + place * _ACROSS, top)
        yield number + 1


def _cell(canvas: Canvas, cell: Cell, left: float, top: float) -> None:
    captions = list(cell.captions)
    if captions:
        captions[0] = _SIGNS[cell.mark] + captions[0]
    if cell.picture is not None:
        high, wide = cell.picture.shape[:2]
        scale = _SIDE / max(high, wide)
        width, height = wide * scale, high * scale
        x, y = left + (_SIDE - width) / 2, top + (_SIDE - height) / 2
        canvas.image(x, y, width, height, png_of(cell.picture), "; ".join(captions))
    else:
        for number, line in enumerate(_wrapped(cell.text, 10.5, _SIDE - 8, 6)):
            canvas.text(left + 4, top + 14 + 13 * number, line, size=10.5)
    right, bottom = left + _SIDE, top + _SIDE
    frame = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    canvas.path(frame, look=_LOOKS[cell.mark])
    for number, line in enumerate(captions):
        look = "ink" if number == 0 else "grey"
        text = shortened(line, _CAPTION, _ACROSS - 6)
        canvas.text(left, bottom + _LINE * (number + 1), text, size=_CAPTION, look=look)


def _wrapped(text: str, size: float, width: float, most: int) -> list[str]:
    """``text`` in at most ``most`` lines of ``width`` px; what has no room is an ellipsis."""
    lines: list[str] = []
    for whole in text.splitlines():
        lines.append("")
        for character in " ".join(whole.split()):
            if text_width(lines[-1] + character, size) > width:
                # A word goes to the next line whole, unless it is longer than a line.
                kept, space, word = lines[-1].rpartition(" ")
                if space and character != " ":
                    lines[-1] = kept
                    lines.append(word)
                else:
                    lines.append("")
            lines[-1] += character
            if len(lines) > most:
                break
        if len(lines) > most:
            return [*lines[: most - 1], lines[most - 1][:-1] + "…"]
    return lines
