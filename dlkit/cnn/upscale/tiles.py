"""Images of any size through a network: in tiles that overlap, so that no seam is to be seen.

A tile is computed with as many pixels around it as a large pixel depends on; what is computed of
those is thrown away. So every pixel is what the whole image at once would have given.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.cnn.upscale.model import Upscaler

    Whole = npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | npt.NDArray[np.float32]

TILE: Final = 192  # pixels of a side of the small image


class Place(NamedTuple):
    """A tile of a small image: its own pixels, and those that it is computed with."""

    top: int
    bottom: int
    left: int
    right: int
    outer: tuple[int, int, int, int]


def places(height: int, width: int, tile: int, margin: int) -> Iterator[Place]:
    """The tiles of an image, row by row.

    Args:
        height: in pixels.
        width: likewise.
        tile: pixels of a side of a tile's own part.
        margin: pixels around it.

    """
    for top in range(0, height, tile):
        bottom = min(top + tile, height)
        for left in range(0, width, tile):
            right = min(left + tile, width)
            outer = (max(0, top - margin), min(height, bottom + margin),
                     max(0, left - margin), min(width, right + margin))  # fmt: skip
            yield Place(top, bottom, left, right, outer)


def enlarging(
    model: Upscaler, image: Whole, *, tile: int = TILE, precision: str = "fp32"
) -> Generator[tuple[int, int], None, Whole]:
    """Make an image larger tile by tile; yields how many tiles are done, and of how many.

    Args:
        model: in evaluation mode.
        image: (H, W, C), C 1 or 3: bytes, 16 bits, or numbers from 0 to 1, which are not rounded.
        tile: pixels of a side of a tile of it, without what is around it.
        precision: of products: fp32, bf16 or fp16.

    Returns:
        (s H, s W, C) of the same type.

    """
    height, width, channels = image.shape
    scale = model.scale
    made = np.empty((height * scale, width * scale, channels), image.dtype)
    all_ = list(places(height, width, tile, model.radius))
    for number, each in enumerate(all_, 1):
        top, bottom, left, right = each.outer
        numbers = computed(model, image[None, top:bottom, left:right], precision=precision)[0]
        own = numbers[
            (each.top - top) * scale : (each.bottom - top) * scale,
            (each.left - left) * scale : (each.right - left) * scale,
        ]
        made[each.top * scale : each.bottom * scale, each.left * scale : each.right * scale] = own
        yield number, len(all_)
    return made


def enlarged(model: Upscaler, image: Whole, *, tile: int = TILE, precision: str = "fp32") -> Whole:
    """The same at once, for who does not want to know how far it is."""
    work = enlarging(model, image, tile=tile, precision=precision)
    while True:
        try:
            next(work)
        except StopIteration as end:
            made: Whole = end.value
            return made


def computed(
    model: Upscaler,
    images: Whole,
    *,
    precision: str = "fp32",
) -> Whole:
    """(N, s H, s W, C) of images of one size (N, H, W, C) at once, in their own type."""
    import torch

    from dlkit.training.config import TrainingConfig
    from dlkit.training.machine import autocast

    kind: Any = {"device": next(model.parameters()).device.type, "precision": precision}
    training = TrainingConfig.model_construct(**kind)
    whole = images.dtype.kind == "u"
    most = 256**images.itemsize - 1 if whole else 1
    x = torch.from_numpy(images.astype(np.float32) / most).permute(0, 3, 1, 2).to(training.device)
    with torch.inference_mode(), autocast(training):
        numbers = model(x).float().cpu()
    if whole:
        numbers = numbers.clamp(0, 1).mul(most).round()
    made: Whole = numbers.permute(0, 2, 3, 1).numpy().astype(images.dtype)
    return made
