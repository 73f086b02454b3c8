"""What of a detector a person looks at: tables, figures, the report, the model card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.artifacts.record import describe
from dlkit.cnn.detect.boxes import placement
from dlkit.cnn.detect.drawing import outlined
from dlkit.cnn.detect.matching import match
from dlkit.report import sections
from dlkit.report.bars import Bar, bars_figure
from dlkit.report.canvas import Figure, to_files, to_svg
from dlkit.report.card import render_card
from dlkit.report.html import Section, render
from dlkit.report.learning import Line, Panel, learning_figure
from dlkit.report.matrix import confusion_figure
from dlkit.report.sheet import Cell
from dlkit.report.tables import CONFUSION, Table, most_confused

if TYPE_CHECKING:
    from dlkit.artifacts.writing import Content
    from dlkit.cnn.detect.config import DetectConfig
    from dlkit.cnn.detect.evaluate import Judged
    from dlkit.cnn.detect.saved import SavedDetector
    from dlkit.cnn.detect.scoring import Scores

CLASSES: Final = ("class", "AP", "AP50", "boxes")
WORST: Final = ("file", "missed", "invented", "other class", "boxes")
NOTHING: Final = "(nothing)"  # what is not found is taken for, and what is found where nothing is
_SAMPLES: Final = 12
_CURVES: Final = 8  # classes whose curves have room
_TRUE, _RIGHT, _WRONG = "#111111", "#0a7350", "#d0340c"


def scores_table(scores: Scores) -> Table:
    """The scores by name."""
    rows: list[list[object]] = [
        ["mAP", scores.map],
        ["mAP50", scores.map50],
        ["mAP75", scores.map75],
        ["mAP small", scores.small],
        ["mAP medium", scores.medium],
        ["mAP large", scores.large],
        ["average recall", scores.recall],
        ["threshold", scores.threshold],
        ["precision", scores.precision],
        ["recall", scores.found],
        ["F1", scores.f1],
    ]
    caption = f"{scores.images:,} images, {scores.boxes:,} boxes"
    return Table(("score", "value"), [row for row in rows if row[1] is not None], caption)


def classes_table(scores: Scores) -> Table:
    """Average precision of each class."""
    rows = [[each.name, each.average, each.average50, each.boxes] for each in scores.classes]
    return Table(CLASSES, rows, "classes")


def confused(judged: Judged) -> list[tuple[str, str, int]]:
    """Class, what it was taken for, how many: most often first; among them nothing at all."""
    return most_confused(judged.errors.confusion, (*judged.classes, NOTHING))


def worst(judged: Judged, most: int) -> list[int]:
    """The places of the images with the most errors, of equal ones those with fewer boxes."""
    wrong = judged.errors.wrong
    counts = np.array([len(each) for each in judged.split.objects])
    order = np.lexsort((np.arange(len(wrong)), counts, -wrong))
    return [int(place) for place in order[:most] if wrong[place]]


def worst_rows(judged: Judged, most: int) -> list[list[object]]:
    """File, missed, invented, other class, boxes of the worst images."""
    found = judged.errors
    return [
        [judged.split.paths[place], int(found.missed[place]), int(found.invented[place]),
         int(found.swapped[place]), len(judged.split.objects[place])]
        for place in worst(judged, most)
    ]  # fmt: skip


def cells(judged: Judged, places: Sequence[int], threshold: float) -> list[Cell]:
    """Images with the boxes that there are (black) and those that were found (by class right)."""
    made = []
    for place in places:
        split = judged.split
        objects, found = split.objects[place], judged.found[place].above(threshold)
        shift = placement(split.sizes[place], split.size)
        groups = [(shift.into(objects.boxes), _TRUE)]
        right = match(found, objects).of >= 0
        groups += [
            (shift.into(found.boxes[of]), colour)
            for of, colour in ((right, _RIGHT), (~right, _WRONG))
        ]
        errors = judged.errors
        told = [
            f"{int(number[place])} {word}"
            for number, word in ((errors.missed, "missed"), (errors.invented, "invented"),
                                 (errors.swapped, "of another class"))
            if number[place]
        ]  # fmt: skip
        names = Counter(judged.classes[label] for label in found.labels.tolist())
        said = ", ".join(f"{count} {name}" for name, count in names.most_common(3)) or "nothing"
        captions = (", ".join(told) or "right", f"found: {said}", split.paths[place])
        mark: Any = "wrong" if told else "right"
        made.append(Cell(outlined(split.images[place], groups), "", captions, mark))
    return made


def curves_figure(history: Sequence[Mapping[str, Any]], *, name: str, best: int | None) -> Figure:
    """Loss and mAP of each epoch."""
    epochs = [entry["epoch"] for entry in history]
    panels = [Panel("loss", [Line("training", [(e, h["loss"]) for e, h in
                                               zip(epochs, history, strict=True)])])]  # fmt: skip
    lines = [
        Line(label, [(h["epoch"], h[key]) for h in history if key in h])
        for key, label in (("validation_map50", "mAP50"), ("validation_map", "mAP"))
    ]
    if lines[0].points:
        panels.append(Panel("validation mAP", lines, percent=True))
    subtitle = "" if best is None else f"dashed: epoch {best}, whose weights were kept"
    return learning_figure(panels, title=f"{name}: learning", subtitle=subtitle, marked=best)


def judged_figures(judged: Judged, *, name: str) -> dict[str, Figure]:
    """Precision by recall, average precision of each class, what is taken for what."""
    scores = judged.scores
    recall = np.linspace(0, 1, 101)
    there = [each for each in scores.classes if each.boxes]
    mean = np.mean([each.curve for each in there], axis=0)
    lines = [Line("all classes", list(zip(recall.tolist(), mean.tolist(), strict=True)))]
    low = sorted(there, key=lambda each: each.average50 or 0.0)[: _CURVES - 1]
    if len(there) > 1:
        lines += [Line(each.name, list(zip(recall.tolist(), each.curve.tolist(), strict=True)))
                  for each in low]  # fmt: skip
    told = "overlap 0.50" + (f"; the {len(low)} worst of {len(there)} classes"
                             if 1 < len(there) > len(low) else "")  # fmt: skip
    return {
        "precision-recall": learning_figure(
            [Panel("precision", lines, percent=True)], title=f"{name}: precision by recall",
            x="recall", subtitle=told,
        ),
        "classes": bars_figure(
            [Bar(each.name, each.average50 or 0.0, note=f"{each.boxes:,} boxes") for each in there],
            title=f"{name}: average precision of each class (AP50)", percent=True,
        ),
        "confusion": confusion_figure(
            judged.errors.confusion, (*judged.classes, NOTHING),
            title=f"{name}: what was taken for what",
        ),
    }  # fmt: skip


def judged_sections(judged: Judged, *, name: str, threshold: float, keep: bool) -> list[Section]:
    """The scores with figures; then each class, and images that someone shall look at."""
    figures = [to_svg(each) for each in judged_figures(judged, name=name).values()]
    text = [
        "mAP is the mean of the average precision over classes and over overlaps (intersection "
        "over union) of 0.50 to 0.95, as COCO counts it; mAP50 is that at 0.50. Precision, recall "
        f"and F1 are those at an overlap of 0.50. Errors are told at a score of {threshold:.3g}."
    ]
    pairs = confused(judged)[:20]
    tables = [classes_table(judged.scores)]
    if pairs:
        tables.append(Table(CONFUSION, pairs, "most often confused"))
    found = [
        Section("Scores", text=text, tables=[scores_table(judged.scores)], figures=figures),
        Section("Classes", tables=tables),
    ]
    if keep and (places := worst(judged, _SAMPLES)):
        found.append(
            sections.samples_section(
                "Worst images", cells(judged, places, threshold), of=len(judged.split),
                why="those with the most errors; black: what there is, green: found, red: wrong",
            )
        )  # fmt: skip
    return found


def files(
    config: DetectConfig,
    document: dict[str, Any],
    history: list[dict[str, Any]],
    settings: str,
    judged: Judged | None,
) -> dict[str, Content]:
    """figures/*.svg, report.html and README.md of a training.

    Args:
        config: the settled settings.
        document: artifact.json.
        history: of each epoch its metrics.
        settings: config.yaml.
        judged: what the network is worth on validation images; None: there are none.

    """
    name = document["data"]["name"]
    best = document["scores"].get("best_epoch") if judged is not None else None
    figures = {"curves": curves_figure(history, name=name, best=best)}
    parts = [
        Section("Result", facts={key.replace("_", " "): each
                                 for key, each in document["scores"].items()}),
        Section("Learning", figures=[to_svg(figures["curves"])]),
    ]  # fmt: skip
    if judged is not None:
        title = f"{name}, validation"
        figures |= judged_figures(judged, name=title)
        parts += judged_sections(
            judged, name=title, threshold=document["threshold"], keep=config.keep
        )
    parts += [
        sections.data_section(document["data"]),
        sections.configuration_section(settings),
        sections.environment_section(describe()),
    ]
    told: dict[str, Content] = {
        f"figures/{title}.svg": to_svg(each) for title, each in figures.items()
    }
    told["report.html"] = render(f"dlkit cnn detect: {name}", parts, subtitle=_what(config))
    told["README.md"] = card(config, document, judged)
    return told


def _what(config: DetectConfig) -> str:
    return f"a {config.model} detector"


def card(config: DetectConfig, document: Mapping[str, Any], judged: Judged | None) -> bytes:
    """README.md of a trained detector."""
    data, training = document["data"], config.training
    height, width = document["model"]["size"][:2]
    facts: dict[str, object] = {
        "network": config.model,
        "classes": document["classes"],
        "parameters": document["parameters"],
        "images": f"made {width}x{height} pixels, their shape kept",
        "augmentation": config.augment,
        "optimizer": f"{training.optimizer}, {training.schedule}, lr {training.first_lr:g}",
        "epochs": training.epochs,
        "training images": data["samples"]["learnt"],
        "validation images": data["samples"]["validated"],
        "threshold": document["threshold"],
        "seed": document["seed"],
    }
    if config.pretrained:
        facts["pretrained"] = config.pretrained
    return render_card(
        f"Detector of {data['name']}",
        summary=f"A network ({config.model}) that finds things in images, trained with dlkit.",
        facts=facts,
        scores=None if judged is None else scores_table(judged.scores),
        judged=f"{data['samples']['validated']:,} validation images of {data['name']}, by which "
        "the best epoch and the threshold were chosen",
        commands=[
            "dlkit cnn detect FILE --from PATH_OF_THIS_FOLDER",
            "dlkit cnn detect eval --from PATH_OF_THIS_FOLDER",
        ],
        limits=[
            "It knows the classes of its training data and sees no others.",
            "Things much smaller or larger than those in the training images are likely missed.",
        ],
        intervals=False,
    )


def evaluation_files(
    detector: SavedDetector, judged: Judged, *, threshold: float, png: bool, keep: bool = True
) -> tuple[dict[str, Content], int]:
    """report.html and the figures of an evaluation, and how many texts a PNG shows with gaps."""
    parts = judged_sections(judged, name=judged.name, threshold=threshold, keep=keep)
    parts.append(sections.environment_section(describe()))
    page = render(f"{detector.reference} on {judged.name}", parts)
    drawn, lacking = to_files(judged_figures(judged, name=judged.name), png=png)
    return {"report.html": page, **drawn}, lacking
