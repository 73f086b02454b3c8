"""Parts of images hidden: a square of one colour, or a box of random pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import torch

_TRIES: Final = 10  # of a box that must lie within the image
_LONGEST: Final = 1 / 0.3  # sides of an erased box, one over the other


def cutout(
    images: torch.Tensor,
    generator: torch.Generator,
    *,
    side: int,
    fill: Sequence[float] | torch.Tensor = (0,),
) -> torch.Tensor:
    """A square of each image made one colour; its centre is any pixel (DeVries and Taylor 2017).

    Squares at an edge are cut off there (arXiv 1708.04552, section 3.2).

    Args:
        images: (B, C, H, W) of any type.
        generator: on the device of the images.
        side: of the square, in pixels.
        fill: the colour, (C,) or (1,) in the images' unit; the paper's is the data's mean.

    """
    import torch

    _, _, height, width = images.shape
    device, count = images.device, len(images)
    top, left = (
        torch.randint(0, size, (count,), generator=generator, device=device) - side // 2
        for size in (height, width)
    )
    box = boxes(top, left, top + side, left + side, height=height, width=width)
    colour = torch.as_tensor(fill, device=device)
    if not images.is_floating_point():
        colour = colour.round()
    return images.where(~box, colour.to(images.dtype).reshape(1, -1, 1, 1))


def erased(
    images: torch.Tensor,
    generator: torch.Generator,
    *,
    share: float = 0.5,
    least: float = 0.02,
    most: float = 0.4,
) -> torch.Tensor:
    """A box of some images filled with random pixels (Zhong et al. 2017, algorithm 1).

    The box lies within the image; its sides are as 0.3 to 1/0.3. Where ten draws of its size give
    none that does, the image stays as it is. Zhong et al. draw the quotient of the sides uniformly;
    here its logarithm is, as in torchvision, so that lying and standing boxes are as frequent.

    Args:
        images: (B, C, H, W) uint8, or floating point with values from 0 to 1.
        generator: on the device of the images.
        share: of the images.
        least: share of the image that the box has, drawn uniformly from this …
        most: … to this.

    """
    import torch

    count, _, height, width = images.shape
    device = images.device
    happens = torch.rand(count, generator=generator, device=device) < share
    area, quotient = torch.rand((2, count, _TRIES), generator=generator, device=device)
    area = (least + area * (most - least)) * (height * width)
    root = torch.exp((quotient - 0.5) * math.log(_LONGEST))  # of the quotient, log-uniform
    tall, wide = ((area.sqrt() * each).round().long() for each in (root, 1 / root))
    fits = (tall >= 1) & (wide >= 1) & (tall < height) & (wide < width)
    first = fits.long().argmax(1, keepdim=True)
    happens &= fits.any(1)
    tall, wide = tall.gather(1, first)[:, 0], wide.gather(1, first)[:, 0]
    where = torch.rand((2, count), generator=generator, device=device)
    top = (where[0] * (height - tall + 1)).long()
    left = (where[1] * (width - wide + 1)).long()
    box = boxes(top, left, top + tall, left + wide, height=height, width=width)
    if images.is_floating_point():
        noise = torch.rand(images.shape, generator=generator, device=device, dtype=images.dtype)
    else:
        noise = torch.randint(
            0, 256, images.shape, generator=generator, device=device, dtype=torch.uint8
        )
    return images.where(~(box & happens[:, None, None, None]), noise)


def boxes(
    top: torch.Tensor,
    left: torch.Tensor,
    bottom: torch.Tensor,
    right: torch.Tensor,
    *,
    height: int,
    width: int,
) -> torch.Tensor:
    """(B, 1, H, W) bool: the pixels of each image's box, ``bottom`` and ``right`` without."""
    import torch

    rows = torch.arange(height, device=top.device)
    columns = torch.arange(width, device=top.device)
    down = (rows >= top[:, None]) & (rows < bottom[:, None])
    across = (columns >= left[:, None]) & (columns < right[:, None])
    return (down[:, :, None] & across[:, None, :])[:, None]
