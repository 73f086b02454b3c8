"""Losses of classification, summed over a batch, and the weights of rare classes.

    softmax   -log p_y with p = softmax(s), the cross-entropy; with label smoothing ε the target is
              1-ε on the class and ε/C spread over all C (Szegedy et al. 2016, section 7)
    hinge     Σ_{j≠y} max(0, s_j - s_y + 1) (Weston and Watkins 1998)

A mixed sample's loss is that of each of its two labels by its share (Zhang et al. 2018, Yun et al.
2019), each label with its class' weight.

Sums and not means, so that parts of a batch add up whatever their sizes. What is minimised is the
sum divided by the number of samples; class weights do not change that number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, Self

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch


class Loss(Protocol):
    """What a network is trained by; outputs and targets are those of a batch."""

    @property
    def measure(self) -> str | None:
        """What is told of an epoch beside the loss: accuracy, psnr; None: nothing."""

    def total(self, outputs: Any, targets: Any) -> torch.Tensor:
        """() the sum of the samples' losses."""

    def measured(self, outputs: Any, targets: Any) -> torch.Tensor:
        """() the sum of the samples' ``measure``; not asked for where that is None."""

    @property
    def plain(self) -> Loss:
        """The loss to judge by: without what only helps training."""


class ClassLoss(Loss, Protocol):
    """A loss of classification: its measure is the accuracy, and labels may be mixed."""

    def mixed(
        self,
        outputs: torch.Tensor,
        labels: torch.Tensor,
        others: torch.Tensor,
        share: torch.Tensor,
    ) -> torch.Tensor:
        """() the sum of the losses of samples of two labels, the first by its share (B,)."""

    def answers(self, outputs: torch.Tensor) -> torch.Tensor:
        """(B, ...) what is answered; equal to the labels where it is right."""


@dataclass(frozen=True)
class Classification:
    """A loss of scores (N, C) and labels (N,); see the module.

    Attributes:
        kind: softmax or hinge.
        smoothing: ε of label smoothing, of softmax only.
        weights: (C,) what a sample of each class counts; None: 1.

    """

    kind: Literal["softmax", "hinge"]
    smoothing: float = 0.0
    weights: torch.Tensor | None = None
    measure: ClassVar[str] = "accuracy"

    def total(self, outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """() the sum of the samples' losses."""
        from torch.nn.functional import cross_entropy

        weights = self.weights
        if self.kind == "softmax" and not (self.smoothing and weights is not None):
            # In float32 also where products are in fewer bits.
            return cross_entropy(
                outputs.float() if outputs.dtype.itemsize < 4 else outputs,
                labels,
                weight=weights,
                reduction="sum",
                label_smoothing=self.smoothing,
            )
        losses = self.each(outputs, labels)
        return losses.sum() if weights is None else (weights[labels] * losses).sum()

    def mixed(
        self,
        outputs: torch.Tensor,
        labels: torch.Tensor,
        others: torch.Tensor,
        share: torch.Tensor,
    ) -> torch.Tensor:
        """() the sum of the losses of samples of two labels, the first by its share (N,)."""
        total = outputs.new_zeros((), dtype=share.dtype)
        for truth, part in ((labels, share), (others, 1 - share)):
            counts = part if self.weights is None else part * self.weights[truth]
            total = total + (counts * self.each(outputs, truth)).sum()
        return total

    def each(self, outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """(N,) the losses of the samples, without class weights."""
        from torch.nn.functional import cross_entropy

        scores = outputs.float() if outputs.dtype.itemsize < 4 else outputs
        if self.kind == "softmax":
            return cross_entropy(scores, labels, reduction="none", label_smoothing=self.smoothing)
        own = scores.gather(1, labels[:, None])
        # The class itself is among the summands with max(0, 0 + 1).
        return (scores - own + 1).clamp(min=0).sum(1) - 1

    def answers(self, outputs: torch.Tensor) -> torch.Tensor:
        """(N,) the class whose score is first."""
        return outputs.detach().argmax(1)

    def measured(self, outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """() how many answers are right."""
        return (self.answers(outputs) == labels).sum()

    @property
    def plain(self) -> Self:
        """The same without label smoothing."""
        return replace(self, smoothing=0.0)

    def to(self, device: str) -> Self:
        """The same on a device."""
        return self if self.weights is None else replace(self, weights=self.weights.to(device))


def build(
    kind: Literal["softmax", "hinge"],
    *,
    classes: int,
    labels: npt.ArrayLike | None = None,
    smoothing: float = 0.0,
    class_weights: Literal["none", "balanced"] = "none",
) -> Classification:
    """The loss of a task.

    Args:
        kind: softmax or hinge.
        classes: C.
        labels: of the training samples, (N,); balanced weights are made of their counts.
        smoothing: ε of label smoothing; hinge has none.
        class_weights: none, or balanced.

    Raises:
        ValueError: hinge with label smoothing.

    """
    import torch

    if kind == "hinge" and smoothing:
        raise ValueError("label smoothing is of the softmax loss; the hinge loss has none")
    weights = None
    if class_weights == "balanced":
        assert labels is not None
        weights = torch.from_numpy(balanced(np.asarray(labels), classes).astype(np.float32))
    return Classification(kind, smoothing, weights)


def balanced(labels: npt.NDArray[np.integer], classes: int) -> npt.NDArray[np.float64]:
    """(C,) N / (C' n_c), C' of the classes having samples: their mean over the samples is 1.

    A class without samples has 0; as scikit-learn's ``class_weight="balanced"`` otherwise.
    """
    counts = np.bincount(labels, minlength=classes)
    there = counts > 0
    return np.where(there, len(labels) / (there.sum() * np.maximum(counts, 1)), 0.0)
