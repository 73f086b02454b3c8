"""Contact sheets of queries and their neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlkit.artifacts.placing import check_places, placed
from dlkit.errors import NOT_FOUND, USAGE, DlkitError
from dlkit.report.sheet import Cell, Mark, Row, draw_sheet, paint_sheet

if TYPE_CHECKING:
    from dlkit.data.samples import Split
    from dlkit.knn.answers import Answer
    from dlkit.knn.saved import Knn

_FORMATS = (".svg", ".png")


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
) -> tuple[bytes, int]:
    """A sheet as a file of the format ``suffix``, and how many texts it shows with gaps."""
    if suffix == ".png":
        return paint_sheet(rows, heads=heads, title=title, lines=lines)
    return draw_sheet(rows, heads=heads, title=title, lines=lines), 0


def write(
    path: Path,
    rows: Sequence[Row],
    *,
    heads: tuple[str, str],
    title: str,
    lines: Sequence[str],
    force: bool,
) -> int:
    """Draw ``rows`` into the file ``path``; return how many texts the font has gaps in.

    Raises:
        DlkitError: there is nothing to draw, or the file cannot be written.

    """
    if not rows:
        raise DlkitError(f"{path}: there is nothing to draw", code=NOT_FOUND)
    content, lacking = render(rows, path.suffix.lower(), heads=heads, title=title, lines=lines)
    with placed([path], force=force) as (stream,):
        stream.write(content)
    return lacking


def about(knn: Knn) -> str:
    """What is searched and how, in a line."""
    points = knn.points
    return (
        f"{len(points.rows):,} points of {points.rows.shape[1]:,} numbers "
        f"({knn.transform.text}), distance {knn.choice.metric}"
    )


def of_search(knn: Knn, split: Split, answers: Sequence[Answer]) -> Iterator[Row]:
    """A row for each answer: the query, and what lies nearest.

    Args:
        knn: what was searched.
        split: the queries; the first of them are those of ``answers``.
        answers: in the order of the queries.

    """
    pictures, texts = knn.pictures(), knn.texts()
    for number, answer in enumerate(answers):
        head = cell(split.inputs, number, (_short(answer.file),), where=answer.file)
        cells = []
        for point, distance in zip(answer.points.tolist(), answer.distances.tolist(), strict=True):
            name = knn.points.classes[knn.points.labels[point]]
            captions = (name, f"{distance:,.4g}")
            inputs: Any = texts if pictures is None else pictures
            cells.append(cell(inputs, point, captions, where=knn.paths[point]))
        yield Row(head, cells)


def cell(
    inputs: Any, number: int, captions: tuple[str, ...], *, where: str, mark: Mark = "none"
) -> Cell:
    """One input as a cell: the picture, the text, or where neither is there the name.

    Args:
        inputs: images (N, H, W, C), texts, rows of a table, or None.
        number: the place of the input.
        captions: lines under it.
        where: its name.
        mark: whether it is right.

    """
    if isinstance(inputs, list):
        return Cell(None, inputs[number], captions, mark)
    if inputs is not None and inputs.ndim == 4:
        return Cell(inputs[number], "", captions, mark)
    return Cell(None, where, captions, mark)


def _short(file: str) -> str:
    """The last part of a path."""
    return file.rstrip("/").rsplit("/", 1)[-1] or file
