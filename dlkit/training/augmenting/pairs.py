"""Inputs and targets that are made from the same samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch


class Pair(NamedTuple):
    """What an augmentation gives that makes the targets, too: a small image and the large one.

    Attributes:
        inputs: (B, ...) what the network is given.
        targets: (B, ...) what it is to answer.

    """

    inputs: torch.Tensor
    targets: Any
