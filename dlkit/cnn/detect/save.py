"""A finished training as an artifact: what stands in its files."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlkit.artifacts.load import digest_of
from dlkit.artifacts.tensors import write_tensors
from dlkit.artifacts.textlines import write_lines
from dlkit.classifiers.opened import DIGESTS, LABELS, WEIGHTS
from dlkit.classifiers.saving import training_document, weights_of
from dlkit.cnn.detect import showing
from dlkit.cnn.detect.evaluate import Judged, judged_on
from dlkit.cnn.detect.saved import KIND, TASK
from dlkit.config.resolve import to_yaml
from dlkit.data.samples import packed
from dlkit.errors import quoted
from dlkit.records import Saved

if TYPE_CHECKING:
    from torch import nn

    from dlkit.artifacts.runs import Run
    from dlkit.artifacts.writing import Content
    from dlkit.cnn.detect.config import DetectConfig
    from dlkit.cnn.detect.prepare import Prepared
    from dlkit.records import Record
    from dlkit.training.fitting import Trained

_USUAL: float = 0.5  # threshold, where no validation images told a better one


def commit(
    run: Run, config: DetectConfig, ready: Prepared, trained: Trained[nn.Module]
) -> Generator[Record, None, Saved]:
    """Judge the network on the validation images, write the artifact, return its record.

    Args:
        run: the run whose name the artifact gets.
        config: the settled settings.
        ready: the data.
        trained: the network.

    Raises:
        DlkitError: the disk does not take the files.

    """
    model: Any = trained.model
    judged: Judged | None = None
    if ready.validation is not None:
        judged = yield from judged_on(
            model.eval(), ready.validation, ready.classes, precision=config.training.precision,
            what="validation",
        )  # fmt: skip
    document = _document(config, ready, trained, judged)
    settings = f"# dlkit cnn detect train -r config.yaml\n{to_yaml(absolute(config, ready))}"
    files: dict[str, Content] = {
        "config.yaml": settings.encode(),
        WEIGHTS: write_tensors(weights_of(model)),
        LABELS: write_lines(ready.classes),
        DIGESTS: write_tensors({"train": packed(ready.collection.splits["train"].digests)}),
        "metrics.jsonl": "".join(
            json.dumps(each, sort_keys=True) + "\n" for each in trained.history
        ).encode(),
    }
    files |= showing.files(config, document, trained.history, settings, judged)
    path = run.commit(document, files, record={"seconds": trained.seconds, **trained.told})
    scores = document["scores"]
    facts: dict[str, object] = {
        "classes": document["classes"],
        "parameters": document["parameters"],
        **{name: scores[name] for name in ("best_epoch", "validation_map", "validation_map50")
           if name in scores},
        "seconds": round(trained.seconds, 2),
    }  # fmt: skip
    reference = f"{TASK}/{path.name}"
    verb = "eval" if "test" in ready.collection.splits else "predict FILE"
    return Saved(reference, path, facts, f"dlkit cnn detect {verb} --from {quoted(reference)}")


def absolute(config: DetectConfig, ready: Prepared) -> DetectConfig:
    """The settings as saved: what they name is found from any folder."""
    update: dict[str, Any] = {"data": ready.collection.origin}
    if config.input.images is not None:
        folder = str(Path(config.input.images).expanduser().absolute())
        update["input"] = config.input.model_copy(update={"images": folder})
    if ready.beginning is not None:
        update["begin"] = str(ready.beginning.path.resolve())
    if ready.weights is not None:
        file = Path(ready.weights.reference)
        update["pretrained"] = str(file.resolve()) if file.exists() else ready.weights.reference
    return config.model_copy(update=update)


def _document(
    config: DetectConfig, ready: Prepared, trained: Trained[nn.Module], judged: Judged | None
) -> dict[str, Any]:
    """What artifact.json says: only what another run of the same settings says, too."""
    data = ready.collection.document()
    data["samples"] |= {
        "learnt": len(ready.train),
        "validated": 0 if ready.validation is None else len(ready.validation),
    }
    scores: dict[str, Any] = dict(trained.facts)
    if judged is not None:
        told = judged.scores.document()
        names = ("map", "map50", "map75", "average_recall", "precision", "recall", "f1")
        scores |= {f"validation_{name}": told[name] for name in names}
    began, weights = ready.beginning, ready.weights
    return {
        "task": TASK,
        "kind": KIND,
        "model": trained.arguments,
        "classes": len(ready.classes),
        "threshold": _USUAL if judged is None else judged.scores.threshold,
        "parameters": sum(each.numel() for each in trained.model.parameters()),
        "augment": config.augment,
        "pretrained": weights and {"from": weights.reference, "digest": weights.digest},
        **({} if began is None else {
            "began": {"artifact": began.reference, "digest": digest_of(began.artifact)}
        }),
        "data": data,
        "scores": scores,
        **training_document(config.training),
        "precision": config.training.precision,
    }  # fmt: skip
