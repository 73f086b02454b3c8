"""The table of layers: the papers' figures, and receptive fields measured by gradients."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

from dlkit.cnn.architecture import architecture
from dlkit.cnn.layers import table
from dlkit.errors import DlkitError


def of_torchvision(name, size=224, **more):
    with torch.device("meta"):
        model = torchvision.models.get_model(name, weights=None, **more)
    return table(model, channels=3, size=(size, size))


# Multiply-adds of convolutions and fully connected layers as the papers and torchvision's pages of
# its models tell them (GFLOPS there are multiply-adds), parameters as torchvision tells them.
@pytest.mark.parametrize(
    ("name", "giga", "parameters", "depth"),
    [
        ("vgg16", 15.47, 138_357_544, 16),
        ("resnet18", 1.81, 11_689_512, 18),
        ("resnet50", 4.09, 25_557_032, 50),
        ("densenet121", 2.83, 7_978_856, 121),
        ("mobilenet_v3_small", 0.06, 2_542_856, None),
        ("convnext_tiny", 4.46, 28_589_128, None),
        ("vit_b_16", 17.56, 86_567_656, None),
        ("googlenet", 1.50, 6_624_904, 22),
        ("maxvit_t", 5.56, 30_919_624, None),
    ],
)
def test_the_papers_figures(name, giga, parameters, depth):
    less = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    found = of_torchvision(name, **less)
    assert found.parameters == parameters == sum(layer.parameters for layer in found.layers)
    assert round(found.multiply_adds / 1e9, 2) == giga
    assert sum(layer.multiply_adds for layer in found.layers) == found.multiply_adds
    assert sum(layer.share for layer in found.layers) == pytest.approx(1)
    assert depth is None or found.depth == depth


def test_an_architecture_takes_no_memory_for_weights():
    for name, giga, parameters in (("resnet18", 1.81, 11_689_512), ("vgg16", 15.47, 138_365_992),
                                   ("torchvision:regnet_y_400mf", 0.40, 4_344_144)):  # fmt: skip
        found = architecture(name, channels=3, size=(224, 224), classes=1000, arguments={}).table
        assert (round(found.multiply_adds / 1e9, 2), found.parameters) == (giga, parameters)
    with pytest.raises(DlkitError, match=r"--model resnet18 has no argument 'widths'"):
        architecture("resnet18", channels=3, size=(32, 32), classes=2, arguments={"widths": [3]})


@pytest.mark.parametrize(
    ("name", "size", "layer", "extent", "jump"),
    [
        # Araujo et al. 2019, table 1; ResNet-50 there has its strides elsewhere (483).
        ("alexnet", 224, "features.12", 195, 32),
        ("vgg16", 224, "features.30", 212, 32),
        ("inception_v3", 299, "Mixed_7c", 1311, 32),
        # 7 + 4, 3 blocks + 8 each, then from stage to stage twice as far: 8 + 3 * 16, …
        ("resnet50", 224, "layer4", 11 + 24 + 56 + 16 + 5 * 32 + 32 + 2 * 64, 32),
    ],
)
def test_receptive_fields_of_the_literature(name, size, layer, extent, jump):
    more = {"init_weights": False} if name == "inception_v3" else {}
    found = of_torchvision(name, size, **more)
    assert found.maps[layer].extent == (extent, extent)
    of_layer = [each.jump for each in found.layers if each.name.startswith(layer)]
    assert of_layer[-1] == (jump, jump)


def test_the_last_map_is_what_comes_after_the_relu_and_the_shortcut():
    found = of_torchvision("resnet18").maps
    assert of_torchvision("resnet18").last_map() == "layer4"
    assert found["layer4"].shape == (512, 7, 7)
    assert of_torchvision("vgg11_bn").last_map() == "features.27"
    linear = table(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), channels=1, size=(2, 2))
    assert linear.last_map() is None


class Gated(nn.Module):
    """Two branches of different reach that meet, and a dilated convolution after them."""

    def __init__(self, kernel=3, dilation=2, stride=(2, 1)):
        super().__init__()
        self.first = nn.Conv2d(1, 4, (1, 3), padding=(0, 1))
        self.narrow = nn.Conv2d(4, 4, 1, stride=stride)
        padding = dilation * (kernel // 2)
        self.wide = nn.Conv2d(4, 4, kernel, dilation=dilation, stride=stride, padding=padding)
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.last = nn.Conv2d(4, 2, 3, padding=1)

    def forward(self, images):
        maps = self.first(images)
        return self.last(self.pool(torch.relu(self.narrow(maps)) + self.wide(maps)))


def reach(model, layer, size):
    """Pixels that move the unit in the middle of a layer's map, down and across."""
    from dlkit.cnn.looking import output_of

    for weight in model.parameters():
        nn.init.uniform_(weight, 0.5, 1)  # nothing cancels, relu lets all through
    image = torch.rand(1, 1, *size, requires_grad=True)
    torch.manual_seed(0)
    reached = torch.zeros(size, dtype=torch.bool)
    for _ in range(8):  # a maximum has a derivative by one of its inputs at a time
        image = torch.rand(1, 1, *size, requires_grad=True)
        maps = output_of(model, image, layer)
        maps[0, 0, maps.shape[2] // 2, maps.shape[3] // 2].backward()
        reached |= image.grad[0, 0] != 0
    rows, columns = reached.any(1).nonzero(), reached.any(0).nonzero()
    return int(rows[-1] - rows[0]) + 1, int(columns[-1] - columns[0]) + 1


@pytest.mark.parametrize("arguments", [{}, {"kernel": 5, "dilation": 1}, {"dilation": 3}])
def test_fields_are_what_gradients_reach(arguments):
    model = Gated(**arguments)
    found = {layer.name: layer for layer in table(model, channels=1, size=(61, 67)).layers}
    for name in ("first", "narrow", "wide", "pool", "last"):
        assert reach(model, name, (61, 67)) == found[name].extent, name
    assert found["last"].jump == (4, 2)


def test_only_layers_with_weights_are_counted():
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 4, 3, stride=2, groups=4), nn.Flatten(), nn.Dropout(), nn.Linear(4 * 9, 10),
    )  # fmt: skip
    found = table(model, channels=3, size=(16, 16))
    assert [layer.number for layer in found.layers] == [1, None, None, None, 2, None, None, 3]
    assert (found.counted, found.depth) == (3, 3)
    assert [layer.kind for layer in found.layers] == [
        "Conv2d 3x3", "BatchNorm2d", "ReLU", "MaxPool2d 2x2 /2", "Conv2d 3x3 /2 groups 4",
        "Flatten", "Dropout", "Linear",
    ]  # fmt: skip
    first, *_, grouped, _, _, last = found.layers
    assert first.multiply_adds == 16 * 16 * 8 * 27
    assert grouped.multiply_adds == 9 * 4 * 2 * 9
    assert (last.multiply_adds, last.parameters) == (360, 370)
    # After the pooling units are 2 pixels apart and see 4; 3 of stride 2 more: 8, then the whole.
    assert (grouped.extent, grouped.jump) == ((8, 8), (4, 4))
    assert last.extent == (16, 16)
    assert model.training
    assert all(part.training for part in model.modules())


def test_a_module_that_is_used_twice_counts_once():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 3, padding=1)
            self.spare = nn.Linear(3, 3)

        def forward(self, images):
            return self.conv(self.conv(images)).mean((2, 3))

    found = table(Twice(), channels=1, size=(9, 9))
    assert [(layer.name, layer.parameters) for layer in found.layers] == [
        ("conv", 10), ("conv", 0), ("spare", 12),
    ]  # fmt: skip
    assert found.layers[-1].kind == "Linear, not used"
    assert [layer.extent for layer in found.layers] == [(3, 3), (5, 5), None]
    assert (found.depth, found.multiply_adds) == (2, 2 * 81 * 9)


def test_what_is_not_followed_is_not_told():
    found = of_torchvision("vit_b_16")
    first, *_, last = (layer for layer in found.layers if layer.number)
    assert first.extent == (16, 16)
    assert last.extent is None
