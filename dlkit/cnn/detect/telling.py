"""What ``inspect`` tells of a detector: tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from dlkit.cnn.detect.showing import cells, confused, curves_figure, judged_figures, worst
from dlkit.report import sections
from dlkit.report.bars import Bar, bars_figure
from dlkit.report.canvas import Figure, to_files, to_svg
from dlkit.report.html import Section, render
from dlkit.report.learning import Line, Panel, learning_figure
from dlkit.report.spark import sparkline
from dlkit.report.tables import CONFUSION, Table

if TYPE_CHECKING:
    from dlkit.artifacts.writing import Content
    from dlkit.cnn.detect.evaluate import Judged
    from dlkit.cnn.detect.inspect import Level, Part, ScoreBin, SizeBin
    from dlkit.cnn.detect.saved import SavedDetector

NAMES: Final = ("levels", "parts", "scores", "sizes", "confused", "learning")
_LEVELS = ("level", "channels", "map", "stride", "anchors", "smallest", "largest", "boxes")
_SAMPLES: Final = 12


def levels_table(levels: Sequence[Level]) -> Table:
    """Each level of the pyramid."""
    rows = [
        [each.name, each.channels, f"{each.width}x{each.height}", round(each.stride, 2),
         each.anchors, each.smallest, each.largest, each.boxes]
        for each in levels
    ]  # fmt: skip
    caption = "levels: maps, anchors at each place and their sides in pixels, boxes they are for"
    return Table(_LEVELS, rows, caption)


def parts_table(parts: Sequence[Part]) -> Table:
    """The parameters of each part."""
    caption = f"{sum(each.parameters for each in parts):,} parameters"
    return Table(("part", "parameters", "share"), [list(each) for each in parts], caption)


def scores_table(bins: Sequence[ScoreBin]) -> Table:
    """Right and wrong detections by score."""
    rows = [
        [each.low, each.high, each.right, each.wrong,
         each.right / (each.right + each.wrong) if each.right + each.wrong else None]
        for each in bins
    ]  # fmt: skip
    caption = "detections by score: overlapping an object of their class by 0.50, or not"
    return Table(("from", "to", "right", "wrong", "share"), rows, caption)


def sizes_table(bins: Sequence[SizeBin], threshold: float) -> Table:
    """Objects found by size."""
    rows = [
        [each.low, each.high, each.boxes, each.found,
         each.found / each.boxes if each.boxes else None]
        for each in bins
    ]  # fmt: skip
    caption = f"objects by size (root of the area, pixels), found at a score of {threshold:.3g}"
    return Table(("from", "to", "boxes", "found", "share"), rows, caption)


def confused_table(judged: Judged) -> Table:
    """What is taken for what."""
    return Table(CONFUSION, confused(judged), "most often confused")


def learning_table(detector: SavedDetector) -> Table:
    """How the metrics went."""
    history, rows = detector.history(), []
    for name in ("loss", "validation_map", "validation_map50"):
        values = [float(entry[name]) for entry in history if name in entry]
        if values:
            rows.append([name.replace("_", " "), values[0], values[-1], sparkline(values)])
    return Table(("metric", "first", "last", "course"), rows, "learning")


def scores_figure(bins: Sequence[ScoreBin], *, name: str) -> Figure:
    """Right and wrong detections by score."""
    lines = [
        Line(word, [((each.low + each.high) / 2, float(getattr(each, word)) or 0.5)
                    for each in bins])
        for word in ("right", "wrong")
    ]  # fmt: skip
    return learning_figure(
        [Panel("detections", lines, logarithmic=True)], title=f"{name}: how sure, and how right",
        x="score", subtitle="right: an object of that class overlaps by 0.50",
    )  # fmt: skip


def sizes_figure(bins: Sequence[SizeBin], *, name: str, threshold: float) -> Figure:
    """Share of the objects that is found, by size."""
    bars = [
        Bar(f"{each.low:g} to {each.high:g} px", each.found / each.boxes,
            note=f"{each.found:,} of {each.boxes:,}")
        for each in bins if each.boxes
    ]  # fmt: skip
    return bars_figure(
        bars, title=f"{name}: objects found, by size",
        subtitle=f"side: root of the area; score {threshold:.3g} or more", percent=True,
    )  # fmt: skip


def report_files(
    detector: SavedDetector,
    judged: Judged,
    tables: dict[str, Table],
    scores: Sequence[ScoreBin],
    sizes: Sequence[SizeBin],
    *,
    threshold: float,
    png: bool,
) -> tuple[dict[str, Content], int]:
    """report.html and the figures of an inspection, and how many texts a PNG shows with gaps."""
    name, scored = judged.name, detector.document["scores"]
    best = scored.get("best_epoch") if "validation_map" in scored else None
    figures = {
        "scores": scores_figure(scores, name=name),
        "sizes": sizes_figure(sizes, name=name, threshold=threshold),
        "confusion": judged_figures(judged, name=name)["confusion"],
        "curves": curves_figure(detector.history(), name=detector.reference, best=best),
    }
    parts = [
        Section("Network", tables=[tables["levels"], tables["parts"]]),
        Section("Scores", tables=[tables["scores"]], figures=[to_svg(figures["scores"])]),
        Section("Sizes", tables=[tables["sizes"]], figures=[to_svg(figures["sizes"])]),
        Section("Confused", tables=[tables["confused"]], figures=[to_svg(figures["confusion"])]),
        Section("Learning", figures=[to_svg(figures["curves"])]),
    ]
    places = worst(judged, _SAMPLES) or list(range(min(_SAMPLES, len(judged.split))))
    parts.append(
        sections.samples_section(
            "Images", cells(judged, places, threshold), of=len(judged.split),
            why="those with the most errors; black: what there is, green: found, red: wrong",
        )
    )  # fmt: skip
    page = render(f"{detector.reference} on {name}", parts)
    drawn, lacking = to_files(figures, png=png)
    return {"report.html": page, **drawn}, lacking
