"""Pairs of patches: the small one is PIL's, and lies where the large one does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dlkit.cnn.upscale.patches import Grid, Unpacking, cut, pairs, smaller, turned


def noise(height, width, channels, seed=0):
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (height, width, channels), dtype=np.uint8)


def unpacked(rows, grid):
    """Small patches (N, P, P, C) and large ones, without turning."""
    made = Unpacking(grid, turning=False)(
        torch.from_numpy(rows), torch.Generator(), 0, torch.arange(len(rows))
    )
    return tuple(each.permute(0, 2, 3, 1).numpy() for each in made)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_small_image_is_pils_antialiased_bicubic(scale):
    image = noise(12 * scale, 7 * scale, 3)
    wanted = Image.fromarray(image).resize((7, 12), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(smaller(image, scale), np.asarray(wanted))


def test_what_is_no_multiple_of_the_scale_is_cut_off_at_the_right_and_the_bottom():
    image = noise(11, 8, 1)
    np.testing.assert_array_equal(cut(image, 3), image[:9, :6])
    np.testing.assert_array_equal(cut(image, 4), image[:8, :8])


@given(
    st.integers(8, 40), st.integers(8, 40), st.sampled_from([2, 3]), st.sampled_from([1, 3]),
    st.integers(2, 8),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_patches_cover_every_pixel_of_both_images(height, width, scale, channels, side):
    image = noise(height, width, channels, seed=height * width)
    grid = Grid(scale, side, channels)
    if not grid.patches(height, width):
        assert min(height // scale, width // scale) < side
        return
    rows = pairs(image, grid)
    assert rows.shape == (grid.patches(height, width), grid.row)
    large = cut(image, scale)
    little = smaller(large, scale)
    covered = np.zeros(little.shape[:2], bool)
    small, big = unpacked(rows, grid)
    place = 0
    for top in [*range(0, little.shape[0] - side, side), little.shape[0] - side]:
        for left in [*range(0, little.shape[1] - side, side), little.shape[1] - side]:
            covered[top : top + side, left : left + side] = True
            np.testing.assert_array_equal(
                small[place], little[top : top + side, left : left + side]
            )
            np.testing.assert_array_equal(
                big[place],
                large[top * scale : (top + side) * scale, left * scale : (left + side) * scale],
            )
            place += 1
    assert place == len(rows)
    assert covered.all()


def test_a_network_of_brightness_is_given_what_pil_calls_l():
    image = noise(16, 16, 3)
    small, large = unpacked(pairs(image, Grid(2, 8, 1)), Grid(2, 8, 1))
    np.testing.assert_array_equal(large[0, ..., 0], np.asarray(Image.fromarray(image).convert("L")))
    half = Image.fromarray(image).resize((8, 8), Image.Resampling.BICUBIC).convert("L")
    np.testing.assert_array_equal(small[0, ..., 0], np.asarray(half))


def test_grey_images_are_three_equal_colours_to_a_network_of_colours():
    small, large = unpacked(pairs(noise(8, 8, 1), Grid(2, 4, 3)), Grid(2, 4, 3))
    assert (small == small[..., :1]).all()
    assert (large == large[..., :1]).all()


def test_a_square_has_eight_positions():
    image = torch.arange(9).reshape(1, 1, 3, 3).expand(8, -1, -1, -1)
    made = {tuple(each.flatten().tolist()) for each in turned(image, torch.arange(8))}
    square = np.arange(9).reshape(3, 3)
    wanted = {
        tuple(np.rot90(each, times).flatten().tolist())
        for each in (square, square.T)
        for times in range(4)
    }
    assert made == wanted


def test_small_and_large_are_turned_alike_and_by_the_generator_alone():
    grid = Grid(2, 6, 3)
    # The small image is the mean of squares of four: that commutes with turning.
    large = np.repeat(np.repeat(noise(6, 6, 3), 2, 0), 2, 1)
    row = np.concatenate(
        [large[::2, ::2].transpose(2, 0, 1).ravel(), large.transpose(2, 0, 1).ravel()]
    )
    rows = torch.from_numpy(np.stack([row] * 64))
    give = Unpacking(grid, turning=True)
    made = [give(rows, torch.Generator().manual_seed(9), 0, torch.arange(64)) for _ in range(2)]
    torch.testing.assert_close(made[0].inputs, made[1].inputs)
    torch.testing.assert_close(made[0].targets[..., ::2, ::2], made[0].inputs)
    assert len({tuple(each.flatten().tolist()) for each in made[0].inputs}) == 8
