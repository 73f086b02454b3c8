"""The classification networks of torchvision by name, without its weights, which it unpickles."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, Final

import torch
from torch import Tensor, nn

from dlkit.cnn.network import Network

_COLOURS: Final = 3
_NEVER: Final = ("weights", "weights_backbone", "progress", "num_classes")


class Torchvision(Network):
    """A network of torchvision with our own scaling of pixels before it and its head apart.

    All of them take three channels: grey images are given to them three times.

    Args:
        name: torchvision's.
        channels: of the images, 1 or 3.
        size: (height, width) of the images.
        classes: number of classes.
        mean: of the pixels, by channel.
        std: their deviations.
        arguments: what torchvision's function takes besides.

    Raises:
        ValueError: there is no network of that name, or it cannot work on such images.

    """

    def __init__(
        self,
        *,
        name: str,
        channels: int,
        size: tuple[int, int],
        classes: int,
        mean: Sequence[float],
        std: Sequence[float],
        **arguments: Any,
    ) -> None:
        if channels not in (1, _COLOURS) or len(mean) not in (1, _COLOURS):
            raise ValueError(f"torchvision:{name} takes images of 1 or 3 channels, not {channels}")
        repeated = _COLOURS // len(mean)
        super().__init__(tuple(mean) * repeated, tuple(std) * repeated)
        self.net = _made(name, size, classes, arguments)
        self._called, self.last = _without_head(self.net)
        self.stages = _stages(self.net)
        self._dim = self._try(name, size)
        if channels == 1:
            self.notes = ("grey images are given to the network's three channels",)

    def features(self, images: Tensor) -> Tensor:
        """What the last layer sees, (B, dim)."""
        rows: Tensor = self.net(self.pixels(images))
        return rows

    @property
    def head(self) -> nn.Module:
        """The last layer."""
        return self.last

    @property
    def dim(self) -> int:
        """The number of features."""
        return self._dim

    def published(self, name: str) -> tuple[str, ...]:
        """What a tensor of the state may be called in files of weights: here, by torchvision."""
        if name.startswith("last."):
            return name, f"{self._called}.{name.rpartition('.')[2]}"
        return name, name.removeprefix("net.")

    def _try(self, name: str, size: tuple[int, int]) -> int:
        """The number of features; found out without computing any."""
        shapes = {key: each.to("meta") for key, each in self.state_dict().items()}
        mode = self.training
        self.eval()
        try:
            with torch.no_grad():
                image = torch.empty((1, _COLOURS, *size), device="meta")
                rows = torch.func.functional_call(self.net, _below("net.", shapes), (image,))
        except (RuntimeError, ValueError, AssertionError) as error:
            raise ValueError(_cannot(name, size, error)) from error
        finally:
            self.train(mode)
        return int(rows.shape[1])


class OverPlaces(nn.Module):
    """A 1 x 1 convolution, relu, and the mean over all places: the head of SqueezeNet.

    Args:
        convolution: from D channels to as many as there are classes.

    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.convolution = convolution

    def forward(self, rows: Tensor) -> Tensor:
        """Scores (B, classes) of flattened maps (B, D H W)."""
        maps = torch.unflatten(rows, 1, (self.convolution.in_channels, -1)).unsqueeze(3)
        scores: Tensor = self.convolution(maps).relu().mean(dim=(2, 3))
        return scores


def names() -> list[str]:
    """What ``torchvision:NAME`` may be."""
    from torchvision import models

    return list(models.list_models(module=models))


def check_name(name: str) -> None:
    """Do nothing if torchvision has a classification network of that name.

    Raises:
        ValueError: it has not, or is not installed.

    """
    try:
        known = names()
    except ImportError as error:
        raise ValueError(
            f"torchvision:{name} needs torchvision: pip install torchvision"
        ) from error
    if name not in known:
        raise ValueError(f"torchvision has no classification network {name!r}{_nearest(name)}")


def _made(name: str, size: tuple[int, int], classes: int, arguments: dict[str, Any]) -> nn.Module:
    """The network as torchvision makes it, with random weights."""
    check_name(name)
    from torchvision import models

    for each in arguments:
        if each in _NEVER:
            raise ValueError(f"torchvision:{name} cannot be given {each!r}")
    given: dict[str, Any] = {"weights": None, "num_classes": classes, **arguments}
    if name.startswith("vit_"):
        if size[0] != size[1]:
            raise ValueError(f"torchvision:{name} takes square images, not {size[0]} x {size[1]}")
        given["image_size"] = size[0]
    elif name.startswith("maxvit"):
        given["input_size"] = size
    elif name in ("googlenet", "inception_v3"):  # without the heads that only training has
        given |= {"aux_logits": False, "init_weights": True}
    # RegNet reckons its widths with tensors, which a device without numbers cannot.
    place = torch.device("cpu") if name.startswith("regnet") else nullcontext()
    try:
        with place:
            made: nn.Module = models.get_model(name, **given)
    except TypeError as error:
        raise ValueError(f"torchvision:{name}: {_first_line(error)}") from error
    except (RuntimeError, ValueError, AssertionError) as error:
        raise ValueError(_cannot(name, size, error)) from error
    return made


def _without_head(net: nn.Module) -> tuple[str, nn.Module]:
    """Take the last layer out of a network: what it was called there, and the layer."""
    linear = [name for name, module in net.named_modules() if isinstance(module, nn.Linear)]
    if linear:
        head = net.get_submodule(linear[-1])
        net.set_submodule(linear[-1], nn.Identity())
        return linear[-1], head
    # SqueezeNet: dropout, convolution, relu, mean. What remains is flattened by its forward.
    dropout, convolution = list(net.get_submodule("classifier").children())[:2]
    assert isinstance(convolution, nn.Conv2d)
    net.classifier = nn.Sequential(dropout)
    return "classifier.1", OverPlaces(convolution)


def _stages(net: nn.Module) -> tuple[tuple[str, ...], ...]:
    """The parts that have parameters, from the input on; a part that is nearly all is opened."""
    parts = _parts(net, "net.")
    while len(parts) == 1 and (inner := _parts(parts[0][1], f"{parts[0][0]}.")):
        parts = inner
    opened = [_parts(part, f"{name}.") if name == "net.features" else [] for name, part in parts]
    return tuple(
        (each,)
        for (name, part), inner in zip(parts, opened, strict=True)
        for each, _ in inner or [(name, part)]
    )


def _parts(module: nn.Module, prefix: str) -> list[tuple[str, nn.Module]]:
    return [
        (f"{prefix}{name}", part)
        for name, part in module.named_children()
        if any(True for _ in part.parameters())
    ]


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _nearest(name: str) -> str:
    import difflib

    found = difflib.get_close_matches(name, names(), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(found)}?" if found else ""


def _cannot(name: str, size: tuple[int, int], error: BaseException) -> str:
    """That a network cannot take such images, and why."""
    from torchvision import models

    least = models.get_model_weights(name).DEFAULT.meta.get("min_size", (1, 1))
    here = f"{size[0]} x {size[1]}"
    if any(side < needed for side, needed in zip(size, least, strict=True)) and not (
        name.startswith(("vit_", "maxvit"))
    ):
        return f"torchvision:{name} takes images of {least[0]} x {least[1]} and larger, not {here}"
    return f"torchvision:{name} cannot take images of {here}: {_first_line(error)}"


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
