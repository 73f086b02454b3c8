"""A network's layers in numbers: shapes, parameters, multiply-adds, what a unit sees."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from dlkit.cnn.looking import tensors
from dlkit.training.modes import judging

if TYPE_CHECKING:
    from torch import Tensor, nn

    from dlkit.cnn.following import Field, Following


class Layer(NamedTuple):
    """One step of a network.

    Attributes:
        number: among the convolutions and fully connected layers, from 1; None: it is none of
            them. Relu and pooling have no parameters; the scale and shift of a normalisation are
            those of the layer before it.
        name: of the module; a module that is used twice has a row for each use.
        kind: what it is, with its kernel and stride.
        shape: of its output, for one image.
        parameters: its own; 0 where it is used again.
        share: of all parameters.
        multiply_adds: of convolutions and products, for one image.
        extent: the receptive field, pixels down and across; None: not followed.
        jump: its stride in pixels, down and across; None: not followed.
        entered: the shape of its input, for one image.

    """

    number: int | None
    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    share: float
    multiply_adds: int
    extent: tuple[int, int] | None
    jump: tuple[float, float] | None
    entered: tuple[int, ...] | None = None


class Plane(NamedTuple):
    """Maps of more than one place that a module gives.

    Attributes:
        shape: K, H and W of the maps.
        extent: the receptive field of a unit, pixels down and across; None: not followed.
        number: of the maps themselves: a block gives the very maps that its last layer gives.

    """

    shape: tuple[int, ...]
    extent: tuple[int, int] | None
    number: int


class Table(NamedTuple):
    """The layers and their sums.

    Attributes:
        layers: in the order in which they reckon.
        parameters: of the network.
        multiply_adds: of one image.
        depth: convolutions and fully connected layers on the longest path.
        maps: what modules, blocks of layers among them, give, by name; in the order in which they
            are done.

    """

    layers: list[Layer]
    parameters: int
    multiply_adds: int
    depth: int
    maps: dict[str, Plane]

    @property
    def counted(self) -> int:
        """Layers with parameters of their own: convolutions and fully connected ones."""
        return sum(layer.number is not None for layer in self.layers)

    def last_map(self) -> str | None:
        """The last module whose maps are as large as those of the last convolution.

        In networks that cut at zero it is what comes after the relu, and after the shortcut; None:
        the network has no maps.
        """
        convolved = [layer for layer in self.layers if layer.number and layer.name in self.maps]
        if not convolved:
            return None
        size = convolved[-1].shape[1:]
        return [name for name, plane in self.maps.items() if plane.shape[1:] == size][-1]


class _Call(NamedTuple):
    """A module that has reckoned; ``shown``: by itself, not only by its parts."""

    name: str
    module: nn.Module
    entered: Tensor | None
    output: Tensor
    field: Field | None
    multiply_adds: int
    shown: bool


def table(model: nn.Module, *, channels: int, size: tuple[int, int]) -> Table:
    """The layers of a network for images of one size; nothing is computed but shapes.

    Args:
        model: scores of images (B, C, H, W); in evaluation mode while it is looked at.
        channels: of the images.
        size: height and width.

    """
    import torch
    from torch.func import functional_call

    from dlkit.cnn.following import Following

    images = torch.empty(1, channels, *size, device="meta")
    state = [*model.named_parameters(), *model.named_buffers()]
    shapes = {name: torch.empty_like(each, device="meta") for name, each in state}
    calls: list[_Call] = []
    following = Following(images)
    with judging(model), _watched(model, following, calls), torch.no_grad(), following:
        scores = functional_call(model, shapes, (images,))
    seen = following.field(next(tensors(scores)))
    parameters = sum(each.numel() for each in model.parameters())
    layers = _rows(model, [call for call in calls if call.shown], parameters)
    maps: dict[str, Plane] = {}
    for call in calls:
        if call.name and call.output.ndim == 4 and math.prod(call.output.shape[2:]) > 1:
            maps.pop(call.name, None)  # the last use of a module counts
            shape = tuple(call.output.shape[1:])
            maps[call.name] = Plane(shape, _extent(call.field), id(call.output))
    depth = 0 if seen is None else seen.depth
    return Table(layers, parameters, following.multiply_adds, depth, maps)


@contextmanager
def _watched(model: nn.Module, following: Following, calls: list[_Call]) -> Iterator[None]:
    """Note every module that reckons: those without parts, and those that reckon by themselves."""
    open_: list[list[int]] = []  # multiply-adds before a module, and of the parts of it

    def enter(_module: nn.Module, _inputs: Any) -> None:
        open_.append([following.multiply_adds, 0])

    def leave(name: str, module: nn.Module, inputs: Any, output: Any) -> None:
        before, of_parts = open_.pop()
        spent = following.multiply_adds - before
        if open_:
            open_[-1][1] += spent
        own = any(True for _ in module.parameters(recurse=False))
        leaf = not any(True for _ in module.children())
        first = next(tensors(output), None)
        if first is None:
            return
        shown = leaf or own or spent > of_parts
        entered = next(tensors(inputs), None)
        field = following.field(first)
        calls.append(_Call(name, module, entered, first, field, spent - of_parts, shown))

    handles = []
    for name, part in model.named_modules():
        handles.append(part.register_forward_pre_hook(enter))
        handles.append(part.register_forward_hook(partial(leave, name)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _rows(model: nn.Module, calls: list[_Call], parameters: int) -> list[Layer]:
    """A row for each call, and one for each module with parameters that was not called."""
    owners = _owners(model, {call.name for call in calls})
    layers: list[Layer] = []
    number = 0
    for call in calls:
        own = owners.pop(call.name, 0)  # of a module that is used again nothing is left
        weighs = own > 0 and call.multiply_adds > 0
        number += weighs
        extent = _extent(call.field)
        layers.append(
            Layer(
                number if weighs else None,
                call.name or "(itself)",
                _kind(call.module),
                tuple(call.output.shape[1:]),
                own,
                own / parameters if parameters else 0.0,
                call.multiply_adds,
                extent,
                None if extent is None or call.field is None else call.field.jump,
                None if call.entered is None else tuple(call.entered.shape[1:]),
            )
        )
    for name, count in owners.items():
        kind = f"{_kind(model.get_submodule(name))}, not used"
        layers.append(Layer(None, name, kind, (), count, count / parameters, 0, None, None))
    return layers


def _owners(model: nn.Module, called: set[str]) -> dict[str, int]:
    """Parameters of each module; those of a part that was not called belong to what holds it."""
    found: dict[str, int] = {}
    known: set[int] = set()
    for name, part in model.named_modules():
        own = [each for each in part.parameters(recurse=False) if id(each) not in known]
        known |= {id(each) for each in own}
        if not own:
            continue
        owner = name
        while owner and owner not in called:
            owner = owner.rpartition(".")[0]
        owner = owner if owner in called else name
        found[owner] = found.get(owner, 0) + sum(each.numel() for each in own)
    return found


def _extent(field: Field | None) -> tuple[int, int] | None:
    """The receptive field in whole pixels."""
    if field is None or field.extent is None:
        return None
    return math.ceil(field.extent[0]), math.ceil(field.extent[1])


def _kind(module: nn.Module) -> str:
    """The class of a module; of one with a window its sides, stride and what is unusual."""
    told = type(module).__name__
    kernel = getattr(module, "kernel_size", None)
    if kernel is None:
        return told
    told += f" {sides(kernel)}"
    stride = getattr(module, "stride", 1)
    if pair(stride) != (1, 1):
        down, across = pair(stride)
        told += f" /{down:g}" if down == across else f" /{sides(stride)}"
    dilation, groups = pair(getattr(module, "dilation", 1)), getattr(module, "groups", 1)
    if dilation != (1, 1):
        told += f" dilation {sides(dilation)}"
    return f"{told} groups {groups:,}" if groups != 1 else told


def pair(value: Any) -> tuple[Any, Any]:
    """Down and across of what may be one number for both."""
    return (value[0], value[-1]) if isinstance(value, (tuple, list)) else (value, value)


def sides(value: Any) -> str:
    """A size as ``3x5``: down, then across."""
    down, across = pair(value)
    return f"{down:g}x{across:g}"
