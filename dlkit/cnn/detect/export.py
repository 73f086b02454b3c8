"""A detector for other tools: from bytes of images to boxes and scores, and what they mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from dlkit.classifiers import exporting
from dlkit.classifiers.saving import weights_of
from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from dlkit.cnn.detect.dense_model import Dense
    from dlkit.cnn.detect.saved import SavedDetector


def description(detector: SavedDetector) -> dict[str, Any]:
    """What the file takes and gives, in JSON's types."""
    from dlkit.cnn.detect.model import MOST, OVERLAP

    height, width = detector.size
    return {
        "classes": list(detector.classes),
        "input": {
            "name": "images",
            "type": "uint8",
            "shape": ["samples", 3, height, width],
            "colours": "red, green, blue",
            "fit": "pad: the shape is kept, the image in the middle, the rest black",
        },
        "output": {
            "name": "detections",
            "type": "float32",
            "shape": ["samples", "places", 4 + len(detector.classes)],
            "means": "left, top, right, bottom in pixels of the input, then the score of each "
            "class; what is left out is for the caller",
        },
        "threshold": detector.threshold,
        "overlap": OVERLAP,
        "most": MOST,
        "model": detector.document["model"],
        "artifact": detector.reference,
    }


def to_onnx(detector: SavedDetector, stream: BinaryIO) -> None:
    """The Open Neural Network Exchange format: input ``images``, output ``detections``.

    Raises:
        DlkitError: the libraries of the extra ``export`` are not installed.

    """
    whole, example = _whole(detector)
    exporting.write_onnx(whole, example, stream, taken="images", given="detections")


def to_pt2(detector: SavedDetector, stream: BinaryIO) -> None:
    """PyTorch's own exchange format: ``torch.export.load(FILE).module()(images)``."""
    whole, example = _whole(detector)
    exporting.write_pt2(whole, example, stream)


def to_safetensors(detector: SavedDetector, stream: BinaryIO) -> None:
    """The weights by name; of torchvision's families theirs behind ``net.``."""
    exporting.write_safetensors(weights_of(detector.model), stream)


def check_stages(detector: SavedDetector, writer: Any) -> None:
    """Do nothing if a detector can be written so.

    Raises:
        DlkitError: (USAGE) it cannot.

    """
    if detector.model.two_stages and writer is not to_safetensors:
        raise DlkitError(
            f"{detector.reference} is a {detector.model.name}: its second stage looks at boxes "
            "that the first one chose, which neither .onnx nor .pt2 is written with",
            hint="model.safetensors, or a detector of one stage: small, ssdlite, ssd, retinanet, "
            "fcos",
            code=USAGE,
        )


def _whole(detector: SavedDetector) -> tuple[Dense, torch.Tensor]:
    """The network up to boxes and scores, and two images."""
    import torch

    from dlkit.cnn.detect.dense_model import Dense

    example = torch.zeros(2, 3, *detector.size, dtype=torch.uint8)
    whole = Dense(detector.model, detector.size)
    return whole.eval(), example


def beside(path: Path) -> Path:
    """The file that says what stands in ``path``: model.onnx.json."""
    return path.with_name(f"{path.name}.json")


WRITERS: Final[dict[str, Callable[[SavedDetector, BinaryIO], None]]] = {
    ".onnx": to_onnx,
    ".pt2": to_pt2,
    ".safetensors": to_safetensors,
}
