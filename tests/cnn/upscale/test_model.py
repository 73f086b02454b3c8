"""Networks that make images larger, against PIL's interpolation and by what a pixel depends on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from dlkit.cnn.upscale.model import LUMA, Bicubic, build, to_bytes
from dlkit.cnn.upscale.patches import of_pil, to_pil

SIZES = ((1, 1), (1, 7), (6, 1), (2, 3), (5, 9), (17, 12))


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("size", SIZES)
def test_bicubic_interpolation_is_that_of_pil(scale, size):
    numbers = np.random.default_rng(3).random(size, np.float32)
    wanted = Image.fromarray(numbers).resize(
        (size[1] * scale, size[0] * scale), Image.Resampling.BICUBIC
    )
    found = Bicubic(scale)(torch.from_numpy(numbers)[None, None])[0, 0]
    np.testing.assert_allclose(found.numpy(), np.asarray(wanted), atol=2e-6)


@pytest.mark.parametrize("name", ["espcn", "edsr"])
@pytest.mark.parametrize(("scale", "channels"), [(2, 1), (3, 3), (4, 1), (4, 3)])
def test_an_untrained_network_is_bicubic_interpolation(name, scale, channels):
    # Of others PIL cuts off, between its two passes, what is above 255 or below 0.
    pixels = np.random.default_rng(1).integers(90, 166, (9, 14, 3), dtype=np.uint8)
    model = build(name, scale=scale, channels=channels)
    large = to_bytes(model(torch.from_numpy(pixels).permute(2, 0, 1)[None]))
    found = large[0].permute(1, 2, 0).numpy().astype(int)
    wanted = of_pil(to_pil(pixels).resize((14 * scale, 9 * scale), Image.Resampling.BICUBIC))
    # PIL rounds between its two passes, too.
    assert np.abs(found - wanted).max() <= 1


def test_the_baseline_has_the_parameters_of_the_paper():
    def size(**arguments):
        model = build("edsr", channels=3, blocks=16, width=64, **arguments)
        return sum(each.numel() for each in model.parameters())

    # The authors' published baselines for two, three and four times.
    assert (size(scale=2), size(scale=3), size(scale=4)) == (1_369_859, 1_554_499, 1_517_571)


@pytest.mark.parametrize("name", ["espcn", "edsr"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_pixel_depends_on_what_lies_within_the_radius_and_on_no_more(network, name, scale):
    model = network(name, scale=scale)
    middle = 2 * model.radius + 3
    side = 2 * middle + 1
    generator = torch.Generator().manual_seed(2)
    x = torch.rand(1, 1, side, side, generator=generator, dtype=torch.float64)
    x.requires_grad_()
    pixel = slice(middle * scale, (middle + 1) * scale)
    model.double()(x)[..., pixel, pixel].abs().sum().backward()
    rows = np.flatnonzero(x.grad[0, 0].abs().sum(1).numpy())
    columns = np.flatnonzero(x.grad[0, 0].abs().sum(0).numpy())
    assert rows.min() == columns.min() == middle - model.radius
    assert rows.max() == columns.max() == middle + model.radius


def test_a_network_of_brightness_adds_the_same_to_every_colour(network):
    model = network()
    colours = torch.rand(2, 3, 6, 7, generator=torch.Generator().manual_seed(4))
    added = model(colours) - model.bicubic(colours)
    torch.testing.assert_close(added, added[:, :1].expand_as(added), atol=1e-6, rtol=0)
    luma = sum(colours[:, place : place + 1] * share for place, share in enumerate(LUMA))
    torch.testing.assert_close(added[:, :1], model.residual(luma), atol=1e-6, rtol=0)


def test_grey_goes_through_a_network_of_colours_as_three_equal_ones(network):
    model = network(channels=3)
    grey = torch.rand(1, 1, 5, 6, generator=torch.Generator().manual_seed(5))
    wanted = model(grey.expand(-1, 3, -1, -1)).mean(1, keepdim=True)
    torch.testing.assert_close(model(grey), wanted, atol=1e-6, rtol=0)


def test_bytes_and_numbers_from_0_to_1_are_the_same_image(network):
    model = network("edsr", channels=3)
    pixels = torch.randint(0, 256, (1, 3, 4, 5), dtype=torch.uint8)
    torch.testing.assert_close(model(pixels), model(pixels / 255))


@pytest.mark.parametrize("arguments", [{"scale": 5, "channels": 1}, {"scale": 2, "channels": 2}])
def test_scales_and_channels_that_there_are_not_are_refused(arguments):
    with pytest.raises(ValueError, match="must be"):
        build("espcn", **arguments)
    with pytest.raises(ValueError, match="no such network"):
        build("srcnn", scale=2, channels=1)
