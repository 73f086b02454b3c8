"""Random numbers as a function of a seed and a place: nothing but numbers need be saved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

# What a stream of random numbers is for; a place in it follows.
_ORDER: Final = 1
_EPOCH: Final = 2
_AUGMENT: Final = 3


def order(samples: int, *, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """(N,) the order of the samples in an epoch."""
    return np.random.default_rng([seed, _ORDER, epoch]).permutation(samples)


def epoch_seed(seed: int, epoch: int) -> int:
    """What PyTorch's own generators (dropout) are seeded with at the start of an epoch."""
    return _number([seed, _EPOCH, epoch])


def augment_seed(seed: int, epoch: int, step: int) -> int:
    """What the augmentation of a step's batch is seeded with."""
    return _number([seed, _AUGMENT, epoch, step])


def _number(key: list[int]) -> int:
    # Non-negative in 64 bits with a sign, which every generator of PyTorch takes.
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> np.uint64(1))


def seed_generators(number: int, device: str) -> None:
    """Seed the generators that work on ``device`` draws from, and no others."""
    import torch

    # torch.manual_seed tells every kind of device that there may be, which takes longer than a
    # small step.
    torch.default_generator.manual_seed(number)
    if device == "cuda":
        torch.cuda.manual_seed(number)
    elif device == "mps":
        torch.mps.manual_seed(number)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let PyTorch's generators in the body draw by ``seed``; their state before comes back."""
    import torch

    before = generator_states()
    torch.manual_seed(_number([seed]))
    try:
        yield
    finally:
        set_generator_states(before)


def generator_states() -> dict[str, torch.Tensor]:
    """The states of PyTorch's own generators, uint8: of the CPU, and of the GPU where used."""
    import torch

    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def set_generator_states(states: dict[str, torch.Tensor]) -> None:
    """Undo what was drawn since ``generator_states``."""
    import torch

    torch.set_rng_state(states["cpu"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])
