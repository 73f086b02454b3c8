"""Images with boxes in batches, as detectors take them; what they are trained by."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from dlkit.cnn.detect.boxes import placement
from dlkit.cnn.detect.config import steps_of

if TYPE_CHECKING:
    import torch

    from dlkit.cnn.detect.collection import Objects, Split
    from dlkit.cnn.detect.config import DetectConfig
    from dlkit.cnn.detect.model import Target
    from dlkit.data.samples import Pixels
    from dlkit.training.batches import Batches

_READERS: Final = 2  # threads that read images which memory does not hold
_PIXELS: Final = 1 << 19  # of images that are judged together
_LEAST: Final = 1e-3  # pixels of a side of a box that is learnt from


@dataclass(frozen=True)
class Given:
    """The loss of a detector, which it reckons itself: the sum of its parts.

    The parts are means over what a batch's anchors or points are to find; times its images, so
    that parts of a batch add up.
    """

    measure: None = None

    def total(self, outputs: dict[str, torch.Tensor], targets: Sequence[Any]) -> torch.Tensor:
        """() the sum of the images' losses."""
        return sum(outputs.values()) * len(targets)  # type: ignore[return-value]

    def measured(self, outputs: Any, targets: Any) -> torch.Tensor:
        """Nothing is measured."""
        raise NotImplementedError

    @property
    def plain(self) -> Self:
        """The same."""
        return self


def batches_of(split: Split, config: DetectConfig) -> Batches:
    """Images to learn from in batches, drawn anew and augmented in each epoch."""
    from dlkit.cnn.detect.augmenting import Augmentation
    from dlkit.training.batches import Batches

    training = config.training
    flip, scale = steps_of(config.augment)
    return Batches(
        split.images, None, batch_size=training.batch_size * training.accumulate,
        seed=training.seed, device=training.device, workers=_READERS,
        augment=Augmentation(targets_of(split), flip=flip, scale=scale),
    )  # fmt: skip


def targets_of(split: Split) -> list[Target]:
    """Of each image its boxes in the pixels that the network sees, and its labels from 1.

    Without crowds, in which objects cannot be told apart.
    """
    return [_target(each, size, split.size) for each, size in
            zip(split.objects, split.sizes, strict=True)]  # fmt: skip


def _target(objects: Objects, size: tuple[int, int], wanted: tuple[int, int]) -> Target:
    import torch

    boxes = placement(size, wanted).into(objects.boxes.astype(np.float64))
    large = ((boxes[:, 2:] - boxes[:, :2]) > _LEAST).all(axis=1)
    keep = large & ~objects.crowd
    return {
        "boxes": torch.from_numpy(boxes[keep].astype(np.float32)),
        "labels": torch.from_numpy(objects.labels[keep] + 1),
    }


def in_parts(images: Pixels) -> Generator[torch.Tensor, None, None]:
    """Images (N, H, W, 3) as (B, 3, H, W), so many that memory has room for their maps."""
    import torch

    height, width = images.shape[1:3]
    size = max(1, min(64, _PIXELS // int(height * width)))
    for start in range(0, len(images), size):
        some = np.ascontiguousarray(images[start : start + size])
        yield torch.from_numpy(some).permute(0, 3, 1, 2)
