"""A training or a sweep tried: data read, a step taken, its cost estimated; nothing is kept."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit import signals
from dlkit.classifiers.estimate import layers_text, step_cost, weights_bytes
from dlkit.classify.fitting import ascent_of, optimum_of
from dlkit.classify.prepare import Prepared, batches_of, build, prepare, settle
from dlkit.classify.sweep_trial import Bench
from dlkit.data.ngrams import Bags
from dlkit.records import Noted, Record

if TYPE_CHECKING:
    from torch import nn

    from dlkit.classify.config import ClassifyConfig
    from dlkit.classify.sweep_axes import Trial

_TRIALS: Final = 8  # of a sweep that are tried
_TRIED: Final = 3  # iterations of L-BFGS that are timed
_USUAL_ITERATIONS: Final = 100  # that L-BFGS is estimated by
_USUAL_PASSES: Final = 8  # and dual ascent


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
        facts = yield from _estimated(config, ready)
        if config.training.optimizer == "lbfgs":
            yield Noted(f"seconds are estimated for {_USUAL_ITERATIONS} iterations of L-BFGS")
        return {
            "data": ready.samples.name,
            **_counts(ready),
            "test samples": len(ready.samples.test),
            **facts,
            "seconds": round(facts["seconds"], 1),
        }


def dry_sweep(trials: Sequence[Trial], *, jobs: int) -> Generator[Record, None, dict[str, object]]:
    """Read the data, take a step of some of the ``trials``, estimate the sweep.

    Args:
        trials: all of them, one or more.
        jobs: processes.

    Raises:
        DlkitError: as a sweep.

    """
    places = np.linspace(0, len(trials) - 1, min(len(trials), _TRIALS)).round().astype(int)
    bench, found = Bench(), []
    with signals.catch() as stop:
        for place in places.tolist():
            config = trials[place].config
            ready = yield from bench.ready(config)
            stop.check()
            found.append((yield from _estimated(settle(config, ready), ready)))
    if len(found) < len(trials):
        yield Noted(f"estimated by {len(found)} of the {len(trials):,} trials")
    sizes = [facts["parameters"] for facts in found]
    jobs = min(jobs, len(trials))
    seconds = sum(facts["seconds"] for facts in found) / len(found) * len(trials) / jobs
    return {
        "data": ready.samples.name,
        "trials": len(trials),
        "over": ", ".join(trials[0].knobs),
        "jobs": jobs,
        **_counts(ready),
        "fewest parameters": min(sizes),
        "most parameters": max(sizes),
        "memory_bytes": jobs * max(facts["memory_bytes"] for facts in found),
        "seconds": round(seconds, 1),
    }


def _counts(ready: Prepared) -> dict[str, int]:
    judged = ready.validation
    return {
        "training samples": len(ready.train.labels),
        "validation samples": 0 if judged is None else len(judged.labels),
    }


def _estimated(config: ClassifyConfig, ready: Prepared) -> Generator[Record, None, dict[str, Any]]:
    """What is told of one training with settled settings, its ``seconds`` among them."""
    from dlkit.training import losses

    model, _ = build(config, ready)
    training, steps, activations = config.training, {}, 0
    if training.optimizer == "lbfgs":
        seconds = _USUAL_ITERATIONS * (yield from _iteration(config, ready))
    elif training.optimizer == "sdca":
        seconds = _USUAL_PASSES * (yield from _iteration(config, ready))
    else:
        batches = batches_of(ready.train, training, learning=True)
        count = len(batches) * training.epochs
        loss = losses.build(config.loss, classes=len(ready.samples.classes))
        cost = step_cost(model, batches, loss, training)
        seconds, activations = count * cost.seconds, cost.activation_bytes
        steps = {"steps": count}
    return {
        "classes": len(ready.samples.classes),
        "inputs": f"{ready.reader.text}: {_shape(ready.train.numbers)}",
        "layers": layers_text(model),
        "parameters": sum(each.numel() for each in model.parameters()),
        "optimizer": training.optimizer,
        **steps,
        "memory_bytes": _memory(model, ready, training.optimizer) + activations,
        "seconds": seconds,
    }


def _iteration(config: ClassifyConfig, ready: Prepared) -> Generator[Record, None, float]:
    """Seconds of an iteration of L-BFGS, or of a pass of dual ascent."""
    training = config.training.model_copy(update={"iterations": _TRIED})
    finder: Any = ascent_of if training.optimizer == "sdca" else optimum_of
    work = finder(config.model_copy(update={"training": training}), ready, None)
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


def _memory(model: nn.Module, ready: Prepared, optimizer: str) -> int:
    """Bytes of the samples, the weights, their gradients and what the optimizer keeps of them."""
    numbers = ready.train.numbers
    held = sum(each.nbytes for each in numbers) if isinstance(numbers, Bags) else numbers.nbytes
    if optimizer == "lbfgs":
        # Bytes become float32; twenty steps and their changes are remembered, float64.
        weights = 40 * 8 * sum(each.numel() for each in model.parameters())
        return int(held * (4 if numbers.dtype == np.uint8 else 1) + weights)  # type: ignore[union-attr]
    if optimizer == "sdca":  # four times in float64 while the gap is reckoned, and float32
        return int(held + 36 * sum(each.numel() for each in model.parameters()))
    return int(held + weights_bytes(model, optimizer))
