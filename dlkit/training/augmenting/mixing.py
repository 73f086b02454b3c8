"""Two images made one, and their labels with them: mixup and cutmix.

Each image has a share of its own and a partner: the image that a permutation of the batch puts in
its place, now and then itself. What is learnt is both labels, each by its share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dlkit.training.augmenting.hiding import boxes

if TYPE_CHECKING:
    import torch


class Mixed(NamedTuple):
    """Images (B, C, H, W), the place in the batch of each one's partner, and its own share (B,)."""

    images: torch.Tensor
    partners: torch.Tensor
    share: torch.Tensor


def mixup(images: torch.Tensor, generator: torch.Generator, *, alpha: float = 0.2) -> Mixed:
    """Each image times its share and its partner times the rest (Zhang et al. 2018, section 2).

    Args:
        images: (B, C, H, W) uint8, or floating point.
        generator: on the device of the images.
        alpha: the share is drawn from Beta(alpha, alpha) for each image.

    Returns:
        The images are floating point, those of uint8 float32 from 0 to 1.

    """
    import torch

    share = _shares(len(images), generator, alpha)
    partners = torch.randperm(len(images), generator=generator, device=images.device)
    if not images.is_floating_point():
        images = images.to(torch.float32).div_(255)
    own = share[:, None, None, None].to(images.dtype)
    return Mixed(torch.lerp(images[partners], images, own), partners, share)


def cutmix(images: torch.Tensor, generator: torch.Generator, *, alpha: float = 1.0) -> Mixed:
    """A box of each image replaced by that of its partner (Yun et al. 2019, section 3.1).

    Its centre is any pixel and its sides are in the proportion of the image's; what lies outside
    is cut off, and the share is that of the pixels in the end.

    Args:
        images: (B, C, H, W) of any type.
        generator: on the device of the images.
        alpha: what the box leaves is drawn from Beta(alpha, alpha) for each image.

    """
    import torch

    count, _, height, width = images.shape
    device = images.device
    side = (1 - _shares(count, generator, alpha)).sqrt()
    partners = torch.randperm(count, generator=generator, device=device)
    spans = []
    for size in (height, width):
        centre = torch.randint(0, size, (count,), generator=generator, device=device)
        half = (side * size).long()
        first = centre - half // 2
        spans.append((first.clamp(min=0), (first + half).clamp(max=size)))
    (top, bottom), (left, right) = spans
    box = boxes(top, left, bottom, right, height=height, width=width)
    share = 1 - ((bottom - top) * (right - left)).to(torch.float32) / (height * width)
    return Mixed(images.where(~box, images[partners]), partners, share)


def _shares(count: int, generator: torch.Generator, alpha: float) -> torch.Tensor:
    """(count,) draws from Beta(alpha, alpha), float32: the first of two of a Dirichlet."""
    import torch

    both = torch.full((count, 2), float(alpha), device=generator.device)
    return torch._sample_dirichlet(both, generator=generator)[:, 0]
