"""What of a training a person looks at: figures, the report, the model card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlkit.classifiers.showing import card, doubtful, training_report
from dlkit.report import sections
from dlkit.report.canvas import to_svg

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import nn

    from dlkit.artifacts.writing import Content
    from dlkit.cnn.config import CnnConfig
    from dlkit.cnn.prepare import Prepared
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
        values: (N, C) their probabilities.

    """

    config: CnnConfig
    ready: Prepared
    trained: Trained[nn.Module]
    document: dict[str, Any]
    settings: str
    scores: Scores | None
    values: npt.NDArray[np.float64] | None


def files(shown: Shown) -> dict[str, Content]:
    """figures/*.svg, report.html and README.md."""
    name, history = shown.ready.samples.name, shown.trained.history
    best = shown.trained.facts["best_epoch"] if shown.ready.validation is not None else None
    curves = sections.curves_figure(history, name=name, best=best)
    figures, judged = {"curves": curves}, []
    if shown.scores is not None and shown.values is not None:
        figures |= sections.scores_figures(shown.scores, name=name)
        judged += sections.scores_sections(shown.scores, name=f"{name}, validation samples")
        if shown.config.keep:
            split = shown.ready.validation
            assert split is not None
            judged += doubtful(split, shown.values, shown.ready.samples.classes, "softmax")
    told: dict[str, Content] = {
        f"figures/{title}.svg": to_svg(figure) for title, figure in figures.items()
    }
    what = _what(shown)
    told["report.html"] = training_report(
        shown.document,
        what=what,
        curves=curves,
        history=history,
        settings=shown.settings,
        judged=judged,
    )
    told["README.md"] = card(shown.document, shown.scores, what=what, facts=_facts(shown))
    return told


def _what(shown: Shown) -> str:
    form = shown.ready.form
    colour = "grey" if form.channels == 1 else "colour"
    return f"a {shown.config.model} network for {colour} images of {form.width}x{form.height}"


def _facts(shown: Shown) -> dict[str, object]:
    config, training = shown.config, shown.config.training
    facts: dict[str, object] = {"network": config.model}
    for name in ("pretrained", "freeze", "begin"):
        if value := getattr(config, name):
            facts[name] = value
    return facts | {
        "augmentation": config.augment,
        "optimizer": f"{training.optimizer}, {training.schedule}, lr {training.first_lr:g}, "
        f"l2 {training.l2:g}",
        "epochs": training.epochs,
    }
