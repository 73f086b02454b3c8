"""A finished training as an artifact: what stands in its files."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.artifacts.tensors import write_tensors
from dlkit.classifiers.beginning import document_of, place_of
from dlkit.classifiers.opened import DIGESTS, WEIGHTS
from dlkit.classifiers.saving import training_document, weights_of
from dlkit.cnn.upscale import showing
from dlkit.cnn.upscale.evaluate import scores_of
from dlkit.cnn.upscale.saved import KIND, TASK
from dlkit.config.resolve import to_yaml
from dlkit.data.samples import packed
from dlkit.errors import quoted
from dlkit.records import Saved

if TYPE_CHECKING:
    from torch import nn

    from dlkit.artifacts.runs import Run
    from dlkit.artifacts.writing import Content
    from dlkit.cnn.upscale.config import UpscaleConfig
    from dlkit.cnn.upscale.evaluate import Judged
    from dlkit.cnn.upscale.prepare import Prepared
    from dlkit.records import Record
    from dlkit.training.fitting import Trained

_JUDGED: Final = 100  # validation images that are upscaled whole at the end


def commit(
    run: Run, config: UpscaleConfig, ready: Prepared, trained: Trained[nn.Module]
) -> Generator[Record, None, Saved]:
    """Judge the network on whole validation images, write the artifact, return its record.

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
        some = ready.validation
        if len(some) > _JUDGED:
            places = np.linspace(0, len(some) - 1, _JUDGED).round().astype(np.int64)
            some = some.take(places)
        judged = yield from scores_of(
            model.eval(), some, what="validation", skip_bad=config.input.skip_bad
        )
    document = _document(config, ready, trained, judged)
    settings = f"# dlkit cnn upscale train -r config.yaml\n{to_yaml(absolute(config, ready))}"
    history = trained.history
    files: dict[str, Content] = {
        "config.yaml": settings.encode(),
        WEIGHTS: write_tensors(weights_of(model)),
        DIGESTS: write_tensors({"train": packed(ready.collection.splits["train"].digests)}),
        "metrics.jsonl": "".join(
            json.dumps(each, sort_keys=True) + "\n" for each in history
        ).encode(),
    }
    files |= showing.files(config, document, history, settings, judged)
    path = run.commit(document, files, record={"seconds": trained.seconds, **trained.told})
    facts: dict[str, object] = {"scale": config.scale, "parameters": document["parameters"],
                                **document["scores"],
                                "seconds": round(trained.seconds, 2)}  # fmt: skip
    reference = f"{TASK}/{path.name}"
    verb = "eval" if "test" in ready.collection.splits else "predict FILE -o LARGER.png"
    return Saved(reference, path, facts, f"dlkit cnn upscale {verb} --from {quoted(reference)}")


def absolute(config: UpscaleConfig, ready: Prepared) -> UpscaleConfig:
    """The settings as saved: what they name is found from any folder."""
    update: dict[str, Any] = {"data": ready.collection.origin}
    if ready.beginning is not None:
        began: Any = ready.beginning
        update["begin"] = place_of(began)
    return config.model_copy(update=update)


def _document(
    config: UpscaleConfig, ready: Prepared, trained: Trained[nn.Module], judged: Judged | None
) -> dict[str, Any]:
    """What artifact.json says: only what another run of the same settings says, too."""
    model: Any = trained.model
    data = ready.collection.document()
    data["samples"] |= {
        "learnt": len(ready.train),
        "validated": 0 if ready.validation is None else len(ready.validation),
    }
    data["patches"] = {
        "learnt": len(ready.rows),
        "validated": 0 if ready.judged is None else len(ready.judged),
        "side": ready.grid.side,
    }
    scores: dict[str, Any] = dict(trained.facts)
    if judged is not None:
        means = judged.scores
        scores["validation_images"] = means.images
        for name in ("network", "bicubic"):
            scores[f"validation_{name}_psnr"] = means.psnr[name].value
            scores[f"validation_{name}_ssim"] = means.ssim[name].value
    began: Any = ready.beginning
    return {
        "task": TASK,
        "kind": KIND,
        "model": trained.arguments,
        "scale": config.scale,
        "channels": config.channels,
        "radius": model.radius,
        "loss": config.loss,
        "parameters": sum(each.numel() for each in model.parameters()),
        "augment": config.augment,
        "downscaling": "PIL bicubic, antialiased",
        **({} if began is None else {"began": document_of(began)}),
        "data": data,
        "scores": scores,
        **training_document(config.training),
        "precision": config.training.precision,
    }
