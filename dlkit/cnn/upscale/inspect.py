"""What an upscaler is made of, how far it sees, and what it brings back of images."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit import signals
from dlkit.cnn.pictures import Reach, filters_figure, reach_figure
from dlkit.cnn.receptive import held_by, two_sigma
from dlkit.cnn.upscale.collection import collect
from dlkit.cnn.upscale.evaluate import Judged, check_unchanged, scores_of
from dlkit.cnn.upscale.patches import seen
from dlkit.cnn.upscale.pictures import curves_figure
from dlkit.cnn.upscale.showing import images_table, judged_figures
from dlkit.errors import NOT_FOUND, DlkitError
from dlkit.report.tables import Table
from dlkit.training.modes import judging

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.cnn.upscale.config import ImagesConfig
    from dlkit.cnn.upscale.contents import Pictures
    from dlkit.cnn.upscale.model import Upscaler
    from dlkit.cnn.upscale.saved import SavedUpscaler
    from dlkit.records import Record
    from dlkit.report.canvas import Figure

LAYERS: Final = ("layer", "name", "convolution", "size", "parameters", "multiply-adds", "sees")
_IMAGES: Final = 8  # that are looked at, and that the field is the mean of


class Layer(NamedTuple):
    """One convolution.

    Attributes:
        name: of the module.
        kernel: its side.
        taken: channels of its input.
        given: channels of its output.
        size: how many times as large as the small image its maps are.
        parameters: its weights and biases.
        multiply_adds: for one pixel of the small image.
        sees: side of what a unit depends on, in pixels of the small image.

    """

    name: str
    kernel: int
    taken: int
    given: int
    size: int
    parameters: int
    multiply_adds: int
    sees: float


class Inspection(NamedTuple):
    """What was found.

    Attributes:
        layers: the convolutions, in the order in which they are done.
        field: how strongly each small pixel moves the large ones in the middle.
        held: side of the square of small pixels that holds 95 % of that.
        judged: images made small and large again; None: none were looked at.

    """

    layers: list[Layer]
    field: npt.NDArray[np.float64] | None
    held: int | None
    judged: Judged | None


def inspect(
    upscaler: SavedUpscaler,
    data: Sequence[str],
    config: ImagesConfig | None,
    *,
    seed: int,
    other: bool,
    numbers: Sequence[int] = (),
) -> Generator[Record, None, Inspection]:
    """Look at a network and at what it makes of images.

    Args:
        upscaler: the artifact.
        data: where images are.
        config: how they are read; None: none are looked at.
        seed: of what is drawn.
        other: they are other data than the artifact's own.
        numbers: which test images, from 1; none: some of them.

    Raises:
        DlkitError: unreadable data; (NOT_FOUND) no such image.
        StoppedError: a signal came.

    """
    model, layers = upscaler.model, layers_of(upscaler.model)
    if config is None:
        return Inspection(layers, None, None, None)
    with signals.catch() as stop:
        collection = yield from collect(data, config, seed=seed, only_test=True, other=other)
        if not other:
            check_unchanged(upscaler, collection)
        test = collection.splits["test"]
        some = test.take(_places(numbers, test, collection.name))
        stop.check()
        judged = yield from scores_of(model, some, what="test", skip_bad=config.skip_bad)
        field = field_of(model, [seen(made.small, model.channels) for made in judged.shown])
        held = held_by(field, 0.95)
        return Inspection(layers, field, held, judged._replace(name=collection.name))


def _places(numbers: Sequence[int], test: Pictures, name: str) -> npt.NDArray[np.int64]:
    if not numbers:
        return np.linspace(0, len(test) - 1, min(_IMAGES, len(test))).round().astype(np.int64)
    if max(numbers) > len(test):
        raise DlkitError(
            f"--sample {max(numbers)}: {name} has {len(test):,} test images", code=NOT_FOUND
        )
    return np.array(numbers, np.int64) - 1


def layers_of(model: Upscaler) -> list[Layer]:
    """The convolutions of a network, in the order in which they are done."""
    import torch
    from torch import nn

    side, found = 8, []
    reach = 0.0

    def note(name: str) -> Any:
        def hook(module: nn.Conv2d, _given: Any, maps: Any) -> None:
            nonlocal reach
            size, kernel = int(maps.shape[2]) // side, int(module.kernel_size[0])
            reach += (kernel // 2) / size
            parameters = sum(each.numel() for each in module.parameters())
            products = module.weight.numel() * size**2
            found.append(
                Layer(name, kernel, module.in_channels, module.out_channels, size, parameters,
                      products, 2 * reach + 1)
            )  # fmt: skip

        return hook

    hooks = [
        module.register_forward_hook(note(name))
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d)
    ]
    device = next(model.parameters()).device
    try:
        with judging(model), torch.inference_mode():
            model.residual(torch.zeros(1, model.channels, side, side, device=device))
    finally:
        for hook in hooks:
            hook.remove()
    return found


def field_of(model: Upscaler, images: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float64]:
    """(2r+1, 2r+1) how strongly each small pixel moves the network's middle pixels, in the mean.

    Args:
        model: a network.
        images: (H, W, C) small images; what lies beyond a border is what is at it.

    """
    import torch

    radius, scale = model.radius, model.scale
    side = 2 * radius + 1
    device = next(model.parameters()).device
    total = np.zeros((side, side))
    with judging(model):
        for image in images:
            top, left = (max(0, (length - side) // 2) for length in image.shape[:2])
            part = image[top : top + side, left : left + side].astype(np.float32) / 255
            missing = [(side - length) // 2 for length in part.shape[:2]]
            rest = [side - length - first
                    for length, first in zip(part.shape[:2], missing, strict=True)]  # fmt: skip
            part = np.pad(part, ((missing[0], rest[0]), (missing[1], rest[1]), (0, 0)), mode="edge")
            x = torch.from_numpy(part).permute(2, 0, 1)[None].to(device).requires_grad_()
            middle = slice(radius * scale, (radius + 1) * scale)
            made = model.residual(x)[..., middle, middle].sum()
            (gradient,) = torch.autograd.grad(made, x)
            total += gradient[0].abs().sum(0).cpu().numpy()
    return total / max(len(images), 1)


def layers_table(upscaler: SavedUpscaler, layers: Sequence[Layer], *, exact: bool = False) -> Table:
    """The convolutions with their sums; ``exact``: no words where numbers stand."""
    rows: list[list[object]] = []
    for number, each in enumerate(layers, 1):
        size = each.size if exact else "small" if each.size == 1 else f"x{each.size}"
        what = f"{each.kernel}x{each.kernel}, {each.taken} -> {each.given}"
        sees = math.ceil(each.sees)
        rows.append([number, each.name, what, size, each.parameters, each.multiply_adds, sees])
    products = sum(each.multiply_adds for each in layers)
    caption = (
        f"{upscaler.reference}, x{upscaler.scale}: {upscaler.document['parameters']:,} parameters, "
        f"{products:,} multiply-adds for a pixel of the small image; sees: in small pixels"
    )
    return Table(LAYERS, rows, caption)


def document(upscaler: SavedUpscaler, found: Inspection) -> dict[str, Any]:
    """What was found in JSON's types."""
    told: dict[str, Any] = {
        "artifact": upscaler.reference,
        "model": dict(upscaler.document["model"]),
        "scale": upscaler.scale,
        "parameters": upscaler.document["parameters"],
        "radius": upscaler.model.radius,
        "layers": [each._asdict() for each in found.layers],
        "learning": upscaler.history(),
    }
    if found.judged is not None:
        told |= {"data": found.judged.name, "held_95": found.held,
                 "images": [row.document() for row in found.judged.rows]}  # fmt: skip
    return told


def tables(upscaler: SavedUpscaler, found: Inspection, *, exact: bool) -> dict[str, Table]:
    """The tables by name: layers, images, learning."""
    made = {"layers": layers_table(upscaler, found.layers, exact=exact)}
    if found.judged is not None:
        made["images"] = images_table(found.judged.rows)
    history = upscaler.history()
    columns = list(dict.fromkeys(key for each in history for key in each))
    rows = [[each.get(key) for key in columns] for each in history]
    made["learning"] = Table(columns, rows, "learning, epoch by epoch")
    return made


def figures(upscaler: SavedUpscaler, found: Inspection) -> dict[str, Figure]:
    """Images side by side, errors, frequencies, first filters, the field, learning curves."""
    name = upscaler.reference
    drawn: dict[str, Figure] = {}
    if found.judged is not None:
        drawn |= judged_figures(found.judged, name=found.judged.name, scale=upscaler.scale)
    first = found.layers[0].name
    weights = upscaler.model.get_submodule(first).weight
    kernels: Any = weights.detach().cpu().numpy()  # type: ignore[operator]
    drawn["filters"] = filters_figure(first, kernels, name=name)
    if found.field is not None and found.held is not None:
        side = 2 * upscaler.model.radius + 1
        reach = Reach("large pixels", (side, side), found.held, two_sigma(found.field), found.field)
        drawn["field"] = reach_figure([reach], name=name)
    best = upscaler.document["scores"].get("best_epoch")
    drawn["curves"] = curves_figure(upscaler.history(), name=name, best=best)
    return drawn
