"""Training images mirrored and scaled, and their boxes with them; whole batches on the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from dlkit.training.augmenting.pairs import Pair

if TYPE_CHECKING:
    import torch

    from dlkit.cnn.detect.model import Target

_SEEN: Final = 0.4  # of a box's area that must stay in the picture, else it is not learnt from
_LEAST: Final = 2.0  # pixels of a box's sides


class Augmentation:
    """Makes of images (B, H, W, 3) and their boxes what a detector learns from.

    An image is shown through a window of another size at a random place, the same way in both
    directions: a smaller one enlarges, a larger one shows the whole image smaller on black. Boxes
    are cut at the picture's edge; those of which too little is left are taken away. Draws come
    from the generator that is given, nowhere else.

    Args:
        targets: of all images, boxes (K, 4) by corners and labels (K,) from 1.
        flip: mirror every image by chance.
        scale: the window's sides differ from the image's by up to this share; 0: they do not.

    """

    mixes = False

    def __init__(self, targets: Sequence[Target], *, flip: bool, scale: float) -> None:
        self._targets = targets
        self._flip = flip
        self._scale = scale

    def __call__(
        self,
        images: torch.Tensor,
        generator: torch.Generator,
        epoch: int,
        places: torch.Tensor,
    ) -> Pair:
        """What is shown of images (B, H, W, 3) bytes, as (B, 3, H, W), and the targets."""
        import torch

        from dlkit.cnn.detect.model import Shown

        del epoch
        device = images.device
        targets = [
            {name: each.to(device) for name, each in self._targets[place].items()}
            for place in places.tolist()
        ]
        shown = images.permute(0, 3, 1, 2)
        count, (height, width) = len(images), shown.shape[2:]
        draws = torch.rand((4, count), generator=generator, device=device)
        if self._flip:
            turned = draws[0] < 0.5
            shown = torch.where(turned[:, None, None, None], shown.flip(3), shown)
            targets = [
                mirrored(each, width) if flip else each
                for each, flip in zip(targets, turned.tolist(), strict=True)
            ]
        if self._scale:
            # Enlarged as often as made smaller: by 1 + s or by 1 / (1 + s).
            zoom = (1 + self._scale) ** (2 * draws[1] - 1)
            # Where the window's corner is, of the room that it has; the picture's if that is less.
            left = draws[2] * (width - width / zoom)
            top = draws[3] * (height - height / zoom)
            shown = scaled(shown, zoom, left, top)
            targets = [
                seen(each, float(z), float(a), float(b), (height, width))
                for each, z, a, b in zip(targets, zoom, left, top, strict=True)
            ]
        return Pair(Shown(shown, targets), targets)  # type: ignore[arg-type]


def mirrored(target: Target, width: int) -> Target:
    """Boxes of a mirrored image of that width."""
    boxes = target["boxes"].clone()
    boxes[:, [0, 2]] = width - boxes[:, [2, 0]]
    return {**target, "boxes": boxes}


def scaled(
    images: torch.Tensor, zoom: torch.Tensor, left: torch.Tensor, top: torch.Tensor
) -> torch.Tensor:
    """(B, C, H, W) bytes: a pixel at x was at x / zoom + left; bilinear, black outside.

    Args:
        images: (B, C, H, W) bytes.
        zoom: (B,) how many times as large.
        left: (B,) where the left edge was, pixels; below 0: left of the image.
        top: (B,) likewise.

    """
    import torch
    from torch.nn import functional

    height, width = images.shape[2:]
    # grid_sample counts from -1 to 1 between the outer edges of the corner pixels.
    matrix = torch.zeros(len(images), 2, 3, device=images.device)
    matrix[:, 0, 0] = matrix[:, 1, 1] = 1 / zoom
    matrix[:, 0, 2] = 1 / zoom - 1 + 2 * left / width
    matrix[:, 1, 2] = 1 / zoom - 1 + 2 * top / height
    grid = functional.affine_grid(matrix, list(images.shape), align_corners=False)
    found = functional.grid_sample(images.float(), grid, mode="bilinear", align_corners=False)
    return found.round().to(torch.uint8)


def seen(target: Target, zoom: float, left: float, top: float, size: tuple[int, int]) -> Target:
    """The boxes of an image seen through a window, cut at the picture's edge.

    Args:
        target: boxes (K, 4) and labels (K,).
        zoom: how many times as large the image is.
        left: where the window's left edge lies in the image, pixels.
        top: likewise.
        size: (height, width) of the picture.

    """
    import torch

    boxes = target["boxes"]
    corner = torch.tensor([left, top, left, top], device=boxes.device)
    moved = (boxes - corner) * zoom
    cut = torch.stack(
        [
            moved[:, 0].clamp(0, size[1]),
            moved[:, 1].clamp(0, size[0]),
            moved[:, 2].clamp(0, size[1]),
            moved[:, 3].clamp(0, size[0]),
        ],
        dim=1,
    )
    sides = cut[:, 2:] - cut[:, :2]
    area = (moved[:, 2:] - moved[:, :2]).prod(dim=1)
    keep = (sides >= _LEAST).all(dim=1) & (sides.prod(dim=1) >= _SEEN * area)
    return {"boxes": cut[keep], "labels": target["labels"][keep]}
