from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from dlkit.training.augmenting import colour, hiding, mixing, moving, policies
from dlkit.training.augmenting.config import parse
from dlkit.training.augmenting.making import augmentation
from dlkit.training.augmenting.moving import by_indices, by_slices, shift_and_mirror


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


def generator(seed=0):
    import torch

    return torch.Generator().manual_seed(seed)


def pictures(count=12, channels=3, height=8, width=10, seed=0, *, last=True):
    """(B, C, H, W) bytes, channels last in memory as batches have them."""
    import torch

    size = (count, height, width, channels)
    made = torch.randint(0, 256, size, generator=generator(seed), dtype=torch.uint8)
    made = made.permute(0, 3, 1, 2)
    return made if last else made.contiguous()


@pytest.mark.parametrize("edge", ["zeros", "reflect", "repeat"])
@pytest.mark.parametrize("padding", [0, 3])
def test_devices_make_the_same_of_the_same_draws(padding, edge):
    import torch

    images = pictures(40, 3, 5, 7)
    places = moving.drawn_places(40, generator(1), padding)
    modes = {"zeros": "constant", "reflect": "reflect", "repeat": "edge"}
    pads = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    padded = np.pad(images.numpy(), pads, mode=modes[edge])
    for turned in (None, moving.by_chance(40, generator(2))):
        for given in (images, images.float(), images.contiguous()):
            one, other = (
                make(given, places, turned, padding, edge) for make in (by_slices, by_indices)
            )
            assert torch.equal(one, other)
            last = given.is_contiguous(memory_format=torch.channels_last)
            for made in (one, other):
                assert made.dtype == given.dtype
                assert made.is_contiguous(memory_format=torch.channels_last) == last
        for image, made, top, left, back in zip(
            padded, one.numpy(), *places.tolist(), [0] * 40 if turned is None else turned.tolist(),
            strict=True,
        ):  # fmt: skip
            window = image[:, top : top + 5, left : left + 7]
            assert np.array_equal(made, window[:, :, ::-1] if back else window)


def test_alternating_flip_shows_each_sample_the_other_way_in_the_next_epoch():
    import torch

    places = torch.randperm(20_000, generator=generator())
    first = moving.in_turn(places, 0)
    assert torch.equal(moving.in_turn(places, 1), ~first)
    assert torch.equal(moving.in_turn(places, 6), first)
    assert torch.equal(moving.in_turn(places[:50], 0), first[:50])
    # As many one way as the other, as coins would fall, also of neighbours in the data.
    ways = moving.in_turn(torch.arange(20_000), 0).float()
    assert abs(float(ways.mean()) - 0.5) < 5 * 0.5 / 20_000**0.5
    assert abs(float((ways[1:] == ways[:-1]).float().mean()) - 0.5) < 5 * 0.5 / 20_000**0.5


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_a_turn_by_right_angles_moves_pixels_only(angle):
    import math

    import torch

    images = pictures(2, 3, 6, 6)
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    theta = torch.tensor([[cosine, sine, 0.0], [-sine, cosine, 0.0]]).expand(2, 2, 3)
    made = moving.resampled(images, theta)
    assert torch.equal(made, torch.rot90(images, -angle // 90, (2, 3)))
    assert made.is_contiguous(memory_format=torch.channels_last)


def test_affine_moves_a_dot_to_where_its_draws_say_and_no_further():
    import torch

    # A small disc off the centre of a wide image: its centroid tells the way it went.
    height, width, count = 41, 61, 400
    down, across = np.mgrid[:height, :width]
    disc = np.exp(-((down - 20 - 8) ** 2 + (across - 30 - 6) ** 2) / 6)
    images = torch.from_numpy(disc).float().expand(count, 1, height, width)

    def offsets(**settings):
        made = moving.affine(images, generator(3), **settings).numpy()[:, 0]
        mass = made.sum((1, 2))
        y, x = ((made * each).sum((1, 2)) / mass for each in (down, across))
        return np.stack([x - 30, y - 20], axis=1), mass

    turned, _ = offsets(degrees=25)
    radius = np.hypot(*turned.T)
    assert np.allclose(radius, 10, atol=0.05)  # in pixels: sides of another length change nothing
    angles = np.degrees(np.arctan2(*turned.T[::-1]) - np.arctan2(8, 6))
    assert 23 < angles.max() <= 25.1
    assert -25.1 <= angles.min() < -23
    shifted, _ = offsets(shift=0.1)
    assert np.abs(shifted - (6, 8)).max(0) == pytest.approx([6.1, 4.1], abs=0.2)
    scaled, mass = offsets(scale=0.25)
    factor = np.hypot(*scaled.T) / 10
    assert (factor.min(), factor.max()) == pytest.approx((1 / 1.25, 1.25), abs=0.02)
    assert np.allclose(mass / mass.mean(), factor**2 / (factor**2).mean(), rtol=0.04)
    sheared, _ = offsets(shear=20)
    assert np.allclose(sheared[:, 1], 8, atol=0.05)
    assert np.abs(sheared[:, 0] - 6).max() == pytest.approx(8 * np.tan(np.radians(20)), abs=0.1)


@pytest.mark.parametrize("side", [1, 4, 5])
def test_cutout_hides_one_square_of_the_side_around_any_pixel(side):
    images = pictures(4000, 3, 6, 7) // 2
    made = hiding.cutout(images, generator(), side=side, fill=(250.2, 251, 252)).numpy()
    given = images.numpy()
    hidden = made[:, 0] == 250
    centres = set()
    for image, out, where in zip(given, made, hidden, strict=True):
        rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
        box = where[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert box.all()
        assert max(box.shape) <= side
        assert (out[:, where].T == (250, 251, 252)).all()
        assert np.array_equal(out[:, ~where], image[:, ~where])
        centres.add((rows[0], rows[-1], columns[0], columns[-1]))
    squares = {
        (max(y - side // 2, 0), min(y - side // 2 + side, 6) - 1,
         max(x - side // 2, 0), min(x - side // 2 + side, 7) - 1)
        for y in range(6) for x in range(7)
    }  # fmt: skip
    assert centres == squares


def test_erasing_fills_a_box_of_the_asked_share_in_the_asked_share_of_images():
    images = pictures(2000, 3, 32, 24)
    made = hiding.erased(images, generator(), share=0.6, least=0.1, most=0.3).numpy()
    given = images.numpy()
    changed = (made != given).any(1)
    happened = changed.any((1, 2))
    assert abs(happened.mean() - 0.6) < 5 * (0.24 / 2000) ** 0.5
    shares, quotients = [], []
    for image, where in zip(made[happened], changed[happened], strict=True):
        rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
        tall, wide = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
        shares.append(tall * wide / (32 * 24))
        quotients.append(tall / wide)
        assert where[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].mean() > 0.9
        assert len(np.unique(image[:, where])) > 50
    assert 0.08 < min(shares) < 0.12
    assert 0.27 < max(shares) < 0.33
    assert 0.26 < min(quotients) < 0.4
    assert 2.5 < max(quotients) < 3.8


def test_jitter_does_what_torchvision_does_with_the_same_factors():
    import torch
    from torchvision.transforms.v2 import functional

    images = pictures(30, 3, 8, 8).float() / 255 * 0.2 + 0.4  # far from the ends: nothing is cut
    for name in ("brightness", "contrast", "saturation"):
        others = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0} | {name: 0.5}
        made = colour.jittered(images, generator(4), **others)
        draws = torch.rand((4, 30), generator=generator(4)) * 2 - 1
        factors = 1 + 0.5 * draws[["brightness", "contrast", "saturation"].index(name)]
        adjust = getattr(functional, f"adjust_{name}")
        for image, out, factor in zip(images, made, factors.tolist(), strict=True):
            assert torch.allclose(out, adjust(image, factor), atol=2e-3)
    turned = colour.jittered(images, generator(4), brightness=0, contrast=0, saturation=0, hue=0.5)
    weights = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    assert torch.allclose((turned * weights).sum(1), (images * weights).sum(1), atol=1e-4)
    assert (turned - images).abs().max() > 0.05
    # Half of the circle and as far back is none.
    assert torch.equal(
        colour.jittered(images, generator(), brightness=0, contrast=0, saturation=0).round(
            decimals=4
        ),
        images.round(decimals=4),
    )


def test_grey_images_have_no_hue_to_change():
    import torch

    images = pictures(20, 1)
    for settings in ({"saturation": 1.0}, {"hue": 0.5}):
        others = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0} | settings
        assert torch.equal(colour.jittered(images, generator(), **others), images)
    grey = images.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
    made = colour.jittered(grey, generator(), brightness=0, contrast=0, saturation=1, hue=0.5)
    assert (made.int() - grey.int()).abs().max() <= 1
    made = colour.greyed(pictures(400), generator(), share=0.3)
    assert (made[:, 0] == made[:, 1]).flatten(1).all(1).float().mean() == pytest.approx(
        0.3, abs=0.1
    )


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("magnitude", [0, 9, 30])
def test_the_operations_are_torchvisions_at_every_magnitude(channels, magnitude):
    import torch
    from torchvision.transforms import v2

    theirs = v2.RandAugment()
    images = pictures(4, channels, 16, 20)
    assert list(policies.OPERATIONS) == list(theirs._AUGMENTATION_SPACE)
    for name, (operation, signed, most) in policies.OPERATIONS.items():
        magnitudes, both = theirs._AUGMENTATION_SPACE[name]
        assert both == signed
        values = magnitudes(31, 16, 20)
        strength = 0.0 if values is None else float(values[magnitude])
        for sign in (1, -1) if signed else (1,):
            expected = theirs._apply_image_or_video_transform(
                images, name, sign * strength, theirs.interpolation, theirs._fill
            )
            made = operation(v2.functional, images, sign * policies.strength_of(most, magnitude))
            assert torch.equal(made, expected), name


def test_randaugment_draws_for_each_image_by_itself():
    import torch

    # Of less than the full range, and of pixels enough for Equalize: every operation shows.
    one = pictures(1, 3, 24, 24) // 2 + 30
    images = one.expand(600, -1, -1, -1)
    made = policies.randaugmented(images, generator(), operations=1, magnitude=15)
    kinds, counts = torch.unique(made, dim=0, return_counts=True)
    assert len(kinds) == 23  # 9 in two directions, 5 in one
    assert counts.min() > 5
    twice = policies.randaugmented(images, generator(), operations=2, magnitude=15)
    assert len(torch.unique(twice, dim=0)) > 100


def test_mixup_blends_each_image_with_its_partner_by_its_share():
    import torch

    images = pictures(4000, 1, 2, 2)
    made = mixing.mixup(images, generator(), alpha=0.4)
    assert made.images.dtype == torch.float32
    assert sorted(made.partners.tolist()) == list(range(4000))
    share = made.share[:, None, None, None]
    expected = (share * images + (1 - share) * images[made.partners]) / 255
    assert torch.allclose(made.images, expected, atol=1e-6)
    from scipy import stats

    assert stats.kstest(made.share.numpy(), stats.beta(0.4, 0.4).cdf).pvalue > 1e-3


def test_cutmix_pastes_a_box_and_its_share_is_that_of_the_pixels():
    import torch

    images = torch.arange(3000, dtype=torch.float32)[:, None, None, None].expand(-1, 2, 9, 12)
    made = mixing.cutmix(images, generator(), alpha=1.0)
    own = made.images == torch.arange(3000)[:, None, None, None]
    other = made.images == made.partners[:, None, None, None]
    assert bool((own | other).all())
    moved = made.partners != torch.arange(3000)
    assert torch.allclose(own.float().mean((1, 2, 3))[moved], made.share[moved])
    for where in (~own[moved][:200, 0]).numpy():
        rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
        if len(rows):
            assert where[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    assert 0.6 < float(made.share.mean()) < 0.75  # boxes at the edge are cut off: more than half


EVERY = (
    "flip,crop:2:reflect,flip:vertical,flip:alternating,affine,rotate:5,cutout:3,erase,jitter,grey,"
    "randaugment"
)


@pytest.mark.parametrize("steps", ["none", *EVERY.split(","), EVERY, EVERY + ",mixup", "cutmix",
                                   "mixup,cutmix"])  # fmt: skip
def test_a_batch_keeps_its_layout_and_the_generator_alone_decides(steps):
    import torch

    images = pictures(16).permute(0, 2, 3, 1)
    augment = augmentation(parse(steps), fill=(1, 2, 3))
    before, state = images.clone(), torch.get_rng_state()
    made, again, other = (augment(images, generator(seed)) for seed in (1, 1, 2))
    assert augment.mixes == isinstance(made, mixing.Mixed)
    if augment.mixes:
        assert all(map(torch.equal, made, again))
        made, other = made.images, other.images
    else:
        assert torch.equal(made, again)
        assert made.dtype == torch.uint8
    assert made.shape == (16, 3, 8, 10)
    assert made.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(images, before)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(made, other) == (steps in ("none", "flip:alternating"))


def test_without_steps_the_batch_is_the_same_memory_seen_channels_first():
    images = pictures(4).permute(0, 2, 3, 1)
    made = augmentation(())(images, generator())
    assert made.data_ptr() == images.data_ptr()
    assert made.shape == (4, 3, 8, 10)


def test_mirroring_and_cropping_in_one_pass_is_one_after_the_other():
    import torch

    images = pictures(50).permute(0, 2, 3, 1)
    for way in ("random", "alternating"):
        places = torch.arange(50)
        draw = generator(9)
        turned = moving.in_turn(places, 3) if way == "alternating" else moving.by_chance(50, draw)
        windows = moving.drawn_places(50, draw, 3)
        first = moving.mirrored(images.permute(0, 3, 1, 2), turned)
        expected = moving.moved(first, windows, None, 3, "reflect")
        made = augmentation(parse(f"flip:{way},crop:3:reflect"))(images, generator(9), 3, places)
        assert torch.equal(made, expected)


def test_of_two_mixing_steps_each_batch_takes_one():
    import torch

    images = pictures(8).permute(0, 2, 3, 1)
    augment = augmentation(parse("mixup,cutmix"))
    kinds = Counter(augment(images, generator(seed)).images.dtype for seed in range(200))
    assert kinds.keys() == {torch.float32, torch.uint8}
    assert min(kinds.values()) > 60


@pytest.mark.gpu
def test_on_a_gpu_each_step_gives_the_layout_and_the_same_of_the_same_state():
    import torch

    images = pictures(16).permute(0, 2, 3, 1).cuda()
    for steps in [*EVERY.split(","), EVERY + ",mixup", "cutmix"]:
        augment = augmentation(parse(steps), fill=(1, 2, 3))
        one, other = (augment(images, torch.Generator("cuda").manual_seed(3)) for _ in range(2))
        if augment.mixes:
            assert all(map(torch.equal, one, other))
            one = one.images
        else:
            assert torch.equal(one, other)
        assert one.is_cuda
        assert one.shape == (16, 3, 8, 10)
        assert one.is_contiguous(memory_format=torch.channels_last)
