"""Networks that make images larger: bicubic interpolation, and what a network adds to it.

Both networks compute on the small image and reach the large one by sub-pixel convolution: the last
layer has s x s values for each small pixel, which become its s x s large ones (Shi et al. 2016,
section 3.2). What they give is added to the bicubic interpolation, and their last layer begins as
zero: an untrained network is bicubic interpolation, and training goes on from there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

# The share of red, green and blue in the brightness (ITU-R BT.601).
LUMA = (0.299, 0.587, 0.114)
NETWORKS = ("espcn", "edsr")


class Bicubic(nn.Module):
    """Bicubic interpolation by a whole number, as PIL's: a = -0.5, weights cut off at the border.

    Keys 1981, equation 15. Sums of shifted products, not convolutions: a pixel has the same bits
    in a part of an image as in the whole.

    Args:
        scale: how many times as large.

    """

    weights: Tensor

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.register_buffer("weights", bicubic_weights(scale))

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, s H, s W) of images (B, C, H, W)."""
        tall = self._longer(images.transpose(2, 3)).transpose(2, 3)
        return self._longer(tall)

    def _longer(self, images: Tensor) -> Tensor:
        """(B, C, H, s W) of images (B, C, H, W)."""
        length = images.shape[3]
        ones = torch.ones_like(images[:1, :1, :1])
        total = self._sums(ones, length)
        return (self._sums(images, length) / total).flatten(3)

    def _sums(self, images: Tensor, length: int) -> Tensor:
        """(B, C, H, W, s) the weighted sums of five neighbours, those beyond the border being 0."""
        padded = functional.pad(images, (2, 2))
        total = padded[..., :length, None] * self.weights[0]
        for tap in range(1, 5):
            total = total + padded[..., tap : tap + length, None] * self.weights[tap]
        return total


def bicubic_weights(scale: int) -> Tensor:
    """(5, s) the weight of each of five neighbours for each of the s places within a pixel."""
    rows = []
    for tap in range(-2, 3):
        places = [abs((phase + 0.5) / scale - 0.5 - tap) for phase in range(scale)]
        rows.append([_keys(place) for place in places])
    return torch.tensor(rows, dtype=torch.float64).to(torch.get_default_dtype())


def _keys(x: float, a: float = -0.5) -> float:
    """The weight of a neighbour that is ``x`` pixels away."""
    if x < 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    if x < 2:
        return a * (x**3 - 5 * x**2 + 8 * x - 4)
    return 0.0


class Upscaler(nn.Module):
    """Images made larger: bicubic(x) + network(x).

    Subclasses give ``residual`` and set ``radius``.

    Args:
        scale: how many times as large: 2, 3 or 4.
        channels: 1, of brightness, or 3.

    Attributes:
        radius: pixels of the small image that a large pixel depends on, in each direction.

    """

    radius: int

    def __init__(self, scale: int, channels: int) -> None:
        super().__init__()
        if scale not in (2, 3, 4):
            raise ValueError(f"scale must be 2, 3 or 4, not {scale}")
        if channels not in (1, 3):
            raise ValueError(f"channels must be 1 or 3, not {channels}")
        self.scale, self.channels = scale, channels
        self.bicubic = Bicubic(scale)

    def residual(self, images: Tensor) -> Tensor:
        """What is added to the bicubic interpolation, (B, C, s H, s W), of images (B, C, H, W)."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, C, s H, s W) of (B, C, H, W) with C 1 or 3, bytes or from 0 to 1.

        Not rounded, and not cut to 0 … 1. A network of brightness adds the same to red, green and
        blue, whose differences are those of the bicubic interpolation; one of colours takes grey
        for three equal colours, and gives their mean.
        """
        x = images.to(torch.float32) / 255 if images.dtype == torch.uint8 else images
        given = x.shape[1]
        if given == self.channels:
            added = self.residual(x)
        elif self.channels == 1:
            luma = sum(x[:, place : place + 1] * share for place, share in enumerate(LUMA))
            added = self.residual(luma)  # type: ignore[arg-type]
        else:
            added = self.residual(x.expand(-1, 3, -1, -1)).mean(1, keepdim=True)
        made: Tensor = self.bicubic(x) + added.to(x.dtype)
        return made

    def begin_as_zero(self, layer: nn.Conv2d) -> None:
        """Let what ``layer`` gives be zero, until it has learnt."""
        nn.init.zeros_(layer.weight)
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)


class Espcn(Upscaler):
    """Convolutions of the small image, the last of which gives s x s pixels (Shi et al. 2016).

    A kernel of 5 x 5, then of 3 x 3; tanh between them (section 3.2 and 3.4).

    Args:
        scale: how many times as large.
        channels: 1 or 3.
        widths: channels of the convolutions but the last.

    """

    def __init__(self, scale: int, channels: int, widths: Sequence[int] = (64, 32)) -> None:
        super().__init__(scale, channels)
        layers: list[nn.Module] = []
        before = channels
        for place, width in enumerate(widths):
            layers += [_conv(before, width, 3 if place else 5), nn.Tanh()]
            before = width
        last = _conv(before, channels * scale**2, 3)
        self.layers = nn.Sequential(*layers, last, nn.PixelShuffle(scale))
        self.radius = 2 + len(widths)
        self.begin_as_zero(last)

    def residual(self, images: Tensor) -> Tensor:
        """See Upscaler."""
        added: Tensor = self.layers(images - 0.5)
        return added


class Block(nn.Module):
    """x + k * conv(relu(conv(x))): a residual block without batch normalisation (figure 2).

    Args:
        width: channels.
        scale: k.

    """

    def __init__(self, width: int, scale: float) -> None:
        super().__init__()
        self.first, self.second = _conv(width, width, 3), _conv(width, width, 3)
        self.scale = scale

    def forward(self, maps: Tensor) -> Tensor:
        """(B, width, H, W) of the same."""
        added: Tensor = self.second(functional.relu(self.first(maps)))
        return maps + added * self.scale


class Edsr(Upscaler):
    """Residual blocks on the small image, then sub-pixel convolution (Lim et al. 2017, figure 3).

    The baseline of the paper has 16 blocks of 64 channels; 4 is reached by two steps of 2.

    Args:
        scale: how many times as large.
        channels: 1 or 3.
        blocks: how many.
        width: channels.
        residual_scale: what a block adds is multiplied by (section 3.3).

    """

    def __init__(
        self,
        scale: int,
        channels: int,
        blocks: int = 4,
        width: int = 32,
        residual_scale: float = 1.0,
    ) -> None:
        super().__init__(scale, channels)
        self.head = _conv(channels, width, 3)
        self.body = nn.Sequential(
            *(Block(width, residual_scale) for _ in range(blocks)), _conv(width, width, 3)
        )
        tail: list[nn.Module] = []
        reach, size = 2.0 * blocks + 2, 1
        for step in (2, 2) if scale == 4 else (scale,):
            tail += [_conv(width, width * step**2, 3), nn.PixelShuffle(step)]
            reach, size = reach + 1 / size, size * step
        last = _conv(width, channels, 3)
        self.tail = nn.Sequential(*tail, last)
        self.radius = math.ceil(reach + 1 / size)
        self.begin_as_zero(last)

    def residual(self, images: Tensor) -> Tensor:
        """See Upscaler."""
        maps = self.head(images - 0.5)
        added: Tensor = self.tail(maps + self.body(maps))
        return added


def _conv(channels: int, width: int, kernel: int) -> nn.Conv2d:
    return nn.Conv2d(channels, width, kernel, padding=kernel // 2)


class Bytes(nn.Module):
    """An upscaler from bytes to bytes, for other tools.

    Args:
        upscaler: the network.

    """

    def __init__(self, upscaler: Upscaler) -> None:
        super().__init__()
        self.upscaler = upscaler

    def forward(self, images: Tensor) -> Tensor:
        """Bytes (B, C, s H, s W) of bytes (B, C, H, W)."""
        return to_bytes(self.upscaler(images))


def to_bytes(images: Tensor) -> Tensor:
    """Numbers from 0 to 1 as bytes: cut off and rounded."""
    return (images.clamp(0, 1) * 255).round().to(torch.uint8)


def build(name: str, **arguments: Any) -> Upscaler:
    """The network of that name, one of ``NETWORKS``, with its first weights.

    Raises:
        ValueError, TypeError: there is none, or it does not take an argument.

    """
    kinds: dict[str, type[Upscaler]] = {"espcn": Espcn, "edsr": Edsr}
    if name not in kinds:
        raise ValueError(f"{name}: there is no such network")
    return kinds[name](**arguments)
