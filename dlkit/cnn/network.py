"""What every network of the room has: its own scaling of pixels, features, a head, stages."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dlkit.cnn.usual import SMALL


class Pixels(nn.Module):
    """Images as the network wants them: (x - mean) / std, channel by channel.

    Bytes are divided by 255 first. Images of one channel become as many channels as there are
    means: a grey image is shown three times to a network that was made for colours.

    Args:
        mean: C, of pixels between 0 and 1.
        std: C, positive.

    Raises:
        ValueError: lengths differ, or a deviation is not positive.

    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        if len(mean) != len(std) or not mean:
            raise ValueError(f"{len(mean)} means and {len(std)} deviations of channels")
        if not all(each > 0 for each in std):
            raise ValueError(f"the deviation of every channel must be above 0, not {list(std)}")
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(-1, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(-1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Numbers (B, C, H, W) of images (B, C, H, W) or (B, 1, H, W): bytes, or from 0 to 1."""
        brightest = 255 if images.dtype == torch.uint8 else 1
        # As one sum and product, x / std + (-mean / std), which reads the images once.
        factor, summand = 1 / (self.std * brightest), -self.mean / self.std
        return torch.addcmul(summand, images.to(self.mean.dtype), factor)

    def extra_repr(self) -> str:
        """The numbers, where the network is printed."""
        return f"mean={self.mean.flatten().tolist()}, std={self.std.flatten().tolist()}"


class Network(nn.Module):
    """An image classifier: scores = head(features(images)).

    Subclasses build their layers, give ``features`` and ``head``, and set the attributes.

    Attributes:
        pixels: scales the images.
        notes: what was decided by the size of the images, a sentence each.
        stages: names of the submodules of each stage, in the order of computing, without the head.

    """

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.pixels = Pixels(mean, std)
        self.notes: tuple[str, ...] = ()
        self.stages: tuple[tuple[str, ...], ...] = ()
        self._frozen: tuple[str, ...] = ()

    def features(self, images: Tensor) -> Tensor:
        """What the last layer sees: (B, dim) of images (B, C, H, W), bytes or from 0 to 1."""
        raise NotImplementedError

    @property
    def head(self) -> nn.Module:
        """The last layer: scores (B, classes) of features (B, dim)."""
        raise NotImplementedError

    @property
    def dim(self) -> int:
        """The number of features."""
        return int(self.head.in_features)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        """Scores (B, classes) of images (B, C, H, W), bytes or from 0 to 1."""
        scores: Tensor = self.head(self.features(images))
        return scores

    def prepare(self, images: Tensor) -> None:
        """Take what is to be known of the training images before the first step.

        Args:
            images: some thousands of them, (N, C, H, W), bytes or from 0 to 1.

        """

    def published(self, name: str) -> tuple[str, ...]:
        """What a tensor of the state may be called in files of weights, ours and others'."""
        return (name,)

    def freeze(self, names: Sequence[str]) -> None:
        """Let submodules stay as they are: no gradients, and in evaluation mode for ever.

        So their batch normalisation keeps its means and variances, and they drop nothing.
        """
        self._frozen = tuple(names)
        for name in self._frozen:
            self.get_submodule(name).requires_grad_(requires_grad=False)
        self.train(self.training)

    def train(self, mode: bool = True) -> Network:  # noqa: FBT001, FBT002
        """Training mode for all that is not frozen, or evaluation mode."""
        super().train(mode)
        for name in self._frozen:
            self.get_submodule(name).eval()
        return self


def is_small(size: tuple[int, int]) -> bool:
    """Whether images (height, width) are too small for a stem that reduces them to a quarter."""
    return min(size) <= SMALL
