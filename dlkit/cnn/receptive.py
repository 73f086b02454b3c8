"""What small kernels and shared weights save, and how far a unit really sees.

Effective receptive fields follow Luo, Li, Urtasun and Zemel, "Understanding the Effective
Receptive Field in Deep Convolutional Neural Networks" (NIPS 2016), https://arxiv.org/abs/1701.04128
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from dlkit.cnn.looking import output_of
from dlkit.training.modes import judging

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor, nn

    from dlkit.cnn.layers import Table

HELD: Final = 0.95  # of the gradient, in the square that is told
# Of the strongest pixel's value: what lies outside of two deviations of a Gaussian.
_LEAST: Final = math.erfc(2 / math.sqrt(2))  # 4.55 %
_AT_ONCE: Final = 32  # images


class Stack(NamedTuple):
    """Convolutions 3x3 one after another, beside the one large kernel that sees as far.

    Attributes:
        convolutions: n, of 3x3, each with a relu.
        channels: C, in and out.
        sees: 2n + 1, pixels of a side.
        parameters: of the stack, 9 n C² weights.
        large: of one convolution of (2n + 1) x (2n + 1), (2n + 1)² C² weights.
        share: the first of the second.

    """

    convolutions: int
    channels: int
    sees: int
    parameters: int
    large: int
    share: float


class Sharing(NamedTuple):
    """One convolution, beside layers of the same input and output that share less.

    Attributes:
        name: of the module.
        shape: C x H x W of its input and of its output.
        parameters: of the convolution.
        unshared: if every place had a kernel of its own (locally connected).
        connected: if every output saw every input (fully connected).
        saved: how many times more parameters the fully connected layer has.

    """

    name: str
    shape: tuple[tuple[int, ...], tuple[int, ...]]
    parameters: int
    unshared: int
    connected: int
    saved: float


def stacks(channels: int, most: int = 5) -> list[Stack]:
    """Two to ``most`` convolutions of 3x3, beside the large kernel that sees as far as each.

    Simonyan and Zisserman 2015, section 2.3, https://arxiv.org/abs/1409.1556
    """
    found = []
    for convolutions in range(2, most + 1):
        sees = 2 * convolutions + 1
        small, large = 9 * convolutions * channels**2, sees**2 * channels**2
        found.append(Stack(convolutions, channels, sees, small, large, small / large))
    return found


def sharing(model: nn.Module, found: Table) -> list[Sharing]:
    """What each convolution of a network saves by using one kernel at every place.

    Args:
        model: the network.
        found: its layers.

    """
    from torch import nn

    rows = []
    for layer in found.layers:
        part = model.get_submodule(layer.name) if layer.number is not None else None
        if not isinstance(part, nn.Conv2d) or layer.entered is None:
            continue
        bias = part.bias is not None
        inputs, outputs = math.prod(layer.entered), math.prod(layer.shape)
        weights = math.prod(part.weight.shape[1:])
        connected = (inputs + bias) * outputs
        rows.append(
            Sharing(
                layer.name,
                (layer.entered, layer.shape),
                layer.parameters,
                (weights + bias) * outputs,
                connected,
                connected / layer.parameters,
            )
        )
    return rows


def effective(
    model: nn.Module, images: Tensor, *, layer: str, seed: int = 0
) -> npt.NDArray[np.float64]:
    """How strongly each pixel moves the unit in the middle of a layer's map, (H, W).

    The root of the mean, over images, of the squared derivatives of the unit's channels by the
    pixel's channels. They come of one backward pass for an image: the channels are summed with
    random signs, which leaves the squares as they are and lets the mixed products cancel.

    Args:
        model: a network.
        images: (N, C, H, W) from 0 to 1.
        layer: name of a module that gives a map (B, K, H', W').
        seed: of the signs.

    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros(images.shape[2:], dtype=torch.float64)
    with judging(model):
        for start in range(0, len(images), _AT_ONCE):
            pixels = images[start : start + _AT_ONCE].clone().requires_grad_()
            middle = output_of(model, pixels, layer)
            if middle.ndim == 4:
                middle = middle[:, :, middle.shape[2] // 2, middle.shape[3] // 2]
            signs = torch.randint(0, 2, middle.shape, generator=generator) * 2 - 1
            (gradient,) = torch.autograd.grad((middle * signs.to(middle)).sum(), pixels)
            total += gradient.detach().cpu().double().square().sum(dim=(0, 1))
    found: npt.NDArray[np.float64] = (total / len(images)).sqrt().numpy()
    return found


def held_by(field: npt.NDArray[np.float64], share: float = HELD) -> int:
    """The side of the smallest square, wherever it lies, that holds ``share`` of all influence.

    Args:
        field: (H, W) as ``effective`` gives it.
        share: of its sum.

    Returns:
        Pixels; 0 where nothing has any influence. A square may reach over the picture's border.

    """
    height, width = field.shape
    sums = np.zeros((height + 1, width + 1))
    sums[1:, 1:] = field.cumsum(axis=0).cumsum(axis=1)
    if not sums[-1, -1] > 0:
        return 0
    for side in range(1, max(height, width) + 1):
        down, across = min(side, height), min(side, width)
        columns = sums[:, across:] - sums[:, :-across]
        if (columns[down:] - columns[:-down]).max() >= share * sums[-1, -1] * (1 - 1e-12):
            return side
    raise AssertionError("the whole picture holds everything")


def two_sigma(field: npt.NDArray[np.float64]) -> float:
    """The side of a square of as many pixels as have 4.55 % or more of the strongest one's value.

    So Luo et al. measure it: the root of their number, section 4.
    """
    if not field.max() > 0:
        return 0.0
    return math.sqrt(int((field >= _LEAST * field.max()).sum()))
