"""A finished training as an artifact: what stands in its files."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from dlkit.artifacts.tensors import write_tensors
from dlkit.artifacts.textlines import write_lines
from dlkit.classify import showing
from dlkit.classify.asking import scores_of, values_of
from dlkit.classify.beginning import document_of, place_of
from dlkit.classify.inputs import NgramReader, RowReader
from dlkit.classify.linear import LinearNgrams
from dlkit.classify.saved import DIGESTS, KIND, LABELS, STEPS, TASK, WEIGHTS
from dlkit.classify.telling import FILE, most_telling, write_telling
from dlkit.config.resolve import to_yaml
from dlkit.data.ngrams import Bags
from dlkit.data.samples import packed
from dlkit.errors import quoted
from dlkit.records import Record, Saved

if TYPE_CHECKING:
    from torch import nn

    from dlkit.artifacts.runs import Run
    from dlkit.artifacts.writing import Content
    from dlkit.classify.config import ClassifyConfig
    from dlkit.classify.fitting import Trained
    from dlkit.classify.prepare import Part, Prepared
    from dlkit.training.metrics import Scores


def commit(
    run: Run, config: ClassifyConfig, ready: Prepared, trained: Trained
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
    from dlkit.classify.evaluate import judge

    yield from ()
    device = config.training.device
    learnt = _learnt(trained.model, ready.train, config)
    validation, values = None, None
    if ready.validation is not None:
        scores = scores_of(trained.model, ready.validation.numbers, device=device)
        values = values_of(scores, config.loss)
        validation = judge(scores, ready.validation.labels, ready.samples.classes, config.loss)
    document = _document(config, ready, trained, learnt, validation)
    settings = f"# dlkit classify train -r config.yaml\n{to_yaml(absolute(config, ready))}"
    files: dict[str, Content] = {
        "config.yaml": settings.encode(),
        WEIGHTS: write_tensors(_weights(trained.model)),
        LABELS: write_lines(ready.samples.classes),
        DIGESTS: write_tensors({"train": packed(ready.samples.train.digests)}),
        "metrics.jsonl": "".join(
            json.dumps(entry, sort_keys=True) + "\n" for entry in trained.history
        ).encode(),
    }
    if tensors := ready.reader.tensors():
        files[STEPS] = write_tensors(tensors)
    if config.keep and isinstance(trained.model, LinearNgrams):
        files[FILE] = _telling(ready, trained.model)
    shown = showing.Shown(config, ready, trained, document, settings, validation, values)
    files |= showing.files(shown)
    told = {"seconds": trained.seconds, **trained.told}
    path = run.commit(document, files, record=told)
    reference = f"{TASK}/{path.name}"
    return Saved(
        reference,
        path,
        _facts(document, trained),
        f"dlkit classify {'eval' if len(ready.samples.test) else 'predict FILE'} --from "
        f"{quoted(reference)}",
    )


def absolute(config: ClassifyConfig, ready: Prepared) -> ClassifyConfig:
    """The settings as saved: what they name is found from any folder."""
    update: dict[str, Any] = {"data": ready.samples.origin}
    if isinstance(ready.reader, RowReader) and ready.reader.encoder is not None:
        update["features"] = ready.reader.encoder.source.reference
    if ready.beginning is not None:
        update["begin"] = place_of(ready.beginning)
    return config.model_copy(update=update)


def parameters_of(model: nn.Module | LinearNgrams) -> int:
    """How many numbers a network learns."""
    if isinstance(model, LinearNgrams):
        return model.parameters
    return sum(parameter.numel() for parameter in model.parameters())


def _learnt(
    model: nn.Module | LinearNgrams, part: Part, config: ClassifyConfig
) -> dict[str, float]:
    """Accuracy and log-loss on what was learnt from: many samples, so without intervals."""
    from dlkit.training.metrics import losses

    values = values_of(scores_of(model, part.numbers, device=config.training.device), config.loss)
    told = {"train_accuracy": float((values.argmax(axis=1) == part.labels).mean())}
    if config.loss == "softmax":
        told["train_loss"] = float(losses(values, part.labels).mean())
    return told


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
    return {name: tensor.detach().cpu().numpy() for name, tensor in model.state_dict().items()}


def _facts(document: dict[str, Any], trained: Trained) -> dict[str, object]:
    """What is told at the end."""
    scores = document["scores"]
    names = ("best_epoch", "iterations", "objective", "train_accuracy", "validation_accuracy")
    return {
        "classes": document["classes"],
        "parameters": document["parameters"],
        **{name: scores[name] for name in names if name in scores},
        "seconds": round(trained.seconds, 2),
    }


def _document(
    config: ClassifyConfig,
    ready: Prepared,
    trained: Trained,
    learnt: dict[str, float],
    validation: Scores | None,
) -> dict[str, Any]:
    """What artifact.json says: only what another run of the same settings says, too."""
    training = config.training
    data = ready.samples.document()
    data.pop("origin")  # where the data lie stands in config.yaml
    data["samples"] |= {"learnt": len(ready.train.labels)}
    data["samples"] |= {"validated": _number(ready.validation)}
    scores: dict[str, Any] = {**trained.facts, **learnt}
    if validation is not None:
        told = validation.document()
        scores |= {f"validation_{name}": told[name] for name in ("accuracy", "low", "high")}
        if validation.log_loss is not None:
            scores["validation_loss"] = validation.log_loss
        scores["validation_macro_f1"] = told["macro_f1"]
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
        "scores": scores,
        "optimizer": training.optimizer,
        "l2": training.l2,
        "l1": training.l1,
        "seed": training.seed,
        "threads": training.threads,
        "device": training.device,
        "bit_reproducible": training.device == "cpu" or training.deterministic,
    }


def _number(part: Part | None) -> int:
    return 0 if part is None else len(part.labels)
