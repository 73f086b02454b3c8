"""A finished training as an artifact: what stands in its files."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.classifiers import saving
from dlkit.classifiers.asking import values_of
from dlkit.classifiers.beginning import document_of, place_of
from dlkit.classifiers.evaluate import judge
from dlkit.cnn import showing
from dlkit.cnn.asking import scores_of
from dlkit.cnn.prepare import parameters_of
from dlkit.cnn.saved import KIND, TASK
from dlkit.config.resolve import to_yaml

if TYPE_CHECKING:
    from torch import nn

    from dlkit.artifacts.runs import Run
    from dlkit.cnn.config import CnnConfig
    from dlkit.cnn.prepare import Prepared
    from dlkit.data.samples import Split
    from dlkit.records import Record, Saved
    from dlkit.training.fitting import Trained
    from dlkit.training.metrics import Scores

_LEARNT: Final = 5_000  # of the samples that were learnt from, which are judged, too


def commit(
    run: Run, config: CnnConfig, ready: Prepared, trained: Trained[nn.Module]
) -> Generator[Record, None, Saved]:
    """Judge the network on its own data, write the artifact, return its record.

    Args:
        run: the run whose name the artifact gets.
        config: the settled settings.
        ready: the data.
        trained: the network.

    Raises:
        DlkitError: the disk does not take the files.

    """
    some = _some(ready.train)
    scores = yield from scores_of(trained.model, some.images, what="training")
    learnt = saving.learnt_scores(scores, some.labels, "softmax")
    if len(some) < len(ready.train):
        learnt["train_judged"] = len(some)
    validation, values = None, None
    if ready.validation is not None:
        scores = yield from scores_of(trained.model, ready.validation.images, what="validation")
        values = values_of(scores, "softmax")
        validation = judge(scores, ready.validation.labels, ready.samples.classes, "softmax")
    document = _document(config, ready, trained, learnt, validation)
    settings = f"# dlkit cnn train -r config.yaml\n{to_yaml(absolute(config, ready))}"
    weights = saving.weights_of(trained.model)
    files = saving.common_files(ready.samples, weights, trained.history, settings)
    if ready.validation is not None:
        files |= saving.validation_files(values, ready.validation.labels)
    shown = showing.Shown(config, ready, trained, document, settings, validation, values)
    files |= showing.files(shown)
    path = run.commit(document, files, record={"seconds": trained.seconds, **trained.told})
    return saving.saved_record(path, document, trained, ready.samples)


def absolute(config: CnnConfig, ready: Prepared) -> CnnConfig:
    """The settings as saved: what they name is found from any folder."""
    update: dict[str, Any] = {"data": ready.samples.origin}
    if ready.beginning is not None:
        update["begin"] = place_of(ready.beginning)
    if ready.weights is not None:
        file = Path(ready.weights.reference)
        update["pretrained"] = str(file.resolve()) if file.exists() else ready.weights.reference
    return config.model_copy(update=update)


def _some(split: Split) -> Split:
    """At most so many samples, evenly spread."""
    if len(split) <= _LEARNT:
        return split
    return split.take(np.linspace(0, len(split) - 1, _LEARNT).round().astype(np.int64))


def _document(
    config: CnnConfig,
    ready: Prepared,
    trained: Trained[nn.Module],
    learnt: dict[str, float],
    validation: Scores | None,
) -> dict[str, Any]:
    """What artifact.json says: only what another run of the same settings says, too."""
    judged, weights = ready.validation, ready.weights
    data = saving.data_document(
        ready.samples,
        learnt=len(ready.train),
        validated=0 if judged is None else len(judged),
    )
    return {
        "task": TASK,
        "kind": KIND,
        "model": trained.arguments,
        "loss": "softmax",
        "classes": len(ready.samples.classes),
        "parameters": parameters_of(trained.model),
        "augment": config.augment,
        "pretrained": weights and weights.document(),
        "freeze": config.freeze,
        **({} if ready.beginning is None else {"began": document_of(ready.beginning)}),
        "data": data,
        "scores": {**trained.facts, **learnt, **saving.validation_scores(validation)},
        **saving.training_document(config.training),
        "precision": config.training.precision,
    }
