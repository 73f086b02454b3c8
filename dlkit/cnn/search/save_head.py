"""A trained head as an artifact: what stands in its files."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from dlkit.artifacts.tensors import write_tensors
from dlkit.artifacts.textlines import write_lines
from dlkit.classifiers.opened import LABELS, WEIGHTS
from dlkit.classifiers.saving import data_document, training_document, weights_of
from dlkit.classifiers.showing import training_report
from dlkit.cnn.search.encoding import EMBEDDER
from dlkit.cnn.search.saved import TASK
from dlkit.config.resolve import to_yaml
from dlkit.errors import quoted
from dlkit.records import Record, Saved
from dlkit.report.canvas import Figure, to_svg
from dlkit.report.card import render_card
from dlkit.report.learning import Line, Panel, learning_figure

if TYPE_CHECKING:
    from torch import nn

    from dlkit.artifacts.runs import Run
    from dlkit.artifacts.writing import Content
    from dlkit.cnn.search.config import SearchConfig
    from dlkit.cnn.search.train import Prepared
    from dlkit.training.fitting import Trained


def commit(
    run: Run, config: SearchConfig, ready: Prepared, trained: Trained[nn.Module]
) -> Generator[Record, None, Saved]:
    """Write the artifact and return its record.

    Args:
        run: the run whose name it gets.
        config: the settings as they are saved.
        ready: the data and the network.
        trained: the head.

    Raises:
        DlkitError: the disk does not take the files.

    """
    yield from ()
    document = _document(config, ready, trained)
    settings = f"# dlkit cnn search train -r config.yaml\n{to_yaml(config)}"
    curves = _curves(trained, name=ready.samples.name)
    head = config.head
    what = (
        f"a {head.loss} head of {head.dim} numbers on the features of "
        f"{ready.encoder.source.reference}"
    )
    lines = [json.dumps(entry, sort_keys=True) + "\n" for entry in trained.history]
    files: dict[str, Content] = {
        "config.yaml": settings.encode(),
        WEIGHTS: write_tensors(weights_of(trained.model)),
        LABELS: write_lines(ready.samples.classes),
        "metrics.jsonl": "".join(lines).encode(),
        "figures/curves.svg": to_svg(curves),
        "report.html": training_report(
            document, what=what, curves=curves, history=trained.history, settings=settings,
            judged=(),
        ),
        "README.md": _card(document, what),
    }  # fmt: skip
    path = run.commit(document, files, record={"seconds": trained.seconds, **trained.told})
    scores = document["scores"]
    told = ("best_epoch", "features_map", "validation_map", "validation_recall@1")
    facts = {
        "dim": head.dim,
        "parameters": document["parameters"],
        **{name: scores[name] for name in told if name in scores},
        "seconds": round(trained.seconds, 2),
    }
    reference = f"{TASK}/{path.name}"
    return Saved(
        reference, path, facts, f"dlkit cnn search index IMAGES --from {quoted(reference)}"
    )


def _document(config: SearchConfig, ready: Prepared, trained: Trained[nn.Module]) -> dict[str, Any]:
    """What artifact.json says: only what another run of the same settings says, too."""
    judged = ready.validation
    data = data_document(
        ready.samples, learnt=len(ready.train), validated=0 if judged is None else len(judged)
    )
    best = trained.history[trained.facts["best_epoch"] - 1]
    scores = {name: value for name, value in best.items() if name.startswith("validation")}
    head = config.head
    return {
        "task": TASK,
        "kind": EMBEDDER,
        "model": trained.arguments,
        "loss": head.loss,
        "margin": head.own_margin,
        "scale": head.scale,
        "temperature": head.temperature,
        "classes": len(ready.samples.classes),
        "parameters": sum(each.numel() for each in trained.model.parameters()),
        "features": ready.encoder.source.document(),
        "data": data,
        "scores": {**trained.facts, **scores},
        **training_document(config.training),
    }


def _curves(trained: Trained[nn.Module], *, name: str) -> Figure:
    """The loss, and mAP and recall@1 of the validation images, by epoch."""
    history = trained.history
    panels = [
        Panel("loss", [Line("training", [(each["epoch"], each["loss"]) for each in history])])
    ]
    lines = [
        Line(label, [(each["epoch"], each[key]) for each in history if key in each])
        for key, label in (("validation_map", "mAP"), ("validation_recall@1", "recall@1"))
        if key in history[0]
    ]
    best = None
    if lines:
        before = trained.facts["features_map"]
        flat = [(each["epoch"], before) for each in history]
        lines.append(Line("mAP of the features", flat, dashed=True))
        panels.append(Panel("validation images", lines, percent=True))
        best = trained.facts["best_epoch"]
    subtitle = "" if best is None else f"dashed: epoch {best}, whose weights were kept"
    return learning_figure(panels, title=f"{name}: learning", subtitle=subtitle, marked=best)


def _card(document: dict[str, Any], what: str) -> bytes:
    data, scores = document["data"], document["scores"]
    facts: dict[str, object] = {
        "features": document["features"]["artifact"],
        "loss": document["loss"],
        "numbers of an embedding": document["model"]["dim"],
        "parameters": document["parameters"],
        "training samples": data["samples"]["learnt"],
        "validation samples": data["samples"]["validated"],
        "seed": document["seed"],
    }
    if "validation_map" in scores:
        facts["validation mAP of the features as they are"] = scores["features_map"]
        facts["validation mAP"] = scores["validation_map"]
        facts["validation recall@1"] = scores["validation_recall@1"]
    return render_card(
        f"Embedder of {data['name']}",
        summary=f"{what[:1].upper()}{what[1:]}, trained with dlkit.",
        facts=facts,
        scores=None,
        judged="",
        commands=["dlkit cnn search index IMAGES --from PATH_OF_THIS_FOLDER"],
        limits=[
            "It learnt to bring images of its training classes together; of other classes it may "
            "tell less than the features that it stands on.",
            "It needs the network's artifact, which it names.",
        ],
    )
