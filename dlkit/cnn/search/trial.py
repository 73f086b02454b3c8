"""A training of a head tried: images read, a few steps taken, its cost estimated; nothing kept."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from dlkit import signals
from dlkit.classifiers.estimate import layers_text, step_cost, weights_bytes
from dlkit.cnn.search.train import EXAMPLE, batches_of, build, prepare, settle
from dlkit.training.running import check_data

if TYPE_CHECKING:
    from dlkit.cnn.search.config import SearchConfig
    from dlkit.records import Record


def dry_run(config: SearchConfig) -> Generator[Record, None, dict[str, object]]:
    """Read the data, take their features, build the head, take a few steps, estimate.

    Returns:
        Samples, classes, shapes, parameters, bytes of memory, steps, seconds of the steps.

    Raises:
        DlkitError: as a training.

    """
    check_data(config.data, example=EXAMPLE)
    with signals.catch() as stop:
        config = settle(config)
        ready = yield from prepare(config)
        stop.check()
        model, arguments, loss = build(config, ready)
        training = config.training
        batches = batches_of(config, ready)
        cost = step_cost(model, batches, loss, training)
        steps = len(batches) * training.epochs
        return {
            "data": ready.samples.name,
            "training samples": len(ready.train),
            "validation samples": 0 if ready.validation is None else len(ready.validation),
            "classes": len(ready.samples.classes),
            "features": f"{arguments['features']:,} of {ready.encoder.source.reference}",
            "loss": config.head.loss,
            "layers": layers_text(model),
            "parameters": sum(each.numel() for each in model.parameters()),
            "optimizer": training.optimizer,
            "epochs": training.epochs,
            "steps": steps,
            "memory_bytes": ready.train.images.nbytes
            + ready.rows.nbytes
            + cost.activation_bytes
            + weights_bytes(model, training.optimizer),
            "seconds": round(cost.seconds * steps, 1),
        }
