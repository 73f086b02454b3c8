"""A small writer of SVG: marks are added one by one, the same marks give the same bytes.

Text stays text, so that every viewer shows every script in a font of its own and a picture can be
searched. Colours are classes with a light and a dark side: a viewer that prefers dark gets dark.
https://www.w3.org/TR/SVG11/
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Sequence
from typing import Final

# Text on its ground has a contrast of 4.5 or more on either side (WCAG 2.1, 1.4.3).
COLOURS: Final = (
    ("#0b5fa5", "#6cb4f0"),
    ("#b03a0c", "#ff9a66"),
    ("#0a7350", "#4fcf9f"),
    ("#86358c", "#d79be0"),
    ("#7f5f00", "#e6b93c"),
    ("#ad1f4e", "#ff8fae"),
    ("#4a4fc4", "#a6b0ff"),
    ("#0d6e78", "#5fcbd6"),
)
STYLE_STARTS: Final = "<style>\n"
PROLOGUE: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_GROUND: Final = ("#ffffff", "#16181d")
_INK: Final = ("#1b1e24", "#eceef2")
_GREY: Final = ("#5c6370", "#a3abb8")
_FAINT: Final = ("#dfe2e8", "#31353e")
_FONTS: Final = (
    "system-ui, 'Noto Sans', 'Segoe UI', 'DejaVu Sans', 'PingFang SC', 'Microsoft YaHei', "
    "'Noto Sans CJK SC', 'Noto Sans SC', 'Source Han Sans SC', sans-serif"
)

# What XML 1.0 has no character for, and controls that a viewer would show as nothing.
_UNWRITABLE: Final = re.compile(
    "[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)
_NARROW: Final = frozenset("iljIftr.,:;'|!()[]{} `")
_BROAD: Final = frozenset("mwMWQOG@%&")


def visible(text: str) -> str:
    r"""``text`` with ``\xNN`` for what XML cannot hold and for what a viewer shows as nothing."""
    return _UNWRITABLE.sub(_code, text)


def escaped(text: str) -> str:
    """``text`` as it stands in an element or attribute, made ``visible``."""
    text = visible(text)
    return (
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    )


def _code(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def text_width(text: str, size: float) -> float:
    """About how wide ``text`` is set in a sans serif of ``size`` px; East Asian wide is 1 em."""
    return size * sum(map(_em, text))


def shortened(text: str, size: float, width: float) -> str:
    """``text`` within ``width`` px: its end is cut off, which an ellipsis says."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text + "…"


def _em(character: str) -> float:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0
    if character in _NARROW:
        return 0.36
    if character in _BROAD or character.isupper():
        return 0.86 if character in _BROAD else 0.7
    return 0.6


def number(value: float) -> str:
    """A coordinate of at most two decimals, without needless zeros; never ``-0``."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


class Drawing:
    """A picture of ``width`` x ``height`` px with its origin at the top left.

    ``look`` in the methods names classes of the style sheet, separated by spaces: ``ink``,
    ``grey``, ``faint``, ``c0`` to ``c7`` for a colour; ``strong``, ``halo``, ``faded``.

    Args:
        width: px.
        height: px.
        title: what the picture shows, for readers of screens and tips.

    """

    def __init__(self, width: int, height: int, *, title: str) -> None:
        self.width = width
        self.height = height
        self._title = title
        self._marks: list[str] = []

    def line(self, x1: float, y1: float, x2: float, y2: float, *, look: str) -> None:
        """A straight line between two points."""
        ends = zip(("x1", "y1", "x2", "y2"), (x1, y1, x2, y2), strict=True)
        self._add("line", " ".join(f'{name}="{number(value)}"' for name, value in ends), look)

    def path(self, points: Sequence[tuple[float, float]], *, look: str) -> None:
        """An open line through ``points``."""
        joined = " ".join(f"{number(x)},{number(y)}" for x, y in points)
        self._add("polyline", f'points="{joined}"', look)

    def dot(self, x: float, y: float, radius: float, *, look: str, tip: str = "") -> None:
        """A filled circle; ``tip`` is shown where a pointer rests on it."""
        place = f'cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"'
        self._add("circle", place, look, f"<title>{escaped(tip)}</title>" if tip else None)

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
        sides = zip(("x", "y", "width", "height"), (x, y, width, height), strict=True)
        place = " ".join(f'{name}="{number(value)}"' for name, value in sides)
        if strength < 1:
            place += f' fill-opacity="{number(strength)}"'
        self._add("rect", place, look, f"<title>{escaped(tip)}</title>" if tip else None)

    def image(self, x: float, y: float, width: float, height: float, png: bytes, tip: str) -> None:
        """A picture, its pixels kept as squares; ``tip`` says in words what it shows.

        Args:
            x: its left side, px.
            y: its top, px.
            width: px.
            height: px.
            png: the file's bytes.
            tip: shown where a pointer rests on it, and told by readers of screens.

        """
        sides = zip(("x", "y", "width", "height"), (x, y, width, height), strict=True)
        place = " ".join(f'{name}="{number(value)}"' for name, value in sides)
        data = base64.b64encode(png).decode("ascii")
        attributes = f'{place} preserveAspectRatio="none" href="data:image/png;base64,{data}"'
        self._add("image", attributes, "picture", f"<title>{escaped(tip)}</title>")

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
        """One line of text on the baseline ``y``.

        Args:
            x: where its ``anchor`` lies, px.
            y: the baseline, px.
            text: any characters.
            size: of the font, px.
            look: classes.
            anchor: ``start``, ``middle`` or ``end``.
            turned: it runs upward.

        """
        place = f'x="{number(x)}" y="{number(y)}" font-size="{number(size)}"'
        if anchor != "start":
            place += f' text-anchor="{anchor}"'
        if turned:
            place += f' transform="rotate(-90 {number(x)} {number(y)})"'
        self._add("text", place, look, escaped(text))

    def _add(self, element: str, attributes: str, look: str, content: str | None = None) -> None:
        start = f'<{element} class="{look}" {attributes}'
        self._marks.append(start + ("/>" if content is None else f">{content}</{element}>"))

    def render(self) -> bytes:
        """The picture as a file: UTF-8, one mark a line."""
        head = (
            f'{PROLOGUE}<svg xmlns="http://www.w3.org/2000/svg" '
            f'width="{self.width}" height="{self.height}" '
            f'viewBox="0 0 {self.width} {self.height}" role="img" xml:space="preserve">\n'
            f"<title>{escaped(self._title)}</title>\n{STYLE_STARTS}{style_sheet()}</style>\n"
            f'<rect class="ground" width="{self.width}" height="{self.height}"/>\n'
        )
        return (head + "".join(f"{mark}\n" for mark in self._marks) + "</svg>\n").encode()


def style_sheet() -> str:
    """The rules that every picture carries with it."""
    sides = [_colours(side) for side in (0, 1)]
    return (
        f"text {{ font-family: {_FONTS}; }}\n"
        "line, polyline { fill: none; stroke-width: 1; }\n"
        "polyline { stroke-width: 2; stroke-linejoin: round; }\n"
        "circle { stroke: none; }\n"
        ".picture { image-rendering: pixelated; }\n"
        ".strong { font-weight: 700; }\n"
        ".halo { paint-order: stroke; stroke-width: 3; stroke-linejoin: round; }\n"
        ".thin { stroke-width: 0.7; }\n"
        ".dashed { stroke-dasharray: 5 4; }\n"
        ".faded { opacity: 0.3; }\n"
        ".faded:hover { opacity: 1; }\n"
        f"{sides[0]}@media (prefers-color-scheme: dark) {{\n{sides[1]}}}\n"
    )


def _colours(side: int) -> str:
    """The rules of one side: 0 light, 1 dark."""
    named = {"ink": _INK, "grey": _GREY, "faint": _FAINT}
    named |= {f"c{index}": pair for index, pair in enumerate(COLOURS)}
    rules = [f".ground {{ fill: {_GROUND[side]}; }}", f".halo {{ stroke: {_GROUND[side]}; }}"]
    for name, pair in named.items():
        rules.append(f"text.{name}, circle.{name}, rect.{name} {{ fill: {pair[side]}; }}")
        rules.append(f"line.{name}, polyline.{name} {{ stroke: {pair[side]}; }}")
    return "\n".join(rules) + "\n"
