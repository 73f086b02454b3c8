"""The head that metric learning trains on the features of a network."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize


class Head(nn.Module):
    """Embeddings of length 1, and while it is trained with a margin their cosines to classes.

    Args:
        features: D, numbers of a row of features.
        dim: E, numbers of an embedding.
        hidden: widths of the layers between, each followed by a ReLU.
        classes: C, with a prototype each; 0: none, of the losses that compare images.
        mean: (D,) taken off the features; None: zeros.
        scale: what they are divided by then.

    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        features: int,
        dim: int,
        *,
        hidden: Sequence[int] = (),
        classes: int = 0,
        mean: Tensor | None = None,
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features) if mean is None else mean)
        self.register_buffer("scale", torch.tensor(float(scale)))
        widths = [features, *hidden, dim]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])
        self.prototypes: nn.Parameter | None = None
        if classes:
            self.prototypes = nn.Parameter(normalize(torch.randn(classes, dim), dim=1))

    def embed(self, features: Tensor) -> Tensor:
        """(B, E) of length 1, of features (B, D)."""
        found: Tensor = self.layers((features - self.mean) / self.scale)
        return normalize(found.float(), dim=-1)

    def forward(self, features: Tensor) -> Tensor:
        """Cosines (B, C) to the classes' prototypes; without those embeddings (B, ..., E)."""
        embedded = self.embed(features)
        if self.prototypes is None:
            return embedded
        return embedded @ normalize(self.prototypes, dim=1).T
