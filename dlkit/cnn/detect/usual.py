"""What is usual for each detector: what nobody asked for otherwise."""

from __future__ import annotations

from typing import Any, Final

# Pixels of a side, for files; scenes are drawn at their own size.
SIDES: Final = {
    "small": 192,
    "ssdlite": 320,
    "ssd": 300,
    "retinanet": 640,
    "fcos": 640,
    "fasterrcnn": 640,
    "fasterrcnn-mobile": 512,
}
_COMMON: Final[dict[str, Any]] = {"optimizer": "adamw", "schedule": "one-cycle", "clip": 10.0}
_TRAINING: Final[dict[str, dict[str, Any]]] = {
    "small": {**_COMMON, "lr": 2e-3, "l2": 0.01, "epochs": 15, "batch_size": 32},
    "ssdlite": {**_COMMON, "lr": 1e-3, "l2": 0.01, "epochs": 40, "batch_size": 24},
    "ssd": {**_COMMON, "lr": 3e-4, "l2": 0.01, "epochs": 40, "batch_size": 16},
}
_LARGE: Final[dict[str, Any]] = {**_COMMON, "lr": 2e-4, "l2": 0.01, "epochs": 30, "batch_size": 8}
# Of published weights, or an artifact's: they are changed a little.
_TUNED: Final = {"epochs": 12, "lr": 0.5}  # of the usual learning rate


def usual(model: str, *, tuned: bool) -> dict[str, Any]:
    """Settings of the training that are usual.

    Args:
        model: the detector.
        tuned: whether it begins with weights that another training learnt.

    """
    found = dict(_TRAINING.get(model, _LARGE))
    if tuned:
        found |= {"epochs": _TUNED["epochs"], "lr": found["lr"] * _TUNED["lr"]}
    return found
