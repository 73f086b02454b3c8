"""Data with boxes: COCO's json, columns of objects, rows of boxes; what is wrong is named."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dlkit.cnn.detect.collection import collect
from dlkit.cnn.detect.config import BoxesConfig
from dlkit.errors import DlkitError
from dlkit.records import Noted, Warned

from .conftest import CLASSES


def read(data, *, size=(64, 64), classes=None, judged=False, **settings):
    """The collection, what was noted, and what was warned of."""
    work = collect(
        [str(data)], BoxesConfig(**{"test_share": 0, **settings}), size=size, seed=1,
        classes=classes, judged=judged,
    )  # fmt: skip
    records = []
    while True:
        try:
            records.append(next(work))
        except StopIteration as end:
            notes = [r.text for r in records if isinstance(r, Noted)]
            return end.value, notes, [r.text for r in records if isinstance(r, Warned)]


def same(found, boxed, *, empty=True):
    """That a collection holds the boxes of ``boxed``."""
    split = found.splits["train"]
    wanted = {n: b for n, b in boxed.boxes.items() if b or empty}
    assert len(split) == len(wanted)
    for path, size, objects in zip(split.paths, split.sizes, split.objects, strict=True):
        name = next(name for name in wanted if name in path)
        assert size == (40, 60)
        assert objects.boxes.tolist() == [box for box, _ in wanted[name]]
        assert [found.classes[k] for k in objects.labels] == [label for _, label in wanted[name]]


def test_coco_is_read_with_its_classes_and_images_without_boxes(boxed):
    path = boxed.write("annotations.json", boxed.coco())
    found, notes, warned = read(path)
    same(found, boxed)
    assert found.classes == CLASSES
    assert not warned
    assert any("8 images, 12 boxes; 2 images without any, kept" in note for note in notes)
    areas = np.concatenate([each.areas for each in found.splits["train"].objects])
    box = np.concatenate([each.boxes for each in found.splits["train"].objects])
    assert areas == pytest.approx(0.75 * np.prod(box[:, 2:] - box[:, :2], axis=1))


def test_a_folder_of_coco_files_has_their_splits(boxed):
    coco = boxed.coco()
    (boxed.folder / "annotations").mkdir()
    half = {**coco, "images": coco["images"][4:]}
    ids = {each["id"] for each in half["images"]}
    half["annotations"] = [each for each in coco["annotations"] if each["image_id"] in ids]
    boxed.write("annotations/instances_train2017.json", coco)
    boxed.write("annotations/instances_val2017.json", half)
    found, notes, warned = read(boxed.folder)
    assert {name: len(each) for name, each in found.splits.items()} == {"train": 8, "test": 4}
    assert any("validation is what is judged on" in note for note in notes)
    assert any("4 of the 4 test images are in training, too" in each for each in warned)


def test_a_column_of_objects_is_read_in_both_forms(boxed):
    rows = [
        {"file_name": f"images/{name}",
         "objects": {"bbox": [[b[0], b[1], b[2] - b[0], b[3] - b[1]] for b, _ in some],
                     "category": [label for _, label in some]}}
        for name, some in boxed.boxes.items()
    ]  # fmt: skip
    found, notes, _ = read(boxed.write("lists.jsonl", rows))
    same(found, boxed)
    assert any("--boxes xyxy or cxcywh: otherwise" in note for note in notes)
    rows = [
        {"image": f"images/{name}",
         "things": [{"box": [(b[0] + b[2]) / 120, (b[1] + b[3]) / 80, (b[2] - b[0]) / 60,
                             (b[3] - b[1]) / 40], "label": label} for b, label in some]}
        for name, some in boxed.boxes.items()
    ]  # fmt: skip
    path = boxed.write("mappings.jsonl", rows)
    found, _, _ = read(path, objects_column="things", boxes="cxcywh")
    split = found.splits["train"]
    for path_, objects in zip(split.paths, split.objects, strict=True):
        name = next(name for name in boxed.boxes if name in path_)
        wanted = np.array([box for box, _ in boxed.boxes[name]]).reshape(-1, 4)
        assert objects.boxes == pytest.approx(wanted, abs=1e-4)


def test_a_parquet_of_the_library_datasets_names_classes_by_their_features(boxed, tmp_path):
    import datasets

    label = datasets.ClassLabel(names=list(CLASSES))
    objects = {"bbox": datasets.List(datasets.List(datasets.Value("float32"))),
               "category": datasets.List(label)}  # fmt: skip
    features = datasets.Features({"image": datasets.Image(), "objects": objects})
    rows = [
        {"image": {"path": name, "bytes": (boxed.images / name).read_bytes()},
         "objects": {"bbox": [[b[0], b[1], b[2] - b[0], b[3] - b[1]] for b, _ in some],
                     "category": [CLASSES.index(k) for _, k in some]}}
        for name, some in boxed.boxes.items()
    ]  # fmt: skip
    data = datasets.Dataset.from_list(rows, features=features)
    data.to_parquet(str(tmp_path / "boxes.parquet"))
    found, _, _ = read(tmp_path / "boxes.parquet")
    split = found.splits["train"]
    assert found.classes == CLASSES
    for objects, some in zip(split.objects, boxed.boxes.values(), strict=True):
        assert objects.boxes.tolist() == [box for box, _ in some]
        assert [CLASSES[k] for k in objects.labels] == [name for _, name in some]


def table(boxed, header: str, line) -> str:
    rows = [header] if header else []
    for name, some in boxed.boxes.items():
        rows += [",".join(map(str, line(name, box, label))) for box, label in some]
        if not some:
            rows.append(f"{name},,,,,")
    return "\n".join(rows) + "\n"


def test_rows_of_boxes_are_read_by_their_header_and_by_named_columns(boxed):
    text = table(boxed, "filename,xmin,ymin,xmax,ymax,class", lambda n, b, k: (n, *b, k))
    found, notes, _ = read(boxed.write("corners.csv", text), images=str(boxed.images))
    same(found, boxed)
    assert any("xmin, ymin, xmax, ymax (xyxy), class class" in note for note in notes)
    text = table(boxed, "p,q,r,s,t,u", lambda n, b, k: (n, *b, k))
    path = boxed.write("odd.csv", text)
    with pytest.raises(DlkitError, match="do not say what the four numbers") as told:
        read(path, images=str(boxed.images))
    assert "--boxes xyxy" in told.value.hint
    same(read(path, images=str(boxed.images), boxes="xyxy")[0], boxed)
    columns = ("p", "q", "r", "s", "t", "u")
    same(read(path, images=str(boxed.images), boxes="xyxy", columns=columns)[0], boxed)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"bbox": [5, 5, 80, 10]},
            "annotation 100: a box (5, 5, 85, 15) outside the image of 60x40",
        ),
        ({"bbox": [5, 5, 0, 10]}, "annotation 100: a box without area"),
        ({"bbox": [5, 5, float("nan"), 10]}, "annotation 100: a box with a number that is not fin"),
        ({"bbox": [5, 5, 6]}, "annotation 100: a box of 3 numbers"),
        ({"bbox": None}, "annotation 100: no bbox"),
        ({"category_id": 99}, "annotation 100: the category id 99 is not among the categories"),
    ],
)
def test_a_bad_annotation_is_named_or_left_out_and_counted(boxed, change, told):
    coco = boxed.coco()
    coco["annotations"][0] |= change
    path = boxed.write("a.json", coco)
    with pytest.raises(DlkitError) as refused:
        read(path)
    assert told in refused.value.message
    assert "--skip-bad" in refused.value.hint
    found, _, warned = read(path, skip_bad=True)
    assert found.splits["train"].boxes == 11
    assert any(text.startswith("train: 1 bad box") and told in text for text in warned)


def test_crowds_are_kept_apart(boxed):
    coco = boxed.coco()
    coco["annotations"][0]["iscrowd"] = 1
    found, notes, _ = read(boxed.write("a.json", coco))
    assert sum(int(each.crowd.sum()) for each in found.splits["train"].objects) == 1
    assert any("1 crowd, not learnt from" in note for note in notes)
    from dlkit.cnn.detect.feeding import targets_of

    assert sum(len(each["labels"]) for each in targets_of(found.splits["train"])) == 11


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c["images"][1].update(id=0), "two of the images have the id 0"),
        (lambda c: c["annotations"][0].update(image_id=5), "which is not among the images"),
        (lambda c: c["categories"][1].update(name="圆"), "two categories are called 圆"),
        (lambda c: c.pop("categories"), "it has no list of categories"),
        (
            lambda c: c["images"][0].update(width=40, height=60),
            "its boxes would be in other places",
        ),
        (lambda c: c["images"][0].update(file_name="no.png"), "there is no such file in"),
        (lambda c: c["images"][0].update(file_name="../x.png"), "leads out of the folder"),
    ],
)
def test_a_document_that_is_wrong_is_named(boxed, change, told):
    coco = boxed.coco()
    change(coco)
    with pytest.raises(DlkitError) as refused:
        read(boxed.write("a.json", coco))
    assert told in refused.value.message


def test_a_format_that_cannot_be_is_answered_with_the_one_that_can(boxed):
    rows = [
        {"file_name": f"images/{name}",
         "objects": {"bbox": [[(b[0] + b[2]) / 120, (b[1] + b[3]) / 80, (b[2] - b[0]) / 60,
                               (b[3] - b[1]) / 40] for b, _ in some],
                     "category": [0] * len(some)}}
        for name, some in boxed.boxes.items()
    ]  # fmt: skip
    path = boxed.write("shares.jsonl", rows)
    with pytest.raises(DlkitError) as refused:
        read(path)
    assert refused.value.hint.startswith("--boxes cxcywh")
    assert "no box has a number above 1" in refused.value.message
    assert read(path, boxes="cxcywh")[0].classes == ("0",)


def test_corners_taken_for_widths_are_answered_with_the_format(boxed):
    rows = [
        {"file_name": f"images/{name}",
         "objects": [{"bbox": [9, 9, -5, 3], "category": "x"} for _ in some]}
        for name, some in boxed.boxes.items()
    ]  # fmt: skip
    with pytest.raises(DlkitError, match="without area") as refused:
        read(boxed.write("neither.jsonl", rows))
    assert "--skip-bad" in refused.value.hint
    rows = [{"file_name": "images/图1.png",
             "objects": [{"bbox": [9, 9, 5, 3], "category": "x"}]}]  # fmt: skip
    with pytest.raises(DlkitError, match="reversed") as refused:
        read(boxed.write("wide.jsonl", rows), boxes="xyxy")
    assert refused.value.hint == "--boxes xywh: as that all boxes have an area"


def test_labels_are_matched_by_name_with_an_artifacts_classes(boxed):
    path = boxed.write("a.json", boxed.coco())
    found, _, _ = read(path, classes=("star", "half moon", "圆", "other"), judged=True)
    own = read(path)[0]
    for objects, wanted in zip(
        found.splits["test"].objects, own.splits["train"].objects, strict=True
    ):
        names = [found.classes[k] for k in objects.labels]
        assert names == [own.classes[k] for k in wanted.labels]
    with pytest.raises(DlkitError, match=r"the class .* is not known"):
        read(path, classes=("star",), judged=True)


def test_what_is_held_out_and_the_fingerprint_depend_on_content(boxed):
    path = boxed.write("a.json", boxed.coco())
    first = read(path, test_share=0.25)[0]
    coco = boxed.coco()
    coco["images"].reverse()
    second = read(boxed.write("b.json", coco), test_share=0.25)[0]
    assert set(first.splits["test"].paths) == set(second.splits["test"].paths)
    assert len(first.splits["test"]) == 2
    assert first.held_out
    coco["annotations"][0]["bbox"][0] += 1
    third = read(boxed.write("c.json", coco), test_share=0.25)[0]
    whole = [each.splits["train"].fingerprint(each.classes) for each in (second, third)]
    tests = [each.splits["test"].fingerprint(each.classes) for each in (second, third)]
    assert whole != [whole[0]] * 2 or tests != [tests[0]] * 2


def test_classification_data_are_refused_with_what_to_give(boxed, tmp_path):
    with pytest.raises(DlkitError, match="has no boxes") as told:
        read("builtin:shapes")
    assert told.value.hint == "builtin:shapes-detect has"
    folder = tmp_path / "classes" / "猫"
    folder.mkdir(parents=True)
    (folder / "1.png").write_bytes((boxed.images / "图0.png").read_bytes())
    with pytest.raises(DlkitError, match="images without boxes"):
        read(tmp_path / "classes")
    with pytest.raises(DlkitError, match="is no JSON"):
        read(boxed.write("bad.json", '{"images": [{"file_name": ]}'))
    with pytest.raises(DlkitError, match="no boxes found in the columns"):
        read(boxed.write("t.csv", "a,b\n1,2\n"))


def test_drawn_scenes_are_read_as_they_are():
    found, _, _ = read("builtin:shapes-detect", limit=8, size=(48, 64))
    assert {name: len(each) for name, each in found.splits.items()} == {"train": 8, "test": 2}
    assert found.splits["train"].images.shape == (8, 48, 64, 3)
    test = read("builtin:shapes-detect", limit=8, size=(48, 64), judged=True)[0].splits["test"]
    assert test.fingerprint(found.classes) == found.splits["test"].fingerprint(found.classes)
    assert json.dumps(found.document())
