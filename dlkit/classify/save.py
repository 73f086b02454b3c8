"""A finished training as an artifact: what stands in its files."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from dlkit.artifacts.tensors import write_tensors
from dlkit.classifiers import saving
from dlkit.classifiers.asking import values_of
from dlkit.classifiers.beginning import document_of, place_of
from dlkit.classifiers.evaluate import judge
from dlkit.classify import showing
from dlkit.classify.asking import scores_of
from dlkit.classify.inputs import NgramReader, RowReader
from dlkit.classify.linear import LinearNgrams
from dlkit.classify.saved import KIND, STEPS, TASK
from dlkit.classify.telling import FILE, most_telling, write_telling
from dlkit.config.resolve import to_yaml
from dlkit.data.ngrams import Bags
from dlkit.encoders import read_for

if TYPE_CHECKING:
    from torch import nn

    from dlkit.artifacts.runs import Run
    from dlkit.classify.config import ClassifyConfig
    from dlkit.classify.prepare import Prepared
    from dlkit.records import Record, Saved
    from dlkit.training.fitting import Trained
    from dlkit.training.metrics import Scores


def commit(
    run: Run, config: ClassifyConfig, ready: Prepared, trained: Trained[Any]
) -> Generator[Record, None, Saved]:
    """Judge the network on its own data, write the artifact, return its record.

    Args:
        run: the run whose name the artifact gets.
        config: the settled settings.
        ready: the data and what made them numbers.
        trained: the network.

    Raises:
        DlkitError: the disk does not take the files.

    """
    yield from ()
    device = config.training.device
    scores = scores_of(trained.model, ready.train.numbers, device=device)
    learnt = saving.learnt_scores(scores, ready.train.labels, config.loss)
    validation, values = None, None
    if ready.validation is not None:
        scores = scores_of(trained.model, ready.validation.numbers, device=device)
        values = values_of(scores, config.loss)
        validation = judge(scores, ready.validation.labels, ready.samples.classes, config.loss)
    document = _document(config, ready, trained, learnt, validation)
    settings = f"# dlkit classify train -r config.yaml\n{to_yaml(absolute(config, ready))}"
    weights = _weights(trained.model)
    files = saving.common_files(ready.samples, weights, trained.history, settings)
    if tensors := ready.reader.tensors():
        files[STEPS] = write_tensors(tensors)
    if config.keep and isinstance(trained.model, LinearNgrams):
        files[FILE] = _telling(ready, trained.model)
    shown = showing.Shown(config, ready, trained, document, settings, validation, values)
    files |= showing.files(shown)
    told = {"seconds": trained.seconds, **trained.told}
    path = run.commit(document, files, record=told)
    return saving.saved_record(path, document, trained, ready.samples)


def absolute(config: ClassifyConfig, ready: Prepared) -> ClassifyConfig:
    """The settings as saved: what they name is found from any folder."""
    update: dict[str, Any] = {"data": ready.samples.origin}
    if isinstance(ready.reader, RowReader) and ready.reader.encoder is not None:
        update["features"] = ready.reader.encoder.source.reference
        update["input"] = read_for(ready.reader.encoder, config.input)
    if ready.beginning is not None:
        update["begin"] = place_of(ready.beginning)
    return config.model_copy(update=update)


def parameters_of(model: nn.Module | LinearNgrams) -> int:
    """How many numbers a network learns."""
    if isinstance(model, LinearNgrams):
        return model.parameters
    return sum(parameter.numel() for parameter in model.parameters())


def _telling(ready: Prepared, model: LinearNgrams) -> bytes:
    reader, part = ready.reader, ready.train
    assert isinstance(reader, NgramReader)
    assert isinstance(part.numbers, Bags)
    found = most_telling(
        reader.ngrams, model.weights, part.numbers, part.samples.texts, ready.samples.classes
    )
    return write_telling(found)


def _weights(model: nn.Module | LinearNgrams) -> dict[str, Any]:
    if isinstance(model, LinearNgrams):
        return dict(model.tensors())
    return saving.weights_of(model)


def _document(
    config: ClassifyConfig,
    ready: Prepared,
    trained: Trained[Any],
    learnt: dict[str, float],
    validation: Scores | None,
) -> dict[str, Any]:
    """What artifact.json says: only what another run of the same settings says, too."""
    judged = ready.validation
    data = saving.data_document(
        ready.samples,
        learnt=len(ready.train.labels),
        validated=0 if judged is None else len(judged.labels),
    )
    return {
        "task": TASK,
        "kind": KIND,
        "model": trained.arguments,
        "loss": config.loss,
        "classes": len(ready.samples.classes),
        "parameters": parameters_of(trained.model),
        **ready.reader.document(),
        **({} if ready.beginning is None else {"began": document_of(ready.beginning)}),
        "data": data,
        "scores": {**trained.facts, **learnt, **saving.validation_scores(validation)},
        **saving.training_document(config.training),
    }
