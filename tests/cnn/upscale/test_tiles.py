"""An image in tiles is the image at once, whatever its size."""

from __future__ import annotations

import numpy as np
import pytest

from dlkit.cnn.upscale.tiles import computed, enlarged, places

TILE = 8
SIZES = ((1, 1), (1, 30), (27, 1), (2, 2), (7, 9), (8, 8), (9, 8), (16, 17), (15, 31), (24, 25))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("name", "scale", "channels", "given"),
    [("espcn", 2, 1, 3), ("espcn", 3, 3, 3), ("edsr", 2, 1, 1), ("edsr", 4, 3, 3)],
)
def test_tiles_give_what_the_whole_gives(network, one_thread, name, scale, channels, given, size):
    model = network(name, scale=scale, channels=channels)
    image = np.random.default_rng(8).random((*size, given), np.float32)
    whole = computed(model, image[None])[0]
    assert whole.shape == (size[0] * scale, size[1] * scale, given)
    np.testing.assert_allclose(enlarged(model, image, tile=TILE), whole, rtol=0, atol=1e-6)
    # Less around a tile would be seen: the test sees it.
    if max(size) > 2 * TILE and min(size) > 1:
        model.radius -= 2
        assert np.abs(enlarged(model, image, tile=TILE) - whole).max() > 1e-6


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_whole_numbers_stay_of_their_kind(network, kind):
    model = network()
    most = np.iinfo(kind).max
    image = np.random.default_rng(1).integers(0, most, (11, 13, 1), dtype=kind, endpoint=True)
    numbers = computed(model, (image / most).astype(np.float32)[None])[0]
    found = enlarged(model, image, tile=6)
    assert found.dtype == kind
    wanted = np.clip(numbers.astype(float), 0, 1) * most
    assert np.abs(found - wanted).max() <= 0.5 + most * 1e-6


@pytest.mark.parametrize("size", SIZES)
def test_tiles_cover_every_pixel_once(size):
    seen = np.zeros(size, int)
    for each in places(*size, TILE, 3):
        seen[each.top : each.bottom, each.left : each.right] += 1
        top, bottom, left, right = each.outer
        assert top == max(0, each.top - 3)
        assert bottom == min(size[0], each.bottom + 3)
        assert left == max(0, each.left - 3)
        assert right == min(size[1], each.right + 3)
    assert (seen == 1).all()
