"""What every classifier's artifact says of its data and its training, and the common files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.artifacts.tensors import write_tensors
from dlkit.artifacts.textlines import write_lines
from dlkit.classifiers.asking import values_of
from dlkit.classifiers.opened import DIGESTS, LABELS, VALIDATION, WEIGHTS
from dlkit.data.samples import packed
from dlkit.errors import quoted
from dlkit.records import Saved

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    from torch import nn

    from dlkit.artifacts.writing import Content
    from dlkit.data.samples import Samples
    from dlkit.training.config import TrainingConfig
    from dlkit.training.fitting import Trained
    from dlkit.training.metrics import Scores


_MOST_VALUES: Final = 1 << 22  # numbers that are kept of validation samples


def weights_of(model: nn.Module) -> dict[str, npt.NDArray[Any]]:
    """The weights and buffers of a network by name, on the CPU."""
    return {name: each.detach().cpu().numpy() for name, each in model.state_dict().items()}


def common_files(
    samples: Samples,
    weights: Mapping[str, npt.NDArray[Any]],
    history: Sequence[Mapping[str, Any]],
    settings: str,
) -> dict[str, Content]:
    """Settings, weights, names of the classes, digests of what was learnt from, metrics.

    Args:
        samples: the data.
        weights: by name.
        history: of each epoch its metrics.
        settings: the text of config.yaml.

    """
    return {
        "config.yaml": settings.encode(),
        WEIGHTS: write_tensors(weights),
        LABELS: write_lines(samples.classes),
        DIGESTS: write_tensors({"train": packed(samples.train.digests)}),
        "metrics.jsonl": "".join(
            json.dumps(entry, sort_keys=True) + "\n" for entry in history
        ).encode(),
    }


def validation_files(
    values: npt.NDArray[np.float64] | None, labels: npt.NDArray[np.int64]
) -> dict[str, Content]:
    """What is said of the validation samples, by which thresholds are chosen later.

    Nothing where there are none, or very many numbers.

    Args:
        values: (N, C) probabilities; None: there are no such samples.
        labels: (N,).

    """
    if values is None or values.size > _MOST_VALUES:
        return {}
    return {VALIDATION: write_tensors({"values": values.astype(np.float32), "labels": labels})}


def learnt_scores(
    scores: npt.NDArray[Any], labels: npt.NDArray[np.int64], loss: Any
) -> dict[str, float]:
    """Accuracy and log-loss on what was learnt from: many samples, so without intervals."""
    from dlkit.training.metrics import losses

    values = values_of(scores, loss)
    told = {"train_accuracy": float((values.argmax(axis=1) == labels).mean())}
    if loss == "softmax":
        told["train_loss"] = float(losses(values, labels).mean())
    return told


def validation_scores(scores: Scores | None) -> dict[str, Any]:
    """What artifact.json says of the validation samples; nothing if there are none."""
    if scores is None:
        return {}
    told = scores.document()
    found = {f"validation_{name}": told[name] for name in ("accuracy", "low", "high")}
    if scores.log_loss is not None:
        found["validation_loss"] = scores.log_loss
    found["validation_macro_f1"] = told["macro_f1"]
    return found


def data_document(samples: Samples, *, learnt: int, validated: int) -> dict[str, Any]:
    """What artifact.json says of the data; where they lie stands in config.yaml.

    Args:
        samples: the data.
        learnt: how many were learnt from.
        validated: how many epochs were judged by.

    """
    data = samples.document()
    data.pop("origin")
    data["samples"] |= {"learnt": learnt, "validated": validated}
    return data


def training_document(training: TrainingConfig) -> dict[str, Any]:
    """What artifact.json says of how it was trained."""
    return {
        "optimizer": training.optimizer,
        "l2": training.l2,
        "l1": training.l1,
        "seed": training.seed,
        "threads": training.threads,
        "device": training.device,
        "bit_reproducible": training.device == "cpu" or training.deterministic,
    }


def saved_record(
    path: Path, document: Mapping[str, Any], trained: Trained[Any], samples: Samples
) -> Saved:
    """What is told at the end of a training.

    Args:
        path: the artifact's folder.
        document: its artifact.json.
        trained: the training.
        samples: the data.

    """
    task, scores = document["task"], document["scores"]
    names = ("best_epoch", "iterations", "objective", "train_accuracy", "validation_accuracy")
    facts = {
        "classes": document["classes"],
        "parameters": document["parameters"],
        **{name: scores[name] for name in names if name in scores},
        "seconds": round(trained.seconds, 2),
    }
    if "samples_per_second" in trained.told:
        facts["samples_per_second"] = trained.told["samples_per_second"]
    reference = f"{task}/{path.name}"
    verb = "eval" if len(samples.test) else "predict FILE"
    return Saved(reference, path, facts, f"dlkit {task} {verb} --from {quoted(reference)}")
