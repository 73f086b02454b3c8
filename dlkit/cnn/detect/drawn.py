"""Drawn scenes as a data set."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from dlkit.cnn.detect.collection import Collection, Objects, Split, told_of
from dlkit.cnn.detect.finding import SHAPES
from dlkit.data import scenes
from dlkit.data.samples import digests_of
from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    from dlkit.cnn.detect.config import BoxesConfig
    from dlkit.records import Record

DRAWN: Final = 2_400  # scenes to learn from, unless --limit asks for others
_TESTED: Final = 4  # of them as many are drawn for the test as this divides


def drawn(
    config: BoxesConfig,
    size: tuple[int, int],
    seed: int,
    classes: Sequence[str] | None,
    *,
    judged: bool,
) -> Generator[Record, None, Collection]:
    """Scenes that are drawn anew, which no file holds.

    Args:
        config: how many.
        size: (height, width).
        seed: of what is drawn.
        classes: an artifact's, which must be these.
        judged: those of the test alone.

    Raises:
        DlkitError: the artifact has other classes, or the size is too small.

    """
    if classes is not None and tuple(classes) != scenes.CLASSES:
        raise DlkitError(f"builtin:{SHAPES} has other classes than the artifact knows")
    if min(size) < 32:
        raise DlkitError("--size: scenes are drawn 32 pixels a side or larger", code=USAGE)
    splits = {}
    count = config.limit or DRAWN
    for part, (name, number) in enumerate((("train", count), ("test", max(1, count // _TESTED)))):
        if judged and name == "train":
            continue
        drawn = scenes.draw(number, size=size, seed=seed, part=part)
        images = np.stack([each.image for each in drawn])
        objects = [
            Objects(
                each.boxes,
                each.labels,
                np.zeros(len(each.labels), bool),
                np.prod(each.boxes[:, 2:] - each.boxes[:, :2], axis=1).astype(np.float64),
            )
            for each in drawn
        ]
        paths = [f"{SHAPES}/{name}:{row}" for row in range(1, number + 1)]
        splits[name] = Split(images, [size] * number, objects, paths, digests_of(images))
        yield from told_of(name, splits[name], scenes.CLASSES)
    return Collection(SHAPES, (f"builtin:{SHAPES}",), scenes.CLASSES, splits)
