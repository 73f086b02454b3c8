"""Detections and objects one by one: which is of which, what is missed, what is taken for what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from dlkit.cnn.detect.boxes import areas, overlaps

if TYPE_CHECKING:
    from dlkit.cnn.detect.asking import Found
    from dlkit.cnn.detect.collection import Objects

Floats = npt.NDArray[np.float64]
RIGHT: Final = 0.5  # overlap from which on a single detection is called right
_USUAL: Final = 0.5  # threshold where nothing tells a better one


class Matched(NamedTuple):
    """What became of the detections of one image.

    Attributes:
        of: (K,) the object that each detection is of, -1: of none.
        ignored: (K,) bool: it lies in a crowd, and counts as nothing.
        overlap: (K,) with the object that it is of, else the largest with any.

    """

    of: npt.NDArray[np.int64]
    ignored: npt.NDArray[np.bool_]
    overlap: Floats


def match(found: Found, objects: Objects, *, classes: bool = True) -> Matched:
    """Give each detection, the surest first, the object that it overlaps most and nobody has.

    Args:
        found: the detections, the surest first.
        objects: what is there.
        classes: only objects of a detection's own class are its.

    """
    taken = objects.crowd.copy()
    of = np.full(len(found.scores), -1, np.int64)
    ignored = np.zeros(len(found.scores), bool)
    shares = overlaps(found.boxes, objects.boxes)
    inside = _inside(found, objects)
    largest = shares.max(axis=1, initial=0.0)
    for place, label in enumerate(found.labels.tolist()):
        own = objects.labels == label if classes else np.ones(len(objects), bool)
        free = np.where(own & ~taken, shares[place], 0.0)
        if free.size and free.max() >= RIGHT:
            of[place] = int(free.argmax())
            taken[of[place]] = True
            largest[place] = free.max()
        else:
            ignored[place] = bool((inside[place] >= RIGHT)[objects.crowd & own].any())
    return Matched(of, ignored, largest)


def _inside(found: Found, objects: Objects) -> Floats:
    """(K, M) how much of each detection lies in each object."""
    low = np.maximum(found.boxes[:, None, :2], objects.boxes[None, :, :2])
    high = np.minimum(found.boxes[:, None, 2:], objects.boxes[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(axis=2)
    share: Floats = np.asarray(common / np.maximum(areas(found.boxes), 1e-12)[:, None], np.float64)
    return share


def best_threshold(
    found: Sequence[Found], objects: Sequence[Objects]
) -> tuple[float, float, float, float]:
    """The score from which on detections give the best F1; precision, recall and F1 there.

    With no right detection it is 0.5, and the rest 0.
    """
    values, hits, said, total = _counted(found, objects)
    if not len(hits) or not hits[-1] or not total:
        return _USUAL, 0.0, 0.0, 0.0
    f1 = 2 * hits / (said + total)
    best = int(f1.argmax())
    return (
        float(values[best]), float(hits[best] / said[best]), float(hits[best] / total),
        float(f1[best]),
    )  # fmt: skip


def at_threshold(
    found: Sequence[Found], objects: Sequence[Objects], threshold: float
) -> tuple[float, float, float]:
    """Precision, recall and F1 of the detections of that score or more; 0 where undefined."""
    values, hits, said, total = _counted(found, objects)
    taken = int((values >= np.float32(threshold)).sum())
    if not taken or not total:
        return 0.0, 0.0, 0.0
    right, all_ = int(hits[taken - 1]), int(said[taken - 1])
    return right / all_, right / total, 2 * right / (all_ + total)


def _counted(
    found: Sequence[Found], objects: Sequence[Objects]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.int64], int]:
    """Falling scores, and how many detections of each score or more are right, and are there.

    The last number is that of the objects.
    """
    scores, right = [], []
    for each, there in zip(found, objects, strict=True):
        matched = match(each, there)
        scores.append(each.scores[~matched.ignored])
        right.append((matched.of >= 0)[~matched.ignored])
    total = sum(int((~each.crowd).sum()) for each in objects)
    values = np.concatenate(scores) if scores else np.zeros(0, np.float32)
    hits = np.concatenate(right) if right else np.zeros(0, bool)
    order = np.argsort(-values, kind="stable")
    values, hits = values[order], hits[order].cumsum()
    # Equal scores go together: a threshold cannot part them.
    last = np.append(values[1:] != values[:-1], True)[: len(values)]
    return values[last], hits[last], np.flatnonzero(last) + 1, total


class Errors(NamedTuple):
    """What is taken for what, at a threshold.

    Attributes:
        confusion: (C + 1, C + 1) how many objects of a class (row) were taken for a class (column);
            the last column: not found; the last row: found where nothing is.
        missed: (N,) objects of each image that were not found.
        invented: (N,) detections of each image of nothing, or of something else.
        swapped: (N,) objects of each image that were taken for another class.

    """

    confusion: npt.NDArray[np.int64]
    missed: npt.NDArray[np.int64]
    invented: npt.NDArray[np.int64]
    swapped: npt.NDArray[np.int64]

    @property
    def wrong(self) -> npt.NDArray[np.int64]:
        """(N,) how many errors each image has."""
        return self.missed + self.invented + self.swapped


def errors(
    found: Sequence[Found], objects: Sequence[Objects], classes: int, threshold: float
) -> Errors:
    """What detections that are sure enough are of, whatever their class.

    Objects are given to detections of their own class first, what is left to any.
    """
    table = np.zeros((classes + 1, classes + 1), np.int64)
    missed, invented, swapped = (np.zeros(len(objects), np.int64) for _ in range(3))
    for image, (each, there) in enumerate(zip(found, objects, strict=True)):
        sure = each.above(threshold)
        own = match(sure, there)
        of = own.of.copy()
        rest = np.flatnonzero((of < 0) & ~own.ignored)
        free = there.crowd.copy()
        free[of[of >= 0]] = True  # taken
        shares = overlaps(sure.boxes, there.boxes)
        for place in rest.tolist():
            left = np.where(free, 0.0, shares[place])
            if left.size and left.max() >= RIGHT:
                of[place] = int(left.argmax())
                free[of[place]] = True
        for place, thing in enumerate(of.tolist()):
            label = int(sure.labels[place])
            if thing >= 0:
                truth = int(there.labels[thing])
                table[truth, label] += 1
                swapped[image] += truth != label
            elif not own.ignored[place]:
                table[classes, label] += 1
                invented[image] += 1
        for thing in np.flatnonzero(~free).tolist():
            table[int(there.labels[thing]), classes] += 1
            missed[image] += 1
    return Errors(table, missed, invented, swapped)
