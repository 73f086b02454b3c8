"""The network of a first course: convolution and relu, twice; pool; again; fully connected."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from dlkit.cnn.network import Network


class Plain(Network):
    """Stages of convolutions with relu, each followed by max pooling; then hidden layers.

    Weights begin as He et al. 2015 (arXiv 1502.01852) draw them, the last layer at 0: at first all
    classes are equally probable.

    Args:
        channels: of the images.
        size: (height, width) of the images.
        classes: number of classes.
        mean: of the pixels, by channel.
        std: their deviations.
        widths: channels of each stage.
        kernel: height and width of the filters, odd; one for all stages, or one for each.
        convolutions: how many in a stage; one for all stages, or one for each.
        hidden: widths of the fully connected layers before the last.
        dropout: share of the numbers that training drops before and between the fully connected
            layers.
        batch_norm: whether convolutions are followed by batch normalisation.

    Raises:
        ValueError: an argument cannot be, or the images are too small for so many stages.

    """

    def __init__(
        self,
        *,
        channels: int,
        size: tuple[int, int],
        classes: int,
        mean: Sequence[float],
        std: Sequence[float],
        widths: Sequence[int] = (32, 64, 128),
        kernel: int | Sequence[int] = 3,
        convolutions: int | Sequence[int] = 2,
        hidden: Sequence[int] = (256,),
        dropout: float = 0.0,
        batch_norm: bool = False,
    ) -> None:
        super().__init__(mean, std)
        if not widths:
            raise ValueError("widths: at least one stage is needed")
        kernels = _each("kernel", kernel, len(widths))
        counts = _each("convolutions", convolutions, len(widths))
        if any(each % 2 == 0 for each in kernels):
            raise ValueError(f"kernel: {kernels} must be odd, so that maps keep their size")
        possible = min(size).bit_length() - 1
        if len(widths) > possible:
            problem = ValueError(
                f"images of {size[0]} x {size[1]} can be halved {possible} times, "
                f"widths has {len(widths)} stages"
            )
            problem.add_note(f"--size {2 ** len(widths)} makes them larger; or fewer --widths")
            raise problem
        self.layers = nn.Sequential()
        stages = []
        inputs, (height, width) = channels, size
        for outputs, filters, count in zip(widths, kernels, counts, strict=True):
            begin = len(self.layers)
            for _ in range(count):
                self.layers.extend(_convolution(inputs, outputs, filters, batch_norm))
                inputs = outputs
            self.layers.append(nn.MaxPool2d(2))
            height, width = height // 2, width // 2
            stages.append(tuple(f"layers.{n}" for n in range(begin, len(self.layers))))
        parts: list[nn.Module] = [nn.Flatten()]
        parts += [nn.Dropout(dropout)] if dropout else []
        for before, after in pairwise((inputs * height * width, *hidden)):
            parts += [nn.Linear(before, after), nn.ReLU()]
            parts += [nn.Dropout(dropout)] if dropout else []
        self.connected = nn.Sequential(*parts)
        self.last = nn.Linear(hidden[-1] if hidden else inputs * height * width, classes)
        self.stages = (*stages, ("connected",)) if hidden else tuple(stages)
        _begin(self)

    def features(self, images: Tensor) -> Tensor:
        """What the last layer sees, (B, dim)."""
        rows: Tensor = self.connected(self.layers(self.pixels(images)))
        return rows

    @property
    def head(self) -> nn.Linear:
        """The last layer."""
        return self.last


def _each(name: str, given: int | Sequence[int], stages: int) -> tuple[int, ...]:
    """One number for each stage, positive."""
    numbers = (given,) if isinstance(given, int) else tuple(given)
    numbers = numbers * stages if len(numbers) == 1 else numbers
    if len(numbers) != stages:
        raise ValueError(f"{name}: {len(numbers)} numbers for {stages} stages")
    if any(each < 1 for each in numbers):
        raise ValueError(f"{name}: {list(numbers)} must be 1 or more")
    return numbers


def _convolution(inputs: int, outputs: int, kernel: int, batch_norm: bool) -> list[nn.Module]:  # noqa: FBT001
    convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=not batch_norm)
    norm: list[nn.Module] = [nn.BatchNorm2d(outputs)] if batch_norm else []
    return [convolution, *norm, nn.ReLU(inplace=True)]


def _begin(network: Plain) -> None:
    """Draw the first weights."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    nn.init.zeros_(network.last.weight)
