"""Looking into networks: made by hand, so that what must be seen is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from dlkit.cnn import looking, occlusion
from dlkit.data.samples import split_of
from dlkit.errors import DlkitError


def last(work):
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


class Pixel(nn.Module):
    """Class 1 is as probable as one pixel is bright."""

    def __init__(self, row, column):
        super().__init__()
        self.place = row, column

    def forward(self, images):
        score = 8 * images[:, :, *self.place].float().mean(1) - 4
        return torch.stack([torch.zeros_like(score), score], 1)


class Quadrant(nn.Module):
    """Class 1 goes by the upper left quadrant, class 0 by the lower right one, of 2 maps."""

    def __init__(self):
        super().__init__()
        self.maps = nn.Conv2d(1, 2, 1, bias=False)
        self.act = nn.ReLU(inplace=True)
        nn.init.ones_(self.maps.weight)
        with torch.no_grad():
            self.maps.weight[1] = -1

    def forward(self, images):
        mask = torch.zeros(2, *images.shape[2:])
        half = images.shape[2] // 2
        mask[0, half:, half:] = 1
        mask[1, :half, :half] = 1
        maps = self.act(self.maps(images))[:, 0]
        return torch.stack([(maps * each).sum(dim=(1, 2)) for each in mask], 1)


def test_an_occlusion_map_is_lowest_where_the_network_looks():
    image = torch.ones(3, 9, 12)
    model = Pixel(2, 7)
    whole = looking.probabilities(model, image[None])[0, 1]
    found = last(occlusion.occlusion_map(model, image, 1, colour=[0, 0, 0], patch=1, step=1))
    assert found.shape == (9, 12)
    assert np.unravel_index(found.argmin(), found.shape) == (2, 7)
    assert np.count_nonzero(found < whole) == 1
    wide = last(occlusion.occlusion_map(model, image, 1, colour=[0, 0, 0], patch=3, step=1))
    assert {tuple(each) for each in np.argwhere(wide < whole)} == {
        (row, column) for row in (1, 2, 3) for column in (6, 7, 8)
    }


def test_an_occlusion_map_is_that_of_every_place_by_itself():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3))
    image = torch.rand(1, 10, 14)
    model(image[None])
    found = last(occlusion.occlusion_map(model, image, 2, colour=[0.5], patch=5, step=3))
    assert found.shape == (4, 5)
    for row, column in np.ndindex(found.shape):
        hidden = image.clone()
        for i, j in np.ndindex(10, 14):  # within two pixels of the middle of the cell
            if abs(i - (3 * row + 1)) <= 2 and abs(j - (3 * column + 1)) <= 2:
                hidden[0, i, j] = 0.5
        expected = model(hidden[None]).softmax(1)[0, 2].item()
        assert found[row, column] == pytest.approx(expected, abs=1e-6)


def test_grad_cam_lies_where_the_class_is_decided():
    image = torch.rand(2, 1, 8, 8) + 0.5
    for layer in ("maps", "act"):
        found = looking.grad_cam(Quadrant(), image, [1, 0], layer=layer)
        assert found.shape == (2, 8, 8)
        # The mean derivative is that of the whole map: where it is bright counts, so the weight of
        # map 0 is 1/4 and that of map 1, which relu cuts, 0.
        np.testing.assert_allclose(found, image[:, 0] / 4, rtol=1e-5)


def test_grad_cam_of_maps_that_each_see_a_quadrant():
    class Corners(nn.Module):
        def __init__(self):
            super().__init__()
            self.maps = nn.Identity()
            self.head = nn.Linear(4, 4, bias=False)
            nn.init.eye_(self.head.weight)

        def forward(self, images):
            parts = torch.zeros(len(images), 4, 6, 6)
            parts[:, 0, :3, :3], parts[:, 1, :3, 3:] = images[:, 0, :3, :3], images[:, 0, :3, 3:]
            parts[:, 2, 3:, :3], parts[:, 3, 3:, 3:] = images[:, 0, 3:, :3], images[:, 0, 3:, 3:]
            return self.head(self.maps(parts).mean(dim=(2, 3)))

    images = torch.rand(4, 1, 6, 6) + 0.1
    found = looking.grad_cam(Corners(), images, [0, 1, 2, 3], layer="maps")
    for label, (top, left) in enumerate([(0, 0), (0, 3), (3, 0), (3, 3)]):
        inside = found[label, top : top + 3, left : left + 3]
        assert (inside > 0).all()
        assert found[label].sum() == pytest.approx(inside.sum())


def test_grad_cam_is_the_equations_by_finite_differences():
    torch.manual_seed(1)
    body = nn.Sequential(nn.Conv2d(3, 5, 3, padding=1), nn.BatchNorm2d(5), nn.ReLU(inplace=True))
    head = nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(20, 4), nn.Tanh())
    model = nn.Sequential(body, head).double().requires_grad_(False)  # a frozen one
    images = torch.rand(2, 3, 4, 4, dtype=torch.float64)
    found = looking.grad_cam(model, images, [3, 1], layer="0")
    model.eval()
    maps = body(images)
    for place, label in enumerate([3, 1]):
        weights = []
        for channel in range(5):
            slope = 0.0
            for row, column in np.ndindex(4, 4):
                moved = maps[place : place + 1].repeat(2, 1, 1, 1)
                moved[0, channel, row, column] += 1e-6
                moved[1, channel, row, column] -= 1e-6
                up, down = head(moved)[:, label].tolist()
                slope += (up - down) / 2e-6 / 16
            weights.append(slope)
        expected = sum(w * m for w, m in zip(weights, maps[place], strict=True)).relu()
        np.testing.assert_allclose(found[place], expected, rtol=1e-4, atol=1e-9)


def test_maps_are_what_a_module_gives_though_the_next_writes_into_it():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True), nn.Dropout(0.5))
    images = torch.rand(2, 1, 6, 6)
    found = looking.feature_maps(model, images, "0")
    np.testing.assert_allclose(found, model[0](images).detach(), rtol=1e-6)
    assert (found < 0).any()
    np.testing.assert_allclose(looking.feature_maps(model, images, "2"), found.clip(0), rtol=1e-6)
    assert model[2].training
    name, weights = looking.first_filters(model)
    assert (name, weights.shape) == ("0", (3, 1, 3, 3))
    assert looking.first_filters(nn.Linear(2, 2)) is None


def test_enlarged_keeps_places():
    maps = np.zeros((1, 4, 4), np.float32)
    maps[0, 1, 2] = 1
    large = looking.enlarged(maps, (16, 20))
    assert large.shape == (1, 16, 20)
    row, column = np.unravel_index(large.argmax(), (16, 20))
    assert (row // 4, column // 5) == (1, 2)


def test_what_is_hidden_is_the_share_that_was_asked_for():
    generator = np.random.default_rng(0)
    images = generator.integers(0, 200, (50, 40, 30, 3), dtype=np.uint8)
    places = generator.random((50, 2))
    for share in (0, 0.1, 0.25, 0.5, 0.9, 1):
        hidden, real = occlusion.hide(images, share, colour=(201, 202, 203), places=places)
        assert abs(real - share) < 0.03
        covered = (hidden == (201, 202, 203)).all(axis=3)
        np.testing.assert_allclose(covered.mean(axis=(1, 2)), real)
        np.testing.assert_array_equal(hidden[~covered], images[~covered])
    ends, _ = occlusion.hide(
        images[:2], 0.25, colour=(0, 0, 0), places=np.array([[0, 0], [1, 1.0]])
    )
    assert (ends[0, :20, :15] == 0).all()
    assert (ends[1, 20:, 15:] == 0).all()


def test_accuracy_falls_to_a_guess_when_all_is_hidden():
    images = np.zeros((400, 8, 8, 1), np.uint8)
    labels = np.arange(400) % 2
    images[labels == 1] = 255
    labels[:10] = -1  # of no known class: not judged
    samples = split_of(images, labels, list(map(str, range(400))))

    def ask(some):
        yield from ()
        bright = (some > 128).mean(axis=(1, 2, 3))
        return np.stack([0.4 + 0 * bright, bright], 1)

    work = occlusion.accuracy_by_share(ask, samples, (0, 0.25, 1), colour=(100,), seed=1)
    none, some, every = last(work)
    assert (none.correct, none.samples, none.share) == (390, 390, 0)
    assert (some.share, some.accuracy) == (0.25, 1)
    assert (every.share, every.accuracy) == (1, 0.5)
    assert every.row()[:2] == [1, 0.5]
    again = last(occlusion.accuracy_by_share(ask, samples, (0.7,), colour=(100,), seed=1))
    assert again == last(occlusion.accuracy_by_share(ask, samples, (0.7,), colour=(100,), seed=1))


def test_shares_are_per_cents():
    assert occlusion.shares_of("0, 10,37.5,100") == (0, 0.1, 0.375, 1)
    for text in ("", "x", "-1", "101", "nan"):
        with pytest.raises(DlkitError, match="--occlude"):
            occlusion.shares_of(text)
