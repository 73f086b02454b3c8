"""A network up to its probabilities."""

from __future__ import annotations

from torch import Tensor, nn


class Probabilities(nn.Module):
    """softmax of a network's scores.

    Args:
        model: scores (B, C) of images (B, C, H, W).

    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """(B, C) probabilities of images (B, C, H, W), bytes."""
        scores: Tensor = self.model(images)
        return scores.softmax(1)
