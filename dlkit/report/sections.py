"""The sections that the report of every supervised run has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from dlkit.report.bars import Bar, bars_figure
from dlkit.report.canvas import Figure, to_svg
from dlkit.report.html import Section, shown
from dlkit.report.learning import Line, Panel, learning_figure
from dlkit.report.matrix import confusion_figure
from dlkit.report.reliability import reliability_figure
from dlkit.report.tables import CONFUSION, Table, most_confused
from dlkit.training.confusion import interval

if TYPE_CHECKING:
    from dlkit.report.sheet import Cell
    from dlkit.training.metrics import Scores

CLASSES: Final = ("class", "precision", "recall", "f1", "samples")
_MOST_CONFUSED: Final = 20  # pairs that are listed
_NAMES: Final = {
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "weighted_f1": "weighted F1",
    "log_loss": "log-loss",
    "roc_auc": "ROC-AUC",
    "ece": "calibration error (ECE)",
}


def scores_table(scores: Scores) -> Table:
    """Each score with its interval of 95 %; those that are undefined have none."""
    document = scores.document()
    names = ["accuracy", *(f"top{k}" for k in scores.top_k), *list(_NAMES)[1:]]
    rows = []
    for name in names:
        low, high = scores.intervals.get(name, (None, None))
        rows.append([_NAMES.get(name, name.replace("top", "top-")), document[name], low, high])
    caption = f"{scores.total:,} samples, {scores.total - scores.correct:,} wrong"
    return Table(("score", "value", "low", "high"), rows, caption)


def classes_table(scores: Scores) -> Table:
    """Precision, recall, F1, area and samples of each class."""
    rows = [
        [each.name, each.precision, each.recall, each.f1, area, each.samples]
        for each, area in zip(scores.per_class, scores.class_auc, strict=True)
    ]
    return Table((*CLASSES[:-1], "roc-auc", CLASSES[-1]), rows)


def scores_figures(scores: Scores, *, name: str) -> dict[str, Figure]:
    """Figures by file name without its ending: confusion, classes, calibration.

    Args:
        scores: what is shown.
        name: of the data.

    """
    bars = []
    for each in scores.per_class:
        if each.recall is None:
            bars.append(Bar(each.name, 0.0, note="no samples"))
            continue
        ends = interval(round(each.recall * each.samples), each.samples)
        bars.append(Bar(each.name, each.recall, *ends, note=f"{each.samples:,} samples"))
    title = f"{name}: what was taken for what"
    figures = {
        "confusion": confusion_figure(scores.confusion, scores.classes, title=title),
        "classes": bars_figure(
            bars,
            title=f"{name}: recall of each class",
            subtitle="whiskers: 95 % intervals (Wilson)",
            percent=True,
        ),
    }
    if scores.ece is not None:
        title = f"{name}: how sure, and how often right"
        figures["calibration"] = reliability_figure(scores.calibration, ece=scores.ece, title=title)
    return figures


def scores_sections(scores: Scores, *, name: str) -> list[Section]:
    """Scores with their intervals and figures; then each class, and what is confused most often."""
    wrong = most_confused(scores.confusion, scores.classes)
    caption = "most often confused"
    if len(wrong) > _MOST_CONFUSED:
        caption += f": the first {_MOST_CONFUSED} of {len(wrong):,} pairs"
    pairs = [Table(CONFUSION, wrong[:_MOST_CONFUSED], caption)] if wrong else []
    text = [
        "Intervals are of 95 %: Wilson's for shares, DeLong's for areas under the ROC curve, of "
        "the bootstrap for the rest. They tell of the chance in these samples, not of that in the "
        "training."
    ]
    figures = [to_svg(figure) for figure in scores_figures(scores, name=name).values()]
    return [
        Section("Scores", text=text, tables=[scores_table(scores)], figures=figures),
        Section("Classes", tables=[classes_table(scores), *pairs]),
    ]


def curves_figure(
    history: Sequence[Mapping[str, Any]], *, name: str, best: int | None = None
) -> Figure:
    """Loss and accuracy of each epoch, of the training and of the validation data.

    Args:
        history: of each epoch its metrics: ``epoch``, ``loss``, ``accuracy``, ``validation_loss``,
            ``validation_accuracy``, of which some may be absent; one epoch or more.
        name: of the data.
        best: the epoch whose weights were kept.

    """
    panels = []
    for metric in ("loss", "accuracy"):
        lines = []
        for key, label in ((metric, "training"), (f"validation_{metric}", "validation")):
            points = [(entry["epoch"], entry[key]) for entry in history if key in entry]
            if points:
                lines.append(Line(label, points))
        if lines:
            panels.append(Panel(metric, lines, percent=metric == "accuracy"))
    subtitle = "" if best is None else f"dashed: epoch {best}, whose weights were kept"
    return learning_figure(panels, title=f"{name}: learning", subtitle=subtitle, marked=best)


def curves_section(
    history: Sequence[Mapping[str, Any]], *, name: str, best: int | None = None
) -> Section:
    """The learning curves, and the last epoch in numbers."""
    figure = curves_figure(history, name=name, best=best)
    last = {key.replace("_", " "): value for key, value in history[-1].items() if key != "epoch"}
    facts = {"last epoch": history[-1]["epoch"], **last}
    return Section("Learning", facts=facts, figures=[to_svg(figure)])


def configuration_section(settings: str) -> Section:
    """The resolved settings as YAML."""
    return Section("Configuration", code=settings)


def data_section(data: Mapping[str, object]) -> Section:
    """What artifact.json tells of the data."""
    return Section("Data", facts={key.replace("_", " "): value for key, value in data.items()})


def environment_section(record: Mapping[str, object]) -> Section:
    """When, where and by which versions: what run.json tells."""
    return Section("Environment", facts=record)


def samples_section(title: str, cells: Sequence[Cell], *, of: int, why: str) -> Section:
    """Samples that someone shall look at.

    Args:
        title: the heading.
        cells: the samples, the most telling first.
        of: how many they were taken from.
        why: how they were chosen.

    """
    return Section(title, text=[f"{shown(len(cells))} of {of:,}: {why}."], samples=cells)
