"""Colours changed: brightness, contrast, saturation, hue; or taken away."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

# Of red, green and blue in the brightness of a pixel, ITU-R BT.601.
_GREY = (0.299, 0.587, 0.114)
# From RGB to YIQ, in which a turn about the first axis changes the hue, and nearly nothing else.
_YIQ = ((0.299, 0.587, 0.114), (0.595716, -0.274453, -0.321263), (0.211456, -0.522591, 0.311135))


def jittered(
    images: torch.Tensor,
    generator: torch.Generator,
    *,
    brightness: float = 0.2,
    contrast: float = 0.2,
    saturation: float = 0.2,
    hue: float = 0.0,
) -> torch.Tensor:
    """Brightness, contrast, saturation and hue of each image changed, in this order.

    Brightness b multiplies by a factor from 1 - b to 1 + b, contrast the distance to the image's
    mean grey, saturation that to each pixel's grey, as ColorJitter of torchvision does; hue turns
    the colours of YIQ by up to ``hue`` of a circle. Values are cut to their range once, at the end.

    Args:
        images: (B, C, H, W) uint8, or floating point from 0 to 1; of three channels the colours
            red, green and blue. With any other number saturation and hue do nothing.
        generator: on the device of the images.
        brightness: 0 to 1.
        contrast: 0 to 1.
        saturation: 0 to 1.
        hue: 0 to 0.5.

    Returns:
        (B, C, H, W) of the same type; uint8 rounded.

    """
    import torch

    count, channels = images.shape[:2]
    draws = torch.rand((4, count), generator=generator, device=images.device) * 2 - 1
    whole = not images.is_floating_point()
    # One affine map of the colours of each image: (B, C, C) and a constant.
    light = 1 + draws[0] * brightness
    turn = torch.eye(channels, device=images.device).expand(count, -1, -1)
    if channels == 3:
        turn = _turned(1 + draws[2] * saturation, draws[3] * (2 * math.pi * hue)) @ turn
    sharp = 1 + draws[1] * contrast
    pixels = images.permute(0, 2, 3, 1).reshape(count, -1, channels)
    pixels = pixels.float() if whole else pixels
    weights = torch.tensor(_GREY, device=images.device) if channels == 3 else None
    mean = pixels.mean(1)  # (B, C)
    middle = mean @ weights if weights is not None else mean.mean(1)
    turn = turn * (light * sharp)[:, None, None]
    # A grey has no colour to saturate or to turn: the constant passes through both.
    constant = (light * middle * (1 - sharp))[:, None, None]
    made = torch.baddbmm(constant.to(pixels.dtype), pixels, turn.mT.to(pixels.dtype))
    made = made.round_().clamp_(0, 255).to(images.dtype) if whole else made.clamp_(0, 1)
    height, width = images.shape[2:]
    made = made.reshape(count, height, width, channels).permute(0, 3, 1, 2)
    return made if images.is_contiguous(memory_format=torch.channels_last) else made.contiguous()


def greyed(images: torch.Tensor, generator: torch.Generator, *, share: float = 0.1) -> torch.Tensor:
    """Some images (B, 3, H, W) without colour: all three channels their grey, rounded if uint8."""
    import torch

    device = images.device
    happens = torch.rand(len(images), generator=generator, device=device) < share
    weights = torch.tensor(_GREY, device=device)[:, None, None]
    grey = (images * weights).sum(1, keepdim=True)
    grey = grey.round() if not images.is_floating_point() else grey
    return images.where(~happens[:, None, None, None], grey.to(images.dtype))


def _turned(saturation: torch.Tensor, angle: torch.Tensor) -> torch.Tensor:
    """(B, 3, 3) maps of RGB: greys stay, colours are stretched and turned about them."""
    import torch

    to = torch.tensor(_YIQ, device=angle.device)
    cosine, sine = torch.cos(angle) * saturation, torch.sin(angle) * saturation
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    rows = [(one, zero, zero), (zero, cosine, -sine), (zero, sine, cosine)]
    inner = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)
    made: torch.Tensor = torch.linalg.inv(to) @ inner @ to
    return made
