"""What of a classifier a person looks at: its samples, its report, its model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.artifacts.record import describe
from dlkit.classifiers.asking import unsure_of, worst_of
from dlkit.report import sections
from dlkit.report.canvas import Figure, to_files, to_svg
from dlkit.report.card import render_card
from dlkit.report.html import Section, render
from dlkit.report.sheet import Cell

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.artifacts.writing import Content
    from dlkit.classifiers.evaluate import Judged
    from dlkit.classifiers.opened import Classifier
    from dlkit.data.samples import Split
    from dlkit.report.tables import Table
    from dlkit.training.metrics import Scores

_SAMPLES: Final = 24  # of the worst, and of the most uncertain


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


def doubtful(
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


def evaluation_files(
    classifier: Classifier,
    judged: Judged,
    *,
    png: bool = False,
    title: str = "",
    tables: Sequence[Table] = (),
    more: Mapping[str, Figure] | None = None,
) -> tuple[dict[str, Content], int]:
    """report.html and the figures of an evaluation, and how many texts a PNG shows with gaps.

    Args:
        classifier: the artifact.
        judged: what it was judged to be.
        png: draw each figure as PNG, too.
        title: what stands behind the artifact's name: how it was asked.
        tables: further ones, with captions, after the scores.
        more: further figures by name, likewise.

    """
    name = judged.samples.name
    figures = sections.scores_figures(judged.scores, name=name)
    parts = sections.scores_sections(judged.scores, name=name)
    parts += [Section("Also asked", tables=tables)] if tables else []
    if more:
        figures |= more
        parts += [Section(each.title, figures=[to_svg(each)]) for each in more.values()]
    parts += doubtful(judged.samples.test, judged.values, classifier.classes, classifier.loss)
    parts.append(sections.data_section(plain(judged.samples.document())))
    parts.append(sections.environment_section(describe()))
    page = render(f"{classifier.reference}{title} on {name}", parts)
    drawn, lacking = to_files(figures, png=png)
    return {"report.html": page, **drawn}, lacking


def training_report(
    document: Mapping[str, Any],
    *,
    what: str,
    curves: Figure,
    history: Sequence[Mapping[str, Any]],
    settings: str,
    judged: Sequence[Section],
) -> bytes:
    """report.html of a training.

    Args:
        document: artifact.json.
        what: was trained, in a few words.
        curves: how it learnt.
        history: of each epoch its metrics.
        settings: config.yaml.
        judged: what is told of the validation samples.

    """
    scores = {name.replace("_", " "): value for name, value in document["scores"].items()}
    last = {key.replace("_", " "): value for key, value in history[-1].items()}
    parts = [Section("Result", facts=scores)]
    parts.append(Section("Learning", facts={"last": last}, figures=[to_svg(curves)]))
    parts += judged
    parts.append(sections.data_section(plain(document["data"])))
    parts.append(sections.configuration_section(settings))
    parts.append(sections.environment_section(describe()))
    title = f"dlkit {document['task']}: {document['data']['name']}"
    return render(title, parts, subtitle=what)


def plain(data: Mapping[str, Any]) -> dict[str, object]:
    """What artifact.json tells of the data, without how raw inputs are read."""
    return {name: value for name, value in data.items() if name != "form"}


def card(
    document: Mapping[str, Any], scores: Scores | None, *, what: str, facts: Mapping[str, object]
) -> bytes:
    """README.md of a trained classifier.

    Args:
        document: artifact.json.
        scores: on the validation samples; None: there are none.
        what: was trained, in a few words.
        facts: of the network and its training, between its size and its samples.

    """
    data = document["data"]
    samples, task = data["samples"], document["task"]
    judged = f"{samples['validated']:,} validation samples of {data['name']}"
    if "best_epoch" in document["scores"]:
        judged += ", by which the best epoch was chosen"
    return render_card(
        f"Classifier of {data['name']}",
        summary=f"{what[:1].upper()}{what[1:]}, trained with dlkit.",
        facts={
            "classes": document["classes"],
            "parameters": document["parameters"],
            **facts,
            "training samples": samples["learnt"],
            "validation samples": samples["validated"],
            "seed": document["seed"],
        },
        scores=scores,
        judged=judged,
        commands=[
            f"dlkit {task} predict FILE --from PATH_OF_THIS_FOLDER",
            f"dlkit {task} eval --from PATH_OF_THIS_FOLDER",
        ],
        limits=[
            "It knows the classes of its training data and takes everything for one of them.",
            "Probabilities are as sure as the training made them; see the calibration.",
        ],
    )
