"""A training tried: data read, one step taken, its cost estimated; nothing stays on disk."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit import signals
from dlkit.classify.fitting import optimum_of
from dlkit.classify.prepare import Prepared, batches_of, build, prepare, settle
from dlkit.data.ngrams import Bags
from dlkit.records import Noted, Record

if TYPE_CHECKING:
    from torch import nn

    from dlkit.classify.config import ClassifyConfig

_TRIED: Final = 3  # steps that are timed, or iterations of L-BFGS
_USUAL_ITERATIONS: Final = 100  # that L-BFGS is estimated by
_STATES: Final = {"sgd": 1, "adam": 2, "adamw": 2}  # numbers that are kept of each parameter


def dry_run(config: ClassifyConfig) -> Generator[Record, None, dict[str, object]]:
    """Read the data, build the network, take a step, estimate.

    Returns:
        Samples, classes, shapes, parameters, bytes of memory, steps, seconds.

    Raises:
        DlkitError: as a training.

    """
    with signals.catch() as stop:
        ready = yield from prepare(config)
        config = settle(config, ready)
        stop.check()
        model, _ = build(config, ready)
        training = config.training
        convex = training.optimizer == "lbfgs"
        if convex:
            seconds = yield from _iteration(config, ready)
            total = _USUAL_ITERATIONS * seconds
            yield Noted(f"seconds are estimated for {_USUAL_ITERATIONS} iterations of L-BFGS")
        else:
            seconds = _step(config, ready, model)
            steps = len(batches_of(ready.train, training, learning=True))
            total = seconds * steps * training.epochs
        samples = ready.samples
        return {
            "data": samples.name,
            "training samples": len(ready.train.labels),
            "validation samples": 0 if ready.validation is None else len(ready.validation.labels),
            "test samples": len(samples.test),
            "classes": len(samples.classes),
            "inputs": f"{ready.reader.text}: {_shape(ready.train.numbers)}",
            "layers": _layers(model),
            "parameters": sum(each.numel() for each in model.parameters()),
            "optimizer": training.optimizer,
            **({} if convex else {"steps": steps * training.epochs}),
            "memory_bytes": _memory(model, ready, training.optimizer),
            "seconds": round(total, 1),
        }


def _step(config: ClassifyConfig, ready: Prepared, model: nn.Module) -> float:
    """Seconds of a step: the quickest of a few, forward and backward."""
    import torch

    from dlkit.training import losses, machine

    training = config.training
    loss = losses.build(config.loss, classes=len(ready.samples.classes))
    with machine.arranged(training):
        model.to(training.device).train()
        batches = batches_of(ready.train, training, learning=True)
        best = float("inf")
        for place, batch in enumerate(batches.at()):
            begun = time.perf_counter()
            with machine.autocast(training):
                scores = model(*batch.inputs)
            torch.autograd.backward(loss.total(scores, batch.labels))
            float(scores.detach().sum())  # waits for a GPU
            best = min(best, time.perf_counter() - begun)
            if place == _TRIED - 1:
                break
    return best


def _iteration(config: ClassifyConfig, ready: Prepared) -> Generator[Record, None, float]:
    """Seconds of an iteration of L-BFGS."""
    training = config.training.model_copy(update={"iterations": _TRIED})
    work = optimum_of(config.model_copy(update={"training": training}), ready, None)
    # It says that so few iterations do not suffice, which is no news here.
    while True:
        try:
            next(work)
        except StopIteration as end:
            seconds: float = end.value.seconds
            break
    yield from ()
    return seconds / _TRIED


def _shape(numbers: Any) -> str:
    if isinstance(numbers, Bags):
        texts = len(numbers.offsets) - 1
        return f"{texts:,} texts, {len(numbers.values) / texts:,.0f} n-grams each"
    assert isinstance(numbers, np.ndarray)
    return f"{len(numbers):,} x {numbers.shape[1]:,} {numbers.dtype}"


def _layers(model: nn.Module) -> str:
    """The weights' shapes, outputs x inputs, in order."""
    found = [
        " x ".join(f"{side:,}" for side in parameter.shape)
        for parameter in model.parameters()
        if parameter.ndim > 1
    ]
    return ", ".join(found)


def _memory(model: nn.Module, ready: Prepared, optimizer: str) -> int:
    """Bytes of the samples, the weights, their gradients and what the optimizer keeps of them."""
    numbers = ready.train.numbers
    held = sum(each.nbytes for each in numbers) if isinstance(numbers, Bags) else numbers.nbytes
    if optimizer == "lbfgs":
        # Bytes become float32; twenty steps and their changes are remembered, float64.
        weights = 40 * 8 * sum(each.numel() for each in model.parameters())
        return int(held * (4 if numbers.dtype == np.uint8 else 1) + weights)  # type: ignore[union-attr]
    copies = 2 + _STATES[optimizer]
    return int(held + 4 * copies * sum(each.numel() for each in model.parameters()))
