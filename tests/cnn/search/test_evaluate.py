"""An index is judged by its own test split, by other data, or by its images without themselves."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from dlkit.cnn.search.evaluate import evaluate
from dlkit.cnn.search.indexing import add
from dlkit.cnn.search.inspect import inspect
from dlkit.cnn.search.saved import open_index
from dlkit.config.resolve import validate
from dlkit.errors import DlkitError
from dlkit.records import Noted


def judged(here, index, *, data=None, **options):
    from dlkit.cnn.search.config import SearchConfig

    config = validate(SearchConfig, index.settings()) if data is None else here.config(data)
    work = evaluate(index, index.embedder(), config, (1, 5), other_data=data is not None, **options)
    records, found = here.drive(work)
    return [each.text for each in records if isinstance(each, Noted)], found


def test_the_test_split_is_searched_for_beside_raw_pixels(here, bar_folder):
    index = here.index(bar_folder).index
    _, found = judged(here, index, pixels=True)
    queries = found.queries
    assert (len(queries.labels), found.points) == (40, 160)
    assert list(found.scores) == ["cnn/bars", "pixels"]
    products = queries.rows @ index.rows.T
    expected = [
        average_precision_score(index.labels == label, row)
        for label, row in zip(queries.labels, products, strict=True)
    ]
    assert found.scores["cnn/bars"].average_precision == pytest.approx(expected, abs=1e-3)
    flat = queries.images.reshape(40, -1).astype(float)
    points = index.pictures()[0].reshape(160, -1).astype(float)
    distances = ((flat[:, None] - points[None]) ** 2).sum(axis=2)
    nearest = index.labels[distances.argmin(axis=1)] == queries.labels
    assert found.scores["pixels"].recall(1) == pytest.approx(nearest.mean())
    # A network that was trained for the classes knows them better than pixels do.
    maps = {name: each.document()["map"] for name, each in found.scores.items()}
    assert maps["cnn/bars"] > maps["pixels"] + 0.1
    names = [row[0] for row in found.per_class("pixels", index.classes)]
    assert names == ["flat", "竖"]


def test_changed_test_data_are_refused(here, bar_folder, tmp_path):
    shutil.copytree(bar_folder, tmp_path / "bars")
    index = here.index(tmp_path / "bars").index
    some = next((tmp_path / "bars" / "test" / "flat").iterdir())
    shutil.copy(some, some.with_name("again.png"))
    with pytest.raises(DlkitError, match="the test data of search/bars have changed"):
        judged(here, index)


def test_without_a_test_split_no_image_finds_itself_or_a_copy(here, bar_folder, tmp_path):
    folder = tmp_path / "all"
    shutil.copytree(bar_folder / "train", folder)
    copied = sorted((folder / "flat").iterdir())[0]
    shutil.copy(copied, copied.with_name("z.png"))
    index = here.index(folder).index
    notes, found = judged(here, index)
    assert any("leave-one-out" in note for note in notes)
    assert any("2 queries with copies of equal content" in note for note in notes)
    products = (index.rows @ index.rows.T).astype(float)
    expected = []
    for place, label in enumerate(index.labels):
        others = index.digests != index.digests[place]
        right = index.labels[others] == label
        expected.append(average_precision_score(right, products[place][others]))
    assert found.scores["cnn/bars"].average_precision == pytest.approx(expected, abs=1e-3)


def test_other_data_are_matched_by_the_names_of_their_classes(here, bar_folder, tmp_path):
    index = here.index(bar_folder).index
    only = tmp_path / "only" / "竖"
    shutil.copytree(bar_folder / "test" / "竖", only)
    shutil.copy(next((bar_folder / "train" / "竖").iterdir()), only / "known.png")
    notes, found = judged(here, index, data=only.parent)
    assert set(found.queries.labels.tolist()) == {1}
    assert any("1 query equal to an image of the index" in note for note in notes)
    only.rename(only.with_name("bent"))
    with pytest.raises(DlkitError, match="bent"):
        judged(here, index, data=only.parent)


def test_where_no_class_has_two_images_there_is_nothing_to_find(here, bar_folder, tmp_path):
    for name in ("flat", "竖"):
        (tmp_path / "one" / name).mkdir(parents=True)
        some = next((bar_folder / "train" / name).iterdir())
        for copied in ("a.png", "b.png"):  # of equal content: they do not find one another
            shutil.copy(some, tmp_path / "one" / name / copied)
    index = here.index(tmp_path / "one").index
    with pytest.raises(DlkitError, match="there is nothing to find"):
        judged(here, index)


def test_images_without_a_class_count_nowhere(here, bar_folder, photos):
    first = here.index(bar_folder).index
    here.drive(add(first, here.config(photos)))
    both = open_index(here.home / "search" / "bars-2")
    notes, found = judged(here, both)
    assert any("24 images of the index without a class left out" in note for note in notes)
    _, before = judged(here, first)
    assert np.array_equal(
        found.scores["cnn/bars"].average_precision, before.scores["cnn/bars"].average_precision
    )
    with pytest.raises(DlkitError, match="has no classes"):
        judged(here, here.index(photos).index)


def test_the_space_is_described_by_its_spectrum_and_its_hubs(here, bar_folder):
    index = here.index(bar_folder).index
    _, found = here.drive(inspect(index, threads=1))
    plain, white = found.spaces
    variances = np.linalg.eigvalsh(np.cov(index.rows.T.astype(float), bias=True))[::-1]
    assert plain.variances == pytest.approx(np.maximum(variances, 0), abs=1e-9)
    shares = np.maximum(variances, 1e-300) / variances.sum()
    assert plain.effective_rank == pytest.approx(np.exp(-(shares * np.log(shares)).sum()), rel=1e-6)
    assert plain.participation == pytest.approx(variances.sum() ** 2 / (variances**2).sum())
    assert plain.components(0.9) == np.searchsorted(shares.cumsum(), 0.9) + 1
    products = index.rows @ index.rows.T
    np.fill_diagonal(products, -2)
    near = np.argsort(-products, axis=1, kind="stable")[:, :10]
    times = np.bincount(near.ravel(), minlength=160)
    assert np.abs(plain.times - times).sum() <= 4  # equal similarities, but for roundings
    spread = (times - times.mean()) / times.std()
    assert plain.hubness == pytest.approx((spread**3).mean(), abs=0.1)
    assert plain.cosines[0] > plain.cosines[1]
    assert white.effective_rank > plain.effective_rank
    assert found.hubs[0].times == plain.times.max()


def test_a_space_of_one_point_has_no_extent(here, tmp_path):
    from PIL import Image

    for number in range(4):
        Image.fromarray(np.full((12, 12), 90, np.uint8)).save(tmp_path / f"{number}.png")
    _, found = here.drive(inspect(here.index(tmp_path).index, threads=1))
    told = found.spaces[0].document()
    assert told["participation"] < 1.5
    assert np.isfinite([value for value in told.values() if value is not None]).all()
