"""Contact sheets and figures as files that a user names, and the names of what is on them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dlkit.artifacts.placing import check_places, placed
from dlkit.errors import NOT_FOUND, USAGE, DlkitError
from dlkit.records import Record, Step
from dlkit.report.canvas import to_png, to_svg
from dlkit.report.sheet import Row, drawn_sheet

if TYPE_CHECKING:
    from dlkit.report.canvas import Figure

_FORMATS: Final = (".svg", ".png")
MOST_ACROSS: Final = 50  # neighbours in a row


def place(out: str, *, force: bool) -> Path:
    """Where a sheet goes, checked before the work.

    Raises:
        DlkitError: neither .svg nor .png; the file is there already, or cannot be written.

    """
    path = Path(out).expanduser()
    if path.suffix.lower() not in _FORMATS:
        raise DlkitError(f"--out {out}: neither .svg nor .png", hint="--out sheet.svg", code=USAGE)
    check_places([path], force=force)
    return path


def render(
    rows: Sequence[Row], suffix: str, *, heads: tuple[str, str], title: str, lines: Sequence[str]
) -> Generator[Record, None, tuple[bytes, int]]:
    """A sheet as a file of the format ``suffix``, and how many texts it shows with gaps."""
    going = drawn_sheet(rows, png=suffix == ".png", heads=heads, title=title, lines=lines)
    begun = time.monotonic()
    yield Step("drawing", 0, len(rows), "rows", 0)
    while True:
        try:
            done = next(going)
        except StopIteration as end:
            made: tuple[bytes, int] = end.value
            return made
        rate = done / max(time.monotonic() - begun, 1e-9)
        yield Step("drawing", done, len(rows), "rows", rate)


def write(
    path: Path,
    rows: Sequence[Row],
    *,
    heads: tuple[str, str],
    title: str,
    lines: Sequence[str],
    force: bool,
) -> Generator[Record, None, int]:
    """Draw ``rows`` into the file ``path``; return how many texts the font has gaps in.

    Raises:
        DlkitError: there is nothing to draw, or the file cannot be written.

    """
    if not rows:
        raise DlkitError(f"{path}: there is nothing to draw", code=NOT_FOUND)
    content, lacking = yield from render(
        rows, path.suffix.lower(), heads=heads, title=title, lines=lines
    )
    _save(path, content, force=force)
    return lacking


def write_figure(path: Path, figure: Figure, *, force: bool) -> int:
    """Draw a figure into the file ``path``; return how many texts the font has gaps in.

    Raises:
        DlkitError: the file cannot be written.

    """
    png = path.suffix.lower() == ".png"
    content, lacking = to_png(figure) if png else (to_svg(figure), 0)
    _save(path, content, force=force)
    return lacking


def _save(path: Path, content: bytes, *, force: bool) -> None:
    with placed([path], force=force) as (stream,):
        stream.write(content)


def distinct(files: Sequence[str]) -> list[str]:
    """The last parts of paths, as many of each as tell it from the others."""
    parts = [file.rstrip("/").split("/") for file in files]
    most = max((len(each) for each in parts), default=1)
    names = [each[-1] or file for each, file in zip(parts, files, strict=True)]
    for number in range(2, most + 1):
        often = Counter(names)
        if max(often.values()) == 1:
            break
        names = [
            "/".join(each[-number:]) if often[name] > 1 else name
            for name, each in zip(names, parts, strict=True)
        ]
    return names
