from __future__ import annotations

import numpy as np
import pytest

from dlkit.training.views import KINDS, tta_scores


def looks(image, kind):
    """The views of an image (C, H, W) and what each counts: brute force."""
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1)), mode="reflect")
    height, width = image.shape[1:]
    views = [(image, 1.0)]
    if kind.endswith("shifts"):
        views = [(image, 0.5), (padded[:, :height, :width], 0.25), (padded[:, 2:, 2:], 0.25)]
    if not kind.startswith("mirror"):
        return views
    return [(each, share / 2) for view, share in views for each in (view, view[:, :, ::-1])]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bytes_", [True, False])
def test_scores_are_the_mean_over_the_views(kind, bytes_):
    import torch

    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (5, 6, 7, 3), generator=generator, dtype=torch.uint8)
    images = images.permute(0, 3, 1, 2)
    weights = torch.randn(3 * 6 * 7, 4, generator=generator, dtype=torch.float64)

    def model(inputs):  # not linear, so that no other mean would do
        assert inputs.dtype == (torch.uint8 if bytes_ else torch.float64)
        return (inputs.double().flatten(1) / 255 @ weights) ** 3

    expected = torch.stack([
        sum(
            share * model(torch.tensor(view.copy())[None])[0]
            for view, share in looks(image, kind)
        )
        for image in (images if bytes_ else images.double()).numpy()
    ])  # fmt: skip
    found = tta_scores(model, images if bytes_ else images.double(), kind)
    assert torch.allclose(found, expected)


def test_scores_of_few_bits_are_added_up_in_float32():
    import torch

    images = torch.zeros(2, 1, 4, 4)
    scores = tta_scores(lambda inputs: inputs.flatten(1).bfloat16(), images, "mirror")
    assert scores.dtype == torch.float32


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match=r"none of none, mirror, shifts, mirror\+shifts"):
        tta_scores(lambda images: images, None, "five-crop")
