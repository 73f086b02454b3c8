"""What of an index a person looks at: figures and reports of its evaluation and its space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.artifacts.record import describe
from dlkit.cnn.search.inspect import BINS, K
from dlkit.cnn.search.sheets import about, cell
from dlkit.report import sections
from dlkit.report.bars import Bar, bars_figure
from dlkit.report.canvas import Figure, to_files, to_svg
from dlkit.report.html import Section, render
from dlkit.report.learning import Line, Panel, learning_figure
from dlkit.report.sheet import Cell, Row, drawn_sheet
from dlkit.report.tables import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dlkit.artifacts.writing import Content
    from dlkit.cnn.search.evaluate import Evaluated
    from dlkit.cnn.search.inspect import Inspection
    from dlkit.cnn.search.saved import ImageIndex

_WORST: Final = 24  # queries that are drawn
_ACROSS: Final = 10  # images beside each


def measures_table(told: Mapping[str, Mapping[str, Any]]) -> Table:
    """The measures, a row each, by what was ranked by, a column each."""
    names = list(told)
    rows = [(each, *(told[name][each] for name in names)) for each in told[names[0]]]
    return Table(("measure", *names), rows)


def evaluation_files(
    index: ImageIndex, found: Evaluated, *, png: bool = False
) -> tuple[dict[str, Content], int]:
    """report.html, figures and a sheet of the worst queries; how many texts a PNG lacks."""
    name = f"{index.reference} on {found.queries.name}"
    told = {each: measured.document() for each, measured in found.scores.items()}
    figures = {"recall": _recall(found, name)}
    for place, each in enumerate(found.scores):
        by_class = found.per_class(each, index.classes)
        figures["classes" if not place else f"classes-{each}"] = _classes(by_class, each)
    sheet = _worst(index, found)
    text = [
        f"{len(found.queries.labels):,} queries, {found.queries.what}, among {found.points:,} "
        "images; right is an image of the query's class.",
        "mAP is over whole rankings; recall@k is the share of queries with a right image among the "
        "first k; map_low and map_high are its interval of 95 %.",
    ]
    parts = [
        Section("Measures", text=text, tables=[measures_table(told)]),
        *(Section(each.title, figures=[to_svg(each)]) for each in figures.values()),
        Section("Worst queries", text=["The least average precision first."], figures=[sheet]),
        sections.environment_section(describe()),
    ]
    drawn, lacking = to_files(figures, png=png)
    page = render(name, parts, subtitle=about(index))
    return {"report.html": page, "worst.svg": sheet, **drawn}, lacking


def _recall(found: Evaluated, name: str) -> Figure:
    """Share of queries with a right image among the first k, for all k up to 100."""
    most = min(100, found.points)
    lines = [
        Line(each, [(k, measured.recall(k)) for k in range(1, most + 1)])
        for each, measured in found.scores.items()
    ]
    panel = Panel("recall@k", lines, percent=True)
    return learning_figure([panel], title=f"{name}: recall@k", x="k, first images")


def _classes(rows: Sequence[tuple[str, int, float, float]], name: str) -> Figure:
    bars = [
        Bar(label, mean, note=f"{count:,} queries, recall@1 {first:.3f}")
        for label, count, mean, first in sorted(rows, key=lambda row: row[2])
    ]
    return bars_figure(bars, title=f"mAP of each class by {name}", percent=True)


def _worst(index: ImageIndex, found: Evaluated) -> bytes:
    """The queries with the least average precision, beside what was found first for them."""
    from dlkit.neighbours.search import Index

    queries = found.queries
    measured = next(iter(found.scores.values()))
    order = np.argsort(measured.average_precision, kind="stable")[:_WORST]
    places = measured.places[order]
    number = min(len(index), _ACROSS + 1)
    near = Index(index.rows, "cosine").search(queries.rows[places], number).indices
    rows = []
    for place, mean, beside in zip(
        places.tolist(), measured.average_precision[order].tolist(), near.tolist(), strict=True
    ):
        label, digest = int(queries.labels[place]), queries.digests[place]
        head = _head(index, found, place, (index.classes[label], f"AP {mean:.3f}"))
        cells = [
            cell(
                index, each, (_class_of(index, each),),
                "right" if index.labels[each] == label else "wrong",
            )
            for each in beside
            if index.digests[each] != digest
        ]  # fmt: skip
        rows.append(Row(head, cells[:_ACROSS]))
    heads = ("query", "most similar first; ✓ of the query's class, ✗ of another")
    going = drawn_sheet(
        rows, png=False, heads=heads, title=f"Worst queries of {index.reference}",
        lines=[about(index)],
    )  # fmt: skip
    while True:
        try:
            next(going)
        except StopIteration as end:
            content: bytes = end.value[0]
            return content


def _class_of(index: ImageIndex, place: int) -> str:
    label = int(index.labels[place])
    return index.classes[label] if label >= 0 else ""


def _head(index: ImageIndex, found: Evaluated, place: int, captions: tuple[str, ...]) -> Cell:
    queries = found.queries
    if queries.images is not None:
        return Cell(np.asarray(queries.images[place]), "", captions)
    assert queries.places is not None
    return cell(index, int(queries.places[place]), captions)


def inspection_figures(found: Inspection) -> dict[str, Figure]:
    """The spectrum, how often images are found, and the cosines of pairs."""
    name = found.index.reference
    spectrum = [
        Line(
            each.name,
            [(place, value) for place, value in enumerate(_shares(each.variances), 1) if value > 0],
        )
        for each in found.spaces
    ]
    times = []
    for each in found.spaces:
        counts = np.bincount(each.times)
        points = [(place, count) for place, count in enumerate(counts.tolist()) if count]
        times.append(Line(each.name, points, dots=True, joined=False))
    middles = (np.arange(BINS) + 0.5) * 2 / BINS - 1
    figures = {
        "spectrum": learning_figure(
            [Panel("share of the variance", spectrum, logarithmic=True)],
            title=f"{name}: how much of the space is used", x="principal axis",
        ),
        "hubs": learning_figure(
            [Panel("images", times, logarithmic=True)],
            title=f"{name}: hubs", x=f"times among the {K} nearest of another image",
        ),
    }  # fmt: skip
    for number, each in enumerate(found.spaces):
        lines = [
            Line(label, list(zip(middles.tolist(), _portions(counts), strict=True)))
            for label, counts in (("one class", each.same), ("others", each.other))
            if counts.sum()
        ]
        figures["cosines" if not number else f"cosines-{number + 1}"] = learning_figure(
            [Panel("share of the pairs", lines, percent=True)],
            title=f"{name}, {each.name}: cosines of pairs", x="cosine",
        )  # fmt: skip
    return figures


def _shares(values: Any) -> list[float]:
    total = float(values.sum())
    return (values / total).tolist() if total else [0.0] * len(values)


def _portions(counts: Any) -> list[float]:
    portions: list[float] = (counts / counts.sum()).tolist()
    return portions
