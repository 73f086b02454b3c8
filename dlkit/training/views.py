"""Test-time augmentation: the mean of the scores of several views of each image.

    none             the image as it is
    mirror           the image, and mirrored left and right
    shifts           the image, which counts one half, and moved by a pixel up and left, and down
                     and right, with what is reflected at the edge coming in: for digits and signs,
                     which a mirror makes others
    mirror+shifts    all of these, moved ones mirrored, too (Jordan 2024, arXiv 2404.00498, section
                     3.6's "multi-crop" evaluation)

An accuracy with it is of several looks at each image: whoever reports it says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    import torch
    from torch import nn

Kind = Literal["none", "mirror", "shifts", "mirror+shifts"]
KINDS: Final[tuple[str, ...]] = get_args(Kind)


def tta_scores(model: nn.Module, images: torch.Tensor, kind: Kind) -> torch.Tensor:
    """(B, C) the mean of the model's scores over the views of each image.

    The model is asked in the mode that it is in, view by view: memory is that of one.

    Args:
        model: from images to scores.
        images: (B, C, H, W) of any type.
        kind: see the module.

    Raises:
        ValueError: there is no such kind.

    """
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is none of {', '.join(KINDS)}")
    mirror = kind.startswith("mirror")
    scores = _looked_at(model, images, mirror=mirror)
    if not kind.endswith("shifts"):
        return scores
    moved = [_looked_at(model, _shifted(images, by), mirror=mirror) for by in (-1, 1)]
    return (2 * scores + moved[0] + moved[1]) / 4


def _looked_at(model: nn.Module, images: torch.Tensor, *, mirror: bool) -> torch.Tensor:
    scores: torch.Tensor = model(images)
    if scores.dtype.itemsize < 4:  # sums of few bits would lose more than a view brings
        scores = scores.float()
    if not mirror:
        return scores
    mirrored: torch.Tensor = model(images.flip(3))
    return (scores + mirrored) / 2


def _shifted(images: torch.Tensor, by: int) -> torch.Tensor:
    """Images moved by one pixel down and right (1), or up and left (-1), reflected at the edge."""
    import torch

    from dlkit.training.augmenting.moving import by_indices

    # The window of a padded image that begins earlier shows the image further down.
    places = torch.full((2, len(images)), 1 - by, device=images.device)
    return by_indices(images, places, None, 1, "reflect")
