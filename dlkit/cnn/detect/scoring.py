"""How good detections are: mean average precision as COCO counts it, and errors one by one.

The average precision of a class is the area under its curve of precision by recall (101 points,
made falling); mAP is its mean over the classes and over overlaps (intersection over union) of 0.50
to 0.95 by which a detection counts as right. https://cocodataset.org/#detection-eval
It is computed by faster-coco-eval, which gives pycocotools' numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from dlkit.cnn.detect.matching import at_threshold, best_threshold
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    from dlkit.cnn.detect.asking import Found
    from dlkit.cnn.detect.collection import Objects

Floats = npt.NDArray[np.float64]


class ClassScore(NamedTuple):
    """How well one class is found.

    Attributes:
        name: the class's.
        average: average precision, the mean over overlaps of 0.50 to 0.95; None: no boxes.
        average50: at an overlap of 0.50.
        boxes: how many there are, without crowds.
        curve: (101,) precision at recalls of 0, 0.01 … 1, at an overlap of 0.50.

    """

    name: str
    average: float | None
    average50: float | None
    boxes: int
    curve: Floats


@dataclass(frozen=True)
class Scores:
    """How good detections are.

    Attributes:
        images: how many images were judged.
        boxes: how many boxes they have, without crowds.
        map: mean average precision; None: there are no boxes.
        map50: at an overlap of 0.50.
        map75: at an overlap of 0.75.
        small: mAP of objects of less than 32 x 32 pixels.
        medium: of those up to 96 x 96.
        large: of larger ones.
        recall: mean over overlaps and classes, with 100 detections an image.
        classes: of each class.
        threshold: of the score.
        precision: there, at an overlap of 0.50: of the detections that many are right.
        found: there, of the boxes that many are found (recall).
        f1: there.

    """

    images: int
    boxes: int
    map: float | None
    map50: float | None
    map75: float | None
    small: float | None
    medium: float | None
    large: float | None
    recall: float | None
    classes: tuple[ClassScore, ...]
    threshold: float
    precision: float
    found: float
    f1: float

    def document(self) -> dict[str, Any]:
        """The scores in JSON's types; None: undefined."""
        names = ("map", "map50", "map75", "small", "medium", "large", "recall")
        told = {f"map_{n}" if n in ("small", "medium", "large") else n: getattr(self, n)
                for n in names}  # fmt: skip
        told["average_recall"] = told.pop("recall")
        return told | {
            "threshold": self.threshold,
            "precision": self.precision,
            "recall": self.found,
            "f1": self.f1,
            "images": self.images,
            "boxes": self.boxes,
        }


def check_evaluator() -> None:
    """Do nothing if the evaluator is installed.

    Raises:
        DlkitError: it is not.

    """
    if find_spec("faster_coco_eval") is None:
        raise DlkitError(
            "mAP is counted by the package faster-coco-eval, which is not installed",
            hint="pip install 'dlkit[detect]'",
        )


def score(
    found: Sequence[Found],
    objects: Sequence[Objects],
    classes: Sequence[str],
    *,
    threshold: float | None = None,
) -> Scores:
    """How good detections are.

    Args:
        found: of each image what was found.
        objects: of each image what is in it.
        classes: names.
        threshold: of the score, for precision, recall and F1; None: where F1 is best, which only
            validation images may choose.

    Raises:
        DlkitError: the evaluator is not installed.

    """
    check_evaluator()
    from faster_coco_eval import COCO, COCOeval_faster

    boxes = sum(int((~each.crowd).sum()) for each in objects)
    truth = COCO(_truth(objects, classes), print_function=_silent)
    answers = truth.loadRes(_answers(found))
    judge = COCOeval_faster(truth, answers, "bbox", print_function=_silent)
    judge.evaluate()
    judge.accumulate()
    precision = np.asarray(judge.eval["precision"])  # overlaps, recalls, classes, areas, most
    recall = np.asarray(judge.eval["recall"])  # overlaps, classes, areas, most
    counts = np.zeros(len(classes), np.int64)
    for each in objects:
        np.add.at(counts, each.labels[~each.crowd], 1)
    per_class = tuple(
        ClassScore(
            name,
            _mean(precision[:, :, place, 0, -1]),
            _mean(precision[0, :, place, 0, -1]),
            int(counts[place]),
            np.where(precision[0, :, place, 0, -1] < 0, 0, precision[0, :, place, 0, -1]),
        )
        for place, name in enumerate(classes)
    )
    if threshold is None:
        threshold, right, share, f1 = best_threshold(found, objects)
    else:
        right, share, f1 = at_threshold(found, objects, threshold)
    overlap75 = int(np.argmin(np.abs(judge.params.iouThrs - 0.75)))
    small, medium, large = (_mean(precision[:, :, :, size, -1]) for size in (1, 2, 3))
    return Scores(
        images=len(objects),
        boxes=boxes,
        map=_mean(precision[:, :, :, 0, -1]),
        map50=_mean(precision[0, :, :, 0, -1]),
        map75=_mean(precision[overlap75, :, :, 0, -1]),
        small=small,
        medium=medium,
        large=large,
        recall=_mean(recall[:, :, 0, -1]),
        classes=per_class,
        threshold=threshold,
        precision=right,
        found=share,
        f1=f1,
    )


def _silent(*_: object, **__: object) -> None:
    """The evaluator's own words go nowhere."""


def _mean(values: Any) -> float | None:
    """The mean of what is defined: the evaluator writes -1 where a class has no boxes."""
    there = values[values > -1]
    return float(there.mean()) if there.size else None


def _truth(objects: Sequence[Objects], classes: Sequence[str]) -> dict[str, Any]:
    annotations: list[dict[str, Any]] = []
    for image, each in enumerate(objects, 1):
        for box, label, crowd, area in zip(
            each.boxes.astype(np.float64).tolist(), each.labels.tolist(), each.crowd.tolist(),
            each.areas.tolist(), strict=True,
        ):  # fmt: skip
            annotations.append(
                {"id": len(annotations) + 1, "image_id": image, "category_id": label + 1,
                 "bbox": _sides(box), "area": area, "iscrowd": int(crowd)}
            )  # fmt: skip
    return {
        "images": [{"id": number} for number in range(1, len(objects) + 1)],
        "annotations": annotations,
        "categories": [{"id": n, "name": name} for n, name in enumerate(classes, 1)],
    }


def _answers(found: Sequence[Found]) -> list[dict[str, Any]]:
    return [
        {"image_id": image, "category_id": label + 1, "bbox": _sides(box), "score": value}
        for image, each in enumerate(found, 1)
        for box, value, label in zip(
            each.boxes.astype(np.float64).tolist(), each.scores.astype(np.float64).tolist(),
            each.labels.tolist(), strict=True,
        )
    ]  # fmt: skip


def _sides(box: Sequence[float]) -> list[float]:
    """Left, top, width, height."""
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]
