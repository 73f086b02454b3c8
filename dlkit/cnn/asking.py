"""The scores of a network for many images."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.cnn.feeding import at_once, batches
from dlkit.records import Record, Step

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import nn

    from dlkit.data.samples import Pixels

_TOLD_EVERY: Final = 0.5  # seconds


def scores_of(
    model: nn.Module,
    images: Pixels,
    *,
    views: Any = "none",
    precision: Any = "fp32",
    what: str = "images",
) -> Generator[Record, None, npt.NDArray[np.float32]]:
    """(N, C) the scores of ``images`` in evaluation mode; the mode comes back.

    Args:
        model: a network.
        images: (N, H, W, C) uint8.
        views: of each image, whose scores are averaged (``training.views``).
        precision: of products: fp32, bf16 or fp16.
        what: what messages call the images.

    """
    import torch

    from dlkit.training.augmenting.making import augmentation
    from dlkit.training.config import TrainingConfig
    from dlkit.training.machine import autocast, laid_out
    from dlkit.training.modes import judging
    from dlkit.training.views import tta_scores

    if not len(images):
        return np.zeros((0, 0), np.float32)
    training = TrainingConfig.model_construct(seed=1, device=_device_of(model), precision=precision)
    labels = np.zeros(len(images), np.int64)
    found, done, told = [], 0, time.perf_counter()
    begun = told
    some = batches(
        images, labels, size=at_once(images), training=training, augment=augmentation(())
    )
    with judging(laid_out(model)):
        for batch in some.at():
            with torch.inference_mode(), autocast(training):
                found.append(tta_scores(model, batch.inputs[0], views).float().cpu().numpy())
            done += len(batch.inputs[0])
            now = time.perf_counter()
            if now - told > _TOLD_EVERY:
                told = now
                yield Step(
                    f"asking about {what}", done, len(images), "images", done / (now - begun)
                )
    return np.concatenate(found)


def _device_of(model: nn.Module) -> Any:
    return next(model.parameters()).device.type
