"""Receptive fields as they really are, and what small kernels and shared weights save."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from dlkit.cnn.layers import table
from dlkit.cnn.receptive import effective, held_by, sharing, stacks, two_sigma


def chain(convolutions, channels=1):
    layers = [nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(convolutions)]
    return nn.Sequential(*layers)


@pytest.mark.parametrize("convolutions", [1, 2, 5])
def test_of_ones_it_is_the_binomial(convolutions):
    model = chain(convolutions)
    for weight in model.parameters():
        nn.init.ones_(weight)
    # (1 + x + x²)^n, a side of the square; Luo et al. 2016, section 2.2.
    side = np.ones(1)
    for _ in range(convolutions):
        side = np.convolve(side, np.ones(3))
    found = effective(model, torch.rand(3, 1, 25, 25), layer=str(convolutions - 1))
    reach = convolutions
    np.testing.assert_allclose(
        found[12 - reach : 13 + reach, 12 - reach : 13 + reach], np.outer(side, side), rtol=1e-5
    )
    assert np.count_nonzero(found) == (2 * convolutions + 1) ** 2


def test_it_is_the_root_of_the_mean_squared_derivatives():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 6, 3, padding=1), nn.Tanh(), nn.Conv2d(6, 3, 3, padding=1))
    image = torch.rand(1, 2, 9, 9)
    jacobian = torch.autograd.functional.jacobian(lambda x: model(x)[0, :, 4, 4], image)
    expected = jacobian.square().sum(dim=(0, 1, 2)).sqrt().numpy()
    many = image.repeat(4000, 1, 1, 1)  # other signs each time: their mixed products cancel
    found = effective(model, many, layer="2", seed=3)
    np.testing.assert_allclose(found, expected, rtol=0.05)
    np.testing.assert_array_equal(found, effective(model, many, layer="2", seed=3))


def test_widths():
    box = np.zeros((21, 21))
    box[8:13, 8:13] = 1
    assert held_by(box, 1.0) == 5
    assert held_by(box, 0.95) == 5  # 3 x 3 holds 36 %
    assert two_sigma(box) == 5
    assert held_by(box[8:12]) == 5  # at the border, not a square any more
    assert held_by(np.eye(1, 9, 8)) == 1
    x = np.arange(-60, 61)
    bell = np.exp(-(x**2) / 2 / 8**2)
    gaussian = np.outer(bell, bell)
    # √.95 of a bell lies within 2.236 deviations of its middle.
    assert held_by(gaussian) == pytest.approx(2 * 2.2365 * 8, abs=1.5)
    # exp(-r²/2σ²) is 4.55 % at r = 2.486 σ: the square of as large an area.
    assert two_sigma(gaussian) == pytest.approx(math.sqrt(math.pi) * 2.4860 * 8, rel=0.01)
    assert (held_by(np.zeros((4, 4))), two_sigma(np.zeros((4, 4)))) == (0, 0)


def test_stacked_small_kernels_see_as_far_with_less():
    for each in stacks(64):
        model = chain(each.convolutions, 64)
        large = nn.Conv2d(64, 64, each.sees, bias=False)
        assert sum(weight.numel() for weight in model.parameters()) == each.parameters
        assert large.weight.numel() == each.large
        extent = table(model, channels=64, size=(32, 32)).layers[-1].extent
        assert extent == (each.sees, each.sees) == large.kernel_size
        assert each.share == each.parameters / each.large < 1
    assert [(each.sees, round(each.share, 2)) for each in stacks(8, 3)] == [(5, 0.72), (7, 0.55)]


def test_sharing_is_counted_against_the_layer_without_it():
    model = nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 6, 3, stride=2, groups=3, bias=False)
    )
    first, second = sharing(model, table(model, channels=2, size=(7, 5)))
    connected = nn.Linear(2 * 7 * 5, 3 * 7 * 5)
    assert first.connected == sum(weight.numel() for weight in connected.parameters())
    assert first.unshared == 7 * 5 * first.parameters == 7 * 5 * (3 * 2 * 9 + 3)
    assert first.saved == first.connected / 57
    assert second.shape == ((3, 7, 5), (6, 3, 2))
    assert second.connected == (3 * 7 * 5) * (6 * 3 * 2)
    assert second.unshared == 6 * second.parameters == 6 * 54
