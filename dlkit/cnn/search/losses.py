"""Losses of metric learning, summed over the samples of a batch.

    cosface   cross-entropy of s (cos θ_y - m) and s cos θ_j (Wang et al. 2018, equation 4)
    arcface   cross-entropy of s cos(θ_y + m) and s cos θ_j (Deng et al. 2019, equation 3); where
              θ_y + m is beyond π, s (cos θ_y - m sin m), which goes on falling
    supcon    of each image the mean over the others of its class of -log of the softmax of its
              cosines to all other images, divided by τ (Khosla et al. 2020, equation 2)
    triplet   max(0, m + the largest cosine to another class - the least to its own) (Hermans et al.
              2017, equation 5, with cosines in the place of distances)

Those of one kind compare images with prototypes of the classes, those of the other kind images with
each other: there each sample comes with another one of its class, drawn anew in each epoch, so that
no image is without one; an image is one of the two of a sample, and counts half.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal, Self

if TYPE_CHECKING:
    import torch

    from dlkit.training.losses import Loss


@dataclass(frozen=True)
class Margin:
    """A loss of cosines (B, C) to prototypes and labels (B,); see the module.

    Attributes:
        kind: cosface or arcface.
        margin: m, of the cosine or of the angle in radians.
        scale: s.

    """

    kind: Literal["cosface", "arcface"]
    margin: float
    scale: float
    measure: ClassVar[str] = "accuracy"

    def total(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """() the sum of the samples' losses."""
        from torch.nn.functional import cross_entropy, one_hot

        cosines = outputs.float()
        if self.kind == "cosface" or not self.margin:
            moved = cosines - self.margin
        else:
            sines = (1 - cosines.square()).clamp(min=1e-12).sqrt()
            turned = cosines * math.cos(self.margin) - sines * math.sin(self.margin)
            beyond = cosines < -math.cos(self.margin)
            moved = turned.where(~beyond, cosines - self.margin * math.sin(self.margin))
        own = one_hot(targets, cosines.shape[1]).bool()
        scores = self.scale * moved.where(own, cosines)
        return cross_entropy(scores, targets, reduction="sum")

    def measured(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """() how many samples lie nearest to the prototype of their class."""
        return (outputs.detach().argmax(1) == targets).sum()

    @property
    def plain(self) -> Self:
        """The same without a margin."""
        return replace(self, margin=0.0)


@dataclass(frozen=True)
class Contrast:
    """A loss of embeddings (B, 2, E) of samples and their partners, and labels (B,).

    Attributes:
        kind: supcon or triplet.
        temperature: τ of supcon.
        margin: m of triplet.

    """

    kind: Literal["supcon", "triplet"]
    temperature: float
    margin: float
    measure: ClassVar[str | None] = None

    def total(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """() the sum of the samples' losses."""
        import torch

        rows = outputs.float().flatten(0, 1)
        labels = targets.repeat_interleave(2)
        cosines = rows @ rows.T
        itself = torch.eye(len(rows), dtype=torch.bool, device=rows.device)
        own = (labels[:, None] == labels) & ~itself
        if self.kind == "supcon":
            scores = (cosines / self.temperature).masked_fill(itself, -torch.inf)
            logs = scores - scores.logsumexp(dim=1, keepdim=True)
            each = -logs.masked_fill(~own, 0).sum(dim=1) / own.sum(dim=1).clamp(min=1)
        else:
            other = labels[:, None] != labels
            far = cosines.masked_fill(~own, torch.inf).amin(dim=1)
            near = cosines.masked_fill(~other, -torch.inf).amax(dim=1)
            # A batch of one class has nothing to be far from.
            each = (
                (self.margin + near - far).clamp(min=0).where(other.any(dim=1), rows.new_zeros(()))
            )
        return each.sum() / 2

    def measured(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Nothing is measured beside the loss."""
        raise NotImplementedError

    @property
    def plain(self) -> Self:
        """The same: nothing of it only helps training."""
        return self


def build(kind: str, *, margin: float, scale: float, temperature: float) -> Loss:
    """The loss of that name: cosface, arcface, supcon or triplet."""
    if kind in ("cosface", "arcface"):
        return Margin("cosface" if kind == "cosface" else "arcface", margin, scale)
    return Contrast("supcon" if kind == "supcon" else "triplet", temperature, margin)


class Partners:
    """Puts beside each sample of a batch another one of its class.

    A class of one sample has no other: it is put beside itself.

    Args:
        rows: (N, D) features of all samples.
        labels: (N,).

    """

    def __init__(self, rows: torch.Tensor, labels: torch.Tensor) -> None:
        import torch

        self._rows = rows
        self._order = torch.argsort(labels, stable=True)
        sizes = torch.bincount(labels)
        starts = sizes.cumsum(0) - sizes
        self._size, self._start = sizes[labels], starts[labels]
        self._place = torch.empty_like(labels)
        self._place[self._order] = torch.arange(len(labels), device=labels.device)

    def __call__(
        self, inputs: torch.Tensor, generator: torch.Generator, epoch: int, places: torch.Tensor
    ) -> torch.Tensor:
        """(B, 2, D) of samples (B, D), which lie at ``places``."""
        import torch

        del epoch
        size, start, place = (each[places] for each in (self._size, self._start, self._place))
        drawn = torch.rand(len(places), generator=generator, device=inputs.device)
        further = 1 + (drawn * (size - 1)).long().clamp(max=(size - 2).clamp(min=0))
        partner = start + (place - start + further) % size
        return torch.stack([inputs, self._rows[self._order[partner]]], dim=1)
