"""A small detector: FCOS on a residual network of five stages with a feature pyramid."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from torch import Tensor, nn

WIDTHS: Final = (24, 48, 96, 128, 160)
CHANNELS: Final = 96
_STRIDES: Final = (8, 16, 32)


class SmallBackbone(nn.Module):
    """Residual stages of strides 4 to 32 and a feature pyramid over the last three.

    The pyramid is that of Lin et al. 2017, https://arxiv.org/abs/1612.03144

    Args:
        widths: channels at strides 2, 4, 8, 16 and 32.
        channels: of the pyramid.

    """

    def __init__(self, widths: Sequence[int], channels: int) -> None:
        from torchvision.ops import FeaturePyramidNetwork

        super().__init__()
        self.stem = _convolution(3, widths[0], stride=2)
        self.stages = nn.ModuleList(
            nn.Sequential(_convolution(a, b, stride=2), Residual(b)) for a, b in pairwise(widths)
        )
        self.pyramid = FeaturePyramidNetwork(list(widths[2:]), channels)
        self.out_channels = channels

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Maps (B, channels, H / s, W / s) at strides 8, 16 and 32."""
        maps = self.stem(images)
        found: OrderedDict[str, Tensor] = OrderedDict()
        for number, stage in enumerate(self.stages):
            maps = stage(maps)
            if number:
                found[str(number - 1)] = maps
        levels: dict[str, Tensor] = self.pyramid(found)
        return levels


class Residual(nn.Module):
    """relu(x + f(x)) with two convolutions (He et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, H, W) as it was given."""
        found: Tensor = (maps + self.norm(self.second(self.first(maps)))).relu()
        return found


def _convolution(before: int, after: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )


def small(classes: int, widths: Sequence[int], channels: int) -> nn.Module:
    """FCOS (Tian et al. 2019, https://arxiv.org/abs/1904.01355) on the small backbone."""
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.fcos import FCOS, FCOSHead

    if channels % 32:
        raise ValueError(
            f"channels must be a multiple of 32, which heads normalise, not {channels}"
        )
    anchors = AnchorGenerator(tuple((side,) for side in _STRIDES), ((1.0,),) * len(_STRIDES))
    head = FCOSHead(channels, 1, classes + 1, num_convs=2)
    made: nn.Module = FCOS(
        SmallBackbone(widths, channels), classes + 1, anchor_generator=anchors, head=head
    )
    return made
