"""torchvision's networks by name: the same scores as its own, and sizes that they cannot take."""

from __future__ import annotations

import pytest
import torch

from dlkit.cnn import torchvisions
from dlkit.cnn.model import build

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def made(name, *, size=(64, 64), channels=3, classes=5, **arguments):
    mean, std = (MEAN, STD) if channels == 3 else ((0.3,) * channels, (0.2,) * channels)
    return build(
        f"torchvision:{name}", channels=channels, size=size, classes=classes, mean=mean, std=std,
        **arguments,
    )  # fmt: skip


# One of each family, so that every way to end and every demand on sizes is met.
FAMILIES = {
    "alexnet": 64, "convnext_tiny": 32, "densenet121": 32, "efficientnet_b0": 32,
    "efficientnet_v2_s": 32, "googlenet": 32, "inception_v3": 80, "maxvit_t": 224,
    "mnasnet0_5": 32, "mobilenet_v2": 32, "mobilenet_v3_small": 32, "regnet_y_400mf": 32,
    "resnext50_32x4d": 32, "shufflenet_v2_x0_5": 32, "squeezenet1_1": 32, "swin_t": 64,
    "swin_v2_t": 64, "vgg11": 32, "vit_b_16": 64, "wide_resnet50_2": 32,
}  # fmt: skip


def theirs(name, size, classes):
    from torchvision import models

    extra = {}
    if name.startswith("vit_"):
        extra = {"image_size": size}
    elif name.startswith("maxvit"):
        extra = {"input_size": (size, size)}
    elif name in ("googlenet", "inception_v3"):
        extra = {"aux_logits": False, "init_weights": True}
    return models.get_model(name, weights=None, num_classes=classes, **extra)


def check(name, size):
    # Those that compute their widths cannot be made without memory.
    device = "cpu" if name.startswith(("regnet", "mnasnet")) else "meta"
    with torch.device(device):
        ours, wanted = made(name, size=(size, size)), theirs(name, size, 5)
    shapes = {
        ours.published(key)[-1]: tuple(each.shape)
        for key, each in ours.state_dict().items()
        if not key.startswith("pixels.")
    }
    assert shapes == {key: tuple(each.shape) for key, each in wanted.state_dict().items()}
    given = torch.empty((2, 3, size, size), dtype=torch.uint8, device=device)
    ours.eval()
    assert ours.features(given).shape == (2, ours.dim)
    assert ours(given).shape == (2, 5)
    assert len(ours.stages) > 1
    owned = [p for stage in ours.stages for key in stage for p in ours.net.get_submodule(
        key.removeprefix("net.")).parameters()]  # fmt: skip
    assert len(set(map(id, owned))) == len(owned)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_has_its_names_and_shapes(name):
    check(name, FAMILIES[name])


@pytest.mark.slow
def test_every_classification_network_of_torchvision():
    assert set(FAMILIES) < set(torchvisions.names())
    for name in torchvisions.names():
        if name not in ("regnet_y_128gf", "regnet_y_32gf", "regnet_x_32gf"):  # gigabytes
            check(name, 224)


@pytest.mark.parametrize("name", ["shufflenet_v2_x0_5", "squeezenet1_1", "mobilenet_v3_small"])
def test_scores_are_torchvisions_with_the_same_weights(name):
    torch.manual_seed(0)
    ours, wanted = made(name).eval(), theirs(name, 64, 5).eval()
    state = {
        ours.published(key)[-1]: each
        for key, each in ours.state_dict().items()
        if not key.startswith("pixels.")
    }
    wanted.load_state_dict(state)
    given = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    scaled = (given / 255 - torch.tensor(MEAN).view(-1, 1, 1)) / torch.tensor(STD).view(-1, 1, 1)
    with torch.no_grad():
        torch.testing.assert_close(ours(given), wanted(scaled), rtol=1e-4, atol=1e-4)
        assert wanted(scaled).abs().max() > 0
        torch.testing.assert_close(ours.head(ours.features(given)), ours(given))


def test_grey_images_go_to_all_three_channels():
    torch.manual_seed(0)
    model = made("shufflenet_v2_x0_5", channels=1).eval()
    assert "three channels" in model.notes[0]
    grey = torch.randint(0, 256, (2, 1, 64, 64), dtype=torch.uint8)
    with torch.no_grad():
        torch.testing.assert_close(model(grey), model(grey.expand(-1, 3, -1, -1)))


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("inception_v3", {"size": (32, 32)}, "takes images of 75 x 75 and larger, not 32 x 32"),
        ("alexnet", {"size": (32, 32)}, "63 x 63 and larger"),
        ("vit_b_16", {"size": (32, 48)}, "square"),
        ("vit_b_16", {"size": (40, 40)}, "cannot take images of 40 x 40: .*indivisible"),
        ("maxvit_t", {"size": (64, 64)}, "cannot take images of 64 x 64: .*divisible"),
        ("resnet51", {}, "'resnet51'; did you mean .*resnet50"),
        ("deeplabv3_resnet50", {}, "no classification network"),
        ("resnet18", {"channels": 4}, "1 or 3 channels, not 4"),
        ("resnet18", {"weights": "DEFAULT"}, "cannot be given 'weights'"),
        ("resnet18", {"widths": (3,)}, "widths"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(name, options, words):
    with torch.device("meta"), pytest.raises(ValueError, match=words) as caught:
        made(name, **options)
    assert "\n" not in str(caught.value)
