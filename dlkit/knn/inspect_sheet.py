"""The sheet of ``dlkit knn inspect``: queries beside the neighbours that voted."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.artifacts.reports import write_report
from dlkit.knn import sheets
from dlkit.knn.planes import of_inspection
from dlkit.records import Record, Warned
from dlkit.report.canvas import to_svg
from dlkit.report.scatter import scatter_figure
from dlkit.report.sheet import Row
from dlkit.report.sheet_files import MOST_ACROSS, render, write, write_figure

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.data.samples import Samples
    from dlkit.knn.inspect import Inspection


def draw(
    found: Inspection, number: int, place: Path | tuple[str, str], *, force: bool
) -> Generator[Record, None, Path]:
    """Draw ``number`` queries beside their neighbours; return where.

    Args:
        found: what was found.
        number: how many queries, half of them wrong ones.
        place: a file, or task and name of which a new report is made.
        force: replace a file that is there.

    Raises:
        DlkitError: the file cannot be written.

    """
    samples, choice = found.samples, found.choice
    places = examples(found, number)
    heads = ("query", "nearest training samples; ✓ votes for the query's class, ✗ against it")
    title = f"{samples.name}: what lies nearest, and votes"
    right = ", ".join(f"{seen.accuracy:.1%} by {seen.features}" for seen in found.seen)
    lines = [
        f"k {choice.k}, {choice.metric}, votes {choice.weights}; of {len(samples.test):,} test "
        f"samples are right: {right}",
        *found.sentences(),
    ]
    if "background" in samples.test.attributes:
        lines.append("on bar's: on the background that a bar has in training")
    if choice.k > MOST_ACROSS:
        yield Warned(f"the nearest {MOST_ACROSS} of {choice.k:,} neighbours are drawn")
    if all(seen.rows is not None for seen in found.seen):
        lines.append("test samples are the dots with a dark rim, lines lead to their neighbours")
        planes = of_inspection(found, places)
        figure = scatter_figure(planes, samples.classes, title=title, lines=lines)
        if isinstance(place, Path):
            yield from _told(place, write_figure(place, figure, force=force))
            return place
        return _report(place, to_svg(figure))
    made = rows(found, places)
    if isinstance(place, Path):
        lacking = yield from write(place, made, heads=heads, title=title, lines=lines, force=force)
        yield from _told(place, lacking)
        return place
    content, _ = yield from render(made, ".svg", heads=heads, title=title, lines=lines)
    return _report(place, content)


def _told(place: Path, lacking: int) -> Iterator[Record]:
    if lacking:
        yield Warned(f"{place}: the font lacks characters of {lacking:,} texts; use .svg")


def _report(place: tuple[str, str], content: bytes) -> Path:
    return write_report(*place, "inspect", {"neighbours.svg": content}) / "neighbours.svg"


def examples(found: Inspection, number: int) -> list[int]:
    """Places of ``number`` queries: half that the first features got wrong, half right.

    Where there are too few of one kind the other fills up; each kind at even distances.
    """
    right = found.seen[0].winners == found.samples.test.labels
    wrong, good = np.flatnonzero(~right), np.flatnonzero(right)
    number = min(number, len(right))
    some = min(len(wrong), max(number - len(good), (number + 1) // 2))
    chosen = [
        kind[np.linspace(0, len(kind) - 1, many).round().astype(np.int64)].tolist()
        for kind, many in ((wrong, some), (good, number - some))
        if many
    ]
    return [place for kind in chosen for place in kind]


def rows(found: Inspection, places: Sequence[int]) -> list[Row]:
    """Rows of a sheet: each query, by each kind of features, beside its neighbours."""
    samples, made = found.samples, []
    train, test, columns = samples.train, samples.test, samples.columns
    for place in places:
        truth = int(test.labels[place])
        for seen in found.seen:
            winner = int(seen.winners[place])
            told = [samples.classes[truth], *_attributes(samples, test.attributes, place)]
            told.append(f"by {seen.features}:")
            told.append(f"{'✓' if winner == truth else '✗'} {samples.classes[winner]}")
            where = test.paths[place]
            head = sheets.cell(test.inputs, place, tuple(told), where=where, columns=columns)
            cells = []
            for point, distance in zip(
                seen.points[place].tolist(), seen.distances[place].tolist(), strict=True
            ):
                label = int(train.labels[point])
                captions = (
                    samples.classes[label],
                    *_attributes(samples, train.attributes, point),
                    f"distance {sheets.rounded(distance)}",
                )
                mark: Any = "right" if label == truth else "wrong"
                where = train.paths[point]
                cells.append(
                    sheets.cell(
                        train.inputs, point, captions, where=where, mark=mark, columns=columns
                    )
                )
            made.append(Row(head, cells))
    return made


def _attributes(
    samples: Samples, attributes: Mapping[str, npt.NDArray[np.int64]], place: int
) -> list[str]:
    """Further facts about a sample: a background is told by the class whose colour it is."""
    return [
        f"on {samples.classes[values[place]]}'s" if name == "background" else f"{name} {value}"
        for name, values in attributes.items()
        for value in [values[place]]
    ]
