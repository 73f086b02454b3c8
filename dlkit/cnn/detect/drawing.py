"""Boxes with names on images: for files that people look at, and for reports."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.report.svg import COLOURS, escaped, text_width

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.cnn.detect.asking import Found
    from dlkit.data.samples import Pixels

_LEAST, _SHARE = 11, 45  # px of a label's font; it is such a part of the longer side
# Fonts that have Chinese characters, as systems call their files.
_WIDE: Final = (
    "NotoSansCJK", "NotoSansSC", "NotoSansHans", "SourceHanSans", "wqy-microhei", "wqy-zenhei",
    "DroidSansFallback", "PingFang", "STHeiti", "Hiragino", "msyh", "simhei", "simsun", "uming",
    "ukai", "Unifont", "unifont",
)  # fmt: skip
_FOLDERS: Final = (
    "~/.fonts", "~/.local/share/fonts", "/usr/local/share/fonts", "/usr/share/fonts",
    "/System/Library/Fonts", "/Library/Fonts",
)  # fmt: skip


def names_drawn(names: Sequence[str]) -> tuple[list[str], int]:
    """The names as pictures show them, and how many are shown by their numbers.

    That is where no font that was found has a name's characters: #3 is the third class.
    """
    shown = [name if font_file(name) is not None else f"#{place}"
             for place, name in enumerate(names, 1)]  # fmt: skip
    return shown, sum(a != b for a, b in zip(names, shown, strict=True))


@cache
def font_file(text: str) -> str | None:
    """The file of a font that has the characters of ``text``; "": Pillow's own; None: none."""
    from PIL import ImageFont

    from dlkit.report.painting import _lacks

    found = False
    for path in _fonts(wide=not text.isascii()):
        try:
            font = ImageFont.truetype(path, 20)
        except OSError:
            continue
        found = True
        if not _lacks(font, text):
            return path
    return "" if text.isascii() and not found else None


@cache
def _fonts(*, wide: bool) -> tuple[str, ...]:
    """Files of fonts, the usual one first."""
    spec = find_spec("matplotlib")
    paths = [
        str(Path(folder) / "mpl-data/fonts/ttf/DejaVuSans.ttf")
        for folder in ((spec.submodule_search_locations or []) if spec else [])
    ]
    return (*paths, *(_wide() if wide else ()))


def _wide() -> Iterator[str]:
    """Fonts of the system that have Chinese characters, as their names say."""
    for folder in _FOLDERS:
        for below, _, files in os.walk(Path(folder).expanduser()):
            for file in sorted(files):
                if file.startswith(_WIDE) and file.endswith((".ttf", ".ttc", ".otf", ".pcf.gz")):
                    yield str(Path(below) / file)


def colour_of(label: int) -> str:
    """The colour of a class: #rrggbb."""
    return COLOURS[label % len(COLOURS)][0]


def drawn(image: Pixels, found: Found, names: Sequence[str]) -> Any:
    """A Pillow image with the boxes and their names and scores.

    Args:
        image: (H, W, 3).
        found: what is drawn, in pixels of the image.
        names: of the classes, as ``names_drawn`` gives them.

    """
    from PIL import Image, ImageDraw

    picture = Image.fromarray(np.ascontiguousarray(image))
    pen = ImageDraw.Draw(picture)
    size = max(_LEAST, max(picture.size) // _SHARE)
    thick = max(1, size // 8)
    # The surest last, so that its name lies above the others'.
    for place in range(len(found.scores) - 1, -1, -1):
        label = int(found.labels[place])
        left, top, right, bottom = (float(each) for each in found.boxes[place])
        colour = colour_of(label)
        pen.rectangle((left, top, max(right - 1, left), max(bottom - 1, top)), outline=colour,
                      width=thick)  # fmt: skip
        text = f"{names[label]} {found.scores[place]:.2f}"
        font = _font(text, size)
        box = pen.textbbox((0, 0), text, font=font)
        wide, high = box[2] - box[0] + 4, box[3] - box[1] + 4
        x = min(max(left, 0), max(picture.width - wide, 0))
        y = top - high if top >= high else min(top, max(picture.height - high, 0))
        pen.rectangle((x, y, x + wide, y + high), fill=colour)
        pen.text((x + 2 - box[0], y + 2 - box[1]), text, fill="#ffffff", font=font)
    return picture


def _font(text: str, size: int) -> Any:
    from PIL import ImageFont

    path = font_file(text)
    return ImageFont.truetype(path, size) if path else ImageFont.load_default(size)


def drawn_svg(image: Pixels, found: Found, names: Sequence[str]) -> bytes:
    """The same as an SVG file, in which names are text of any script."""
    from PIL import Image

    height, width = image.shape[:2]
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(stream, "PNG", compress_level=6)
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    size = max(_LEAST, max(width, height) // _SHARE)
    marks = []
    for place in range(len(found.scores) - 1, -1, -1):
        label = int(found.labels[place])
        left, top, right, bottom = (round(float(each), 2) for each in found.boxes[place])
        colour, text = colour_of(label), f"{names[label]} {found.scores[place]:.2f}"
        wide = text_width(text, size) + 4
        x, y = min(max(left, 0), max(width - wide, 0)), top if top >= size + 4 else top + size + 4
        marks.append(
            f'<rect x="{left}" y="{top}" width="{right - left:.2f}" height="{bottom - top:.2f}" '
            f'fill="none" stroke="{colour}" stroke-width="{max(1, size // 8)}"/>\n'
            f'<rect x="{x:.2f}" y="{y - size - 4:.2f}" width="{wide:.2f}" height="{size + 4}" '
            f'fill="{colour}"/>\n'
            f'<text x="{x + 2:.2f}" y="{y - 4:.2f}" font-size="{size}" fill="#ffffff" '
            f'font-family="sans-serif">{escaped(text)}</text>\n'
        )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}">\n'
        f'<image width="{width}" height="{height}" href="data:image/png;base64,{data}"/>\n'
        f"{''.join(marks)}</svg>\n"
    ).encode()


def outlined(
    image: Pixels, groups: Sequence[tuple[npt.NDArray[np.floating], str]], *, least: int = 192
) -> Pixels:
    """(H', W', 3) an image with boxes of several colours, made larger where it is small.

    Args:
        image: (H, W, 3).
        groups: boxes (K, 4) in its pixels, and their colour.
        least: px of the longer side.

    """
    from PIL import Image, ImageDraw

    times = max(1, -(-least // max(image.shape[:2])))
    picture = Image.fromarray(np.ascontiguousarray(image))
    picture = picture.resize((picture.width * times, picture.height * times), 0)
    pen = ImageDraw.Draw(picture)
    for boxes, colour in groups:
        for left, top, right, bottom in (boxes * times).tolist():
            pen.rectangle((left, top, max(right - 1, left), max(bottom - 1, top)), outline=colour,
                          width=max(2, max(picture.size) // 160))  # fmt: skip
    found: Pixels = np.asarray(picture)
    return found
