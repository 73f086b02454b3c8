"""Small networks, samples with something to learn, and a fit that is driven to its end."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest


def _finish(work):
    """All records of a generator, and its result."""
    records = []
    while True:
        try:
            records.append(next(work))
        except StopIteration as end:
            return records, end.value


def _samples(number=240, columns=6, classes=3, seed=0):
    """Classes around points of their own: (N, D) float32 and (N,) int64."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, number)
    centres = rng.normal(size=(classes, columns))
    rows = centres[labels] + rng.normal(size=(number, columns))
    return rows.astype(np.float32), labels.astype(np.int64)


def _network(columns=6, classes=3, *, hidden=8, dropout=0.0, norm=False, seed=3):
    import torch
    from torch import nn

    torch.manual_seed(seed)
    layers = [nn.Linear(columns, hidden)]
    layers += [nn.BatchNorm1d(hidden)] if norm else []
    layers += [nn.ReLU()]
    layers += [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*layers, nn.Linear(hidden, classes))


class _Memory:
    """Keeps every state in memory instead of on the disk."""

    def __init__(self, every=None):
        self.every = every
        self.states = []

    def save(self, state):
        from dlkit.training.state import State

        tensors = {name: each.clone() for name, each in state.tensors.items()}
        self.states.append(State(tensors, state.numbers))

    def stopped(self, signum):
        from dlkit.errors import StoppedError

        return StoppedError(signum, "stopped")


@pytest.fixture
def tools():
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield SimpleNamespace(finish=_finish, samples=_samples, network=_network, Memory=_Memory)
    torch.set_num_threads(before)
