"""A network that begins with published weights: those that fit by name and shape."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from dlkit.artifacts.tensors import check_finite
from dlkit.cnn.weights import MEAN, STD, Weights, fetch
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Noted, Record, Warned

if TYPE_CHECKING:
    from torch import Tensor

    from dlkit.artifacts.tensors import Array
    from dlkit.cnn.network import Network

__all__ = ["MEAN", "STD", "Weights", "fetch", "load"]

_LEAST: Final = 0.5  # of the tensors before the head must fit, else it is another network
_NAMED: Final = 4  # names that a message holds
_COUNTER: Final = "num_batches_tracked"


def load(model: Network, given: str | Weights) -> Generator[Record, None, Weights]:
    """Give ``model`` the weights that fit, and say which did not.

    The pixels are scaled from then on as those were that the weights were trained with. The head
    is taken over only where the number of classes is the same.

    Args:
        model: any network of the room.
        given: the weights, or what ``fetch`` takes.

    Raises:
        DlkitError: there are no such weights; (DAMAGED) they are not finite; (USAGE) they are of
            another network: less than half of the tensors before the head fit.

    """
    import torch

    weights = (yield from fetch(given)) if isinstance(given, str) else given
    state = model.state_dict()
    head = {id(each) for each in model.head.parameters()}
    of_head = {name for name, each in model.named_parameters() if id(each) in head}
    found: dict[str, Array] = {}
    used: set[str] = set()
    new: list[str] = []
    wanted = [name for name in state if not name.startswith("pixels.")]
    for name in wanted:
        called = next((each for each in model.published(name) if each in weights.tensors), None)
        if called is None:
            if not name.endswith(_COUNTER):
                new.append(name)
            continue
        used.add(called)
        array = _fitted(weights.tensors[called], state[name])
        if array is None:
            theirs, ours = weights.tensors[called].shape, tuple(state[name].shape)
            new.append(f"{name} ({_shape(theirs)} in the file, {_shape(ours)} here)")
        else:
            found[name] = array
    counted = [name for name in wanted if not name.endswith(_COUNTER)]
    body = [name for name in counted if name not in of_head]
    fitting = sum(name in found for name in body)
    if fitting < _LEAST * len(body):
        raise DlkitError(
            f"{weights.reference} holds weights of another network: {fitting} of the {len(body)} "
            "tensors before the head fit",
            hint="give --model the network that they are of",
            code=USAGE,
        )
    check_finite(found, where=weights.path)
    for name, array in found.items():
        # A copy: what is mapped from the disk cannot be written.
        state[name].copy_(torch.from_numpy(np.array(array, _type_of(array))).view_as(state[name]))
    _scale_pixels(model, weights)
    unused = [each for each in weights.tensors if each not in used and not _of_pixels(each)]
    yield from _told(weights, new, unused, sum(name in found for name in counted), len(counted))
    return weights


def _type_of(array: Array) -> np.dtype[np.generic]:
    return np.dtype(np.float32) if array.dtype.kind == "f" else array.dtype


def _fitted(array: Array, tensor: Tensor) -> Array | None:
    """``array`` as ``tensor`` is laid out; None: it is of another layer.

    A fully connected layer may be published as the convolution that does the same.
    """
    if array.shape == tuple(tensor.shape):
        return array
    if array.ndim == 4 and tensor.ndim == 2 and array.shape[0] == tensor.shape[0]:
        flat = array.reshape(len(array), -1)
        return flat if flat.shape == tuple(tensor.shape) else None
    return None


def _scale_pixels(model: Network, weights: Weights) -> None:
    """Let pixels be scaled as those were that the weights were trained with."""
    import torch

    for name in ("mean", "std"):
        own, theirs = getattr(model.pixels, name), getattr(weights, name)
        if own.numel() == len(theirs):
            own.copy_(torch.tensor(theirs).view_as(own))


def _of_pixels(name: str) -> bool:
    return name.startswith("pixels.") or name.endswith(_COUNTER)


def _shape(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes)) or "one number"


def _told(
    weights: Weights, new: list[str], unused: list[str], found: int, total: int
) -> Generator[Record, None, None]:
    yield Noted(f"{found} of {total} tensors begin as in {weights.reference}")
    if new:
        yield Warned(f"{len(new)} begin at random: {_some(new)}")
    if unused:
        yield Noted(f"{len(unused)} of the file are not used: {_some(unused)}")


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
