"""A trained network for other tools: safetensors, ONNX, PyTorch's own exchange format."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from dlkit.artifacts.tensors import write_tensors
from dlkit.errors import FAILED, DlkitError

if TYPE_CHECKING:
    import numpy.typing as npt
    import torch
    from torch import nn

SAMPLES: Final[Mapping[int, str]] = {0: "samples"}


def write_safetensors(tensors: Mapping[str, npt.NDArray[Any]], stream: BinaryIO) -> None:
    """The safetensors format: arrays by name."""
    write_tensors(tensors)(stream)


def write_json(document: Mapping[str, Any], stream: BinaryIO) -> None:
    """What stands in the file beside, in words and numbers."""
    text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    stream.write(text.encode("utf-8", "surrogatepass"))


def write_onnx(
    model: nn.Module,
    example: torch.Tensor,
    stream: BinaryIO,
    *,
    taken: str,
    given: str,
    free: Mapping[int, str] = SAMPLES,
) -> None:
    """A network in the Open Neural Network Exchange format, for any number of samples.

    Args:
        model: of one input.
        example: two samples of it.
        stream: where it goes.
        taken: the name of the input.
        given: the name of the output.
        free: the axes of the input that may have any length, and their names.

    Raises:
        DlkitError: the libraries of the extra ``export`` are not installed.

    """
    import torch

    check_onnx()
    program = torch.onnx.export(
        model,
        (example,),
        dynamo=True,
        verbose=False,
        input_names=[taken],
        output_names=[given],
        dynamic_shapes={taken: _lengths(free)},
    )
    assert program is not None
    stream.write(program.model_proto.SerializeToString())


def write_pt2(
    model: nn.Module,
    example: torch.Tensor,
    stream: BinaryIO,
    *,
    free: Mapping[int, str] = SAMPLES,
) -> None:
    """A network in PyTorch's own exchange format, for any number of samples; nothing is pickled.

    Args:
        model: of one input.
        example: two samples of it.
        stream: where it goes.
        free: the axes of the input that may have any length, and their names.

    """
    import torch

    program = torch.export.export(model, (example,), dynamic_shapes=(_lengths(free),))
    program._example_inputs = None  # they alone would be pickled
    torch.export.save(program, stream)


def _lengths(free: Mapping[int, str]) -> dict[int, Any]:
    """What PyTorch calls axes of any length; those of an image begin at one pixel."""
    import torch

    return {
        axis: torch.export.Dim(name) if axis == 0 else torch.export.Dim(name, min=1, max=1 << 20)
        for axis, name in free.items()
    }


def check_onnx() -> None:
    """Do nothing if networks can be written as ONNX.

    Raises:
        DlkitError: the libraries are not there.

    """
    from importlib.util import find_spec

    missing = [name for name in ("onnx", "onnxscript") if find_spec(name) is None]
    if missing:
        raise DlkitError(
            f"ONNX needs {' and '.join(missing)}",
            hint="pip install 'dlkit[export]'",
            code=FAILED,
        )
