"""Scores of detections: pycocotools' own numbers on the same files; errors counted one by one."""

from __future__ import annotations

import contextlib
import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.cnn.detect.asking import Found
from dlkit.cnn.detect.collection import Objects
from dlkit.cnn.detect.matching import at_threshold, best_threshold, errors, match
from dlkit.cnn.detect.scoring import score

NAMES = ("a", "b", "c", "none of it")


def objects(boxes, labels, crowd=None, areas=None) -> Objects:
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    own = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1).astype(np.float64)
    crowd = np.zeros(len(boxes), bool) if crowd is None else np.array(crowd, bool)
    areas = own if areas is None else np.array(areas, np.float64)
    return Objects(boxes, np.array(labels, np.int64), crowd, areas)


def found(boxes, scores, labels) -> Found:
    order = np.argsort(-np.array(scores, np.float32), kind="stable")
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    return Found(
        boxes[order], np.array(scores, np.float32)[order], np.array(labels, np.int64)[order]
    )


def some(seed: int, images: int = 25) -> tuple[list[Found], list[Objects]]:
    """Random objects, crowds among them, and detections near them and elsewhere; scores repeat."""
    random = np.random.default_rng(seed)
    said, there = [], []
    for _ in range(images):
        count = int(random.integers(0, 6))
        corner, side = random.uniform(0, 150, (count, 2)), random.uniform(4, 140, (count, 2))
        boxes = np.concatenate([corner, corner + side], axis=1)
        labels = random.integers(0, 3, count)
        shares = random.uniform(0.3, 1, count)
        there.append(
            objects(boxes, labels, random.random(count) < 0.15, shares * side.prod(axis=1))
        )
        near, values, kinds = [], [], []
        for box, label in zip(boxes, labels, strict=True):
            for _ in range(int(random.integers(0, 3))):
                near.append(box + random.normal(0, 4, 4))
                values.append(round(float(random.random()), 2))
                kinds.append(label if random.random() < 0.8 else random.integers(0, 4))
        for _ in range(int(random.integers(0, 3))):
            start = random.uniform(0, 150, 2)
            near.append(np.concatenate([start, start + random.uniform(4, 80, 2)]))
            values.append(round(float(random.random()), 2))
            kinds.append(random.integers(0, 4))
        near = np.array(near).reshape(-1, 4)
        near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
        said.append(found(near, values, kinds))
    return said, there


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_numbers_are_those_of_pycocotools_on_the_same_files(tmp_path, seed):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    said, there = some(seed)
    truth = {
        "images": [{"id": n} for n in range(len(there))],
        "categories": [{"id": n, "name": name} for n, name in enumerate(NAMES)],
        "annotations": [],
    }
    answers = []
    for image, (each, own) in enumerate(zip(said, there, strict=True)):
        sides = np.concatenate([own.boxes[:, :2], own.boxes[:, 2:] - own.boxes[:, :2]], axis=1)
        for box, label, crowd, area in zip(sides, own.labels, own.crowd, own.areas, strict=True):
            truth["annotations"].append(
                {"id": len(truth["annotations"]) + 1, "image_id": image, "category_id": int(label),
                 "bbox": box.astype(float).tolist(), "area": float(area), "iscrowd": int(crowd)}
            )  # fmt: skip
        sides = np.concatenate([each.boxes[:, :2], each.boxes[:, 2:] - each.boxes[:, :2]], axis=1)
        for box, value, label in zip(sides, each.scores, each.labels, strict=True):
            answers.append({"image_id": image, "category_id": int(label), "score": float(value),
                            "bbox": box.astype(float).tolist()})  # fmt: skip
    for name, content in (("truth.json", truth), ("answers.json", answers)):
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO(str(tmp_path / "truth.json"))
        judge = COCOeval(gt, gt.loadRes(str(tmp_path / "answers.json")), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    scores = score(said, there, NAMES)
    ours = [scores.map, scores.map50, scores.map75, scores.small, scores.medium, scores.large]
    assert ours == pytest.approx(judge.stats[:6].tolist(), abs=1e-6)
    assert scores.recall == pytest.approx(judge.stats[8], abs=1e-6)
    precision = judge.eval["precision"]
    for place, each in enumerate(scores.classes[:3]):
        assert each.average == pytest.approx(precision[:, :, place, 0, -1].mean(), abs=1e-6)
        assert each.curve == pytest.approx(precision[0, :, place, 0, -1], abs=1e-6)
    assert scores.classes[3].average is None
    assert scores.classes[3].boxes == 0


def test_perfect_answers_score_one_and_none_score_nothing():
    _, there = some(4)
    perfect = [found(each.boxes, np.ones(len(each)), each.labels) for each in there]
    whole = [objects(each.boxes, each.labels) for each in there]
    scores = score(perfect, whole, NAMES)
    assert scores.map == pytest.approx(1)
    assert (scores.precision, scores.found, scores.f1) == (1, 1, 1)
    nothing = score([found([], [], []) for _ in there], whole, NAMES)
    assert nothing.map == 0
    assert nothing.f1 == 0
    empty = score([found([], [], [])], [objects([], [])], NAMES)
    assert empty.map is None
    assert json.dumps(empty.document())


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_the_threshold_is_the_one_with_the_best_f1(seed):
    said, there = some(seed, images=5)
    threshold, precision, recall, f1 = best_threshold(said, there)
    total = sum(int((~each.crowd).sum()) for each in there)

    def at(value):  # by counting anew at each threshold
        right = wrong = 0
        for each, own in zip(said, there, strict=True):
            matched = match(each.above(np.float32(value)), own)
            right += int((matched.of >= 0).sum())
            wrong += int(((matched.of < 0) & ~matched.ignored).sum())
        return 2 * right / max(right + wrong + total, 1), right, wrong

    values = np.unique(np.concatenate([each.scores for each in said]))
    best = max((at(value)[0] for value in values), default=0)
    assert f1 == pytest.approx(best)
    for value in (*values[:3], 0.0, 1.5):
        ours, right, wrong = at(value)
        said_at = right + wrong
        assert at_threshold(said, there, float(value)) == pytest.approx(
            (right / said_at if total else 0, right / total if total else 0, ours)
            if said_at and total
            else (0, 0, 0)
        )
    if f1:
        _, right, wrong = at(threshold)
        assert precision == pytest.approx(right / (right + wrong))
        assert recall == pytest.approx(right / total)


def test_each_error_is_counted_once():
    there = [objects([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10], [60, 0, 99, 40]],
                     [0, 1, 2, 0], crowd=[0, 0, 0, 1])]  # fmt: skip
    said = [found(
        [[0, 0, 10, 10], [0, 0, 10, 9], [20, 0, 30, 10], [70, 5, 80, 20], [0, 50, 9, 59]],
        [0.9, 0.8, 0.7, 0.6, 0.5], [0, 0, 2, 0, 1],
    )]  # fmt: skip
    result = errors(said, there, 4, 0.1)
    # Found; found again; taken for another class; in a crowd: neither; nothing there; missed.
    assert result.confusion[0, 0] == 1
    assert result.confusion[4].tolist() == [1, 1, 0, 0, 0]
    assert result.confusion[1, 2] == 1
    assert result.confusion[2, 4] == 1
    assert result.confusion.sum() == 5
    assert (result.missed[0], result.invented[0], result.swapped[0]) == (1, 2, 1)
    assert errors(said, there, 4, 0.65).confusion[4].sum() == 1


def test_without_the_evaluator_one_line_says_what_to_install(monkeypatch):
    from dlkit.cnn.detect import scoring
    from dlkit.errors import DlkitError

    monkeypatch.setattr(scoring, "find_spec", lambda name: None)
    with pytest.raises(DlkitError) as told:
        scoring.check_evaluator()
    assert told.value.hint == "pip install 'dlkit[detect]'"
