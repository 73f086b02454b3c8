"""One page that holds all of a run: figures, tables, samples and settings, and nothing outside it.

The page runs no script and loads nothing: its content security policy allows the style sheets that
it names by their SHA-256, and pictures inside the file. https://www.w3.org/TR/CSP3/
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dlkit.report.sheet import Cell, png_of
from dlkit.report.svg import PROLOGUE, STYLE_STARTS, style_sheet, visible

if TYPE_CHECKING:
    import numpy.typing as npt
    from jinja2 import Template

    from dlkit.report.tables import Table

_LARGEST: Final = 256  # px of a sample's side; larger pictures are made smaller
_SMALL: Final = 64  # px below which pixels are shown as squares
_LONGEST: Final = 4000  # characters of a sample's text
_SIGNS: Final = {"right": "✓ ", "wrong": "✗ ", "none": ""}
_OF_FIGURES: Final = STYLE_STARTS.removeprefix("<style>") + style_sheet()


class Section(NamedTuple):
    """A part of the page; what is empty takes no room.

    Attributes:
        title: its heading.
        text: paragraphs.
        facts: values by name.
        tables: with their captions.
        figures: SVG files that ``svg.Drawing`` wrote.
        samples: pictures, reduced to 256 px a side where they are larger, or texts.
        code: shown as it is, line by line.

    """

    title: str
    text: Sequence[str] = ()
    facts: Mapping[str, object] = {}
    tables: Sequence[Table] = ()
    figures: Sequence[bytes] = ()
    samples: Sequence[Cell] = ()
    code: str = ""


def render(title: str, sections: Sequence[Section], *, subtitle: str = "") -> bytes:
    """The page as a file: UTF-8, the same sections give the same bytes.

    Args:
        title: of the page.
        sections: its parts in order.
        subtitle: stands under the title.

    """
    from markupsafe import Markup

    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    # Every figure brings its own style sheet, the same in all.
    allowed = " ".join(f"'sha256-{_digest(text)}'" for text in (style, _OF_FIGURES))
    page = _template().render(
        title=title,
        subtitle=subtitle,
        allowed=Markup(allowed),  # noqa: S704 - base64
        style=Markup(style),  # noqa: S704 - a file of this package
        sections=[_section(section) for section in sections],
    )
    return page.encode()


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(Path(__file__).parent, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("page.html")


def _finalized(value: Any) -> Any:
    """What stands on the page for ``value``: markup as it is, text made visible."""
    if hasattr(value, "__html__"):
        return value
    return "\n".join(visible(line) for line in shown(value).split("\n"))


def shown(value: Any) -> str:
    """A value as a reader expects it: 1,438; 0.986788; yes; a dash for None."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if hasattr(value, "dtype"):
        value = value.item()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(shown, value))
    return str(value)


def in_table(value: Any) -> str:
    """A value as ``shown``, but numbers of a column with equally many decimals where they can."""
    if hasattr(value, "dtype"):
        value = value.item()
    if isinstance(value, float) and (value == 0 or 1e-3 <= abs(value) < 1e9):
        return f"{value:,.4f}"
    return shown(value)


def _section(section: Section) -> dict[str, Any]:
    return section._asdict() | {
        "facts": list(_flat(section.facts)),
        "figures": [_inline(figure) for figure in section.figures],
        "tables": [_table(table) for table in section.tables],
        "samples": [_sample(cell) for cell in section.samples],
    }


def _flat(facts: Mapping[str, object], before: str = "") -> list[tuple[str, object]]:
    """Facts within facts, under both their names."""
    found: list[tuple[str, object]] = []
    for name, value in facts.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{before}{name} ")
        else:
            found.append((f"{before}{name}", value))
    return found


def _table(table: Table) -> dict[str, Any]:
    rows = [list(row) for row in table.rows]
    numeric = [
        bool(rows) and all(_is_number(row[column]) for row in rows)
        for column in range(len(table.columns))
    ]
    texts = [[in_table(value) for value in row] for row in rows]
    return {**table._asdict(), "rows": texts, "numeric": numeric}


def _is_number(value: object) -> bool:
    return value is None or isinstance(value, (int, float)) or hasattr(value, "dtype")


def _inline(svg: bytes) -> Any:
    """A figure as part of the page.

    Raises:
        ValueError: it is not a file that ``svg.Drawing`` wrote.

    """
    from markupsafe import Markup

    text = svg.decode()
    if not text.startswith(PROLOGUE + "<svg ") or STYLE_STARTS + style_sheet() not in text:
        raise ValueError("a figure that svg.Drawing did not write")
    return Markup(text.removeprefix(PROLOGUE))  # noqa: S704 - its words are escaped


def _sample(cell: Cell) -> dict[str, Any]:
    captions = list(cell.captions)
    if captions:
        captions[0] = _SIGNS[cell.mark] + captions[0]
    text = cell.text
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}… ({len(text):,} characters)"
    picture, small = "", False
    if cell.picture is not None:
        png = png_of(_reduced(cell.picture))
        picture = "data:image/png;base64," + base64.b64encode(png).decode("ascii")
        small = max(cell.picture.shape[:2]) < _SMALL
    return {
        "picture": picture,
        "small": small,
        "alt": "; ".join(captions) or "a sample",
        "text": text,
        "captions": captions,
        "mark": cell.mark,
    }


def _reduced(picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The picture (H, W, C) with no side above 256 px."""
    import numpy as np
    from PIL import Image

    high, wide, channels = picture.shape
    scale = _LARGEST / max(high, wide)
    if scale >= 1:
        return picture
    size = (max(1, math.floor(wide * scale)), max(1, math.floor(high * scale)))
    image = Image.fromarray(picture[:, :, 0] if channels == 1 else picture)
    return np.asarray(image.resize(size, Image.Resampling.BOX)).reshape(size[1], size[0], channels)
