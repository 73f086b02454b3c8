"""Images moved: mirrored, cropped after padding, turned, scaled and sheared.

Where a function says *edge*, that is what comes in from outside the image: ``zeros``, ``reflect``
(the image mirrored at its outermost pixels, which are not repeated) or ``repeat`` (those pixels).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

    Edge = Literal["zeros", "reflect", "repeat"]

_PADS = {"zeros": "constant", "reflect": "reflect", "repeat": "edge"}  # of numpy.pad
_SAMPLES = {"zeros": "zeros", "reflect": "reflection", "repeat": "border"}  # of grid_sample


def mirrored(images: torch.Tensor, turned: torch.Tensor, *, axis: int = 3) -> torch.Tensor:
    """Images (B, C, H, W) with those where ``turned`` (B,) is true turned about: left and right.

    ``axis`` 2 turns up and down.
    """
    return images.where(~turned[:, None, None, None], images.flip(axis))


def by_chance(count: int, generator: torch.Generator, share: float = 0.5) -> torch.Tensor:
    """(count,) whether it happens, each with probability ``share``; on the generator's device."""
    import torch

    return torch.rand(count, generator=generator, device=generator.device) < share


def in_turn(places: torch.Tensor, epoch: int) -> torch.Tensor:
    """(B,) whether the samples at ``places`` are mirrored in ``epoch``: in every other one.

    Whether the even or the odd epochs a hash of the sample's place says, so that half of the
    samples are mirrored in any epoch, and two epochs show each of them both ways: alternating
    flip, Jordan 2024 (arXiv 2404.00498, section 3.6).

    Args:
        places: (B,) int64, of the samples in their data set.
        epoch: from 0.

    """
    bits = (places + 1) * -7_046_029_254_386_353_131  # 2^64 over the golden ratio, with a sign
    bits = (bits ^ (bits >> 29)) * -4_658_895_280_553_007_687
    return ((bits >> 32) + epoch) % 2 == 1


def shift_and_mirror(
    images: torch.Tensor,
    generator: torch.Generator,
    *,
    padding: int,
    mirror: bool = True,
    edge: Edge = "zeros",
) -> torch.Tensor:
    """Each image moved by up to ``padding`` pixels each way and, every other one, mirrored.

    All positions are equally probable, as by RandomCrop and RandomHorizontalFlip of torchvision.

    Args:
        images: (B, C, H, W) of any type and memory layout.
        generator: on the device of the images.
        padding: 0 or more.
        mirror: whether left and right change places, with probability 1/2.
        edge: see the module.

    Returns:
        (B, C, H, W) of the same type.

    """
    places = drawn_places(len(images), generator, padding)
    turned = by_chance(len(images), generator) if mirror else None
    return moved(images, places, turned, padding, edge)


def drawn_places(count: int, generator: torch.Generator, padding: int) -> torch.Tensor:
    """(2, count) where windows begin in padded images: rows, and columns."""
    import torch

    device = generator.device
    return torch.randint(0, 2 * padding + 1, (2, count), generator=generator, device=device)


def moved(
    images: torch.Tensor,
    places: torch.Tensor,
    turned: torch.Tensor | None,
    padding: int,
    edge: Edge = "zeros",
) -> torch.Tensor:
    """Of each image, padded, the window that begins at its place, mirrored where ``turned``.

    Args:
        images: (B, C, H, W).
        places: (2, B) int64, 0 … 2 ``padding``.
        turned: (B,) bool, or None: no image.
        padding: on each side.
        edge: see the module.

    Returns:
        (B, C, H, W), channels last in memory if the images are.

    """
    # PyTorch's index on a CPU goes number by number; slices are copied row by row, twice as fast.
    apply = by_slices if images.device.type == "cpu" else by_indices
    return apply(images, places, turned, padding, edge)


def by_slices(
    images: torch.Tensor,
    places: torch.Tensor,
    turned: torch.Tensor | None,
    padding: int,
    edge: Edge = "zeros",
) -> torch.Tensor:
    """``moved`` image by image: a slice of the padded image, copied forwards or backwards."""
    import numpy as np
    import torch

    last = images.is_contiguous(memory_format=torch.channels_last)
    given = images.permute(0, 2, 3, 1).numpy() if last else images.numpy()
    down, across = (1, 2) if last else (2, 3)
    height, width = given.shape[down], given.shape[across]
    pads = [(0, 0)] * 4
    pads[down] = pads[across] = (padding, padding)
    padded = np.pad(given, pads, mode=_PADS[edge]) if padding else given  # type: ignore[call-overload]
    made = np.empty(given.shape, given.dtype)
    before = (slice(None),) * (down - 1)
    backwards = (*before, slice(None), slice(None, None, -1))
    flips = [False] * len(images) if turned is None else turned.tolist()
    for image, out, top, left, back in zip(padded, made, *places.tolist(), flips, strict=True):
        window = image[(*before, slice(top, top + height), slice(left, left + width))]
        out[...] = window[backwards] if back else window
    tensor = torch.from_numpy(made)
    return tensor.permute(0, 3, 1, 2) if last else tensor


def by_indices(
    images: torch.Tensor,
    places: torch.Tensor,
    turned: torch.Tensor | None,
    padding: int,
    edge: Edge = "zeros",
) -> torch.Tensor:
    """``moved`` all at once: one index, and a mask where zeros come in."""
    import torch

    _, _, height, width = images.shape
    device = images.device
    rows = torch.arange(height, device=device) + (places[0] - padding)[:, None]
    columns = torch.arange(width, device=device) + (places[1] - padding)[:, None]
    if turned is not None:
        columns = torch.where(turned[:, None], columns.flip(1), columns)
    inside = None
    if edge == "zeros" and padding:
        fits = ((rows >= 0) & (rows < height))[:, :, None]
        inside = fits & ((columns >= 0) & (columns < width))[:, None, :]
    rows, columns = (_within(each, size, edge) for each, size in ((rows, height), (columns, width)))
    each = torch.arange(len(images), device=device)[:, None, None]
    made = images.permute(0, 2, 3, 1)[each, rows[:, :, None], columns[:, None, :]]
    if inside is not None:
        made *= inside[..., None]
    made = made.permute(0, 3, 1, 2)  # channels last in memory, as it was made
    if images.is_contiguous(memory_format=torch.channels_last):
        return made
    return made.contiguous()


def _within(places: torch.Tensor, size: int, edge: Edge) -> torch.Tensor:
    """Places that may lie outside of 0 … size - 1, as those that are shown there."""
    if edge == "reflect":
        places = places.abs()
        return (size - 1) - (size - 1 - places).abs()
    return places.clamp(0, size - 1)


def affine(
    images: torch.Tensor,
    generator: torch.Generator,
    *,
    degrees: float = 0.0,
    shift: float = 0.0,
    scale: float = 0.0,
    shear: float = 0.0,
    edge: Edge = "zeros",
) -> torch.Tensor:
    """Each image turned, moved, scaled and sheared about its centre, in one bilinear resampling.

    Args:
        images: (B, C, H, W) uint8, or floating point.
        generator: on the device of the images.
        degrees: the angle is drawn between plus and minus this.
        shift: the way along each axis, as a share of the side, likewise.
        scale: the factor lies between 1/(1 + scale) and 1 + scale, uniformly in its logarithm.
        shear: of the columns, in degrees, likewise.
        edge: see the module.

    Returns:
        (B, C, H, W) of the same type; uint8 rounded.

    """
    import torch

    count, device = len(images), images.device
    draws = torch.rand((5, count), generator=generator, device=device) * 2 - 1
    turn = draws[0] * math.radians(degrees)
    factor = torch.exp(draws[1] * math.log1p(scale))
    slant = torch.tan(draws[2] * math.radians(shear))
    _, _, height, width = images.shape
    cosine, sine = torch.cos(turn) / factor, torch.sin(turn) / factor
    # From a place of the result to one of the image, in pixels: turned back, then unsheared.
    across = torch.stack([cosine - slant * sine, sine + slant * cosine], dim=1)
    down = torch.stack([-sine, cosine], dim=1)
    # grid_sample counts each side from -1 to 1, whatever its pixels.
    across[:, 1] *= height / width
    down[:, 0] *= width / height
    way = torch.stack([draws[3], draws[4]], dim=1) * (2 * shift)
    theta = torch.cat([torch.stack([across, down], dim=1), way[:, :, None]], dim=2)
    return resampled(images, theta, edge)


def resampled(images: torch.Tensor, theta: torch.Tensor, edge: Edge = "zeros") -> torch.Tensor:
    """Images seen through affine maps (B, 2, 3) of ``affine_grid``, bilinear; uint8 rounded."""
    import torch
    from torch.nn.functional import affine_grid, grid_sample

    grid = affine_grid(theta, list(images.shape), align_corners=False)
    given = images if images.is_floating_point() else images.float()
    made = grid_sample(given, grid, padding_mode=_SAMPLES[edge], align_corners=False)
    if images.dtype == torch.uint8:
        made = made.round_().clamp_(0, 255).to(torch.uint8)
    if images.is_contiguous(memory_format=torch.channels_last):
        return made.contiguous(memory_format=torch.channels_last)
    return made
