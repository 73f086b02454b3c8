"""A training tried: images read, a few steps taken, its cost estimated; nothing is kept."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from dlkit import signals
from dlkit.classifiers.estimate import step_cost, weights_bytes
from dlkit.cnn.detect.feeding import Given, batches_of
from dlkit.cnn.detect.prepare import build, prepare, settle

if TYPE_CHECKING:
    from dlkit.cnn.detect.config import DetectConfig
    from dlkit.records import Record


def dry_run(config: DetectConfig) -> Generator[Record, None, dict[str, object]]:
    """Read the data, build the network, take a few steps, estimate.

    Returns:
        Images, boxes, classes, shapes, parameters, bytes of memory, steps, seconds.

    Raises:
        DlkitError: as a training.

    """
    with signals.catch() as stop:
        ready = yield from prepare(config)
        config = yield from settle(config, ready)
        stop.check()
        model, _ = yield from build(config, ready)
        training = config.training
        batches = batches_of(ready.train, config)
        steps = len(batches) * training.epochs
        cost = step_cost(model, batches, Given(), training)
        validation, test = ready.validation, ready.collection.splits.get("test")
        return {
            "data": ready.collection.name,
            "training images": len(ready.train),
            "training boxes": ready.train.boxes,
            "validation images": 0 if validation is None else len(validation),
            "test images": 0 if test is None else len(test),
            "classes": len(ready.classes),
            "size": f"{ready.size[1]}x{ready.size[0]}",
            "model": config.model,
            "parameters": sum(each.numel() for each in model.parameters()),
            "augment": config.augment,
            "optimizer": training.optimizer,
            "epochs": training.epochs,
            "steps": steps,
            "memory_bytes": ready.train.images.nbytes
            + cost.activation_bytes
            + weights_bytes(model, training.optimizer),
            "seconds": round(cost.seconds * steps, 1),
        }
