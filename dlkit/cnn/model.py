"""Convolutional networks by name.

Every one is an ``nn.Module`` that takes images (B, C, H, W), bytes or numbers from 0 to 1, and
gives scores (B, classes); it scales the pixels itself, by the means and deviations that it was
built with and keeps. See ``network.Network`` for what else they have in common.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any, Final

from dlkit.cnn.fast import Fast
from dlkit.cnn.network import Network, Pixels, is_small
from dlkit.cnn.plain import Plain
from dlkit.cnn.resnet import CifarResNet, ResNet, stem_of
from dlkit.cnn.vgg import Vgg

__all__ = ["NETWORKS", "Network", "Pixels", "arguments_of", "build", "is_small", "stem_of"]

NETWORKS: Final[dict[str, Callable[..., Network]]] = {
    "fast": Fast,
    "plain": Plain,
    "vgg11": partial(Vgg, depth=11),
    "vgg13": partial(Vgg, depth=13),
    "vgg16": partial(Vgg, depth=16),
    "vgg19": partial(Vgg, depth=19),
    "resnet18": partial(ResNet, depth=18),
    "resnet34": partial(ResNet, depth=34),
    "resnet50": partial(ResNet, depth=50),
    "resnet20": partial(CifarResNet, depth=20),
    "resnet32": partial(CifarResNet, depth=32),
    "resnet44": partial(CifarResNet, depth=44),
    "resnet56": partial(CifarResNet, depth=56),
}
TORCHVISION: Final = "torchvision:"
_GIVEN: Final = {"channels", "size", "classes", "mean", "std", "depth"}


def build(
    name: str,
    *,
    channels: int,
    size: tuple[int, int],
    classes: int,
    mean: Sequence[float],
    std: Sequence[float],
    **arguments: Any,
) -> Network:
    """A network with random weights.

    Args:
        name: of ``NETWORKS``, or ``torchvision:NAME`` for any classification network of
            torchvision (the names: ``dlkit.cnn.torchvisions.names``).
        channels: of the images.
        size: (height, width) of the images.
        classes: number of classes.
        mean: of the pixels between 0 and 1, by channel; three where grey images go to a network
            that was trained with colours.
        std: their deviations.
        arguments: what only this network takes (``arguments_of``).

    Raises:
        ValueError: there is no network of that name, it does not take an argument, or it cannot
            work on such images; one line for the user.

    """
    if classes < 2:
        raise ValueError(f"{classes} classes: a classifier needs 2 or more")
    if channels < 1 or min(size) < 1:
        raise ValueError(f"no images: {channels} channels of {size[0]} x {size[1]}")
    if len(mean) != channels:
        if channels != 1:
            raise ValueError(f"{len(mean)} means for images of {channels} channels")
        channels = len(mean)  # Pixels repeats the grey values
    common: dict[str, Any] = {
        "channels": channels,
        "size": size,
        "classes": classes,
        "mean": mean,
        "std": std,
    }
    if name.startswith(TORCHVISION):
        from dlkit.cnn.torchvisions import Torchvision

        return Torchvision(name=name.removeprefix(TORCHVISION), **common, **arguments)
    check(name, arguments)
    return NETWORKS[name](**common, **arguments)


def check(name: str, arguments: Collection[str]) -> None:
    """Do nothing if there is a network of that name, which takes such arguments.

    Those of torchvision's networks are not known before one is built.

    Raises:
        ValueError: there is none, or it does not take one; notes are hints.

    """
    if name.startswith(TORCHVISION):
        from dlkit.cnn.torchvisions import check_name

        check_name(name.removeprefix(TORCHVISION))
        return
    if name not in NETWORKS:
        problem = ValueError(f"{name}: no such network")
        close = get_close_matches(name, NETWORKS, 1)
        known = f"there are {', '.join(NETWORKS)} and {TORCHVISION}NAME"
        problem.add_note(f"did you mean {close[0]}? {known}" if close else known)
        raise problem
    known_ones = arguments_of(name)
    for each in arguments:
        if each not in known_ones:
            takes = f"it takes {', '.join(known_ones)}" if known_ones else "it takes none"
            raise ValueError(f"{name} has no argument {each!r}: {takes}")


def arguments_of(name: str) -> dict[str, Any]:
    """What a network of ``NETWORKS`` takes besides images and classes, and the defaults."""
    import inspect

    parameters = inspect.signature(NETWORKS[name]).parameters
    return {key: each.default for key, each in parameters.items() if key not in _GIVEN}
