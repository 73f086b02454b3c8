"""A training tried: images read, a few steps taken, its cost estimated; nothing is kept."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from dlkit import signals
from dlkit.classifiers.estimate import layers_text, step_cost, weights_bytes
from dlkit.cnn.feeding import batches_of
from dlkit.cnn.prepare import build, parameters_of, prepare, settle

if TYPE_CHECKING:
    from dlkit.cnn.config import CnnConfig
    from dlkit.records import Record


def dry_run(config: CnnConfig) -> Generator[Record, None, dict[str, object]]:
    """Read the data, build the network, take a few steps, estimate.

    Returns:
        Samples, classes, shapes, parameters, bytes of memory, steps, seconds.

    Raises:
        DlkitError: as a training.

    """
    from dlkit.training import losses

    with signals.catch() as stop:
        ready = yield from prepare(config)
        config = yield from settle(config, ready)
        stop.check()
        model, _ = yield from build(config, ready)
        training, form = config.training, ready.form
        batches = batches_of(ready.train, config, ready)
        steps = len(batches) * training.epochs
        loss = losses.build("softmax", classes=len(ready.samples.classes))
        cost = step_cost(model, batches, loss, training)
        held = ready.train.images.nbytes + cost.activation_bytes
        return {
            "data": ready.samples.name,
            "training samples": len(ready.train),
            "validation samples": 0 if ready.validation is None else len(ready.validation),
            "test samples": len(ready.samples.test),
            "classes": len(ready.samples.classes),
            "inputs": f"{len(ready.train):,} images of {form.width}x{form.height}x{form.channels}",
            "model": config.model,
            "layers": layers_text(model),
            "parameters": parameters_of(model),
            "augment": config.augment,
            "optimizer": training.optimizer,
            "epochs": training.epochs,
            "steps": steps,
            "memory_bytes": held + weights_bytes(model, training.optimizer),
            "seconds": round(cost.seconds * steps, 1),
        }
