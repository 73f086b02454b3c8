"""Contact sheets of queries and their neighbours."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.artifacts.placing import check_places, placed
from dlkit.errors import NOT_FOUND, USAGE, DlkitError
from dlkit.knn.planes import flat_table, of_search
from dlkit.records import Record, Step, Warned
from dlkit.report.canvas import to_png, to_svg
from dlkit.report.scatter import scatter_figure
from dlkit.report.sheet import Cell, Mark, Row, drawn_sheet

if TYPE_CHECKING:
    from dlkit.data.samples import Split
    from dlkit.knn.answers import Answer
    from dlkit.knn.saved import Knn
    from dlkit.report.canvas import Figure

_FORMATS = (".svg", ".png")
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


def about(knn: Knn) -> str:
    """What is searched and how, in a line."""
    points = knn.points
    return (
        f"{len(points.rows):,} points of {points.rows.shape[1]:,} numbers "
        f"({knn.transform.text}), distance {knn.choice.metric}"
    )


def some(split: Split, answers: list[Answer], number: int) -> tuple[Split, list[Answer]]:
    """The first ``number`` queries and their answers, without those beside them in memory."""
    if number >= len(answers):
        return split, answers
    return split.take(np.arange(number)), answers[:number]


def draw_search(
    path: Path,
    knn: Knn,
    drawn: Sequence[tuple[Split, Sequence[Answer]]],
    *,
    title: str,
    force: bool,
) -> Generator[Record, None, int]:
    """Draw queries beside what lies nearest; return how many texts the font has gaps in.

    Tables of two columns are points in the plane.

    Args:
        path: where to.
        knn: what was searched.
        drawn: queries, each batch with its answers in their order.
        title: of the sheet.
        force: replace a file that is there.

    Raises:
        DlkitError: there is nothing to draw, or the file cannot be written.

    """
    names = distinct([each.file for _, answers in drawn for each in answers])
    if any(len(answer.points) > MOST_ACROSS for _, answers in drawn for answer in answers):
        yield Warned(f"{path}: the nearest {MOST_ACROSS} of each query are drawn")
    if flat_table(knn.form.columns, knn.points.rows):
        plane = yield from of_search(knn, drawn, names, MOST_ACROSS)
        figure = scatter_figure([plane], knn.points.classes, title=title, lines=[about(knn)])
        return write_figure(path, figure, force=force)
    left = iter(names)
    rows = [row for split, answers in drawn for row in _of_search(knn, split, answers, left)]
    heads = ("query", "nearest first, with class and distance")
    return (yield from write(path, rows, heads=heads, title=title, lines=[about(knn)], force=force))


def _of_search(
    knn: Knn, split: Split, answers: Sequence[Answer], names: Iterator[str]
) -> Iterator[Row]:
    """A row for each answer: the query, by its name, and what lies nearest."""
    pictures, texts = knn.pictures(), knn.texts()
    columns = knn.form.columns
    plain = not knn.transform.pipeline.steps and knn.transform.encoder is None
    inputs: Any = texts if pictures is None else pictures
    if columns and plain:
        inputs = knn.points.rows
    for number, answer in enumerate(answers):
        captions = (next(names), *([answer.why] if answer.why else []))
        head = cell(split.inputs, number, captions, where=answer.file, columns=columns)
        cells = []
        for point, distance in zip(
            answer.points[:MOST_ACROSS].tolist(), answer.distances.tolist(), strict=False
        ):
            name = knn.points.classes[knn.points.labels[point]]
            captions = (name, rounded(distance))
            where = knn.shown(point)
            cells.append(cell(inputs, point, captions, where=where, columns=columns))
        yield Row(head, cells)


def cell(
    inputs: Any,
    number: int,
    captions: tuple[str, ...],
    *,
    where: str,
    mark: Mark = "none",
    columns: Sequence[str] = (),
) -> Cell:
    """One input as a cell: the picture, the text, the values, or where none is there the name.

    Args:
        inputs: images (N, H, W, C), texts, rows of a table, or None.
        number: the place of the input.
        captions: lines under it.
        where: its name.
        mark: whether it is right.
        columns: the names of a table's columns.

    """
    if isinstance(inputs, list):
        return Cell(None, inputs[number], captions, mark)
    if inputs is not None and inputs.ndim == 4:
        return Cell(inputs[number], "", captions, mark)
    if inputs is not None and columns:
        values = zip(columns, inputs[number, : len(columns)].tolist(), strict=True)
        told = "\n".join(f"{name} {rounded(value)}" for name, value in values)
        name = where.rsplit("/", 1)[-1]
        return Cell(None, told, captions if name in captions else (*captions, name), mark)
    return Cell(None, where, captions, mark)


def rounded(value: float) -> str:
    """A number with three significant digits, or all before the point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


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
