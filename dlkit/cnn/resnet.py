"""Residual networks (He et al. 2016, arXiv 1512.03385): blocks that add to what they are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from torch import Tensor, nn
from torch.nn import functional

from dlkit.cnn.network import Network, is_small

# Blocks of the four stages, and whether they are bottlenecks (table 1 of the paper).
STAGES: Final = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
_BOTTLENECKS: Final = {50}
_EXPANSION: Final = 4


def _conv3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)


def _conv1(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)


class Basic(nn.Module):
    """relu(shortcut(x) + two 3 x 3 convolutions of x).

    Args:
        inputs: channels of x.
        width: channels of the convolutions.
        stride: of the first of them.
        shortcut: what x becomes to fit the sum; None: it stays x.

    """

    def __init__(self, inputs: int, width: int, stride: int, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.conv1 = _conv3(inputs, width, stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = _conv3(width, width)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = shortcut

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B, width, H / stride, W / stride) of maps (B, inputs, H, W)."""
        added = self.relu(self.bn1(self.conv1(maps)))
        added = self.bn2(self.conv2(added))
        total: Tensor = self.relu(added + (self.downsample(maps) if self.downsample else maps))
        return total


class Bottleneck(nn.Module):
    """relu(shortcut(x) + 1 x 1, 3 x 3 and 1 x 1 convolutions of x).

    The stride is that of the 3 x 3 convolution, as in torchvision; the paper has it in the first.

    Args:
        inputs: channels of x.
        width: channels of the first two convolutions; the third has four times as many.
        stride: of the second.
        shortcut: what x becomes to fit the sum; None: it stays x.

    """

    def __init__(self, inputs: int, width: int, stride: int, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.conv1 = _conv1(inputs, width)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = _conv3(width, width, stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = _conv1(width, _EXPANSION * width)
        self.bn3 = nn.BatchNorm2d(_EXPANSION * width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B, 4 width, H / stride, W / stride) of maps (B, inputs, H, W)."""
        added = self.relu(self.bn1(self.conv1(maps)))
        added = self.relu(self.bn2(self.conv2(added)))
        added = self.bn3(self.conv3(added))
        total: Tensor = self.relu(added + (self.downsample(maps) if self.downsample else maps))
        return total


class ResNet(Network):
    """ResNet-18, 34 or 50.

    The stem of large images is a 7 x 7 convolution of stride 2 and a pooling, which leave a
    quarter of the height and width; that of small images one 3 x 3 convolution, which leaves all.

    Args:
        channels: of the images.
        size: (height, width) of the images.
        classes: number of classes.
        mean: of the pixels, by channel.
        std: their deviations.
        depth: 18, 34 or 50.
        stem: small, large, or auto: by the size of the images.
        zero_residual: whether blocks begin as the identity: the last normalisation of each is
            scaled by 0 (Goyal et al. 2017, arXiv 1706.02677, section 5.1).

    """

    def __init__(
        self,
        *,
        channels: int,
        size: tuple[int, int],
        classes: int,
        mean: Sequence[float],
        std: Sequence[float],
        depth: int = 18,
        stem: str = "auto",
        zero_residual: bool = False,
    ) -> None:
        super().__init__(mean, std)
        if stem not in ("auto", "small", "large"):
            raise ValueError(f"stem: {stem!r} is not auto, small or large")
        small = is_small(size) if stem == "auto" else stem == "small"
        self.conv1 = (
            _conv3(channels, 64)
            if small
            else nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
        )
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if small else nn.MaxPool2d(3, stride=2, padding=1)
        first, second, third, fourth = STAGES[depth]
        block = Bottleneck if depth in _BOTTLENECKS else Basic
        wide = _EXPANSION if block is Bottleneck else 1
        self.layer1 = _stage(block, 64, 64, first, 1)
        self.layer2 = _stage(block, 64 * wide, 128, second, 2)
        self.layer3 = _stage(block, 128 * wide, 256, third, 2)
        self.layer4 = _stage(block, 256 * wide, 512, fourth, 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(512 * wide, classes)
        self.stages = (("conv1", "bn1"), ("layer1",), ("layer2",), ("layer3",), ("layer4",))
        what = stem_of(size) if stem == "auto" else _STEMS[small]
        self.notes = (f"stem for images of {size[0]} x {size[1]}: {what}",)
        _begin(self, zero_residual=zero_residual)

    def features(self, images: Tensor) -> Tensor:
        """What the last layer sees, (B, dim)."""
        maps = self.maxpool(self.relu(self.bn1(self.conv1(self.pixels(images)))))
        maps = self.layer4(self.layer3(self.layer2(self.layer1(maps))))
        rows: Tensor = self.avgpool(maps).flatten(1)
        return rows

    @property
    def head(self) -> nn.Linear:
        """The last layer."""
        return self.fc


_STEMS: Final = {
    True: "3 x 3 convolution of stride 1, no pooling",
    False: "7 x 7 convolution of stride 2, max pooling of stride 2",
}


def stem_of(size: tuple[int, int]) -> str:
    """The stem that ``ResNet`` chooses for images (height, width), in words."""
    return _STEMS[is_small(size)]


def _stage(
    block: type[Basic | Bottleneck], inputs: int, width: int, count: int, stride: int
) -> nn.Sequential:
    """Blocks one after the other; the first fits the maps to the others' size and channels."""
    outputs = width * (_EXPANSION if block is Bottleneck else 1)
    shortcut = None
    if stride > 1 or inputs != outputs:
        shortcut = nn.Sequential(_conv1(inputs, outputs, stride), nn.BatchNorm2d(outputs))
    blocks = [block(inputs, width, stride, shortcut)]
    blocks += [block(outputs, width, 1, None) for _ in range(count - 1)]
    return nn.Sequential(*blocks)


class CifarResNet(Network):
    """The narrow residual networks of section 4.2: 6n + 2 layers with weights, for small images.

    Shortcuts have no parameters: where a stage begins, every other number is kept and the new
    channels are 0 (option A).

    Args:
        channels: of the images.
        size: (height, width) of the images.
        classes: number of classes.
        mean: of the pixels, by channel.
        std: their deviations.
        depth: 6n + 2, such as 20, 32, 44, 56.
        width: channels of the first stage; the others have twice and four times as many.

    """

    def __init__(
        self,
        *,
        channels: int,
        size: tuple[int, int],
        classes: int,
        mean: Sequence[float],
        std: Sequence[float],
        depth: int = 20,
        width: int = 16,
    ) -> None:
        super().__init__(mean, std)
        count = (depth - 2) // 6
        assert depth == 6 * count + 2, depth
        if width < 2 or width % 2:
            raise ValueError(f"width: {width} must be even, half of the new channels go each side")
        self.conv1 = _conv3(channels, width)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = _narrow_stage(width, width, count)
        self.layer2 = _narrow_stage(width, 2 * width, count)
        self.layer3 = _narrow_stage(2 * width, 4 * width, count)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(4 * width, classes)
        self.stages = (("conv1", "bn1"), ("layer1",), ("layer2",), ("layer3",))
        if not is_small(size):
            self.notes = (
                f"resnet{depth} was made for images of 32 x 32: those of {size[0]} x {size[1]} "
                "are not reduced before the first stage",
            )
        _begin(self, zero_residual=False)

    def features(self, images: Tensor) -> Tensor:
        """What the last layer sees, (B, dim)."""
        maps = self.relu(self.bn1(self.conv1(self.pixels(images))))
        maps = self.layer3(self.layer2(self.layer1(maps)))
        rows: Tensor = self.avgpool(maps).flatten(1)
        return rows

    @property
    def head(self) -> nn.Linear:
        """The last layer."""
        return self.fc


class Thinned(nn.Module):
    """Every other number of every other row, with channels of zeros on both sides.

    Args:
        more: channels on each side.

    """

    def __init__(self, more: int) -> None:
        super().__init__()
        self.more = more

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B, C + 2 more, H / 2, W / 2), rounded up, of maps (B, C, H, W)."""
        return functional.pad(maps[:, :, ::2, ::2], (0, 0, 0, 0, self.more, self.more))


def _narrow_stage(inputs: int, width: int, count: int) -> nn.Sequential:
    stride = 1 if inputs == width else 2
    shortcut = None if stride == 1 else Thinned((width - inputs) // 2)
    blocks = [Basic(inputs, width, stride, shortcut)]
    return nn.Sequential(*blocks, *(Basic(width, width, 1, None) for _ in range(count - 1)))


def _begin(network: Network, *, zero_residual: bool) -> None:
    """Draw the first weights (He et al. 2015, arXiv 1502.01852); the last layer is PyTorch's."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    for module in network.modules() if zero_residual else ():
        if isinstance(module, (Basic, Bottleneck)):
            last = module.bn2 if isinstance(module, Basic) else module.bn3
            nn.init.zeros_(last.weight)
