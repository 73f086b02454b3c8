"""The weights of a classifier in formats of other tools."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np

from dlkit.classifiers import exporting
from dlkit.classify.inputs import RowReader
from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.classify.saved import Classifier

_AT_ONCE: Final = 1024  # rows of text
_COLUMNS_STAY: Final = ("standardise", "scale", "centre")  # the other steps make others of them


def tensors_of(classifier: Classifier) -> dict[str, npt.NDArray[Any]]:
    """Weights, and what the preprocessing learnt, by name."""
    state = classifier.model.state_dict()
    weights = {name: tensor.cpu().numpy() for name, tensor in state.items()}
    return weights | classifier.reader.tensors()


def description(classifier: Classifier) -> dict[str, Any]:
    """What the tensors mean, in JSON's types: the network, the classes, the preprocessing."""
    document = classifier.document
    return {
        "classes": list(classifier.classes),
        "loss": classifier.loss,
        "model": document["model"],
        "inputs": document["data"]["form"],
        "columns": list(classifier.form.columns),
        **classifier.reader.document(),
        "pixels_divided_by": 255 if _takes_bytes(classifier) else 1,
    }


def to_npz(classifier: Classifier, stream: BinaryIO) -> None:
    """NumPy's format: the tensors, classes, description; read it with ``allow_pickle=False``."""
    told = json.dumps(description(classifier), ensure_ascii=False)
    arrays: dict[str, Any] = {
        **tensors_of(classifier),
        "classes": np.array(classifier.classes, np.str_),
        "description": np.array(told, np.str_),
    }
    np.savez(stream, **arrays)


def to_safetensors(classifier: Classifier, stream: BinaryIO) -> None:
    """The safetensors format: the tensors."""
    exporting.write_safetensors(tensors_of(classifier), stream)


def to_json(classifier: Classifier, stream: BinaryIO) -> None:
    """The description of what stands in the safetensors file."""
    exporting.write_json(description(classifier), stream)


def to_csv(classifier: Classifier, stream: BinaryIO) -> None:
    """A row for each weight of a linear classifier: input, and a column for each class.

    Raises:
        DlkitError: (USAGE) it has hidden layers.

    """
    weight, bias = linear_of(classifier)
    columns = names_of(classifier, weight.shape[1])
    if columns is None:
        columns = tuple(f"x{place}" for place in range(weight.shape[1]))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["input", *classifier.classes])
    writer.writerow(["bias", *map(str, bias)])
    for place, name in enumerate(columns):
        # str() of a NumPy float32 gives the shortest digits that read back as the same one.
        writer.writerow([name, *map(str, weight[:, place])])
        if place % _AT_ONCE == _AT_ONCE - 1:
            _flush(text, stream)
    _flush(text, stream)


def _flush(text: io.StringIO, stream: BinaryIO) -> None:
    stream.write(text.getvalue().encode("utf-8", "surrogatepass"))
    text.seek(0)
    text.truncate()


def names_of(classifier: Classifier, inputs: int) -> tuple[str, ...] | None:
    """The table's columns that the ``inputs`` of the network are; None: they are no columns."""
    columns, reader = classifier.form.columns, classifier.reader
    if not isinstance(reader, RowReader) or reader.encoder is not None:
        return None
    same = all(step.name in _COLUMNS_STAY for step in reader.pipeline.steps)
    return columns if same and len(columns) == inputs else None


def linear_of(
    classifier: Classifier,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """W (C, D) and b (C,) of a linear classifier.

    Raises:
        DlkitError: (USAGE) it has hidden layers.

    """
    state = {name: each.cpu().numpy() for name, each in classifier.model.state_dict().items()}
    if set(state) == {"layers.0.weight", "layers.0.bias"}:
        return state["layers.0.weight"], state["layers.0.bias"]
    if set(state) == {"bag.weight", "bias"}:
        return state["bag.weight"].T, state["bias"]
    raise DlkitError(
        f"{classifier.reference} is not linear: its weights are no single table",
        hint="export it as .safetensors or .npz",
        code=USAGE,
    )


def to_onnx(classifier: Classifier, stream: BinaryIO) -> None:
    """The network in the Open Neural Network Exchange format: input ``rows``, output ``scores``.

    Preprocessing is not in it: ``rows`` (N, D) are what it gives, bytes where it gives bytes.

    Raises:
        DlkitError: the libraries of the extra ``export`` are not installed; texts are counted.

    """
    import torch

    check_onnx(classifier)
    width = classifier.document["model"]["inputs"]
    kind = torch.uint8 if _takes_bytes(classifier) else torch.float32
    example = torch.zeros(2, width, dtype=kind)
    exporting.write_onnx(classifier.model, example, stream, taken="rows", given="scores")


def check_onnx(classifier: Classifier) -> None:
    """Do nothing if the network can be written as ONNX.

    Raises:
        DlkitError: it counts n-grams, or the libraries are not there.

    """
    if "ngrams" in classifier.document["model"]:
        raise DlkitError(
            f"{classifier.reference} counts n-grams, which ONNX has no operator for",
            hint="export it as .safetensors or .npz",
            code=USAGE,
        )
    exporting.check_onnx()


def _takes_bytes(classifier: Classifier) -> bool:
    """Whether what the network is given is bytes, which it divides by 255 itself."""
    reader = classifier.reader
    if not isinstance(reader, RowReader) or reader.encoder is not None:
        return False
    plain = all(step.name in ("grey", "resize", "crop") for step in reader.pipeline.steps)
    return reader.pipeline.pixels and plain


WRITERS: Final[dict[str, Callable[[Classifier, BinaryIO], None]]] = {
    ".npz": to_npz,
    ".safetensors": to_safetensors,
    ".csv": to_csv,
    ".onnx": to_onnx,
}


def beside(path: Path) -> Path | None:
    """The file that says what stands in ``path``; None: it says so itself."""
    return path.with_suffix(".json") if path.suffix.lower() == ".safetensors" else None
