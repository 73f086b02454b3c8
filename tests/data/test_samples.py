"""Class folders, tables and hub layouts become the same samples, or say why they do not."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow
import pytest
from PIL import Image
from pyarrow import parquet

from dlkit.data import arrays
from dlkit.data.config import SampleConfig
from dlkit.data.forms import Column, ImageForm, TableForm, TextForm, read_form
from dlkit.data.loading import load, load_test
from dlkit.data.samples import digests_of, split_of
from dlkit.errors import DAMAGED, DlkitError
from dlkit.records import Noted, Warned

CLASSES = ("猫", "狗")


def run(work):
    records = []
    while True:
        try:
            records.append(next(work))
        except StopIteration as end:
            said = "\n".join(r.text for r in records if isinstance(r, (Noted, Warned)))
            return SimpleNamespace(samples=end.value, said=said)


def loaded(*data, seed=0, **config):
    return run(load([str(each) for each in data], SampleConfig(**config), seed=seed))


def refused(*data, **config) -> DlkitError:
    with pytest.raises(DlkitError) as caught:
        loaded(*data, **config)
    return caught.value


def picture(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape or (4, 4, 3), np.uint8)


def png(seed: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture(seed)).save(file, "PNG")
    return file.getvalue()


def class_folders(root: Path, splits=("train", "test"), count=4) -> Path:
    seed = 0
    for split in splits:
        for name in CLASSES:
            folder = root / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                (folder / f"图 {number}.png").write_bytes(png(seed))
                seed += 1
    return root


def hub_table(path: Path, column: str, seeds, labels, names=CLASSES) -> None:
    """A Parquet file as the library datasets writes it."""
    images = [{"bytes": png(seed), "path": f"{seed}.png"} for seed in seeds]
    features = {
        column: {"_type": "Image"},
        "label": {"_type": "ClassLabel", "names": list(names)},
    }
    table = pyarrow.table({column: images, "label": pyarrow.array(labels, pyarrow.int64())})
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table.replace_schema_metadata(metadata), path, row_group_size=3)


def test_folders_of_classes_in_splits(tmp_path):
    got = loaded(class_folders(tmp_path / "宠物"))
    samples = got.samples
    assert (samples.kind, samples.name, samples.classes) == ("images", "宠物", ("狗", "猫"))
    assert samples.form == ImageForm(4, 4, 3)
    assert samples.shape == (4, 4, 3)
    assert samples.origin == (str(tmp_path / "宠物"),)
    assert {name: len(split) for name, split in samples.splits.items()} == {"train": 8, "test": 8}
    for split in samples.splits.values():
        for image, label, path in zip(split.images, split.labels, split.paths, strict=True):
            assert samples.classes[label] == Path(path).parent.name
            assert np.array_equal(image, np.asarray(Image.open(path)))


def test_folders_of_classes_without_splits_have_a_test_split_held_out(tmp_path):
    class_folders(tmp_path / "x", splits=("",), count=10)
    got = loaded(tmp_path / "x")
    assert got.samples.held_out
    assert np.bincount(got.samples.test.labels).tolist() == [2, 2]
    assert "4 samples of 20 held out by content" in got.said
    assert "20 files in 2 class folders" in got.said


def test_a_later_word_for_a_split_is_understood(tmp_path):
    class_folders(tmp_path, splits=("training", "Val"))
    got = loaded(tmp_path)
    assert len(got.samples.test) == 8
    assert "no split test; validation is what is judged on" in got.said


def test_three_splits_and_one_that_is_not_read(tmp_path):
    class_folders(tmp_path, splits=("train", "val", "test", "extra"))
    got = loaded(tmp_path)
    assert list(got.samples.splits) == ["train", "test", "validation"]
    assert "8 other files not read: extra/" in got.said


def test_splits_can_be_named(tmp_path):
    class_folders(tmp_path, splits=("fold1", "fold2"))
    got = loaded(tmp_path, train_split="fold2", test_split="fold1")
    assert all("fold2" in path for path in got.samples.train.paths)
    assert all("fold1" in path for path in got.samples.test.paths)
    assert "no such split" in refused(tmp_path, train_split="fold3").message


def test_one_folder_cannot_be_both_splits(tmp_path):
    class_folders(tmp_path)
    assert "is the training split" in (
        refused(tmp_path, train_split="test", test_split="test").message
    )


def test_what_is_not_read_is_counted(tmp_path):
    class_folders(tmp_path)
    (tmp_path / "train" / "猫" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "train" / "猫" / "notes.md").write_text("x", encoding="utf-8")
    (tmp_path / "train" / "鸟").mkdir()
    (tmp_path / "README.md").write_text("x", encoding="utf-8")
    got = loaded(tmp_path)
    assert "1 hidden file not read" in got.said
    assert "2 other files not read" in got.said
    assert "1 class folder empty: 鸟" in got.said


def test_composed_and_decomposed_names_are_one_class(tmp_path):
    for split, name in (("train", "caf\u00e9"), ("test", "cafe\u0301")):
        for other in (name, "x"):
            folder = tmp_path / split / other
            folder.mkdir(parents=True)
            (folder / "a.png").write_bytes(png(len(str(folder)) + len(other)))
    assert loaded(tmp_path).samples.classes == ("caf\u00e9", "x")


def test_images_without_class_folders_are_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(png(0))
    assert "images and no class folders" in refused(tmp_path).message
    (tmp_path / "a.png").unlink()
    assert "has no images" in refused(tmp_path).message


def test_images_beside_tables_are_refused(tmp_path):
    class_folders(tmp_path)
    (tmp_path / "train.csv").write_text("a,label\n1,x\n", encoding="utf-8")
    assert "both images" in refused(tmp_path).message


def test_a_bad_file_stops_the_run_and_can_be_skipped(tmp_path):
    class_folders(tmp_path)
    (tmp_path / "train" / "猫" / "坏.png").write_bytes(b"GIF89a")
    error = refused(tmp_path)
    assert "坏.png: " in error.message
    got = loaded(tmp_path, skip_bad=True)
    assert len(got.samples.train) == 8
    assert "1 bad image" in got.said


def test_a_hub_layout_is_read_like_the_folders(tmp_path):
    hub_table(tmp_path / "data" / "train-00000-of-00002.parquet", "img", range(5), [0, 1, 0, 1, 0])
    hub_table(tmp_path / "data" / "train-00001-of-00002.parquet", "img", range(5, 8), [1, 1, 0])
    hub_table(tmp_path / "data" / "test-00000-of-00001.parquet", "img", range(8, 10), [1, 0])
    got = loaded(tmp_path)
    samples = got.samples
    assert samples.classes == CLASSES
    assert samples.train.labels.tolist() == [0, 1, 0, 1, 0, 1, 1, 0]
    assert all(np.array_equal(samples.train.images[i], picture(i)) for i in range(8))
    assert samples.train.paths[4:6] == [
        f"{tmp_path}/data/train-00000-of-00002.parquet:5",
        f"{tmp_path}/data/train-00001-of-00002.parquet:1",
    ]
    assert "the images are in the column img" in got.said


def test_classes_are_matched_by_name_where_splits_order_them_differently(tmp_path):
    hub_table(tmp_path / "train.parquet", "image", range(4), [0, 1, 0, 1], ("a", "b"))
    hub_table(tmp_path / "test.parquet", "image", range(4, 7), [0, 0, 1], ("b", "a"))
    samples = loaded(tmp_path).samples
    assert [samples.classes[label] for label in samples.test.labels] == ["b", "b", "a"]


def test_classes_that_only_one_split_has_are_told(tmp_path):
    hub_table(tmp_path / "train.parquet", "image", range(4), [0, 0, 1, 1], ("a", "b", "z"))
    hub_table(tmp_path / "test.parquet", "image", range(4, 6), [0, 1], ("a", "c"))
    got = loaded(tmp_path)
    assert got.samples.classes == ("a", "b", "z", "c")
    assert "1 class (c) in the split test and not in training" in got.said
    assert "1 class (b) in training and not in the split test" in got.said
    assert "1 class (z) declared, without a sample" in got.said


def test_one_class_is_told(tmp_path):
    hub_table(tmp_path / "train.parquet", "image", range(4), [0, 0, 0, 0])
    assert "all training samples are of one class, 猫" in loaded(tmp_path).said


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([0, 1, 2, 0], "2 is not one of the 2 declared classes"),
        ([0, -7, 1, 0], "-7 is not one of"),
        ([0, 1, None, 0], "1 sample of 4 without a label"),
        ([-1, -1, -1, -1], "has no labels"),
    ],
)
def test_labels_that_are_none_are_refused_with_their_place(tmp_path, labels, said):
    hub_table(tmp_path / "train.parquet", "image", range(4), labels)
    error = refused(tmp_path)
    assert said in error.message
    if "declared" in said:
        row = 1 + labels.index(int(said.split()[0]))
        assert error.message.startswith(f"{tmp_path / 'train.parquet'}:{row}: ")


def test_samples_without_a_label_can_be_skipped(tmp_path):
    hub_table(tmp_path / "train.parquet", "image", range(6), [0, 1, -1, 0, 1, 1])
    got = loaded(tmp_path, skip_bad=True)
    assert len(got.samples.train) + len(got.samples.test) == 5
    assert "1 sample of 6 without a label left out" in got.said


def test_arrow_files_of_the_library_are_read(tmp_path):
    import datasets

    data = datasets.Dataset.from_dict(
        {"image": [{"bytes": png(i), "path": None} for i in range(6)], "label": [0, 1] * 3},
        features=datasets.Features(
            {"image": datasets.Image(), "label": datasets.ClassLabel(names=list(CLASSES))}
        ),
    )
    datasets.disable_progress_bars()
    datasets.DatasetDict({"train": data, "test": data.select(range(2))}).save_to_disk(tmp_path)
    got = loaded(tmp_path)
    assert got.samples.classes == CLASSES
    assert len(got.samples.test) == 2
    assert "all 2 test samples are in training, too" in got.said


def test_a_hub_data_set_is_read_split_by_split(monkeypatch):
    import datasets

    from dlkit.data import hub

    data = datasets.Dataset.from_dict(
        {"image": [{"bytes": png(i), "path": None} for i in range(6)], "label": [0, 1] * 3},
        features=datasets.Features(
            {"image": datasets.Image(), "label": datasets.ClassLabel(names=list(CLASSES))}
        ),
    )
    found = datasets.DatasetDict({"train": data, "test": data.select([5, 4])})
    monkeypatch.setattr(hub, "check", lambda *_, **__: None)
    monkeypatch.setattr(hub, "splits", lambda *_: found)
    samples = loaded("someone/pets").samples
    assert samples.origin == ("hub:someone/pets",)
    assert samples.train.labels.tolist() == [0, 1] * 3
    assert np.array_equal(samples.test.images[0], picture(5))


def test_a_list_of_files_names_images_beside_it(tmp_path):
    (tmp_path / "p").mkdir()
    for seed in range(6):
        (tmp_path / "p" / f"{seed}.png").write_bytes(png(seed))
    rows = "".join(f"p/{seed}.png,{CLASSES[seed % 2]}\n" for seed in range(6))
    (tmp_path / "metadata.csv").write_text(f"file_name,label\n{rows}", encoding="utf-8")
    for data in (tmp_path, tmp_path / "metadata.csv"):
        samples = loaded(data).samples
        assert samples.kind == "images"
        assert len(samples.train) + len(samples.test) == 6
        for image, place in zip(samples.train.images, samples.train.paths, strict=True):
            assert np.array_equal(image, picture(int(place.partition(":")[2]) - 2))


def test_a_list_of_files_does_not_climb_out_of_its_folder(tmp_path):
    (tmp_path / "secret.png").write_bytes(png(0))
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "a.png").write_bytes(png(1))
    (folder / "list.csv").write_text(
        "file_name,label\na.png,x\n../secret.png,y\n", encoding="utf-8"
    )
    said = refused(folder / "list.csv").message
    assert (
        said
        == f"{folder}/list.csv:3: ../secret.png leads out of the table's folder and is not followed"
    )


def test_texts_with_labels_from_tables_and_folders(tmp_path):
    rows = [("很好吃", "1"), ("不好吃", "0"), ("服务 很好", "1"), ("太慢了", "0")] * 1
    table = "label,review\n" + "".join(f"{label},{text}\n" for text, label in rows)
    with gzip.open(tmp_path / "r.csv.gz", "wb") as file:
        file.write(table.encode())
    got = loaded(tmp_path / "r.csv.gz")
    assert got.samples.kind == "texts"
    assert got.samples.form == TextForm()
    assert got.samples.classes == ("0", "1")
    assert sorted(got.samples.train.texts + got.samples.test.texts) == sorted(t for t, _ in rows)
    for split in ("train", "test"):
        for name, folder in (("好", "pos"), ("坏", "neg")):
            (tmp_path / "f" / split / folder).mkdir(parents=True)
            (tmp_path / "f" / split / folder / "1.txt").write_text(
                f"{split} {name}\n", encoding="utf-8"
            )
    samples = loaded(tmp_path / "f").samples
    assert samples.kind == "texts"
    assert samples.classes == ("neg", "pos")
    assert samples.test.texts == ["test 坏", "test 好"]


def test_empty_texts_stop_the_run_and_can_be_skipped(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("text,label\ngood one,a\n ,a\nbad one,b\nworse one,b\n", encoding="utf-8")
    assert f"1 sample without text, the first at {path}:3" in refused(path).message
    assert "1 sample without text left out" in loaded(path, skip_bad=True).said


def test_several_files_are_the_splits_of_one_set(tmp_path):
    for name, rows in (("train", "1,a\n2,b\n3,a\n"), ("test", "4,b\n")):
        (tmp_path / f"{name}.csv").write_text(f"x,label\n{rows}", encoding="utf-8")
    samples = loaded(tmp_path / "train.csv", tmp_path / "test.csv").samples
    assert samples.train.rows.ravel().tolist() == [1, 2, 3]
    assert samples.test.rows.ravel().tolist() == [4]
    assert not samples.held_out


def test_limit_keeps_classes_in_proportion_and_is_drawn_by_the_seed(tmp_path):
    labels = [0] * 30 + [1] * 10
    hub_table(tmp_path / "train.parquet", "image", range(40), labels)
    hub_table(tmp_path / "test.parquet", "image", range(40, 44), [0, 0, 1, 1])
    got = loaded(tmp_path, limit=8)
    one = got.samples
    assert "the split train: 8 of 40 samples taken (--limit)" in got.said
    assert "the split test: " not in got.said
    assert np.bincount(one.train.labels).tolist() == [6, 2]
    assert len(one.test) == 4
    for image, place in zip(one.train.images, one.train.paths, strict=True):
        assert np.array_equal(image, picture(int(place.rpartition(":")[2]) - 1))
    assert loaded(tmp_path, limit=8).samples.train.paths == one.train.paths
    assert loaded(tmp_path, limit=8, seed=1).samples.train.paths != one.train.paths


def test_fingerprints_tell_content_labels_and_form_apart(tmp_path):
    hub_table(tmp_path / "a" / "train.parquet", "image", range(6), [0, 1] * 3)
    hub_table(tmp_path / "b" / "train.parquet", "img", range(6), [0, 1] * 3)
    hub_table(tmp_path / "c" / "train.parquet", "image", range(6), [1, 0] * 3)
    hub_table(tmp_path / "d" / "train.parquet", "image", range(1, 7), [0, 1] * 3)
    found = {name: loaded(tmp_path / name).samples.fingerprint("train") for name in "abcd"}
    assert found["a"] == found["b"]
    assert len({found["a"], found["c"], found["d"]}) == 3
    assert loaded(tmp_path / "a", colour="grey").samples.fingerprint("train") != found["a"]


def test_what_an_artifact_keeps_is_json_and_gives_the_form_back(tmp_path):
    (tmp_path / "t.csv").write_text(
        "x,c,label\n1,red,a\n2,blue,b\n3,red,a\n4,red,b\n", encoding="utf-8"
    )
    hub_table(tmp_path / "train.parquet", "image", range(6), [0, 1] * 3)
    for data in (tmp_path / "t.csv", tmp_path / "train.parquet", "builtin:spirals"):
        samples = loaded(data).samples
        document = json.loads(json.dumps(samples.document()))
        assert read_form(document["form"], where="here") == samples.form
        assert document["samples"]["train"] == len(samples.train)


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        {"kind": "sound"},
        {"kind": "images", "height": 0, "width": 3, "channels": 1, "fit": "crop"},
        {"kind": "images", "height": 3, "width": 3, "channels": 2, "fit": "crop"},
        {"kind": "images", "height": True, "width": 3, "channels": 1, "fit": "crop"},
        {"kind": "images", "height": 3, "width": 3, "channels": 1, "fit": "melt"},
        {"kind": "table", "columns": [{"name": "x", "fill": "NaN", "levels": None}]},
        {"kind": "table", "columns": [{"name": "x", "fill": 0, "levels": [1]}]},
        {"kind": "table", "columns": [{"name": 3, "fill": 0, "levels": None}]},
    ],
)
def test_a_damaged_form_is_refused(document):
    with pytest.raises(DlkitError) as caught:
        read_form(document, where="artifact.json")
    assert caught.value.code == DAMAGED


def test_a_finished_artifact_is_judged_on_other_data_in_its_own_form(tmp_path):
    class_folders(tmp_path / "train")
    trained = loaded(tmp_path / "train", size="2", colour="grey").samples
    hub_table(tmp_path / "other.parquet", "image", range(50, 54), [1, 1, 0, 1])
    work = load_test(
        [str(tmp_path / "other.parquet")],
        SampleConfig(),
        form=trained.form,
        classes=trained.classes,
    )
    got = run(work)
    assert list(got.samples.splits) == ["test"]
    assert got.samples.test.images.shape == (4, 2, 2, 1)
    names = [trained.classes[label] for label in got.samples.test.labels]
    assert names == ["狗", "狗", "猫", "狗"]
    assert "has no split test: all of train is judged on" in got.said


def test_an_unknown_class_and_another_kind_are_refused_at_evaluation(tmp_path):
    hub_table(tmp_path / "o.parquet", "image", range(2), [0, 1], ("猫", "鸟"))
    table = tmp_path / "t.csv"
    table.write_text("x,label\n1,猫\n2,狗\n", encoding="utf-8")
    form = ImageForm(4, 4, 3)
    for path, said in ((tmp_path / "o.parquet", "1 class (鸟)"), (table, "does not know|kind")):
        with pytest.raises(DlkitError) as caught:
            run(load_test([str(path)], SampleConfig(), form=form, classes=CLASSES))
        assert any(each in caught.value.message for each in said.split("|"))
    with pytest.raises(DlkitError, match="has no column x"):
        run(
            load_test(
                [str(tmp_path / "o.parquet")],
                SampleConfig(),
                form=TableForm((Column("x"),)),
                classes=("猫", "鸟"),
            )
        )


def test_digests_are_equal_exactly_for_equal_content():
    images = np.concatenate([picture(1, 3, 4, 4, 1), picture(1, 3, 4, 4, 1)])
    found = digests_of(images)
    assert found[:3].tolist() == found[3:].tolist()
    assert len(set(found.tolist())) == 3
    texts = digests_of(["a", "b", "a", ""])
    assert texts[0] == texts[2]
    assert len(set(texts.tolist())) == 3


def test_taking_keeps_everything_of_a_sample_together():
    split = split_of(["a", "b", "c"], np.array([2, 1, 0]), ["x", "y", "z"], {"f": np.arange(3)})
    some = split.take(np.array([2, 0]))
    assert some.texts == ["c", "a"]
    assert some.labels.tolist() == [0, 2]
    assert some.paths == ["z", "x"]
    assert some.attributes["f"].tolist() == [2, 0]
    assert some.digests.tolist() == digests_of(["c", "a"]).tolist()


def test_taking_from_a_large_set_maps_what_it_takes(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(arrays, "memory_for_arrays", lambda: 100)
    images = picture(3, 30, 4, 4, 1)
    split = split_of(images, np.zeros(30, np.int64), [""] * 30)
    places = np.arange(29, 0, -2)
    some = split.take(places)
    assert isinstance(some.inputs, np.memmap)
    assert np.array_equal(some.images, images[places])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("builtin:nothing", "there is no builtin:nothing"),
        ("missing.csv", "no such file or folder"),
        ("-", "standard input"),
        ("", "no such file"),
    ],
)
def test_what_names_no_data_is_refused(data, said):
    assert said in refused(data).message


def test_a_file_that_is_no_table_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(png(0))
    assert "is an image" in refused(tmp_path / "a.png").message
    (tmp_path / "a.txt").write_text("x", encoding="utf-8")
    assert "is no table" in refused(tmp_path / "a.txt").message


def test_a_damaged_parquet_file_is_named(tmp_path):
    hub_table(tmp_path / "train.parquet", "image", range(4), [0, 1, 0, 1])
    content = (tmp_path / "train.parquet").read_bytes()
    for cut in (0, 3, 50, len(content) // 2, len(content) - 1):
        (tmp_path / "train.parquet").write_bytes(content[:cut])
        assert "train.parquet is not readable parquet" in refused(tmp_path).message
