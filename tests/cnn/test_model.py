"""The networks: counts of the papers, torchvision's own numbers, and any size of image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from dlkit.cnn.model import NETWORKS, Pixels, arguments_of, build, is_small, stem_of
from dlkit.cnn.resnet import Thinned

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def made(name, *, size=(32, 32), classes=10, channels=3, seed=0, **arguments):
    torch.manual_seed(seed)
    mean, std = (MEAN, STD) if channels == 3 else ((0.3,) * channels, (0.2,) * channels)
    return build(
        name, channels=channels, size=size, classes=classes, mean=mean, std=std, **arguments
    )


def unmade(name, **options):
    """A network without memory for its weights: to count and to compare shapes."""
    with torch.device("meta"):
        return made(name, **options)


def parameters(model):
    return sum(each.numel() for each in model.parameters())


def images(number=2, *, size=(32, 32), channels=3, seed=0):
    shape = (number, channels, *size)
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


def awake(model):
    """Batch norms and last layers with numbers of their own, so that nothing is 0 or 1."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.running_var):
                nn.init.uniform_(tensor, 0.5, 1.5)
            for tensor in (module.bias, module.running_mean):
                nn.init.normal_(tensor, std=0.1)
    nn.init.normal_(next(model.head.parameters()), std=0.05)
    return model.eval()


@pytest.mark.parametrize(
    ("name", "size", "classes", "count"),
    [
        # Simonyan and Zisserman 2015, table 2, with the scales and shifts of the normalisations.
        ("vgg11", 224, 1000, 132_868_840),
        ("vgg13", 224, 1000, 133_053_736),
        ("vgg16", 224, 1000, 138_365_992),
        ("vgg19", 224, 1000, 143_678_248),
        ("resnet18", 224, 1000, 11_689_512),
        ("resnet34", 224, 1000, 21_797_672),
        ("resnet50", 224, 1000, 25_557_032),
        ("resnet18", 32, 10, 11_173_962),
        ("resnet34", 32, 10, 21_282_122),
        ("resnet50", 32, 10, 23_520_842),
        ("vgg11", 32, 10, 9_231_114),
        ("vgg16", 32, 10, 14_728_266),
        # He et al. 2016, table 6: 0.27, 0.46, 0.66, 0.85 million.
        ("resnet20", 32, 10, 269_722),
        ("resnet32", 32, 10, 464_154),
        ("resnet44", 32, 10, 658_586),
        ("resnet56", 32, 10, 853_018),
        # Jordan 2024: 1.97 million.
        ("fast", 32, 10, 1_972_792),
    ],
)
def test_parameters_are_as_many_as_published(name, size, classes, count):
    model = unmade(name, size=(size, size), classes=classes)
    assert parameters(model) == count


def test_vgg_without_normalisation_is_the_papers():
    assert parameters(unmade("vgg16", size=(224, 224), classes=1000, batch_norm=False)) == (
        138_357_544
    )


@pytest.mark.parametrize("name", ["vgg11", "vgg13", "vgg16", "vgg19", "resnet34", "resnet50"])
def test_names_and_shapes_are_torchvisions(name):
    from torchvision import models

    with torch.device("meta"):
        theirs = models.get_model(f"{name}_bn" if "vgg" in name else name, weights=None)
    ours = unmade(name, size=(224, 224), classes=1000)
    shapes = {
        ours.published(name)[-1 if name.startswith("layers.") else 0]: tuple(each.shape)
        for name, each in ours.state_dict().items()
        if not name.startswith("pixels.")
    }
    assert shapes == {name: tuple(each.shape) for name, each in theirs.state_dict().items()}


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "vgg11"])
def test_scores_are_torchvisions_with_the_same_weights(name):
    from torchvision import models

    ours = awake(made(name, size=(96, 80), classes=7))
    theirs = models.get_model(f"{name}_bn" if "vgg" in name else name, weights=None, num_classes=7)
    # In the same order, so by place: names are compared above.
    state = [each for key, each in ours.state_dict().items() if not key.startswith("pixels.")]
    theirs.load_state_dict(dict(zip(theirs.state_dict(), state, strict=True)))
    given = images(size=(96, 80))
    scaled = (given / 255 - torch.tensor(MEAN).view(-1, 1, 1)) / torch.tensor(STD).view(-1, 1, 1)
    with torch.no_grad():
        torch.testing.assert_close(ours(given), theirs.eval()(scaled), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_bytes_are_divided_by_255_and_scaled_by_channel(channels):
    given = images(3, size=(5, 4), channels=channels)
    mean, std = np.linspace(0.2, 0.6, channels), np.linspace(0.1, 0.3, channels)
    pixels = Pixels(mean.tolist(), std.tolist())
    wanted = (given.numpy() / 255 - mean[:, None, None]) / std[:, None, None]
    np.testing.assert_allclose(pixels(given).numpy(), wanted, atol=1e-5)
    np.testing.assert_allclose(pixels(given / 255).numpy(), wanted, atol=1e-5)


def test_grey_images_may_go_to_a_network_for_colours():
    torch.manual_seed(0)
    model = awake(build("resnet20", channels=1, size=(16, 16), classes=3, mean=MEAN, std=STD))
    grey = images(channels=1, size=(16, 16))
    with torch.no_grad():
        torch.testing.assert_close(model(grey), model(grey.expand(-1, 3, -1, -1)))


def test_pixels_that_never_change_are_refused():
    with pytest.raises(ValueError, match="above 0"):
        Pixels((0.5,), (0.0,))
    with pytest.raises(ValueError, match="2 means and 1"):
        Pixels((0.5, 0.5), (0.1,))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(
    ("size", "channels", "classes"), [((8, 8), 3, 2), ((28, 28), 1, 10), ((33, 47), 4, 5)]
)
def test_every_network_takes_every_size(name, size, channels, classes):
    model = unmade(name, size=size, channels=channels, classes=classes).eval()
    given = torch.empty((2, channels, *size), dtype=torch.uint8, device="meta")
    rows = model.features(given)
    assert rows.shape == (2, model.dim)
    assert model(given).shape == (2, classes)
    stages = [name for stage in model.stages for name in stage]
    assert len(set(stages)) == len(stages)
    # Every parameter belongs to a stage or to the head, and to one alone.
    owned = [p for stage in stages for p in model.get_submodule(stage).parameters()]
    owned += model.head.parameters()
    assert sorted(map(id, owned)) == sorted(map(id, model.parameters()))


SMALL = {
    "fast": {"widths": (8, 8)},
    "plain": {"widths": (4, 8), "hidden": (8,), "batch_norm": True},
    "resnet20": {"width": 4},
    "resnet18": {},
    "vgg11": {},
}


@pytest.mark.parametrize("name", SMALL)
def test_an_image_alone_has_the_scores_that_it_has_among_others(name):
    model = awake(made(name, size=(12, 12), **SMALL[name]))
    given = images(5, size=(12, 12))
    with torch.no_grad():
        together = model(given)
        alone = torch.cat([model(each[None]) for each in given])
        last = model.to(memory_format=torch.channels_last)(
            given.contiguous(memory_format=torch.channels_last)
        )
    assert together.std() > 1e-3
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(last, together, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", SMALL)
def test_scores_are_the_head_of_the_features_and_everything_learns(name):
    model = made(name, size=(12, 12), **SMALL[name])
    nn.init.normal_(model.head.weight)
    given = images(6, size=(12, 12))
    scores = model(given)
    torch.testing.assert_close(scores, model.head(model.features(given)))
    nn.functional.cross_entropy(scores, torch.arange(6)).backward()
    for key, each in model.named_parameters():
        if each.requires_grad:
            assert each.grad is not None, key
            assert each.grad.abs().sum() > 0, key


@pytest.mark.parametrize("name", SMALL)
def test_a_state_makes_another_network_the_same(name):
    one = awake(made(name, size=(12, 12), **SMALL[name]))
    other = made(name, size=(12, 12), seed=1, **SMALL[name]).eval()
    other.load_state_dict(one.state_dict())
    given = images(size=(12, 12))
    with torch.no_grad():
        assert torch.equal(one(given), other(given))


def test_half_the_precision_gives_nearly_the_same_scores():
    for name, arguments in SMALL.items():
        model = awake(made(name, size=(12, 12), **arguments))
        given = images(size=(12, 12))
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            half = model(given)
        with torch.no_grad():
            torch.testing.assert_close(half.float(), model(given), rtol=0.1, atol=0.05)


@pytest.mark.slow
def test_the_compiler_sees_each_network_as_one_program():
    for name in ("fast", "plain", "resnet20"):
        model = awake(made(name, size=(12, 12), **SMALL[name]))
        given = images(size=(12, 12))
        with torch.no_grad():
            wanted = model(given)
            whole = torch.compile(model, backend="eager", fullgraph=True)
            torch.testing.assert_close(whole(given), wanted)
            program = torch.export.export(model, (given,)).module()
            torch.testing.assert_close(program(given), wanted)


def test_the_stem_follows_the_size():
    assert is_small((64, 200))
    assert not is_small((65, 65))
    for size, kernel, side in (((32, 32), 3, 32), ((64, 96), 3, 64), ((96, 96), 7, 24)):
        model = unmade("resnet18", size=size)
        assert model.conv1.kernel_size == (kernel, kernel)
        assert any(stem_of(size) in note for note in model.notes)
        maps = model.maxpool(model.conv1(torch.empty((1, 3, *size), device="meta")))
        assert maps.shape[2] == side
    assert unmade("resnet18", size=(32, 32), stem="large").conv1.kernel_size == (7, 7)
    with pytest.raises(ValueError, match="middle"):
        unmade("resnet18", stem="middle")


def test_vgg_says_which_poolings_it_leaves_out():
    assert unmade("vgg16", size=(32, 32)).notes == (
        "images of 32 x 32 are small: one fully connected layer",
    )
    assert "1 of 5 poolings" in unmade("vgg16", size=(28, 28)).notes[1]
    assert "2 of 5 poolings" in unmade("vgg16", size=(8, 8)).notes[1]


def test_vgg_drops_what_the_last_layer_sees():
    model = made("vgg11", size=(12, 12), dropout=0.9)
    rows = model.features(images(40, size=(12, 12)))
    assert (rows == 0).float().mean() > 0.85
    assert (model.eval().features(images(40, size=(12, 12))) == 0).float().mean() < 0.8


def test_blocks_begin_as_the_identity_where_asked_to():
    model = made("resnet18", size=(16, 16), zero_residual=True).eval()
    maps = torch.rand(1, 64, 4, 4)
    assert torch.equal(model.layer1(maps), maps)
    assert not torch.equal(made("resnet18", size=(16, 16)).eval().layer1(maps), maps)


def test_shortcuts_without_parameters_keep_every_other_number():
    given = torch.rand(2, 3, 5, 4)
    thinned = Thinned(2)(given)
    assert thinned.shape == (2, 7, 3, 2)
    for channel in range(7):
        for row in range(3):
            for column in range(2):
                inside = 2 <= channel < 5
                wanted = given[:, channel - 2, 2 * row, 2 * column] if inside else torch.zeros(2)
                assert torch.equal(thinned[:, channel, row, column], wanted)


def test_the_plain_network_is_what_was_asked_for():
    model = made(
        "plain", channels=1, size=(13, 9), classes=4,
        widths=(5, 7), kernel=(5, 3), convolutions=(1, 2), hidden=(11, 6), dropout=0.25,
    )  # fmt: skip
    shapes = [
        tuple(m.weight.shape) for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)
    ]
    flat = 7 * (13 // 4) * (9 // 4)
    assert shapes == [(5, 1, 5, 5), (7, 5, 3, 3), (7, 7, 3, 3), (11, flat), (6, 11), (4, 6)]
    assert sum(isinstance(m, nn.Dropout) for m in model.modules()) == 3
    assert model(images(size=(13, 9), channels=1)).abs().max() == 0  # equally probable at first
    assert made("plain", kernel=(5,), widths=(4, 4)).layers[0].kernel_size == (5, 5)
    assert made("plain", widths=(4,), hidden=()).dim == 4 * 16 * 16


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"widths": (8,) * 6}, "halved 5 times, widths has 6"),
        ({"widths": ()}, "at least one stage"),
        ({"kernel": 4}, "odd"),
        ({"kernel": (3, 3)}, "2 numbers for 3 stages"),
        ({"convolutions": 0}, "1 or more"),
        ({"depth": 3}, "'depth'.*widths, kernel"),
    ],
)
def test_arguments_that_cannot_be_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        unmade("plain", **arguments)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("resnet19", {}, "resnet19: no such network"),
        ("fast", {"classes": 1}, "1 classes"),
        ("fast", {"size": (0, 4)}, "0 x 4"),
        ("fast", {"size": (1, 4)}, "patch: 2 does not fit images of 1 x 4"),
        ("fast", {"activation": "tanh"}, "'tanh' is not one of gelu"),
        ("fast", {"widths": ()}, "widths"),
        ("resnet20", {"width": 3}, "even"),
        ("resnet20", {"widths": (3,)}, "has no argument 'widths': it takes width"),
    ],
)
def test_networks_that_cannot_be_are_refused(name, options, words):
    with pytest.raises(ValueError, match=words):
        unmade(name, **options)


def test_means_of_other_channels_are_refused():
    with pytest.raises(ValueError, match="1 means for images of 3 channels"):
        build("fast", channels=3, size=(8, 8), classes=2, mean=(0.1,), std=(0.1,))


def test_arguments_and_their_defaults_are_told():
    assert arguments_of("resnet20") == {"width": 16}
    assert arguments_of("resnet50") == {"stem": "auto", "zero_residual": False}


@pytest.mark.parametrize("name", SMALL)
def test_frozen_stages_stay_as_they_are(name):
    model = made(name, size=(12, 12), **SMALL[name])
    nn.init.normal_(model.head.weight)
    kept = model.stages[:-1]
    model.freeze([each for stage in kept for each in stage])
    model.eval()
    model.train()
    before = {key: each.clone() for key, each in model.state_dict().items()}
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    loss = nn.functional.cross_entropy(model(images(6, size=(12, 12))), torch.arange(6))
    loss.backward()
    optimiser.step()
    frozen = tuple(f"{each}." for stage in kept for each in stage)
    changed = {
        key for key, each in model.state_dict().items() if not torch.equal(each, before[key])
    }
    assert changed
    assert not any(key.startswith((*frozen, "pixels.")) for key in changed)
    assert any(key.startswith(tuple(f"{each}." for each in model.stages[-1])) for key in changed)


def drawn(number, seed, side=12):
    """Grey images of a horizontal bar, a vertical bar or a block, anywhere, in noise."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, number)
    pictures = random.integers(0, 90, (number, 1, side, side))
    for picture, label in zip(pictures, labels, strict=True):
        height, width = [(2, 6), (6, 2), (4, 4)][label]
        top, left = random.integers(0, side - height + 1), random.integers(0, side - width + 1)
        picture[0, top : top + height, left : left + width] += 120
    return torch.from_numpy(pictures.astype(np.uint8)), torch.from_numpy(labels)


@pytest.mark.parametrize(
    ("name", "arguments", "rate"),
    [
        ("plain", {"widths": (8, 16), "hidden": (32,)}, 0.005),
        ("fast", {"widths": (12, 24)}, 0.02),
        pytest.param("resnet20", {"width": 4}, 0.01, marks=pytest.mark.slow),
    ],
)
def test_drawn_shapes_are_learnt_in_seconds(name, arguments, rate):
    given, labels = drawn(300, 1)
    model = made(name, size=(12, 12), channels=1, classes=3, **arguments)
    model.prepare(given)
    chosen = [each for each in model.parameters() if each.requires_grad]
    optimiser = torch.optim.AdamW(chosen, lr=rate)
    generator = torch.Generator().manual_seed(2)
    for _ in range(12):
        for some in torch.randperm(300, generator=generator).split(50):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(given[some]), labels[some]).backward()
            optimiser.step()
    unseen, truth = drawn(200, 3)
    with torch.no_grad():
        right = (model.eval()(unseen).argmax(1) == truth).float().mean()
    assert right > 0.9
