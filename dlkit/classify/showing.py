"""What of a training a person looks at: figures, the report, the model card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit.artifacts.record import describe
from dlkit.classify.asking import unsure_of, worst_of
from dlkit.report import sections
from dlkit.report.canvas import Figure, to_files, to_svg
from dlkit.report.card import render_card
from dlkit.report.html import Section, render
from dlkit.report.learning import Line, Panel, learning_figure
from dlkit.report.sheet import Cell

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.artifacts.writing import Content
    from dlkit.classify.config import ClassifyConfig
    from dlkit.classify.evaluate import Judged
    from dlkit.classify.fitting import Trained
    from dlkit.classify.prepare import Prepared
    from dlkit.classify.saved import Classifier
    from dlkit.data.samples import Split
    from dlkit.training.metrics import Scores

_SAMPLES: Final = 24  # of the worst, and of the most uncertain


class Shown(NamedTuple):
    """What is shown.

    Attributes:
        config: the settings.
        ready: the data.
        trained: the network and how it was trained.
        document: artifact.json.
        settings: config.yaml.
        scores: on the validation samples; None: there are none.
        values: (N, C) their probabilities, or scores of a hinge loss.

    """

    config: ClassifyConfig
    ready: Prepared
    trained: Trained
    document: dict[str, Any]
    settings: str
    scores: Scores | None
    values: npt.NDArray[np.float64] | None


def files(shown: Shown) -> dict[str, Content]:
    """figures/*.svg, report.html and README.md."""
    name = shown.ready.samples.name
    figures: dict[str, Figure] = {"curves": _curves(shown)}
    if shown.scores is not None:
        figures |= sections.scores_figures(shown.scores, name=name)
    told: dict[str, Content] = {
        f"figures/{title}.svg": to_svg(figure) for title, figure in figures.items()
    }
    told["report.html"] = _report(shown)
    told["README.md"] = _card(shown)
    return told


def cells(
    samples: Split,
    values: npt.NDArray[np.float64],
    classes: Sequence[str],
    places: npt.NDArray[np.int64],
) -> list[Cell]:
    """Samples as pictures or texts, with their class and what the network took them for."""
    made = []
    for place in places.tolist():
        inputs = samples.inputs
        picture, text = None, samples.paths[place]
        if isinstance(inputs, list):
            text = inputs[place]
        elif inputs.ndim == 4:
            picture = np.asarray(inputs[place])
        truth, guess = int(samples.labels[place]), int(values[place].argmax())
        captions = (
            f"{classes[guess]}  {values[place, guess]:.3g}",
            *([] if truth in (guess, -1) else [f"is {classes[truth]}  {values[place, truth]:.3g}"]),
            samples.paths[place],
        )
        made.append(Cell(picture, text, captions, "right" if truth == guess else "wrong"))
    return made


def curves(history: Sequence[dict[str, Any]], *, name: str, best: int | None) -> Figure:
    """The course of a training: of L-BFGS the objective, else loss and accuracy.

    Args:
        history: what metrics.jsonl holds.
        name: of the data.
        best: the epoch whose weights were kept; None: the last one's.

    """
    if "iteration" not in history[0]:
        return sections.curves_figure(history, name=name, best=best)
    points = [(entry["iteration"], entry["objective"]) for entry in history]
    panel = Panel("objective", [Line("training", points)], logarithmic=True)
    return learning_figure(
        [panel],
        x="pass of dual ascent" if "gap" in history[0] else "iteration of L-BFGS",
        title=f"{name}: learning",
    )


def _curves(shown: Shown) -> Figure:
    best = shown.trained.facts.get("best_epoch") if shown.ready.validation is not None else None
    return curves(shown.trained.history, name=shown.ready.samples.name, best=best)


def evaluation_files(
    classifier: Classifier, judged: Judged, *, png: bool = False
) -> tuple[dict[str, Content], int]:
    """report.html and the figures of an evaluation, and how many texts a PNG shows with gaps."""
    name = judged.samples.name
    figures = sections.scores_figures(judged.scores, name=name)
    parts = sections.scores_sections(judged.scores, name=name)
    parts += _telling(judged.samples.test, judged.values, classifier.classes, classifier.loss)
    parts.append(sections.data_section(plain(judged.samples.document())))
    parts.append(sections.environment_section(describe()))
    page = render(f"{classifier.reference} on {name}", parts)
    drawn, lacking = to_files(figures, png=png)
    return {"report.html": page, **drawn}, lacking


def _report(shown: Shown) -> bytes:
    name = shown.ready.samples.name
    curves = _curves(shown)
    last = {key.replace("_", " "): value for key, value in shown.trained.history[-1].items()}
    parts = [Section("Result", facts=_told(shown.document["scores"]))]
    parts.append(Section("Learning", facts={"last": last}, figures=[to_svg(curves)]))
    if shown.scores is not None and shown.values is not None:
        parts += sections.scores_sections(shown.scores, name=f"{name}, validation samples")
        if shown.config.keep:
            part = shown.ready.validation
            assert part is not None
            classes = shown.ready.samples.classes
            parts += _telling(part.samples, shown.values, classes, shown.config.loss)
    parts.append(sections.data_section(plain(shown.document["data"])))
    parts.append(sections.configuration_section(shown.settings))
    parts.append(sections.environment_section(describe()))
    return render(f"dlkit classify: {name}", parts, subtitle=_what(shown))


def _telling(
    samples: Split, values: npt.NDArray[np.float64], classes: Sequence[str], loss: Any
) -> list[Section]:
    """The samples with the largest loss, and those of which the network was least sure."""
    least = "the largest entropy" if loss == "softmax" else "the two highest scores the nearest"
    found = (
        ("Worst samples", worst_of(values, samples.labels, _SAMPLES, loss), "the largest loss"),
        ("Most uncertain samples", unsure_of(values, _SAMPLES, loss), least),
    )
    return [
        sections.samples_section(
            title,
            cells(samples, values, classes, places),
            of=len(values),
            why=f"those with {why}",
        )
        for title, places, why in found
    ]


def _what(shown: Shown) -> str:
    hidden = shown.config.hidden
    if not hidden:
        return f"a linear classifier, {shown.config.loss} loss"
    layers = " and ".join(map(str, hidden))
    return f"a network with hidden layers of {layers} neurons, {shown.config.activation}"


def _told(scores: dict[str, Any]) -> dict[str, object]:
    return {name.replace("_", " "): value for name, value in scores.items()}


def plain(data: dict[str, Any]) -> dict[str, object]:
    """What artifact.json tells of the data, without how raw inputs are read."""
    return {name: value for name, value in data.items() if name != "form"}


def _card(shown: Shown) -> bytes:
    document, training = shown.document, shown.config.training
    data = document["data"]
    facts = {
        "classes": document["classes"],
        "parameters": document["parameters"],
        "inputs": shown.ready.reader.text,
        "loss": f"{document['loss']}, l2 {training.l2:g}, l1 {training.l1:g}",
        "optimizer": training.optimizer,
        "training samples": data["samples"]["learnt"],
        "validation samples": data["samples"]["validated"],
        "seed": training.seed,
    }
    return render_card(
        f"Classifier of {data['name']}",
        summary=f"{_what(shown).capitalize()}, trained with dlkit.",
        facts=facts,
        scores=shown.scores,
        judged=f"{data['samples']['validated']:,} validation samples of {data['name']}, by which "
        "the best epoch was chosen"
        if "best_epoch" in document["scores"]
        else f"{data['samples']['validated']:,} validation samples of {data['name']}",
        commands=[
            "dlkit classify predict FILE --from PATH_OF_THIS_FOLDER",
            "dlkit classify eval --from PATH_OF_THIS_FOLDER",
        ],
        limits=[
            "It knows the classes of its training data and takes everything for one of them.",
            "Probabilities are as sure as the training made them; see the calibration.",
        ],
    )
