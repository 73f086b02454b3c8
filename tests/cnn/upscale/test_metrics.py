"""PSNR and SSIM against their definitions, and means with intervals against SciPy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from dlkit.cnn.upscale.loss import Differences
from dlkit.cnn.upscale.metrics import Row, Score, mean, score, summed


def images(height=30, width=26, channels=3, seed=0):
    """Of little contrast: there the constants of SSIM count, and what variances are divided by."""
    random = np.random.default_rng(seed)
    truth = random.integers(100, 124, (height, width, channels), dtype=np.uint8)
    change = random.integers(-9, 10, truth.shape)
    return truth, np.clip(truth.astype(int) + change, 0, 255).astype(np.uint8)


def luma(image):
    """Y of ITU-R BT.601 as MATLAB's rgb2ycbcr has it, in 64 bits."""
    red, green, blue = (image[..., place].astype(np.float64) for place in range(3))
    return 16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255


def psnr(first, second):
    return 10 * math.log10(255**2 / np.square(first - second).mean())


def ssim(first, second):
    """Wang et al. 2004 with the window of their section III-C, by the definition."""
    places = np.arange(-5, 6)
    line = np.exp(-(places**2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    found = []
    for row in range(first.shape[0] - 10):
        for column in range(first.shape[1] - 10):
            x, y = (each[row : row + 11, column : column + 11] for each in (first, second))
            mean_x, mean_y = (window * x).sum(), (window * y).sum()
            var_x = (window * x * x).sum() - mean_x**2
            var_y = (window * y * y).sum() - mean_y**2
            both = (window * x * y).sum() - mean_x * mean_y
            one, two = (0.01 * 255) ** 2, (0.03 * 255) ** 2
            above = (2 * mean_x * mean_y + one) * (2 * both + two)
            found.append(above / ((mean_x**2 + mean_y**2 + one) * (var_x + var_y + two)))
    return float(np.mean(found))


@pytest.mark.parametrize("shave", [2, 4])
def test_scores_on_brightness_follow_their_definitions(shave):
    truth, made = images()
    inner = (slice(shave, -shave), slice(shave, -shave))
    first, second = luma(truth)[inner], luma(made)[inner]
    found = score(truth, made, shave=shave, on="y")
    assert found.psnr == pytest.approx(psnr(first, second), abs=1e-6)
    assert found.ssim == pytest.approx(ssim(first, second), abs=1e-6)


def test_scores_on_colours_and_on_grey_are_of_the_bytes():
    truth, made = images()
    whole = truth[2:-2, 2:-2].astype(float), made[2:-2, 2:-2].astype(float)
    found = score(truth, made, shave=2, on="rgb")
    assert found.psnr == pytest.approx(psnr(*whole), abs=1e-9)
    each = [ssim(whole[0][..., c], whole[1][..., c]) for c in range(3)]
    assert found.ssim == pytest.approx(np.mean(each), abs=1e-6)
    grey = score(truth[..., :1], made[..., :1], shave=2, on="y")
    assert grey.psnr == pytest.approx(psnr(whole[0][..., 0], whole[1][..., 0]), abs=1e-9)


def test_what_differs_in_the_border_alone_is_exact():
    truth, _ = images()
    made = truth.copy()
    made[:2], made[:, -2:] = 0, 0
    assert score(truth, made, shave=2, on="rgb") == (math.inf, 1.0)


def test_small_images_have_no_ssim_and_tiny_ones_keep_their_border():
    truth, made = images(12, 14, 1)
    assert score(truth, made, shave=2, on="y").ssim is None
    tiny, other = truth[:2, :2], made[:2, :2]
    wanted = psnr(tiny.astype(float), other.astype(float))
    assert score(tiny, other, shave=2, on="y").psnr == pytest.approx(wanted)


def test_a_mean_has_students_interval():
    values = [20.0, 23.5, 21.0, 30.25, 18.0]
    found = mean([*values, None, math.inf])
    low, high = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    assert found == pytest.approx((np.mean(values), low, high, 5))
    assert mean([3.0]) == (3.0, None, None, 1)
    assert mean([]) == (None, None, None, 0)


def row(network, bicubic, ssims=(0.9, 0.8)):
    scores = {"network": Score(network, ssims[0]), "bicubic": Score(bicubic, ssims[1]),
              "nearest": Score(10.0, 0.5)}  # fmt: skip
    return Row("a.png", 20, 30, scores)


def test_an_image_that_one_way_makes_exactly_is_in_no_mean_of_psnr():
    rows = [row(30.0, 28.0), row(math.inf, 40.0), row(25.0, 24.0, (None, None))]
    rows[2] = rows[2]._replace(scores={name: Score(each.psnr, None)
                                       for name, each in rows[2].scores.items()})  # fmt: skip
    found = summed(rows)
    assert (found.images, found.exact, found.small) == (3, 1, 1)
    assert found.psnr["network"].value == 27.5
    assert found.psnr["bicubic"].value == 26.0
    assert found.gain.value == 1.5
    assert found.ssim["bicubic"].images == 2
    assert found.ssim_gain.value == pytest.approx(0.1)
    assert rows[1].document()["network_psnr"] is None


@pytest.mark.parametrize("kind", ["l1", "l2"])
def test_the_loss_of_a_batch_is_the_sum_of_mean_differences(kind):
    random = np.random.default_rng(2)
    outputs = torch.from_numpy(random.normal(0.5, 0.5, (3, 1, 8, 8)).astype(np.float32))
    targets = torch.from_numpy(random.integers(0, 256, (3, 1, 8, 8), dtype=np.uint8))
    lost = outputs.numpy().astype(float) - targets.numpy() / 255
    power = np.abs(lost) if kind == "l1" else lost**2
    loss = Differences(kind, shave=2)
    assert float(loss.total(outputs, targets)) == pytest.approx(power.mean(axis=(1, 2, 3)).sum())
    made = np.round(np.clip(outputs.numpy(), 0, 1) * 255)
    wanted = sum(
        psnr(targets.numpy()[place, 0, 2:-2, 2:-2].astype(float), made[place, 0, 2:-2, 2:-2])
        for place in range(3)
    )
    assert float(loss.measured(outputs, targets)) == pytest.approx(wanted, rel=1e-5)
    assert float(loss.measured(targets / 255, targets)) == pytest.approx(300)
