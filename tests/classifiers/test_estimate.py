"""What a step would cost."""

from __future__ import annotations

import numpy as np
import pytest

from dlkit.classifiers.estimate import layers_text, step_cost
from dlkit.training import losses
from dlkit.training.batches import Batches
from dlkit.training.config import TrainingConfig

torch = pytest.importorskip("torch")


def cost(model, size):
    rows = np.random.default_rng(0).normal(size=(64, 40)).astype(np.float32)
    batches = Batches(rows, np.arange(64) % 3, batch_size=size)
    training = TrainingConfig(batch_size=size, threads=1)
    return step_cost(model, batches, losses.build("softmax", classes=3), training)


def test_memory_of_activations_is_that_of_a_batch_and_not_of_weights():
    def model(width):
        return torch.nn.Sequential(
            torch.nn.Linear(40, width), torch.nn.ReLU(), torch.nn.Linear(width, 3)
        )

    small, large = cost(model(500), 8), cost(model(500), 32)
    inputs_and_relu = 4 * 32 * (40 + 500)
    assert inputs_and_relu <= large.activation_bytes <= 1.1 * inputs_and_relu  # not twice
    assert small.activation_bytes == pytest.approx(large.activation_bytes / 4, rel=0.05)
    assert large.seconds > 0


def test_of_many_layers_the_first_and_the_last_are_told():
    layers = torch.nn.Sequential(*(torch.nn.Linear(2, 2) for _ in range(20)))
    assert layers_text(layers) == "2 x 2, 2 x 2, … 17 more …, 2 x 2"
    assert layers_text(layers[:3]) == "2 x 2, 2 x 2, 2 x 2"
