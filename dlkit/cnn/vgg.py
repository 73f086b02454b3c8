"""VGG (Simonyan and Zisserman 2015, arXiv 1409.1556): 3 x 3 convolutions, deeper and deeper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from torch import Tensor, nn

from dlkit.cnn.network import Network, is_small

# Convolutions in each of the five stages (table 1 of the paper: A, B, D, E).
STAGES: Final = {
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}
WIDTHS: Final = (64, 128, 256, 512, 512)
_HIDDEN: Final = 4096
# What timm calls the fully connected layers; the first two are convolutions there.
_TIMM: Final = {
    "classifier.0": "pre_logits.fc1",
    "classifier.3": "pre_logits.fc2",
    "classifier.6": "head.fc",
}
_PLACES: Final = 7  # height and width of the maps that the first fully connected layer sees


class Vgg(Network):
    """VGG with 11, 13, 16 or 19 layers with weights.

    Small images: maps that are down to one number are no longer pooled, what is left is averaged,
    and one fully connected layer follows, as usual for CIFAR. Large images: the three fully
    connected layers of the paper.

    Weights begin as He et al. 2015 (arXiv 1502.01852) draw them; the paper's own beginning needed
    shallower networks that had been trained before.

    Args:
        channels: of the images.
        size: (height, width) of the images.
        classes: number of classes.
        mean: of the pixels, by channel.
        std: their deviations.
        depth: 11, 13, 16 or 19.
        batch_norm: whether convolutions are followed by batch normalisation.
        dropout: share of the numbers that training drops before (small images) or between (large
            ones) fully connected layers; default 0 and 0.5.

    """

    def __init__(
        self,
        *,
        channels: int,
        size: tuple[int, int],
        classes: int,
        mean: Sequence[float],
        std: Sequence[float],
        depth: int = 16,
        batch_norm: bool = True,
        dropout: float | None = None,
    ) -> None:
        super().__init__(mean, std)
        small = is_small(size)
        drop = dropout if dropout is not None else 0.0 if small else 0.5
        self.layers = nn.Sequential()  # torchvision calls it features
        stages, left_out = [], 0
        inputs, side = channels, min(size)
        for outputs, count in zip(WIDTHS, STAGES[depth], strict=True):
            begin = len(self.layers)
            for _ in range(count):
                self.layers.extend(_convolution(inputs, outputs, batch_norm))
                inputs = outputs
            # What is left out keeps its number: names of weights are those of large images.
            self.layers.append(nn.MaxPool2d(2) if side > 1 else nn.Identity())
            left_out += side < 2
            side = max(1, side // 2)
            stages.append(tuple(f"layers.{n}" for n in range(begin, len(self.layers))))
        self.pool = nn.AdaptiveAvgPool2d(1 if small else _PLACES)
        parts: list[nn.Module] = [nn.Dropout(drop)]
        if not small:
            parts = [
                nn.Linear(inputs * _PLACES**2, _HIDDEN), nn.ReLU(inplace=True), nn.Dropout(drop),
                nn.Linear(_HIDDEN, _HIDDEN), nn.ReLU(inplace=True), nn.Dropout(drop),
            ]  # fmt: skip
            stages.append(("classifier.0", "classifier.3"))
        self.classifier = nn.Sequential(*parts, nn.Linear(inputs if small else _HIDDEN, classes))
        self.stages = tuple(stages)
        self.notes = _notes(size, small=small, left_out=left_out)
        _begin(self)

    def features(self, images: Tensor) -> Tensor:
        """What the last layer sees, (B, dim)."""
        rows: Tensor = self.pool(self.layers(self.pixels(images))).flatten(1)
        for layer in self.classifier[:-1]:
            rows = layer(rows)
        return rows

    @property
    def head(self) -> nn.Module:
        """The last layer."""
        return self.classifier[-1]

    def published(self, name: str) -> tuple[str, ...]:
        """What a tensor of the state may be called in files: here, by torchvision, by timm."""
        layer, _, what = name.rpartition(".")
        theirs = _TIMM.get(layer)
        if name.startswith("layers."):
            return name, name.replace("layers.", "features.", 1)
        return (name, f"{theirs}.{what}") if theirs else (name,)


def _convolution(inputs: int, outputs: int, batch_norm: bool) -> list[nn.Module]:  # noqa: FBT001
    norm: list[nn.Module] = [nn.BatchNorm2d(outputs)] if batch_norm else []
    return [nn.Conv2d(inputs, outputs, 3, padding=1), *norm, nn.ReLU(inplace=True)]


def _notes(size: tuple[int, int], *, small: bool, left_out: int) -> tuple[str, ...]:
    of = f"images of {size[0]} x {size[1]}"
    if not small:
        return (f"{of} are large: three fully connected layers",)
    head = f"{of} are small: one fully connected layer"
    if left_out:
        return (head, f"{left_out} of 5 poolings left out: nothing is left to pool")
    return (head,)


def _begin(network: Vgg) -> None:
    """Draw the first weights."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.01)
        if isinstance(module, (nn.Conv2d, nn.Linear)) and module.bias is not None:
            nn.init.zeros_(module.bias)
