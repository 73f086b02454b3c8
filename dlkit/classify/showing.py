"""What of a training a person looks at: figures, the report, the model card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from dlkit.classifiers.showing import card, doubtful, training_report
from dlkit.report import sections
from dlkit.report.canvas import Figure, to_svg
from dlkit.report.learning import Line, Panel, learning_figure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dlkit.artifacts.writing import Content
    from dlkit.classify.config import ClassifyConfig
    from dlkit.classify.prepare import Prepared
    from dlkit.training.fitting import Trained
    from dlkit.training.metrics import Scores


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
    trained: Trained[Any]
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


def _report(shown: Shown) -> bytes:
    name, judged = shown.ready.samples.name, []
    if shown.scores is not None and shown.values is not None:
        judged += sections.scores_sections(shown.scores, name=f"{name}, validation samples")
        if shown.config.keep:
            part = shown.ready.validation
            assert part is not None
            classes = shown.ready.samples.classes
            judged += doubtful(part.samples, shown.values, classes, shown.config.loss)
    return training_report(
        shown.document,
        what=_what(shown),
        curves=_curves(shown),
        history=shown.trained.history,
        settings=shown.settings,
        judged=judged,
    )


def _what(shown: Shown) -> str:
    hidden = shown.config.hidden
    if not hidden:
        return f"a linear classifier, {shown.config.loss} loss"
    layers = " and ".join(map(str, hidden))
    return f"a network with hidden layers of {layers} neurons, {shown.config.activation}"


def _card(shown: Shown) -> bytes:
    document, training = shown.document, shown.config.training
    facts = {
        "inputs": shown.ready.reader.text,
        "loss": f"{document['loss']}, l2 {training.l2:g}, l1 {training.l1:g}",
        "optimizer": training.optimizer,
    }
    return card(document, shown.scores, what=_what(shown), facts=facts)
