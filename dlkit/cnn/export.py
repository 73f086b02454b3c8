"""A network for other tools: from bytes of images to probabilities, and the names of the classes.

What is written begins with pixels as they are in files: images (N, C, H, W), bytes. Only their
size and colour have to be made those of the artifact; the description says which.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from dlkit.classifiers import exporting
from dlkit.classifiers.saving import weights_of

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import nn

    from dlkit.cnn.saved import ImageClassifier


def description(classifier: ImageClassifier) -> dict[str, Any]:
    """What the file takes and gives, in JSON's types."""
    form = classifier.form
    return {
        "classes": list(classifier.classes),
        "input": {
            "name": "images",
            "type": "uint8",
            "shape": ["samples", form.channels, form.height, form.width],
            "colours": "grey" if form.channels == 1 else "red, green, blue",
            "fit": form.fit,
            "depth": form.depth,
        },
        "output": {"name": "probabilities", "type": "float32", "shape": ["samples", "classes"]},
        "model": classifier.document["model"],
        "artifact": classifier.reference,
    }


def to_onnx(classifier: ImageClassifier, stream: BinaryIO) -> None:
    """The Open Neural Network Exchange format: input ``images``, output ``probabilities``.

    Raises:
        DlkitError: the libraries of the extra ``export`` are not installed.

    """
    whole, example = _whole(classifier)
    exporting.write_onnx(whole, example, stream, taken="images", given="probabilities")


def to_pt2(classifier: ImageClassifier, stream: BinaryIO) -> None:
    """PyTorch's own exchange format: ``torch.export.load(FILE).module()(images)``."""
    whole, example = _whole(classifier)
    exporting.write_pt2(whole, example, stream)


def to_safetensors(classifier: ImageClassifier, stream: BinaryIO) -> None:
    """The weights by name, which ``dlkit.cnn.model.build`` and the description make a network."""
    exporting.write_safetensors(weights_of(classifier.model), stream)


def _whole(classifier: ImageClassifier) -> tuple[nn.Module, torch.Tensor]:
    """The network up to the probabilities, and two images."""
    import torch

    from dlkit.cnn.probabilities import Probabilities

    form = classifier.form
    example = torch.zeros(2, form.channels, form.height, form.width, dtype=torch.uint8)
    return Probabilities(classifier.model).eval(), example


def beside(path: Path) -> Path:
    """The file that says what stands in ``path``: model.onnx.json."""
    return path.with_name(f"{path.name}.json")


WRITERS: Final[dict[str, Callable[[ImageClassifier, BinaryIO], None]]] = {
    ".onnx": to_onnx,
    ".pt2": to_pt2,
    ".safetensors": to_safetensors,
}
