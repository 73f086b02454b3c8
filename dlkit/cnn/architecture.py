"""What an architecture is, whatever its weights: its layers, and what they save."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from dlkit.cnn.layers import Table, table
from dlkit.cnn.receptive import Sharing, Stack, sharing, stacks

if TYPE_CHECKING:
    from torch import nn


class Facts(NamedTuple):
    """What an architecture is, without its weights.

    Attributes:
        table: its layers.
        stacks: what small kernels save, at the width of most of its 3 x 3 convolutions.
        sharing: what each convolution saves by sharing its weights.

    """

    table: Table
    stacks: list[Stack]
    sharing: list[Sharing]


def facts_of(model: nn.Module, *, channels: int, size: tuple[int, int]) -> Facts:
    """Layers and what they save, for images of one size; the weights do not matter."""
    found = table(model, channels=channels, size=size)
    widths = Counter(
        layer.shape[0] for layer in found.layers if layer.kind.startswith("Conv2d 3x3")
    )
    width = max(widths, key=lambda each: (widths[each], each)) if widths else 64
    return Facts(found, stacks(width), sharing(model, found))


def architecture(
    name: str, *, channels: int, size: tuple[int, int], classes: int, arguments: dict[str, Any]
) -> Facts:
    """The facts of a network that nobody has trained; no memory is taken for its weights.

    Args:
        name: as ``--model`` has it.
        channels: of the images.
        size: height and width.
        classes: number of classes.
        arguments: of the network.

    Raises:
        DlkitError: (USAGE) there is no such network, or it cannot work on such images.

    """
    import torch

    from dlkit.cnn.prepare import network_of, refused

    grey = [0.5] * channels
    given = {"name": name, "channels": channels, "size": list(size), "classes": classes,
             "mean": grey, "std": grey, **arguments}  # fmt: skip
    try:
        with torch.device("meta"):
            model = network_of(given)
        return facts_of(model, channels=channels, size=size)
    except (ValueError, TypeError, RuntimeError) as problem:
        raise refused(name, problem) from None
