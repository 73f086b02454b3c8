"""A training as tensors and numbers: enough to go on as if nothing had happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from dlkit.training import machine, seeding

if TYPE_CHECKING:
    import torch

    from dlkit.training.batches import Batches
    from dlkit.training.config import TrainingConfig
    from dlkit.training.steps import Steps

_FORMAT: Final = 2

# What a position in the data means; where one of them differs, another order would follow.
_SAME: Final = ("samples", "batch_size", "seed", "shuffle")


@dataclass
class State:
    """What ``capture`` returns and ``restore`` goes on from.

    Attributes:
        tensors: weights, those of the optimizer, averages, the best weights, generators; by name,
            on the CPU. Not copies where the training is on the CPU.
        numbers: JSON values: the position, the scores so far, the machine.

    """

    tensors: dict[str, torch.Tensor]
    numbers: dict[str, Any]

    def differences(self, config: TrainingConfig) -> list[str]:
        """Why a training that goes on here will not be bit for bit what it would have been."""
        began, here = self.numbers["machine"], machine.facts(config)
        return [
            f"{key} was {began.get(key, 'not said')} when the run began, is "
            f"{here.get(key, 'not said')} now: the weights will not be the same bit for bit"
            for key in dict.fromkeys((*began, *here))
            if began.get(key) != here.get(key)
        ]


@dataclass
class Progress:
    """Where a training is, and what it saw.

    ``epoch`` and ``step`` are those of the next batch, from 0; ``loss``, ``measured`` and ``seen``
    are sums over the samples of the epoch in hand; ``first`` is the mean loss of the first batch;
    ``best_of`` says what the best epoch is the best of.
    """

    epoch: int = 0
    step: int = 0
    loss: float = 0.0
    measured: float = 0  # right answers, of mixed samples by shares; or the loss' own measure
    seen: int = 0
    first: float | None = None
    best_epoch: int = 0
    best_worth: float | None = None
    best_of: str = ""
    over: bool = False  # stopped early
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, torch.Tensor] = field(default_factory=dict)


def capture(steps: Steps, batches: Batches, progress: Progress) -> State:
    """The training as it is now."""
    tensors = {f"model.{name}": each for name, each in steps.model.state_dict().items()}
    for number, parameter in enumerate(steps.optimizer.parameters):
        for key, value in steps.optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer.{number}.{key}"] = value
    if steps.average is not None:
        tensors |= {f"average.{name}": each for name, each in steps.average.tensors().items()}
    tensors |= {f"best.{name}": each for name, each in progress.best.items()}
    tensors |= {f"generator.{name}": each for name, each in seeding.generator_states().items()}
    numbers = {
        "format": _FORMAT,
        **{name: getattr(batches, name) for name in _SAME},
        "size": steps.size,
        "scaler": steps.scaler.state_dict(),
        "machine": machine.facts(steps.config),
        **{
            name: value for name, value in vars(progress).items() if name not in ("best", "history")
        },
        # As pairs: a JSON object that comes back may have another order.
        "history": [[[key, value] for key, value in entry.items()] for entry in progress.history],
    }
    return State({name: each.detach().cpu() for name, each in tensors.items()}, numbers)


def restore(state: State, steps: Steps, batches: Batches) -> Progress:
    """Go back to where ``state`` was captured; the generators are left to ``restore_generators``.

    Raises:
        ValueError: it is of another network, optimizer or data.

    """
    numbers = state.numbers
    if numbers.get("format") != _FORMAT:
        raise ValueError(f"state has format {numbers.get('format')!r}, not {_FORMAT}")
    for name in _SAME:
        now = getattr(batches, name)
        if numbers[name] != now:
            raise ValueError(f"{name} was {numbers[name]} when the run began, is {now} now")
    model = _under("model.", state.tensors)
    try:
        steps.model.load_state_dict(model, strict=True)
    except RuntimeError as problem:
        what = " ".join(str(problem).split())
        raise ValueError(f"the network is not that of the state: {what[:200]}") from None
    _restore_optimizer(steps, _under("optimizer.", state.tensors))
    averages = _under("average.", state.tensors)
    own = steps.average.tensors() if steps.average is not None else {}
    if averages.keys() != own.keys():
        raise ValueError("the state has other averages than the settings ask for")
    for name, tensor in averages.items():
        own[name].copy_(tensor)
    steps.scaler.load_state_dict(numbers["scaler"])
    steps.size = numbers["size"]
    known = Progress.__dataclass_fields__
    progress = Progress(**{name: numbers[name] for name in known if name in numbers})
    progress.history = [dict(entry) for entry in numbers["history"]]
    own_state = steps.model.state_dict()
    progress.best = {
        name: tensor.to(own_state[name].device, copy=True)
        for name, tensor in _under("best.", state.tensors).items()
    }
    return progress


def restore_generators(state: State) -> None:
    """Let PyTorch's generators draw what they would have drawn next."""
    seeding.set_generator_states(_under("generator.", state.tensors))


def _restore_optimizer(steps: Steps, tensors: Mapping[str, torch.Tensor]) -> None:
    """Give the optimizer what it had gathered for each parameter."""
    steps.optimizer.state.clear()
    for name, tensor in tensors.items():
        number, _, key = name.partition(".")
        steps.optimizer.put(int(number), key, tensor)


def _under(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors whose names begin with ``prefix``, by what follows it."""
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
