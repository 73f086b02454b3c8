"""A network trained by epochs, or a linear one brought to its optimum; nothing is saved here."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.classify.prepare import Prepared, arguments_of, batches_of, build
from dlkit.data.ngrams import Bags
from dlkit.records import Noted, Record, Warned
from dlkit.training.fitting import Trained, by_epochs

if TYPE_CHECKING:
    from torch import nn

    from dlkit.classify.ascent import Reached
    from dlkit.classify.config import ClassifyConfig
    from dlkit.signals import Stop
    from dlkit.training.checkpoint import Keeper
    from dlkit.training.lbfgs import Optimum
    from dlkit.training.state import State

_WHITE: Final = 255  # what pixels are divided by


def train(
    config: ClassifyConfig,
    ready: Prepared,
    stop: Stop | None,
    *,
    keep: Keeper | None = None,
    state: State | None = None,
) -> Generator[Record, None, Trained[Any]]:
    """Train a network on ``ready.train``; nothing is written but checkpoints.

    Args:
        config: settled settings.
        ready: the data.
        stop: asks to stop, or to save.
        keep: takes the checkpoints.
        state: where to go on.

    Raises:
        DlkitError: diverged, out of memory, ``state`` is of another training.
        StoppedError: a signal came.

    """
    if config.training.optimizer == "sdca":
        return (yield from _ascended(config, ready, stop))
    model, arguments = build(config, ready)
    if config.training.optimizer == "lbfgs":
        optimum = yield from optimum_of(config, ready, stop)
        return (yield from _optimal(config, optimum, model, arguments))
    from dlkit.training import losses

    settings = config.training
    loss = losses.build(
        config.loss,
        classes=len(ready.samples.classes),
        labels=ready.train.labels,
        smoothing=settings.label_smoothing,
        class_weights=settings.class_weights,
    )
    judged = ready.validation
    return (
        yield from by_epochs(
            model,
            arguments,
            batches_of(ready.train, settings, learning=True),
            config=settings,
            loss=loss,
            validate=None if judged is None else batches_of(judged, settings, learning=False),
            state=state,
            stop=stop,
            keep=keep,
        )
    )


def optimum_of(
    config: ClassifyConfig, ready: Prepared, stop: Stop | None
) -> Generator[Record, None, Optimum]:
    """The optimum of a linear softmax classifier, by L-BFGS over all samples.

    Raises:
        DlkitError: the inputs are so large that the loss is no number.
        StoppedError: a signal came.

    """
    from dlkit.training import losses
    from dlkit.training.lbfgs import minimise

    settings, labels = config.training, ready.train.labels
    classes = len(ready.samples.classes)
    rows = ready.train.numbers
    assert isinstance(rows, np.ndarray)
    if rows.dtype == np.uint8:
        rows = rows.astype(np.float32)
        rows /= _WHITE
    balanced = settings.class_weights == "balanced"
    return (
        yield from minimise(
            rows,
            labels,
            classes=classes,
            l2=settings.l2,
            class_weights=losses.balanced(labels, classes) if balanced else None,
            tolerance=settings.tolerance,
            iterations=settings.iterations,
            threads=settings.threads,
            stop=stop,
        )
    )


def ascent_of(
    config: ClassifyConfig, ready: Prepared, stop: Stop | None
) -> Generator[Record, None, Reached]:
    """The optimum of a linear softmax classifier of n-grams, by dual coordinate ascent.

    Raises:
        StoppedError: a signal came.

    """
    from dlkit.classify.ascent import ascend
    from dlkit.training.losses import balanced

    settings, part = config.training, ready.train
    assert isinstance(part.numbers, Bags)
    arguments = arguments_of(config, ready)
    classes = arguments["classes"]
    weighted = settings.class_weights == "balanced"
    return (
        yield from ascend(
            part.numbers,
            part.labels,
            places=arguments["ngrams"],
            classes=classes,
            l2=settings.l2,
            class_weights=balanced(part.labels, classes) if weighted else None,
            tolerance=settings.tolerance,
            iterations=settings.iterations,
            seed=settings.seed,
            stop=stop,
        )
    )


def _ascended(
    config: ClassifyConfig, ready: Prepared, stop: Stop | None
) -> Generator[Record, None, Trained[Any]]:
    """The linear classifier of n-grams that dual ascent reached."""
    yield Noted(f"dual ascent to the optimum at l2 {config.training.l2:g}")
    reached = yield from ascent_of(config, ready, stop)
    facts = {
        "objective": reached.objective,
        "gap": reached.gap,
        "iterations": reached.passes,
        "converged": reached.converged,
    }
    arguments = arguments_of(config, ready)
    return Trained(reached.model, arguments, reached.history, facts, reached.seconds)


def _optimal(
    config: ClassifyConfig,
    optimum: Optimum,
    model: nn.Module,
    arguments: dict[str, Any],
) -> Generator[Record, None, Trained[Any]]:
    """The linear network with the weights of ``optimum``."""
    import torch

    if not optimum.converged and not config.training.l2:
        yield Warned(
            "λ is 0: where planes divide the classes the loss has no least value and the weights "
            "grow without end (--l2 0.001 gives it one)"
        )
    if optimum.converged:
        yield Noted(
            f"L-BFGS converged after {optimum.iterations:,} iterations: objective "
            f"{optimum.objective:.6g}"
        )
    with torch.no_grad():
        weight, bias = model.parameters()
        weight.copy_(torch.from_numpy(optimum.weights))
        bias.copy_(torch.from_numpy(optimum.bias))
    history = [
        {"iteration": place, "objective": value} for place, value in enumerate(optimum.history)
    ]
    facts = {
        "objective": optimum.objective,
        "gradient": optimum.gradient,
        "iterations": optimum.iterations,
        "converged": optimum.converged,
    }
    return Trained(model, arguments, history, facts, optimum.seconds)
