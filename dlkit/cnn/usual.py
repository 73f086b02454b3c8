"""How each network is usually trained: what nobody asked for otherwise.

Settings of the training, arguments of the network and steps of augmentation, by the network's
family; of small grey images first, where the family has such. No image is mirrored unless it is
asked for: a mirrored sign, digit or letter is another one.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

# Pixels of the shorter side, up to which images are small: CIFAR's 32, GTSRB's 48, Tiny
# ImageNet's 64.
SMALL: Final = 64

_SGD: Final = {"optimizer": "sgd", "momentum": 0.9, "nesterov": True, "schedule": "one-cycle"}

# Of the training, by family.
_TRAINING: Final[dict[str, dict[str, Any]]] = {
    "fast": {**_SGD, "epochs": 12, "batch_size": 128, "lr": 0.1, "l2": 1e-3,
             "label_smoothing": 0.1, "warmup": 0.2},
    "plain": {"optimizer": "adamw", "lr": 0.002, "schedule": "one-cycle", "epochs": 15,
              "batch_size": 128, "l2": 5e-4},
    "vgg": {**_SGD, "epochs": 30, "batch_size": 128, "lr": 0.05, "l2": 5e-4},
    "resnet": {**_SGD, "epochs": 30, "batch_size": 128, "lr": 0.1, "l2": 5e-4},
    "torchvision": {**_SGD, "epochs": 30, "batch_size": 64, "lr": 0.05, "l2": 1e-4},
    # Weights that are begun with are changed a little.
    "tuned": {"optimizer": "adamw", "lr": 3e-4, "schedule": "one-cycle", "epochs": 8,
              "batch_size": 64, "l2": 0.01},
}  # fmt: skip

# Of the network, by family: what small grey images need no more than.
_GREY: Final[dict[str, dict[str, Any]]] = {"fast": {"widths": (32, 64, 128)}}
_GREY_EPOCHS: Final = 24  # of fast: there are more of them in the same time

# Turned by up to 12 degrees, moved by up to a twelfth, scaled by up to an eighth, sheared.
_AUGMENT: Final = "affine:12:0.08:0.12:10"


class Usual(NamedTuple):
    """What is usual.

    Attributes:
        training: settings of the training, by name.
        network: arguments of the network, by name.
        augment: steps.

    """

    training: dict[str, Any]
    network: dict[str, Any]
    augment: str


def family(model: str) -> str:
    """The family of a network, by its name."""
    if model.startswith("torchvision:"):
        return "torchvision"
    return model.rstrip("0123456789")


def usual(model: str, *, height: int, width: int, channels: int, tuned: bool) -> Usual:
    """What is usual for a network and images.

    Args:
        model: its name.
        height: of the images, in pixels.
        width: likewise.
        channels: 1 or 3.
        tuned: whether it begins with weights that another training learnt.

    """
    side, name = min(height, width), family(model)
    small = side <= SMALL
    network = _GREY.get(name, {}) if small and channels == 1 else {}
    training = dict(_TRAINING["tuned" if tuned else name])
    if network and not tuned:
        training["epochs"] = _GREY_EPOCHS
    return Usual(training, dict(network), _AUGMENT if side > 1 else "none")
