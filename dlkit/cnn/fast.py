"""A small network for small images, made to be accurate soon.

The ideas are those that Jordan 2024 (arXiv 2404.00498, section 3) gathered and measured on
CIFAR-10: the first filters are not learned but make the training images' patches white; they are
followed by three blocks of two convolutions, which begin as the identity as far as they can, so
that what is in the image reaches the last layer from the first step on; batch normalisation learns
no scales; the scores are made small.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from dlkit.cnn.network import Network, is_small

ACTIVATIONS: Final[dict[str, type[nn.Module]]] = {
    "gelu": nn.GELU,
    "relu": nn.ReLU,
    "silu": nn.SiLU,
}
LEAST_VARIANCE: Final = 5e-4  # is added to the variances, so that noise is not blown up
_PATCHES_AT_ONCE: Final = 1 << 18


class Fast(Network):
    """Whitening, blocks of two convolutions, the largest number of each map, a linear layer.

    ``prepare`` computes the first filters from training images; without it they are as random as
    any, and stay so. A saved network has its own.

    Args:
        channels: of the images.
        size: (height, width) of the images.
        classes: number of classes.
        mean: of the pixels, by channel.
        std: their deviations.
        widths: channels of each block, which halves height and width.
        patch: height and width of the first filters.
        activation: gelu, relu or silu.
        momentum: the share of its old value that a running mean or variance keeps in each step;
            low, because the training is short.
        scale: what scores are multiplied by.

    Raises:
        ValueError: an argument cannot be, or the images are smaller than the patches.

    """

    def __init__(
        self,
        *,
        channels: int,
        size: tuple[int, int],
        classes: int,
        mean: Sequence[float],
        std: Sequence[float],
        widths: Sequence[int] = (64, 256, 256),
        patch: int = 2,
        activation: str = "gelu",
        momentum: float = 0.6,
        scale: float = 1 / 9,
    ) -> None:
        super().__init__(mean, std)
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation: {activation!r} is not one of {', '.join(ACTIVATIONS)}")
        if not widths or min(widths) < 1:
            raise ValueError(f"widths: {list(widths)} must be 1 or more, at least one")
        if not 1 <= patch <= min(size):
            problem = ValueError(f"patch: {patch} does not fit images of {size[0]} x {size[1]}")
            problem.add_note(f"--size {max(patch, 8)} makes them larger; or --set network.patch=1")
            raise problem
        filters = 2 * channels * patch**2
        self.whiten = nn.Conv2d(channels, filters, patch)
        self.whiten.weight.requires_grad = False
        nn.init.orthogonal_(self.whiten.weight)
        nn.init.zeros_(self.whiten.bias)  # type: ignore[arg-type]
        self.activation = ACTIVATIONS[activation]()
        self.blocks = nn.Sequential()
        inputs, side, left_out = filters, min(size) - patch + 1, 0
        for width in widths:
            self.blocks.append(_block(inputs, width, activation, momentum, pooled=side > 1))
            left_out += side < 2
            inputs, side = width, max(1, side // 2)
        self.last = Scaled(inputs, classes, scale)
        self.stages = (("whiten",), *((f"blocks.{n}",) for n in range(len(widths))))
        self.notes = _notes(size, left_out, len(widths))

    def features(self, images: Tensor) -> Tensor:
        """What the last layer sees, (B, dim)."""
        maps = self.blocks(self.activation(self.whiten(self.pixels(images))))
        return functional.adaptive_max_pool2d(maps, 1).flatten(1)

    @property
    def head(self) -> nn.Linear:
        """The last layer."""
        return self.last

    def prepare(self, images: Tensor) -> None:
        """Compute the first filters.

        Args:
            images: some thousands of the training images, (N, C, H, W), bytes or from 0 to 1.

        """
        patch = self.whiten.kernel_size[0]
        self.whiten.weight.data.copy_(whitening(self.pixels(images), patch=patch))


class Scaled(nn.Linear):
    """A linear layer without a bias, whose outputs are multiplied by a number.

    Args:
        inputs: D.
        outputs: number of outputs.
        scale: the number.

    """

    def __init__(self, inputs: int, outputs: int, scale: float) -> None:
        super().__init__(inputs, outputs, bias=False)
        self.scale = scale

    def forward(self, rows: Tensor) -> Tensor:
        """(B, outputs) of rows (B, D)."""
        return super().forward(rows) * self.scale


def whitening(images: Tensor, *, patch: int = 2, least: float = LEAST_VARIANCE) -> Tensor:
    """Filters whose outputs on the images' patches are uncorrelated and vary by about 1.

    They are the eigenvectors of the patches' covariance Σ, each over the root of its eigenvalue,
    largest first, and then the same with the other sign: an activation lets through half of each.

    Args:
        images: (N, C, H, W) as the network's pixels gives them.
        patch: height and width of the patches, p; all of them are used.
        least: is added to the eigenvalues.

    Returns:
        (2 C p², C, p, p) float32, on the images' device.

    """
    channels = images.shape[1]
    length = channels * patch**2
    per_image = (images.shape[2] - patch + 1) * (images.shape[3] - patch + 1)
    total = images.new_zeros(length, dtype=torch.float32)
    products = images.new_zeros(length, length, dtype=torch.float32)
    # Around the mean of all pixels, so that little is lost when the patches' mean is subtracted.
    middle = images.mean(dim=(0, 2, 3), keepdim=True)
    for some in torch.split(images, max(1, _PATCHES_AT_ONCE // per_image)):
        rows = functional.unfold((some - middle).float(), patch)  # (n, C p², places)
        total += rows.sum(dim=(0, 2))
        products += torch.einsum("ndp,nep->de", rows, rows)
    number = len(images) * per_image
    covariance = products / number - torch.outer(total, total) / number**2
    values, vectors = torch.linalg.eigh(covariance.double().cpu())  # ascending, in columns
    filters = (vectors / (values.clamp(min=0) + least).sqrt()).T.flip(0)
    filters = filters.reshape(length, channels, patch, patch)
    return torch.cat([filters, -filters]).float().to(images.device)


def _block(
    inputs: int, width: int, activation: str, momentum: float, *, pooled: bool
) -> nn.Sequential:
    def norm() -> nn.BatchNorm2d:
        # PyTorch's momentum is the share of the new value.
        layer = nn.BatchNorm2d(width, momentum=1 - momentum)
        layer.weight.requires_grad = False
        return layer

    return nn.Sequential(
        _convolution(inputs, width),
        nn.MaxPool2d(2) if pooled else nn.Identity(),
        norm(),
        ACTIVATIONS[activation](),
        _convolution(width, width),
        norm(),
        ACTIVATIONS[activation](),
    )


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    """A 3 x 3 convolution whose first outputs are its inputs; the others are random."""
    layer = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    with torch.no_grad():
        nn.init.dirac_(layer.weight[: min(inputs, outputs)])
    return layer


def _notes(size: tuple[int, int], left_out: int, blocks: int) -> tuple[str, ...]:
    of = f"images of {size[0]} x {size[1]}"
    notes = []
    if left_out:
        notes.append(f"{of}: {left_out} of {blocks} poolings left out, nothing is left to pool")
    if not is_small(size):
        notes.append(f"{of}: fast was made for small images and does not reduce large ones first")
    return tuple(notes)
