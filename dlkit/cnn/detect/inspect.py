"""Looking into a detector: its levels and anchors, how sure it is, how large what it misses is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from dlkit.cnn.detect.boxes import overlaps, placement
from dlkit.cnn.detect.matching import match

if TYPE_CHECKING:
    from dlkit.cnn.detect.collection import Split
    from dlkit.cnn.detect.evaluate import Judged
    from dlkit.cnn.detect.model import Detector

BINS: Final = 20  # of the score
_FIRST: Final = 8.0  # pixels: the smallest sides that are told apart; then each twice as large
_COARSE: Final = (4, 8)  # times the stride: FCOS's reach of a level (Tian et al. 2019, section 3.2)


class Level(NamedTuple):
    """A level of the feature pyramid.

    Attributes:
        name: its name in the backbone.
        channels: of its maps.
        height: of its maps.
        width: of its maps.
        stride: pixels of the image from one place to the next.
        anchors: boxes at each place that the network begins with.
        smallest: side of the smallest of them, the root of its area, pixels.
        largest: of the largest.
        boxes: how many boxes of the data it is to find; None: no data were looked at.

    """

    name: str
    channels: int
    height: int
    width: int
    stride: float
    anchors: int
    smallest: float
    largest: float
    boxes: int | None


class Part(NamedTuple):
    """A part of the network: its name, its parameters, their share."""

    name: str
    parameters: int
    share: float


class ScoreBin(NamedTuple):
    """How many detections of a score are right, and how many are not."""

    low: float
    high: float
    right: int
    wrong: int


class SizeBin(NamedTuple):
    """How many objects of a size there are, in pixels of a side, and how many are found."""

    low: float
    high: float
    boxes: int
    found: int


def parts(model: Detector) -> list[Part]:
    """The parts of a network with their parameters."""
    from dlkit.cnn.detect.model import parts_of

    total = sum(each.numel() for each in model.net.parameters())
    found = []
    for name, part in parts_of(model):
        count = sum(each.numel() for each in part.parameters())
        found.append(Part(name, count, count / total))
    return found


def levels(model: Detector, size: tuple[int, int], split: Split | None = None) -> list[Level]:
    """The levels of a network for images (height, width), and which boxes each is to find."""
    import torch

    from dlkit.training.modes import judging

    device = next(model.parameters()).device
    images = torch.zeros(1, 3, *size, dtype=torch.uint8, device=device)
    with judging(model), torch.inference_mode():
        maps = model.levels(images)
        anchors = [each.double().cpu().numpy() for each in model.anchors(images)]
    counts: Sequence[int | None] = [None] * len(maps)
    if split is not None:
        boxes = np.concatenate(
            [placement(at, split.size).into(each.boxes[~each.crowd])
             for each, at in zip(split.objects, split.sizes, strict=True)]
        )  # fmt: skip
        strides = [size[0] / each.shape[2] for each in maps.values()]
        free = model.name in ("small", "fcos")
        counts = _reach(boxes, strides) if free else _nearest(boxes, anchors)
    found = []
    for (name, each), own, count in zip(maps.items(), anchors, counts, strict=True):
        height, width = int(each.shape[2]), int(each.shape[3])
        sides = np.sqrt((own[:, 2:] - own[:, :2]).prod(axis=1))
        found.append(
            Level(
                name, int(each.shape[1]), height, width, size[0] / height,
                len(own) // (height * width), float(sides.min()), float(sides.max()), count,
            )
        )  # fmt: skip
    return found


def _reach(boxes: npt.NDArray[np.floating], strides: Sequence[float]) -> list[int]:
    """How many boxes each level finds from their middle: half their longer side says which."""
    reach = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) / 2
    ends = [_COARSE[1] * stride for stride in strides]
    ends[-1] = float("inf")
    level = np.searchsorted(ends, reach)
    return [int((level == place).sum()) for place in range(len(strides))]


def _nearest(boxes: npt.NDArray[np.floating], anchors: Sequence[Any]) -> list[int]:
    """How many boxes overlap the anchors of each level most."""
    if not len(boxes):
        return [0] * len(anchors)
    best = [np.zeros(len(boxes)) for _ in anchors]
    for place, own in enumerate(anchors):
        for start in range(0, len(boxes), 64):  # of many boxes and anchors some at a time
            some = slice(start, start + 64)
            best[place][some] = overlaps(boxes[some], own).max(axis=1)
    chosen = np.argmax(best, axis=0)
    return [int((chosen == place).sum()) for place in range(len(anchors))]


def score_bins(judged: Judged) -> list[ScoreBin]:
    """How many detections of each score are right, from 0 to 1."""
    right = np.zeros(BINS, np.int64)
    wrong = np.zeros(BINS, np.int64)
    for found, objects in zip(judged.found, judged.split.objects, strict=True):
        matched = match(found, objects)
        places = np.minimum((found.scores * BINS).astype(np.int64), BINS - 1)
        np.add.at(right, places[matched.of >= 0], 1)
        np.add.at(wrong, places[(matched.of < 0) & ~matched.ignored], 1)
    return [
        ScoreBin(place / BINS, (place + 1) / BINS, int(right[place]), int(wrong[place]))
        for place in range(BINS)
    ]


def size_bins(judged: Judged, threshold: float) -> list[SizeBin]:
    """How many objects of each size are found at a threshold, by the root of their area."""
    sides: list[float] = []
    hits: list[bool] = []
    for found, objects in zip(judged.found, judged.split.objects, strict=True):
        matched = match(found.above(threshold), objects)
        taken = set(matched.of[matched.of >= 0].tolist())
        for place in np.flatnonzero(~objects.crowd).tolist():
            box = objects.boxes[place]
            sides.append(float(np.sqrt((box[2] - box[0]) * (box[3] - box[1]))))
            hits.append(place in taken)
    if not sides:
        return []
    step = np.maximum(np.floor(np.log2(np.array(sides) / _FIRST)), -1).astype(np.int64)
    made = []
    for each in range(int(step.min()), int(step.max()) + 1):
        of = step == each
        low = 0.0 if each < 0 else _FIRST * 2.0**each
        made.append(
            SizeBin(low, _FIRST * 2.0 ** (each + 1), int(of.sum()), int(np.array(hits)[of].sum()))
        )
    return made
