"""k nearest neighbours as a PyTorch module (Cover and Hart 1967, doi.org/10.1109/TIT.1967.1053964).

The points are buffers: nothing is learnt, all is kept.
"""

from __future__ import annotations

import torch
from torch import nn

from dlkit.knn.votes import count
from dlkit.neighbours.search import search


class Knn(nn.Module):
    """The share of the votes that each class has among the k nearest points.

    Args:
        points: (N, D) uint8 or floats.
        labels: (N,) integers from 0 to ``classes`` - 1.
        classes: C, how many there are.
        k: neighbours that vote, 1 to N.
        metric: of `neighbours.config`: l2, l1, cosine, linf or minkowski:3 and the like.
        weights: uniform, or distance for 1/distance.

    """

    points: torch.Tensor
    labels: torch.Tensor

    def __init__(
        self,
        points: torch.Tensor,
        labels: torch.Tensor,
        *,
        classes: int,
        k: int = 1,
        metric: str = "l2",
        weights: str = "uniform",
    ) -> None:
        super().__init__()
        assert points.ndim == 2
        assert labels.shape == points.shape[:1]
        self.register_buffer("points", points)
        self.register_buffer("labels", labels)
        self.classes, self.k, self.metric, self.weights = classes, k, metric, weights

    def forward(self, queries: torch.Tensor) -> torch.Tensor:
        """The shares (Q, C) float64 for ``queries`` (Q, D); the largest is the prediction.

        Of equal shares the first class wins, which is what ``argmax`` takes.
        """
        device = str(self.points.device)
        found = search(
            self.points.cpu().numpy(), queries.detach().cpu().numpy(), self.k, self.metric,
            device=device,
        )  # fmt: skip
        labels = self.labels.cpu().numpy()[found.indices]
        votes = count(labels, found.distances, self.classes, (self.k,), self.weights)
        return torch.from_numpy(votes.shares).to(queries.device)
