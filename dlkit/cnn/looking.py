"""Looking into a network: its filters, its maps, and where it sees what it says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.training.modes import judging

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor, nn


def tensors(value: Any) -> Iterator[Tensor]:
    """The tensors in ``value``: itself, or in lists and tuples of them, however deep."""
    import torch

    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from tensors(each)


def output_of(model: nn.Module, images: Tensor, layer: str) -> Tensor:
    """What a module gives for images; of several uses the last one's.

    Args:
        model: a network.
        images: (B, C, H, W), bytes or from 0 to 1.
        layer: name of the module.

    """
    output, _ = _with_scores(model, images, layer)
    return output


def _with_scores(model: nn.Module, images: Tensor, layer: str) -> tuple[Tensor, Tensor]:
    """What a module gives, and the scores (B, classes) that come of it."""
    found: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: Any, output: Any) -> Any:
        assert hasattr(output, "clone"), f"{layer} gives no tensor"
        found.append(output)
        return output.clone()  # what follows may write into it

    handle = model.get_submodule(layer).register_forward_hook(keep)
    try:
        scores = model(images)
    finally:
        handle.remove()
    return found[-1], scores


def first_filters(model: nn.Module) -> tuple[str, npt.NDArray[np.float32]] | None:
    """Name and weights (K, C, h, w) of the first convolution; None: there is none."""
    from torch import nn

    for name, part in model.named_modules():
        if isinstance(part, nn.Conv2d):
            return name, part.weight.detach().float().cpu().numpy()
    return None


def feature_maps(model: nn.Module, images: Tensor, layer: str) -> npt.NDArray[np.float32]:
    """What a module gives for images: maps (B, K, H', W'), or numbers (B, K).

    Args:
        model: a network.
        images: (B, C, H, W), bytes or from 0 to 1.
        layer: name of the module.

    """
    import torch

    with judging(model), torch.no_grad():
        output = output_of(model, images, layer)
    found: npt.NDArray[np.float32] = output.float().cpu().numpy()
    return found


def probabilities(model: nn.Module, images: Tensor) -> npt.NDArray[np.float64]:
    """(B, classes) of images (B, C, H, W), bytes or from 0 to 1."""
    import torch

    with judging(model), torch.no_grad():
        scores = model(images)
    found: npt.NDArray[np.float64] = scores.double().softmax(1).cpu().numpy()
    return found


def grad_cam(
    model: nn.Module, images: Tensor, classes: Sequence[int], *, layer: str
) -> npt.NDArray[np.float32]:
    """Where a map speaks for a class, (B, H', W'), 0 or more, in the units of the score.

    The map's channels are weighted by the mean derivative of the class's score, before softmax;
    what speaks against the class is cut off: equations 1 and 2 of Selvaraju et al., "Grad-CAM"
    (ICCV 2017), https://arxiv.org/abs/1610.02391

    Args:
        model: a network.
        images: (B, C, H, W), bytes or from 0 to 1.
        classes: one of each image.
        layer: name of a module that gives maps (B, K, H', W').

    """
    import torch

    with judging(model), torch.enable_grad():
        # Frozen weights alone would leave nothing to derive by.
        numbers = images / 255 if images.dtype == torch.uint8 else images
        maps, scores = _with_scores(model, numbers.detach().clone().requires_grad_(), layer)
        wanted = scores[torch.arange(len(scores)), torch.tensor(classes)].sum()
        (gradient,) = torch.autograd.grad(wanted, maps)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    found: npt.NDArray[np.float32] = (
        (weights * maps.detach()).sum(dim=1).relu().float().cpu().numpy()
    )
    return found


def enlarged(maps: npt.NDArray[Any], size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Maps (B, h, w) as (B, H, W), bilinear."""
    import torch
    from torch.nn import functional

    tensor = torch.from_numpy(np.asarray(maps, np.float32))[:, None]
    large = functional.interpolate(tensor, size=size, mode="bilinear", align_corners=False)
    found: npt.NDArray[np.float32] = large[:, 0].numpy()
    return found
