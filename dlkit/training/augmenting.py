"""Augmentation of a whole batch at once, on any device."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def shift_and_mirror(
    images: torch.Tensor, generator: torch.Generator, *, padding: int, mirror: bool = True
) -> torch.Tensor:
    """Each image moved by up to ``padding`` pixels each way and, every other one, mirrored.

    What comes in at an edge is 0. All positions are equally probable, as by RandomCrop and
    RandomHorizontalFlip of torchvision.

    Args:
        images: (B, C, H, W) of any type and memory layout.
        generator: on the device of the images.
        padding: 0 or more.
        mirror: whether left and right change places, with probability 1/2.

    Returns:
        (B, C, H, W) of the same type.

    """
    import torch

    count, device = len(images), images.device
    places = torch.randint(0, 2 * padding + 1, (2, count), generator=generator, device=device)
    turned = torch.zeros(count, dtype=torch.int64, device=device)
    if mirror:
        turned = torch.randint(0, 2, (count,), generator=generator, device=device)
    # PyTorch's index on a CPU goes number by number; slices are copied row by row, twice as fast.
    apply = by_slices if device.type == "cpu" else by_windows
    return apply(images, places, turned, padding)


def by_slices(
    images: torch.Tensor, places: torch.Tensor, turned: torch.Tensor, padding: int
) -> torch.Tensor:
    """Image by image: a slice of the padded image, copied forwards or backwards."""
    import numpy as np
    import torch

    count, channels, height, width = images.shape
    size = (count, channels, height + 2 * padding, width + 2 * padding)
    given = images.numpy()
    padded = np.zeros(size, given.dtype)
    padded[:, :, padding : padding + height, padding : padding + width] = given
    made = np.empty((count, channels, height, width), given.dtype)
    for image, out, down, right, back in zip(
        padded, made, *places.tolist(), turned.tolist(), strict=True
    ):
        window = image[:, down : down + height, right : right + width]
        out[:] = window[:, :, ::-1] if back else window
    return torch.from_numpy(made)


def by_windows(
    images: torch.Tensor, places: torch.Tensor, turned: torch.Tensor, padding: int
) -> torch.Tensor:
    """All at once: one index into a view of every window of every image, mirrored and not."""
    import torch

    count, _, height, width = images.shape
    padded = torch.nn.functional.pad(images, (padding,) * 4)
    both = torch.stack([padded, padded.flip(3)])
    windows = both.unfold(3, height, 1).unfold(4, width, 1)  # (2, B, C, 2p+1, 2p+1, H, W)
    # Mirrored, the columns are counted from the other side.
    across = torch.where(turned == 1, 2 * padding - places[1], places[1])
    each = torch.arange(count, device=images.device)
    return windows[turned, each, :, places[0], across]
