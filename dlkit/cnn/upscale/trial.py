"""A training tried: images read and cut, a few steps taken, its cost estimated; nothing is kept."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from dlkit import signals
from dlkit.classifiers.estimate import layers_text, step_cost, weights_bytes
from dlkit.cnn.upscale.prepare import build, prepare, settle
from dlkit.cnn.upscale.train import batches_of, loss_of

if TYPE_CHECKING:
    from dlkit.cnn.upscale.config import UpscaleConfig
    from dlkit.records import Record


def dry_run(config: UpscaleConfig) -> Generator[Record, None, dict[str, object]]:
    """Read the images, build the network, take a few steps, estimate.

    Returns:
        Images, patches, shapes, parameters, bytes of memory, steps, seconds.

    Raises:
        DlkitError: as a training.

    """
    with signals.catch() as stop:
        ready = yield from prepare(config)
        config = yield from settle(config)
        stop.check()
        model, _ = build(config, ready)
        training, grid = config.training, ready.grid
        batches = batches_of(config, ready)
        steps = len(batches) * training.epochs
        cost = step_cost(model, batches, loss_of(config), training)
        held = ready.rows.nbytes + cost.activation_bytes
        return {
            "data": ready.collection.name,
            "training images": len(ready.train),
            "validation images": 0 if ready.validation is None else len(ready.validation),
            "test images": len(ready.collection.splits.get("test", ())),
            "patches": f"{len(ready.rows):,} of {grid.side}x{grid.side}x{grid.channels}, large "
            f"{grid.side * grid.scale}x{grid.side * grid.scale}",
            "model": config.model,
            "scale": config.scale,
            "layers": layers_text(model),
            "parameters": sum(each.numel() for each in model.parameters()),
            "sees": f"{2 * model.radius + 1} pixels of the small image",
            "loss": config.loss,
            "optimizer": training.optimizer,
            "epochs": training.epochs,
            "steps": steps,
            "memory_bytes": held + weights_bytes(model, training.optimizer),
            "seconds": round(cost.seconds * steps, 1),
        }
