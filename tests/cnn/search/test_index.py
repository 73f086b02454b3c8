"""An index holds each image once, is added to without computing anything again, and is believed."""

from __future__ import annotations

import errno
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from dlkit.artifacts.load import open_artifact
from dlkit.cnn.search.indexing import add
from dlkit.cnn.search.saved import open_index
from dlkit.data.samples import pixels_digest
from dlkit.errors import DAMAGED, DlkitError
from dlkit.records import Noted, Warned


def told(records):
    return [each.text for each in records if isinstance(each, (Noted, Warned))]


def test_class_folders_are_indexed_with_their_classes_and_splits(here, bar_folder):
    made = here.index(bar_folder)
    index = made.index
    assert (len(index), index.classes) == (160, ("flat", "竖"))
    assert np.allclose(np.linalg.norm(index.rows, axis=1), 1, atol=1e-6)
    names = [index.classes[label] for label in index.labels]
    assert all(f"/train/{name}/" in path for name, path in zip(names, index.paths, strict=True))
    assert made.saved.facts["embedded"] == 160
    image = np.asarray(Image.open(index.paths[5]))
    assert (index.picture(5)[..., 0] == image).all()
    assert index.digests[5] == pixels_digest(image)


def test_rows_are_what_the_network_sees(here, bar_folder):
    import torch

    from dlkit.cnn.saved import open_classifier

    model = open_classifier(here.home / "cnn" / "bars").model
    index = here.index(bar_folder).index
    image = np.asarray(Image.open(index.paths[3])).copy()
    with torch.inference_mode():
        both = [
            model.features(torch.from_numpy(each.copy())[None, None])
            for each in (image, image[:, ::-1])
        ]
    expected = both[0][0].numpy()
    assert np.allclose(index.rows[3], expected / np.linalg.norm(expected), atol=1e-5)
    mirrored = here.index(bar_folder, mirror=True).index
    expected = (both[0] + both[1])[0].numpy()
    assert np.allclose(mirrored.rows[3], expected / np.linalg.norm(expected), atol=1e-5)


def test_loose_photographs_are_indexed_without_classes(here, photos):
    made = here.index(photos)
    assert (len(made.index), made.index.classes) == (24, ())
    assert set(made.index.labels.tolist()) == {-1}
    assert made.index.paths[0] == str(photos / "00.png")
    assert made.index.settings()["data"] == [str(photos)]
    # One image beside class folders: its folders name no classes, and it is not left out.
    (photos / "more").mkdir()
    shutil.copy(photos / "00.png", photos / "more")
    assert len(here.index(photos).index) == 25
    # Of folders in folders the user decides.
    shutil.move(photos / "more", photos / "inner")
    for number in range(24):
        (photos / f"{number:02}.png").rename(photos / "inner" / f"x{number}.png")
    assert here.index(photos).index.classes == ("inner",)
    assert here.index(photos, labels=False).index.classes == ()


def test_adding_embeds_new_images_only_and_leaves_the_old_index(
    here, photos, tmp_path, monkeypatch
):
    first = here.index(photos, whiten=True)
    before = (first.saved.path / "MANIFEST").read_bytes()
    more = tmp_path / "more"
    more.mkdir()
    for number in range(3):
        pixels = np.full((40, 30, 3), 60 * number + 20, np.uint8)
        pixels[10:, number * 5 :] = 240
        Image.fromarray(pixels).save(more / f"n{number}.png")
    seen = []
    from dlkit.cnn.encoding import ImageFeatures

    encode = ImageFeatures.encode
    monkeypatch.setattr(
        ImageFeatures, "encode",
        lambda self, inputs, *, what: seen.append(len(inputs)) or encode(self, inputs, what=what),
    )  # fmt: skip
    records, saved = here.drive(add(first.index, here.config(photos, more)))
    assert seen == [3]
    assert (saved.facts["embedded"], saved.facts["images"]) == (3, 27)
    assert "24 images in search/photos already, not embedded again" in told(records)
    assert (first.saved.path / "MANIFEST").read_bytes() == before
    both = open_index(saved.path)
    assert saved.path.name == "photos-2"
    assert np.array_equal(both.rows[:24], first.index.rows)
    assert both.paths[24:] == [str(more / f"n{number}.png") for number in range(3)]
    assert np.array_equal(both.whitening.matrix, first.index.whitening.matrix)
    assert np.allclose(both.rows[24:], both.whitening.apply(both.plain[24:]))
    assert both.picture(26).shape == (12, 12, 1)
    # The old segment is the same file, and the new artifact is whole without the old one.
    shared = [path / "segment-1.safetensors" for path in (first.saved.path, saved.path)]
    assert shared[0].samefile(shared[1])
    shutil.rmtree(first.saved.path)
    assert len(open_index(saved.path)) == 27
    open_artifact(saved.path, verify=True)


def test_where_links_cannot_be_made_segments_are_copied(here, photos, tmp_path, monkeypatch):
    first = here.index(photos)
    shutil.copytree(photos, tmp_path / "others")

    def refuse(*_arguments, **_options):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", refuse)
    _, saved = here.drive(add(first.index, here.config(tmp_path / "others")))
    paths = [path / "segment-1.safetensors" for path in (first.saved.path, saved.path)]
    assert not paths[0].samefile(paths[1])
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert saved.facts["images"] == 48


def test_added_class_folders_bring_new_classes_behind_the_old(here, bar_folder, tmp_path):
    first = here.index(bar_folder)
    for name, number in (("竖", 0), ("bent", 1)):
        folder = tmp_path / "new" / name
        folder.mkdir(parents=True)
        Image.fromarray(np.full((12, 12), 100 + number, np.uint8)).save(folder / "a.png")
    _, saved = here.drive(add(first.index, here.config(tmp_path / "new")))
    both = open_index(saved.path)
    assert both.classes == ("flat", "竖", "bent")
    assert [both.classes[label] for label in both.labels[160:]] == ["bent", "竖"]


def test_a_file_that_changed_is_added_and_told(here, photos):
    first = here.index(photos)
    with pytest.raises(DlkitError, match="all 24 images are in search/photos already"):
        here.drive(add(first.index, here.config(photos)))
    Image.fromarray(np.full((9, 9, 3), 50, np.uint8)).save(photos / "07.png")
    records, saved = here.drive(add(first.index, here.config(photos)))
    assert saved.facts["embedded"] == 1
    assert any("1 file with other content" in each and "07.png" in each for each in told(records))


def test_an_index_whose_parts_do_not_agree_is_damaged(here, photos):
    from dlkit.artifacts.writing import dump_json

    path = here.index(photos).saved.path
    segment = path / "segment-1.safetensors"
    content = bytearray(segment.read_bytes())
    content[-1] ^= 1
    segment.write_bytes(bytes(content))
    with pytest.raises(DlkitError) as problem:
        open_index(path)
    assert problem.value.code == DAMAGED
    for change in ({"segments": []}, {"points": 23}, {"segments": [{}, {}]}, {"dim": 7}):
        made = here.index(photos).saved.path
        document = dict(open_artifact(made).document) | change
        _replace(made, "artifact.json", dump_json(document, name="artifact.json"))
        with pytest.raises(DlkitError) as problem:
            open_index(made)
        assert problem.value.code == DAMAGED


def _replace(path, name, content):
    """A file of an artifact exchanged, and its MANIFEST made to fit."""
    import hashlib

    from dlkit.artifacts import manifest

    entries = manifest.decode((path / "MANIFEST").read_bytes(), where="MANIFEST")
    (path / name).write_bytes(content)
    entry = manifest.Entry(name, len(content), hashlib.sha256(content).hexdigest())
    (path / "MANIFEST").write_bytes(manifest.encode((entries | {name: entry}).values()))


def test_the_network_must_be_the_one_that_the_index_was_made_with(here, photos):
    index = here.index(photos).index
    shutil.rmtree(here.home / "cnn" / "bars")
    with pytest.raises(DlkitError, match="needs the encoder cnn/bars"):
        index.embedder()
