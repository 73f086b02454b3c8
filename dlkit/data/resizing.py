"""Images made another size or colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from dlkit.data.forms import Fit
    from dlkit.data.samples import Pixels


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an image is to become.

    Attributes:
        size: height and width; None: as it is.
        channels: 1 or 3; None: 1 if the image is grey, else 3.
        fit: how another size is made to fit.

    """

    size: tuple[int, int] | None
    channels: int | None
    fit: Fit


def fitted(image: Any, size: tuple[int, int], fit: Fit) -> Any:
    """A Pillow image of another size, averaged over the pixels that fall together (bilinear).

    Args:
        image: L or RGB.
        size: height and width.
        fit: crop, stretch or pad; see ``ImageForm``.

    """
    from PIL import Image

    height, width = size
    if fit == "stretch":
        return image.resize((width, height), Image.Resampling.BILINEAR)
    across, down = image.width / width, image.height / height
    if fit == "crop":
        scale = min(across, down)
        left, top = (image.width - scale * width) / 2, (image.height - scale * height) / 2
        box = (left, top, left + scale * width, top + scale * height)
        return image.resize((width, height), Image.Resampling.BILINEAR, box=box)
    scale = max(across, down)
    inner = (max(1, round(image.width / scale)), max(1, round(image.height / scale)))
    whole = Image.new(image.mode, (width, height))
    small = image.resize(inner, Image.Resampling.BILINEAR)
    whole.paste(small, ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return whole


def remade(images: Pixels, wanted: Wanted) -> Pixels:
    """Images that are there already, in another size or colour.

    Args:
        images: (N, H, W, C).
        wanted: as for ``decode``.

    """
    from PIL import Image

    size = wanted.size or images.shape[1:3]
    channels = wanted.channels or images.shape[3]
    if (*size, channels) == images.shape[1:]:
        return images
    made = np.empty((len(images), *size, channels), np.uint8)
    for place, pixels in enumerate(images):
        image = Image.fromarray(pixels[..., 0] if images.shape[3] == 1 else pixels)
        image = image.convert("L" if channels == 1 else "RGB")
        made[place] = np.asarray(fitted(image, size, wanted.fit)).reshape(made.shape[1:])
    return made
