"""Contact sheets of queries and their neighbours."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.knn.planes import flat_table, of_search
from dlkit.records import Record, Warned
from dlkit.report.scatter import scatter_figure
from dlkit.report.sheet import Cell, Mark, Row
from dlkit.report.sheet_files import MOST_ACROSS, distinct, write, write_figure

if TYPE_CHECKING:
    from dlkit.data.samples import Split
    from dlkit.knn.answers import Answer
    from dlkit.knn.saved import Knn


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
