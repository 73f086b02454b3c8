"""A finished training as an artifact: what stands in its files."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from dlkit.artifacts.tensors import write_tensors
from dlkit.artifacts.textlines import write_lines
from dlkit.classify import showing
from dlkit.classify.asking import scores_of, values_of
from dlkit.classify.inputs import RowReader
from dlkit.classify.saved import KIND, LABELS, STEPS, TASK, WEIGHTS
from dlkit.config.resolve import to_yaml
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
    learnt = judge(scores_of(trained.model, ready.train.numbers, device=device),
                   ready.train.labels, ready.samples.classes, config.loss)  # fmt: skip
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
        "metrics.jsonl": "".join(
            json.dumps(entry, sort_keys=True) + "\n" for entry in trained.history
        ).encode(),
    }
    if tensors := ready.reader.tensors():
        files[STEPS] = write_tensors(tensors)
    shown = showing.Shown(config, ready, trained, document, settings, validation, values)
    files |= showing.files(shown)
    told = {"seconds": trained.seconds, **trained.told}
    path = run.commit(document, files, record=told)
    reference = f"{TASK}/{path.name}"
    return Saved(
        reference,
        path,
        _facts(document, trained),
        f"dlkit classify eval --from {quoted(reference)}",
    )


def absolute(config: ClassifyConfig, ready: Prepared) -> ClassifyConfig:
    """The settings as saved: what they name is found from any folder."""
    update: dict[str, Any] = {"data": ready.samples.origin}
    if isinstance(ready.reader, RowReader) and ready.reader.encoder is not None:
        update["features"] = ready.reader.encoder.source.reference
    return config.model_copy(update=update)


def parameters_of(model: nn.Module) -> int:
    """How many numbers a network learns."""
    return sum(parameter.numel() for parameter in model.parameters())


def _weights(model: nn.Module) -> dict[str, Any]:
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
    learnt: Scores,
    validation: Scores | None,
) -> dict[str, Any]:
    """What artifact.json says: only what another run of the same settings says, too."""
    training = config.training
    data = ready.samples.document()
    data.pop("origin")  # where the data lie stands in config.yaml
    data["samples"] |= {"learnt": len(ready.train.labels)}
    data["samples"] |= {"validated": _number(ready.validation)}
    scores: dict[str, Any] = {**trained.facts, "train_accuracy": learnt.accuracy}
    if learnt.log_loss is not None:
        scores["train_loss"] = learnt.log_loss
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
