"""The fast network: white patches, convolutions that begin as the identity, no scales."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from dlkit.cnn.fast import LEAST_VARIANCE, whitening
from dlkit.cnn.model import build


def made(*, size=(16, 16), channels=3, mean=None, std=None, **arguments):
    torch.manual_seed(0)
    return build(
        "fast", channels=channels, size=size, classes=4,
        mean=mean or (0.5,) * channels, std=std or (0.25,) * channels, **arguments,
    )  # fmt: skip


def smooth(number, channels, height, width, seed=0):
    """Images whose neighbouring pixels and channels are alike, as in photographs: (N, C, H, W)."""
    random = np.random.default_rng(seed)
    common = random.normal(size=(number, 1, height + 2, width + 2))
    noise = random.normal(size=(number, channels, height + 2, width + 2))
    rough = 3 * common + noise
    near = sum(rough[:, :, i : i + height, j : j + width] for i in range(3) for j in range(3)) / 9
    # Brighter below, so that the mean of a patch's upper and lower pixels differ.
    return near + random.normal(size=(channels, 1, 1)) + 2 * np.arange(height)[:, None]


def patches_of(images, patch):
    """(P, C p p) every patch of every image, by plain slices."""
    number, channels, height, width = images.shape
    rows = [
        images[:, :, i : i + patch, j : j + patch].reshape(number, channels * patch**2)
        for i in range(height - patch + 1)
        for j in range(width - patch + 1)
    ]
    return np.concatenate(rows)


@pytest.mark.parametrize(("channels", "patch"), [(3, 2), (1, 2), (1, 3), (4, 1)])
def test_filters_make_patches_white(channels, patch):
    images = smooth(300, channels, 7, 6)
    filters = whitening(torch.from_numpy(images).float(), patch=patch).numpy().astype(np.float64)
    length = channels * patch**2
    assert filters.shape == (2 * length, channels, patch, patch)
    outputs = patches_of(images, patch) @ filters.reshape(2 * length, length).T
    np.testing.assert_allclose(outputs[:, length:], -outputs[:, :length])
    covariance = np.cov(outputs[:, :length], rowvar=False, bias=True).reshape(length, length)
    # NumPy's own: a filter's output varies by λ / (λ + least), largest λ first.
    values = np.linalg.eigvalsh(np.cov(patches_of(images, patch), rowvar=False, bias=True))[::-1]
    wanted = np.diag(values / (values + LEAST_VARIANCE))
    np.testing.assert_allclose(covariance, wanted, atol=2e-3)
    assert values[0] > 20 * values[-1] or patch == 1  # there was something to make white


def test_filters_do_not_depend_on_how_images_are_divided(monkeypatch):
    images = torch.from_numpy(smooth(50, 3, 6, 6)).float() + 100
    whole = whitening(images)
    monkeypatch.setattr("dlkit.cnn.fast._PATCHES_AT_ONCE", 60)
    parts = whitening(images)
    products = (whole * parts).flatten(1).sum(1).abs() / whole.flatten(1).pow(2).sum(1)
    torch.testing.assert_close(products, torch.ones_like(products), rtol=1e-3, atol=1e-3)


def test_images_of_one_colour_give_finite_filters():
    filters = whitening(torch.full((5, 3, 4, 4), 0.3))
    assert filters.isfinite().all()


def test_preparing_looks_at_scaled_pixels_and_training_leaves_the_filters():
    given = torch.from_numpy((smooth(200, 3, 16, 16) * 20 + 120).clip(0, 255).astype(np.uint8))
    scaled = given / 255
    mean, std = scaled.mean((0, 2, 3)), scaled.std((0, 2, 3))
    model = made(mean=mean.tolist(), std=std.tolist(), widths=(8,))
    model.prepare(given)
    wanted = whitening((scaled - mean.view(-1, 1, 1)) / std.view(-1, 1, 1))
    torch.testing.assert_close(model.whiten.weight.abs(), wanted.abs(), rtol=1e-2, atol=1e-2)
    before = model.whiten.weight.clone()
    model.prepare(given.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2))  # channels last
    torch.testing.assert_close(model.whiten.weight.abs(), before.abs(), rtol=1e-2, atol=1e-2)
    model(given[:8]).sum().backward()
    assert model.whiten.weight.grad is None
    assert model.whiten.bias.grad is not None


def test_convolutions_begin_as_the_identity_as_far_as_they_can():
    model = made(widths=(32, 8))
    first, second = model.blocks[0][0], model.blocks[0][4]
    maps = torch.randn(2, 24, 5, 5)
    torch.testing.assert_close(first(maps)[:, :24], maps)
    assert first(maps)[:, 24:].std() > 0.1
    maps = torch.randn(2, 32, 5, 5)
    torch.testing.assert_close(second(maps), maps)
    torch.testing.assert_close(model.blocks[1][0](maps), maps[:, :8])


def test_normalisations_learn_shifts_alone_and_forget_soon():
    model = made(widths=(8,), momentum=0.75)
    norms = [each for each in model.modules() if isinstance(each, nn.BatchNorm2d)]
    assert len(norms) == 2
    for norm in norms:
        assert not norm.weight.requires_grad
        assert norm.bias.requires_grad
        assert (norm.weight == 1).all()
    maps = torch.randn(50, 8, 4, 4) * 3
    norms[0].train()(maps)
    wanted = 0.75 * 1 + 0.25 * maps.transpose(0, 1).flatten(1).var(1)
    torch.testing.assert_close(norms[0].running_var, wanted)


def test_scores_are_scaled():
    one, other = made(widths=(8,), scale=1.0).eval(), made(widths=(8,), scale=0.25).eval()
    other.load_state_dict(one.state_dict())
    given = torch.rand(3, 3, 16, 16)
    torch.testing.assert_close(other(given), one(given) / 4)


@pytest.mark.parametrize(
    ("size", "sides", "words"),
    [
        ((32, 32), [15, 7, 3], None),
        ((28, 28), [13, 6, 3], None),
        ((8, 8), [3, 1, 1], "1 of 3 poolings left out"),
        ((2, 9), [1, 1, 1], "3 of 3 poolings left out"),
        ((100, 100), [49, 24, 12], "made for small images"),
    ],
)
def test_blocks_halve_what_can_be_halved(size, sides, words):
    model = made(size=size, widths=(8, 8, 8)).eval()
    maps = model.activation(model.whiten(torch.rand(1, 3, *size)))
    for block, side in zip(model.blocks, sides, strict=True):
        maps = block(maps)
        assert maps.shape[2] == side
    assert model.features(torch.rand(1, 3, *size)).shape == (1, 8)
    assert [words in note for note in model.notes] == ([True] if words else [])
