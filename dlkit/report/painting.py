"""Marks on a bitmap: the same calls as ``svg.Drawing``, for those who need a PNG."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from dlkit.report.svg import COLOURS

_SHARP: Final = 2  # dots a px, for screens of today
_PLAIN: Final = {"ink": "#1b1e24", "grey": "#5c6370", "faint": "#dfe2e8"}


class Painting:
    """A white picture of ``width`` x ``height`` px.

    Attributes:
        lacking: texts with characters that the font lacks.

    """

    def __init__(self, width: int, height: int) -> None:
        from PIL import Image, ImageDraw

        self._image = Image.new("RGB", (width * _SHARP, height * _SHARP), "#ffffff")
        self._draw = ImageDraw.Draw(self._image)
        self.lacking = 0

    def line(self, x1: float, y1: float, x2: float, y2: float, *, look: str) -> None:
        """A straight line between two points."""
        self.path([(x1, y1), (x2, y2)], look=look)

    def path(self, points: Sequence[tuple[float, float]], *, look: str) -> None:
        """An open line through ``points``; a dashed one is drawn thinner."""
        width = _SHARP if "dashed" in look or "faint" in look else 2 * _SHARP
        dots = [(x * _SHARP, y * _SHARP) for x, y in points]
        self._draw.line(dots, fill=_colour(look), width=width)

    def dot(self, x: float, y: float, radius: float, *, look: str, tip: str = "") -> None:
        """A filled circle."""
        del tip  # a bitmap has none
        corners = [(x - radius) * _SHARP, (y - radius) * _SHARP]
        corners += [(x + radius) * _SHARP, (y + radius) * _SHARP]
        self._draw.ellipse(corners, fill=_colour(look))

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        look: str,
        strength: float = 1.0,
        tip: str = "",
    ) -> None:
        """A filled rectangle; ``strength`` 0 is the ground, 1 the colour."""
        del tip
        full = bytes.fromhex(_colour(look).removeprefix("#"))
        red, green, blue = (round(255 + strength * (part - 255)) for part in full)
        left, top, right, bottom = (round(side * _SHARP) for side in (x, y, x + width, y + height))
        if right > left and bottom > top:  # Pillow counts both ends in
            self._draw.rectangle((left, top, right - 1, bottom - 1), fill=(red, green, blue))

    def image(self, x: float, y: float, width: float, height: float, png: bytes, tip: str) -> None:
        """A picture, its pixels kept as squares."""
        from PIL import Image

        del tip  # a bitmap has none
        size = (max(1, round(width * _SHARP)), max(1, round(height * _SHARP)))
        with Image.open(io.BytesIO(png)) as opened:
            small = opened.convert("RGB")
        self._image.paste(
            small.resize(size, Image.Resampling.NEAREST), (round(x * _SHARP), round(y * _SHARP))
        )

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float,
        look: str = "ink",
        anchor: str = "start",
        turned: bool = False,
    ) -> None:
        """One line of text on the baseline ``y``."""
        font = _font(round(size * _SHARP), strong="strong" in look)
        self.lacking += _lacks(font, text)
        if turned:
            self._upward(x * _SHARP, y * _SHARP, text, font, _colour(look), anchor)
            return
        where = {"start": "ls", "middle": "ms", "end": "rs"}[anchor]
        at = (x * _SHARP, y * _SHARP)
        self._draw.text(at, text, fill=_colour(look), font=font, anchor=where)

    def _upward(self, x: float, y: float, text: str, font: Any, colour: str, anchor: str) -> None:
        """Text that runs upward, its baseline on the right of it at ``x``."""
        from PIL import Image, ImageDraw

        length = math.ceil(font.getlength(text))
        above, below = font.getmetrics()
        mask = Image.new("L", (max(1, length), above + below))
        ImageDraw.Draw(mask).text((0, above), text, fill=255, font=font, anchor="ls")
        start = {"start": 0.0, "middle": length / 2, "end": float(length)}[anchor]
        at = (round(x) - above, round(y - length + start))
        self._image.paste(colour, at, mask.transpose(Image.Transpose.ROTATE_90))

    def render(self) -> bytes:
        """The picture as a PNG file."""
        stream = io.BytesIO()
        # The smallest file would take many times as long.
        self._image.save(stream, "PNG", compress_level=6)
        return stream.getvalue()


def _colour(look: str) -> str:
    for name in look.split():
        if name in _PLAIN:
            return _PLAIN[name]
        if name[0] == "c" and name[1:].isdigit():
            return COLOURS[int(name[1:])][0]
    return _PLAIN["ink"]


@cache
def _font(size: int, *, strong: bool) -> Any:
    """The font that matplotlib brings along, found without importing it; else Pillow's own."""
    from PIL import ImageFont

    spec = find_spec("matplotlib")
    name = "DejaVuSans-Bold.ttf" if strong else "DejaVuSans.ttf"
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "mpl-data/fonts/ttf" / name
        if path.is_file():
            return ImageFont.truetype(path, size)
    return ImageFont.load_default(size)


def _lacks(font: Any, text: str) -> bool:
    """Whether ``font`` has no picture for a character of ``text``."""
    missing = _missing(font)
    return any(ord(each) > 126 and bytes(font.getmask(each)) == missing for each in set(text))


@cache
def _missing(font: Any) -> bytes:
    return bytes(font.getmask("\U0010fffe"))
