"""Contact sheets of queries beside the images that are similar to them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dlkit.records import Record, Warned
from dlkit.report.sheet import Cell, Mark, Row
from dlkit.report.sheet_files import MOST_ACROSS, distinct, write

if TYPE_CHECKING:
    from dlkit.cnn.search.asking import Answer
    from dlkit.cnn.search.saved import ImageIndex
    from dlkit.data.samples import Split


def some(split: Split, answers: list[Answer], number: int) -> tuple[Split, list[Answer]]:
    """The first ``number`` queries and their answers, without those beside them in memory."""
    if number >= len(answers):
        return split, answers
    return split.take(np.arange(number)), answers[:number]


def about(index: ImageIndex) -> str:
    """What is searched and how, in a line."""
    model = index.document["model"]
    how = ", whitened" if model["whiten"] else ""
    return (
        f"{len(index):,} images as {index.rows.shape[1]:,} numbers of "
        f"{index.document['features']['artifact']}{how}; similarity is the cosine"
    )


def cell(index: ImageIndex, place: int, captions: tuple[str, ...], mark: Mark = "none") -> Cell:
    """An image of the index: its picture, else its path."""
    picture = index.picture(place)
    return Cell(picture, "" if picture is not None else index.shown(place), captions, mark)


def draw(
    path: Path,
    index: ImageIndex,
    drawn: Sequence[tuple[Split, Sequence[Answer]]],
    *,
    force: bool,
) -> Generator[Record, None, int]:
    """Draw queries beside what is similar; return how many texts the font has gaps in.

    Args:
        path: where to: .svg or .png.
        index: what was searched.
        drawn: queries, each batch with its answers in their order.
        force: replace a file that is there.

    Raises:
        DlkitError: there is nothing to draw, or the file cannot be written.

    """
    names = iter(distinct([each.file for _, answers in drawn for each in answers]))
    if any(len(answer.places) > MOST_ACROSS for _, answers in drawn for answer in answers):
        yield Warned(f"{path}: the most similar {MOST_ACROSS} of each query are drawn")
    rows = []
    for split, answers in drawn:
        for place, answer in enumerate(answers):
            head = Cell(np.asarray(split.images[place]), "", (next(names),))
            near = answer.neighbours(index)[:MOST_ACROSS]
            cells = [
                cell(index, where, _captions(each))
                for where, each in zip(answer.places.tolist(), near, strict=False)
            ]
            rows.append(Row(head, cells))
    heads = ("query", "most similar first, with class and similarity")
    title = f"Most similar in {index.reference}"
    return (
        yield from write(path, rows, heads=heads, title=title, lines=[about(index)], force=force)
    )


def _captions(near: dict[str, object]) -> tuple[str, ...]:
    name = str(near["class"] or near["image"]).rsplit("/", 1)[-1]
    similarity = f"{near['similarity']:.3f}"
    return name, f"{similarity}, equal" if near["copy"] else similarity
