"""Images in batches, as networks take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dlkit.training.augmenting.config import parse

if TYPE_CHECKING:
    from dlkit.cnn.config import CnnConfig
    from dlkit.cnn.prepare import Prepared
    from dlkit.data.samples import Pixels, Split
    from dlkit.training.batches import Batches
    from dlkit.training.config import TrainingConfig

_AT_ONCE: Final = 1 << 20  # pixels of images that are judged together
_READERS: Final = 2  # threads that read images which memory does not hold


def batches_of(split: Split, config: CnnConfig, ready: Prepared) -> Batches:
    """Samples to learn from in batches, drawn anew and augmented in each epoch."""
    from dlkit.training.augmenting.making import augmentation

    training = config.training
    fill = [round(255 * value) for value in ready.mean]
    return batches(
        split.images,
        split.labels,
        size=training.batch_size * training.accumulate,
        training=training,
        augment=augmentation(parse(config.augment or "none"), fill=fill),
        shuffle=True,
    )


def judged_batches(split: Split, training: TrainingConfig) -> Batches:
    """Samples to be judged by in batches, in their order and as they are."""
    from dlkit.training.augmenting.making import augmentation

    size = at_once(split.images)
    return batches(
        split.images, split.labels, size=size, training=training, augment=augmentation(())
    )


def at_once(images: Pixels) -> int:
    """How many images are judged together: the maps of so many fit into the caches."""
    height, width = (int(side) for side in images.shape[1:3])
    return max(8, min(512, _AT_ONCE // (height * width)))


def batches(
    images: Pixels,
    labels: Any,
    *,
    size: int,
    training: TrainingConfig,
    augment: Any,
    shuffle: bool = False,
) -> Batches:
    """Images (N, H, W, C) and labels in batches of ``size`` samples, given as (B, C, H, W)."""
    from dlkit.training.batches import Batches

    return Batches(
        images, labels, batch_size=size, seed=training.seed, device=training.device,
        augment=augment, shuffle=shuffle, workers=_READERS,
    )  # fmt: skip
