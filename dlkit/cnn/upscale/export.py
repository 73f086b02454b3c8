"""An upscaler for other tools: from bytes of small images to bytes of large ones.

What is written takes images (N, C, H, W) of any size, bytes, and gives (N, C, s H, s W), bytes; C
is 3, or 1 where it is asked for, whatever the network sees.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from dlkit.classifiers import exporting
from dlkit.classifiers.saving import weights_of

if TYPE_CHECKING:
    import torch
    from torch import nn

    from dlkit.cnn.upscale.saved import SavedUpscaler

# What may be of any size.
_FREE: Final = {0: "samples", 2: "height", 3: "width"}


def description(upscaler: SavedUpscaler, channels: int) -> dict[str, Any]:
    """What the file takes and gives, in JSON's types."""
    scale = upscaler.scale
    return {
        "scale": scale,
        "input": {
            "name": "images",
            "type": "uint8",
            "shape": ["samples", channels, "height", "width"],
            "colours": "grey" if channels == 1 else "red, green, blue",
        },
        "output": {
            "name": "large",
            "type": "uint8",
            "shape": ["samples", channels, f"{scale} height", f"{scale} width"],
        },
        "radius": upscaler.model.radius,
        "model": upscaler.document["model"],
        "artifact": upscaler.reference,
    }


def to_onnx(upscaler: SavedUpscaler, channels: int, stream: BinaryIO) -> None:
    """The Open Neural Network Exchange format: input ``images``, output ``large``.

    Raises:
        DlkitError: the libraries of the extra ``export`` are not installed.

    """
    whole, example = _whole(upscaler, channels)
    exporting.write_onnx(whole, example, stream, taken="images", given="large", free=_FREE)


def to_pt2(upscaler: SavedUpscaler, channels: int, stream: BinaryIO) -> None:
    """PyTorch's own exchange format: ``torch.export.load(FILE).module()(images)``."""
    whole, example = _whole(upscaler, channels)
    exporting.write_pt2(whole, example, stream, free=_FREE)


def to_safetensors(upscaler: SavedUpscaler, channels: int, stream: BinaryIO) -> None:
    """The weights by name, which ``dlkit.cnn.upscale.model.build`` makes a network of."""
    del channels
    exporting.write_safetensors(weights_of(upscaler.model), stream)


def _whole(upscaler: SavedUpscaler, channels: int) -> tuple[nn.Module, torch.Tensor]:
    """The network from bytes to bytes, and two images."""
    import torch

    from dlkit.cnn.upscale.model import Bytes

    example = torch.zeros(2, channels, 20, 24, dtype=torch.uint8)
    return Bytes(upscaler.model).eval(), example


def beside(path: Path) -> Path:
    """The file that says what stands in ``path``: model.onnx.json."""
    return path.with_name(f"{path.name}.json")


WRITERS: Final[dict[str, Callable[[SavedUpscaler, int, BinaryIO], None]]] = {
    ".onnx": to_onnx,
    ".pt2": to_pt2,
    ".safetensors": to_safetensors,
}
