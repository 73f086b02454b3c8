"""A network trained by epochs, or a linear one brought to its optimum; nothing is saved here."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.classify.prepare import Prepared, arguments_of, batches_of, build
from dlkit.data.ngrams import Bags
from dlkit.errors import DlkitError
from dlkit.records import Noted, Record, Warned

if TYPE_CHECKING:
    from torch import nn

    from dlkit.classify.ascent import Reached
    from dlkit.classify.config import ClassifyConfig
    from dlkit.classify.linear import LinearNgrams
    from dlkit.signals import Stop
    from dlkit.training.checkpoint import Keeper
    from dlkit.training.lbfgs import Optimum
    from dlkit.training.state import State

_WHITE: Final = 255  # what pixels are divided by


@dataclass
class Trained:
    """A network at the end of its training.

    Attributes:
        model: the network.
        arguments: what it is built again by.
        history: of each epoch, or each iteration of L-BFGS, its metrics; another run's are equal.
        facts: further reproducible facts: the best epoch, the objective.
        seconds: of the training alone.
        told: what run.json says besides: resumptions, the samples that went at once.

    """

    model: nn.Module | LinearNgrams
    arguments: dict[str, Any]
    history: list[dict[str, Any]]
    facts: dict[str, Any]
    seconds: float
    told: dict[str, Any] = field(default_factory=dict)


def train(
    config: ClassifyConfig,
    ready: Prepared,
    stop: Stop | None,
    *,
    keep: Keeper | None = None,
    state: State | None = None,
) -> Generator[Record, None, Trained]:
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
    from dlkit.training.loop import fit

    settings = config.training
    loss = losses.build(
        config.loss,
        classes=len(ready.samples.classes),
        labels=ready.train.labels,
        smoothing=settings.label_smoothing,
        class_weights=settings.class_weights,
    )
    judged = ready.validation
    try:
        fitted = yield from fit(
            model,
            batches_of(ready.train, settings, learning=True),
            config=settings,
            loss=loss,
            validate=None if judged is None else batches_of(judged, settings, learning=False),
            state=state,
            stop=stop,
            keep=keep,
        )
    except ValueError as problem:
        if state is None:
            raise
        raise DlkitError(
            f"the run cannot be gone on with: {problem}", hint="train anew without --resume"
        ) from None
    falling = settings.schedule in ("constant", "step") and not fitted.stopped_early
    if judged is not None and falling and 1 < fitted.epochs == fitted.best_epoch:
        yield Noted(
            "the validation loss was least in the last epoch: with more --epochs, a larger --lr or "
            "a smaller --batch-size it may become less"
        )
    facts = {"best_epoch": fitted.best_epoch, "epochs": fitted.epochs}
    told: dict[str, Any] = {"stopped_early": fitted.stopped_early}
    if fitted.batch_size != settings.batch_size:
        told["samples_at_once"] = fitted.batch_size
    return Trained(model, arguments, fitted.history, facts, fitted.seconds, told)


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
) -> Generator[Record, None, Trained]:
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
) -> Generator[Record, None, Trained]:
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
