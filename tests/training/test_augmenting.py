from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from dlkit.training.augmenting import by_slices, by_windows, shift_and_mirror


def candidates(image, padding, mirror):
    """Everything that may become of an image (C, H, W), by where and how: brute force."""
    height, width = image.shape[1:]
    padded = np.pad(image, ((0, 0), (padding, padding), (padding, padding)))
    found = {}
    for down in range(2 * padding + 1):
        for right in range(2 * padding + 1):
            window = padded[:, down : down + height, right : right + width]
            found[down, right, False] = window
            if mirror:
                found[down, right, True] = window[:, :, ::-1]
    return found


@pytest.mark.parametrize(("padding", "mirror"), [(2, True), (1, False), (0, True), (0, False)])
@pytest.mark.parametrize("last", [False, True])
def test_each_image_becomes_one_of_its_own_windows_and_each_is_as_probable(padding, mirror, last):
    import torch

    count = 3000
    images = np.random.default_rng(0).integers(1, 256, (count, 3, 4, 5), dtype=np.uint8)
    given = torch.from_numpy(images)
    if last:  # channels last in memory, as pictures are read
        given = given.contiguous(memory_format=torch.channels_last)
    out = shift_and_mirror(given, torch.Generator().manual_seed(1), padding=padding, mirror=mirror)
    assert out.dtype == torch.uint8
    assert out.shape == given.shape
    assert np.array_equal(given.numpy(), images)
    counts = Counter()
    for image, made in zip(images, out.numpy(), strict=True):
        (how,) = [
            key
            for key, each in candidates(image, padding, mirror).items()
            if np.array_equal(each, made)
        ]
        counts[how] += 1
    ways = (2 * padding + 1) ** 2 * (1 + mirror)
    assert len(counts) == ways
    # Pearson's statistic is below this with a probability of 0.9999 or more.
    expected = count / ways
    assert (
        sum((seen - expected) ** 2 / expected for seen in counts.values())
        < ways + 5 * (2 * ways) ** 0.5
    )


def test_the_generator_alone_decides():
    import torch

    images = torch.rand(50, 1, 8, 8)
    one, same, other = (
        shift_and_mirror(images, torch.Generator().manual_seed(seed), padding=2)
        for seed in (1, 1, 2)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("padding", [0, 3])
def test_devices_make_the_same_of_the_same_draws(padding):
    import torch

    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (40, 3, 5, 7), generator=generator, dtype=torch.uint8)
    places = torch.randint(0, 2 * padding + 1, (2, 40), generator=generator)
    turned = torch.randint(0, 2, (40,), generator=generator)
    for given in (images, images.float(), images.contiguous(memory_format=torch.channels_last)):
        one, other = (make(given, places, turned, padding) for make in (by_slices, by_windows))
        assert torch.equal(one, other)
