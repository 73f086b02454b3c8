"""What a detector finds in images."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from dlkit.cnn.detect.boxes import placement
from dlkit.cnn.detect.feeding import in_parts
from dlkit.records import Record, Step

if TYPE_CHECKING:
    from dlkit.cnn.detect.model import Detector
    from dlkit.data.samples import Pixels

_TOLD_EVERY: Final = 0.5  # seconds


class Found(NamedTuple):
    """What was found in one image.

    Attributes:
        boxes: (K, 4) float32 by corners, in pixels of the image as it is in its file.
        scores: (K,) float32 from 0 to 1, falling.
        labels: (K,) int64 places among the classes.

    """

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]

    def above(self, threshold: float) -> Found:
        """What is at least so sure."""
        keep = self.scores >= threshold
        return Found(self.boxes[keep], self.scores[keep], self.labels[keep])


def found_in(
    model: Detector,
    images: Pixels,
    sizes: Sequence[tuple[int, int]],
    *,
    precision: Any = "fp32",
    what: str = "images",
) -> Generator[Record, None, list[Found]]:
    """Of each image what is in it; the network's mode comes back.

    Args:
        model: a detector.
        images: (N, H, W, 3) uint8, fitted with ``pad``.
        sizes: (height, width) of each as it is in its file.
        precision: of products: fp32, bf16 or fp16.
        what: what messages call the images.

    """
    import torch

    from dlkit.training.config import TrainingConfig
    from dlkit.training.machine import autocast, laid_out
    from dlkit.training.modes import judging

    device: Any = next(model.parameters()).device.type
    training = TrainingConfig.model_construct(device=device, precision=precision)
    found: list[Found] = []
    begun = told = time.perf_counter()
    with judging(laid_out(model)):
        for part in in_parts(images):
            with torch.inference_mode(), autocast(training):
                answers = model(part.to(device))
            for answer in answers:
                found.append(_moved(answer, sizes[len(found)], images.shape[1:3]))
            now = time.perf_counter()
            if now - told > _TOLD_EVERY:
                told = now
                yield Step(
                    f"asking about {what}", len(found), len(images), "images",
                    len(found) / (now - begun),
                )  # fmt: skip
    return found


def _moved(answer: Any, size: tuple[int, int], wanted: Sequence[int]) -> Found:
    """An answer in pixels of the image, cut to it; boxes that lie beside it are none."""
    boxes = answer["boxes"].double().cpu().numpy()
    back = placement(size, (int(wanted[0]), int(wanted[1]))).back(boxes)
    back[:, [0, 2]] = back[:, [0, 2]].clip(0, size[1])
    back[:, [1, 3]] = back[:, [1, 3]].clip(0, size[0])
    scores = answer["scores"].float().cpu().numpy()
    labels = answer["labels"].cpu().numpy().astype(np.int64) - 1
    there = (back[:, 2] > back[:, 0]) & (back[:, 3] > back[:, 1]) & (labels >= 0)
    order = np.flatnonzero(there)[np.argsort(-scores[there], kind="stable")]
    return Found(back[order].astype(np.float32), scores[order], labels[order])
