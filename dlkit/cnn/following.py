"""One forward pass followed: what each unit sees of the image, how many multiply-adds it takes.

Receptive fields follow the recursion of Araujo, Norris and Sim, "Computing Receptive Fields of
Convolutional Neural Networks" (Distill, 2019), https://distill.pub/2019/computing-receptive-fields
A kernel of k taps, d apart, on a map whose neighbours are j pixels apart widens the field by
(k - 1) d j pixels; a stride s makes the neighbours s j pixels apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from torch.overrides import TorchFunctionMode

from dlkit.cnn.looking import tensors

if TYPE_CHECKING:
    from torch import Tensor

Pair = tuple[float, float]


class Field(NamedTuple):
    """What the units of a map see of the image.

    Attributes:
        extent: pixels from a unit's first to its last, down and across; None: something that is
            not followed (attention) came before.
        jump: pixels from what one unit sees to what its neighbour does, down and across.
        size: units of the map, down and across, or of that from which a flat row was made.
        depth: convolutions and fully connected layers on the longest path from the image.

    """

    extent: Pair | None
    jump: Pair
    size: tuple[int, int]
    depth: int

    def slid(self, taps: Pair, stride: Pair, size: tuple[int, int], *, deeper: int = 0) -> Field:
        """After a window of ``taps`` (those between counted) that moves by ``stride``."""
        extent = self.extent and (
            self.extent[0] + (taps[0] - 1) * self.jump[0],
            self.extent[1] + (taps[1] - 1) * self.jump[1],
        )
        jump = self.jump[0] * stride[0], self.jump[1] * stride[1]
        return Field(extent, jump, size, self.depth + deeper)

    def whole(self, *, deeper: int = 0) -> Field:
        """After something that unites all units of the map."""
        return self.slid(self.size, self.size, (1, 1), deeper=deeper)

    def unknown(self) -> Field:
        """After something that is not followed."""
        return self._replace(extent=None)


# Units are put elsewhere or changed one by one; other shapes, but what each sees is the same.
_MOVED: Final = {
    *("flatten", "reshape", "view", "squeeze", "unsqueeze", "permute", "transpose", "movedim"),
    *("contiguous", "to", "type", "float", "half", "bfloat16", "clone", "detach", "expand"),
    *("chunk", "split", "unbind", "cat", "stack", "concat", "pad", "dropout"),
}
_UNITED: Final = {"mean", "sum", "amax", "max", "logsumexp", "std"}
_POOLS: Final = ("max_pool2d", "avg_pool2d", "lp_pool2d")
_KERNELS: Final = ("kernel_size", "stride", "padding", "dilation")


class Following(TorchFunctionMode):
    """While it is entered, the functions of PyTorch are followed from an image on.

    Attributes:
        multiply_adds: of the functions so far, for the whole batch.

    """

    def __init__(self, images: Tensor) -> None:
        super().__init__()
        size = int(images.shape[2]), int(images.shape[3])
        self.multiply_adds = 0
        # Tensors are kept, so that no other one gets the identity of one that has gone.
        self._kept: list[Tensor] = [images]
        self._fields = {id(images): Field((1, 1), (1, 1), size, 0)}

    def field(self, tensor: Tensor) -> Field | None:
        """What the units of ``tensor`` see; None: it does not come from the image."""
        return self._fields.get(id(tensor))

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[Any],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call ``func`` and note what its results see."""
        del types
        given = dict(kwargs or {})
        result = func(*args, **given)
        name = getattr(func, "__name__", "").strip("_")
        seen = [
            (tensor, self._fields[id(tensor)])
            for tensor in tensors((args, list(given.values())))
            if id(tensor) in self._fields
        ]
        outputs = list(tensors(result))
        if seen and outputs:
            self.multiply_adds += _multiply_adds(name, args, given, outputs[0])
            for output in outputs:
                self._kept.append(output)
                self._fields[id(output)] = _after(name, args, given, seen, output)
        return result


def _after(
    name: str,
    args: tuple[Any, ...],
    given: dict[str, Any],
    seen: list[tuple[Tensor, Field]],
    output: Tensor,
) -> Field:
    """What the units of an output see."""
    first, field = seen[0]
    if name == "linear":
        return field.whole(deeper=1) if first.ndim == 2 else field._replace(depth=field.depth + 1)
    if name in ("conv2d", *_POOLS) or name.startswith("adaptive_"):
        return _windowed(name, args, given, field, output)
    field = _largest([each for _, each in seen])
    on_map = output.ndim == 4 and first.ndim == 4
    size = (int(output.shape[2]), int(output.shape[3])) if on_map else field.size
    if name in ("getitem", "pad") and on_map:
        ratio = [max(1, round(before / now)) for before, now in zip(field.size, size, strict=True)]
        stride = (ratio[0], ratio[1]) if name == "getitem" else (1, 1)
        return field.slid((1, 1), stride, size)
    if name in _UNITED:
        return field if on_map and size == field.size else field.whole()
    if name in _MOVED or name == "getitem":
        return field
    if output.shape == first.shape or (on_map and size == field.size):
        return field.unknown() if _is_product(name) else field
    return field.unknown()


def _windowed(
    name: str, args: tuple[Any, ...], given: dict[str, Any], field: Field, output: Tensor
) -> Field:
    size = int(output.shape[-2]), int(output.shape[-1])
    if name == "conv2d":
        names = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
        found = dict(zip(names, args, strict=False)) | given
        stride = _pair(found.get("stride", 1))
        dilation = _pair(found.get("dilation", 1))
        kernel = tuple(found["weight"].shape[2:])
        taps = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        return field.slid((taps[0], taps[1]), stride, size, deeper=1)
    if name.startswith("adaptive_"):  # a unit of O takes at most ⌈H / O⌉ + 1 of H, all if O is 1
        before = field.size
        taps = [_widest(was, now) for was, now in zip(before, size, strict=True)]
        return field.slid((taps[0], taps[1]), (before[0] / size[0], before[1] / size[1]), size)
    skip = 2 if name == "lp_pool2d" else 1
    found = dict(zip(_KERNELS, args[skip:], strict=False)) | given
    kernel = _pair(found["kernel_size"])
    stride = _pair(found.get("stride") or kernel)
    dilation = _pair(found.get("dilation", 1)) if name == "max_pool2d" else (1, 1)
    taps = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    return field.slid((taps[0], taps[1]), stride, size)


def _widest(was: int, now: int) -> int:
    """Units that the widest window of an adaptive pooling of ``was`` units to ``now`` takes."""
    return max(math.ceil((at + 1) * was / now) - at * was // now for at in range(now))


def _largest(fields: list[Field]) -> Field:
    """What units see that come of several: of each side the most, of depths the greatest."""
    widest = fields[0]
    for field in fields[1:]:
        extent = None
        if widest.extent is not None and field.extent is not None:
            extent = max(widest.extent[0], field.extent[0]), max(widest.extent[1], field.extent[1])
        # The map is that of the part that has more units: a gate (B, C, 1, 1) is spread over it.
        larger = field if math.prod(field.size) > math.prod(widest.size) else widest
        widest = Field(extent, larger.jump, larger.size, max(widest.depth, field.depth))
    return widest


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, (tuple, list)):
        return (int(value[0]), int(value[-1]))
    return (int(value), int(value))


def _is_product(name: str) -> bool:
    return name in ("matmul", "bmm", "baddbmm", "einsum", "scaled_dot_product_attention") or (
        "multi_head_attention" in name
    )


def _multiply_adds(name: str, args: tuple[Any, ...], given: dict[str, Any], output: Tensor) -> int:
    """Multiplications that are summed up: of convolutions, fully connected layers, products.

    Those of normalisation, activation and pooling are left out, as the papers do.
    """
    count = int(output.numel())
    if name in ("conv1d", "conv2d", "conv3d", "linear"):
        weight = args[1] if len(args) > 1 else given["weight"]
        return count * int(weight[0].numel())
    if name in ("matmul", "bmm"):
        return count * int(args[0].shape[-1])
    if name == "einsum" and "." not in args[0]:
        letters = args[0].partition("->")[0].replace(",", "").replace(" ", "")
        sizes = [size for each in tensors(args[1:]) for size in each.shape]
        return math.prod(dict(zip(letters, sizes, strict=True)).values())
    if name == "baddbmm":
        return count * int(args[1].shape[-1])
    if name == "scaled_dot_product_attention":
        query, key = args[0], args[1]
        return 2 * int(query.numel()) * int(key.shape[-2])
    if "multi_head_attention" in name:  # three projections, two products of tokens, one projection
        tokens, width = int(args[0].numel()) // int(args[0].shape[-1]), int(args[0].shape[-1])
        across = int(args[0].shape[1] if name.startswith("native") else args[0].shape[0])
        return tokens * width * (4 * width + 2 * across)
    return 0
