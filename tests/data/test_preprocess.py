"""Steps of preprocessing against scikit-learn, scikit-image, Pillow and NumPy."""

from __future__ import annotations

import json
import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.artifacts.tensors import read_tensors, write_tensors
from dlkit.data import arrays as memory
from dlkit.data import hog, preprocess, steps
from dlkit.data.preprocess import STEPS, Pipeline, fit, parse, read_pipeline
from dlkit.errors import DAMAGED, USAGE, DlkitError
from dlkit.machine import cores


def run(work):
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def fitted(text: str, inputs: np.ndarray) -> tuple[Pipeline, np.ndarray]:
    return run(fit(parse(text), inputs))


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    generator = np.random.default_rng(3)
    mixed = generator.normal(size=(80, 6)) @ generator.normal(size=(6, 6)) + [0, 5, -3, 100, 0, 1]
    return np.column_stack([mixed, np.full(80, 0.1)]).astype(np.float32)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (20, 16, 12, 3), np.uint8)


def test_standardise_is_scikit_learns(rows):
    from sklearn.preprocessing import StandardScaler

    pipeline, train = fitted("standardise", rows)
    oracle = StandardScaler().fit(rows.astype(np.float64))
    other = rows[::-1] * 2
    assert np.allclose(train, oracle.transform(rows), atol=1e-5)
    assert np.allclose(pipeline.apply(other)[:, :6], oracle.transform(other)[:, :6], atol=1e-4)


def test_a_constant_becomes_zero_whatever_its_rounding():
    constant = np.full((1000, 3), [0.1, 1e8, -7.3], np.float32)
    for text in ("standardise", "scale", "centre"):
        pipeline, train = fitted(text, constant)
        assert np.abs(train).max() < 1e-6, text
        later = pipeline.apply(constant * 2)
        assert np.isfinite(later).all()
        # Training had nothing to tell how much a difference in such a column means.
        assert text == "centre" or not later.any()


def test_scale_divides_pixels_and_spans_a_tables_training_range(rows, images):
    from sklearn.preprocessing import MinMaxScaler

    assert np.array_equal(fitted("scale", images)[1], (images / 255).astype(np.float32))
    varied = rows[:, :6]
    assert np.allclose(fitted("scale", varied)[1], MinMaxScaler().fit_transform(varied), atol=1e-6)


def test_centre_subtracts_the_training_mean(images):
    _, train = fitted("centre", images)
    assert train.shape == images.shape
    assert np.allclose(train, images - images.mean(axis=0, dtype=np.float64), atol=1e-4)


def test_pca_is_scikit_learns_up_to_the_axes_signs(rows):
    from sklearn.decomposition import PCA

    pipeline, train = fitted("pca:3", rows)
    oracle = PCA(3, svd_solver="full").fit(rows.astype(np.float64))
    for got, wanted in ((train, oracle.transform(rows)), (pipeline.apply(rows[:5]), None)):
        wanted = oracle.transform(rows[:5]) if wanted is None else wanted
        signs = np.sign((got * wanted).sum(axis=0))
        assert np.allclose(got, wanted * signs, atol=1e-3)
    assert pipeline.steps[0].share == pytest.approx(oracle.explained_variance_ratio_.sum())
    axes = pipeline.steps[0].matrix.T
    assert (np.take_along_axis(axes, np.abs(axes).argmax(1)[:, None], 1) > 0).all()


def test_few_axes_of_many_numbers_are_the_same_as_all_of_them():
    generator = np.random.default_rng(4)
    rows = (generator.normal(size=(300, 40)) * np.arange(1, 41)) @ generator.normal(size=(40, 600))
    rows = (rows + generator.normal(size=rows.shape)).astype(np.float32)
    few, _ = fitted("pca:9", rows)
    all_of_them, _ = fitted("pca:200", rows)
    assert np.allclose(few.steps[0].matrix, all_of_them.steps[0].matrix[:, :9], atol=1e-5)
    centred = rows - rows.mean(0, dtype=np.float64)
    spread = np.linalg.svd(centred, compute_uv=False) ** 2
    assert few.steps[0].share == pytest.approx(spread[:9].sum() / spread.sum())
    again, _ = fitted("pca:9", rows)
    assert np.array_equal(few.steps[0].matrix, again.steps[0].matrix)


def test_inputs_without_any_variance_have_axes_too():
    pipeline, train = fitted("pca:2", np.full((10, 700), 3, np.float32))
    assert not train.any()
    assert np.isfinite(pipeline.apply(np.zeros((1, 700), np.float32))).all()


def test_a_share_of_the_variance_keeps_as_few_components_as_scikit_learn(rows):
    from sklearn.decomposition import PCA

    for share in (0.5, 0.9, 0.999):
        _, train = fitted(f"pca:{share}", rows)
        assert train.shape[1] == PCA(share, svd_solver="full").fit(rows).n_components_


def test_zca_whitens_and_stays_near_the_inputs():
    generator = np.random.default_rng(0)
    rows = (generator.normal(size=(400, 5)) @ generator.normal(size=(5, 5))).astype(np.float32)
    _, train = fitted("zca:0", rows)
    assert np.allclose(np.cov(train.T), np.eye(5), atol=1e-3)
    # Of all whitening matrices the symmetric one: the square root of the inverse covariance.
    values, vectors = np.linalg.eigh(np.cov(rows.T.astype(np.float64)))
    root = vectors @ np.diag(values**-0.5) @ vectors.T
    assert np.allclose(train, (rows - rows.mean(0)) @ root, atol=1e-3)
    values += 0.5
    damped = vectors @ np.diag(values**-0.5) @ vectors.T
    assert np.allclose(fitted("zca:0.5", rows)[1], (rows - rows.mean(0)) @ damped, atol=1e-3)


def test_zca_without_epsilon_refuses_axes_without_variance(rows):
    with pytest.raises(DlkitError, match="no variance"):
        fitted("zca:0", rows)


def test_grey_is_pillows_to_the_bit(images):
    from PIL import Image

    wanted = np.stack([np.asarray(Image.fromarray(image).convert("L")) for image in images])
    _, got = fitted("grey", images)
    assert got.dtype == np.uint8
    assert np.array_equal(got[..., 0], wanted)
    assert np.array_equal(fitted("grey,grey", images)[1], got)


def test_grey_of_floats_has_the_weights_of_bt_601(images):
    _, got = fitted("scale,grey", images)
    assert np.allclose(got[..., 0], images @ [0.299, 0.587, 0.114] / 255, atol=1e-5)


def test_resize_is_pillows_and_crop_takes_the_middle(images):
    from PIL import Image

    _, got = fitted("resize:6x8", images)
    wanted = [
        np.asarray(Image.fromarray(image).resize((6, 8), Image.Resampling.BILINEAR))
        for image in images
    ]
    assert got.dtype == np.uint8
    assert np.array_equal(got, wanted)
    _, cropped = fitted("crop:4x10", images)
    assert np.array_equal(cropped, images[:, 3:13, 4:8])


def test_contrast_gives_every_image_mean_zero_and_deviation_one(images):
    _, got = fitted("contrast", images)
    flat = got.reshape(len(got), -1)
    assert np.allclose(flat.mean(axis=1), 0, atol=1e-5)
    assert np.allclose(flat.std(axis=1), 1, atol=1e-2)
    black = fitted("contrast", np.zeros((2, 3, 3, 1), np.uint8))[1]
    assert not black.any()


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 3).filter(lambda channels: channels != 2),
    st.integers(8, 40),
    st.integers(8, 40),
    st.sampled_from([(9, 8), (8, 4), (6, 5), (9, 2), (12, 3)]),
    st.integers(0, 2**32 - 1),
)
def test_hog_is_scikit_images(channels, height, width, shape, seed):
    from skimage.feature import hog

    orientations, cell = shape
    images = np.random.default_rng(seed).integers(0, 256, (3, height, width, channels), np.uint8)
    pipeline, got = fitted(f"hog:{orientations}:{cell}", images)
    block = pipeline.steps[0].block
    wanted = [
        hog(
            image if channels == 3 else image[..., 0],
            orientations=orientations,
            pixels_per_cell=(cell, cell),
            cells_per_block=(block, block),
            block_norm="L2-Hys",
            channel_axis=-1 if channels == 3 else None,
        )
        for image in images
    ]
    assert np.allclose(got, wanted, atol=1e-5)


def test_hog_of_many_images_is_that_of_each(images):
    many = np.concatenate([images] * 30)
    pipeline, got = fitted("hog", many)
    assert np.array_equal(got, np.concatenate([pipeline.apply(images)] * 30))


def test_fitting_never_sees_what_is_applied_later(rows, images):
    for text, train in (("scale,standardise,pca:2", rows), ("grey,centre,zca", images)):
        pipeline, _ = fitted(text, train)
        before = {name: value.copy() for name, value in pipeline.tensors().items()}
        pipeline.apply(train[:3] * 3)
        after = pipeline.tensors()
        assert all(np.array_equal(before[name], after[name]) for name in before)
        again, outputs = fitted(text, train)
        assert np.allclose(outputs, again.apply(train), atol=1e-5)


def test_pixels_stay_integers_until_a_step_needs_more(images):
    assert fitted("resize:8,grey,crop:4", images)[1].dtype == np.uint8
    assert fitted("resize:8,grey,scale", images)[1].dtype == np.float32
    assert fitted("", images)[1] is images


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gray", "unknown step 'gray'"),
        ("grey,,scale", "unknown step ''"),
        ("pca", "write it pca:components"),
        ("pca:0", "number of components"),
        ("pca:1.5", "number of components"),
        ("pca:nan", "number of components"),
        ("zca:-1", "0 or more"),
        ("resize:0", "WIDTHxHEIGHT"),
        ("resize:3x", None),
        ("crop:99999", "WIDTHxHEIGHT"),
        ("scale:2", "write it scale"),
        ("hog:0", "whole number"),
    ],
)
def test_what_is_no_step_is_refused(text, said):
    if said is None:
        assert parse(text)[0].arguments == (3, 3)
        return
    with pytest.raises(DlkitError, match=said) as caught:
        parse(text)
    assert caught.value.code == USAGE


def test_steps_that_do_not_suit_the_inputs_are_refused(rows, images):
    for text, inputs in (
        ("hog", rows),
        ("grey", rows),
        ("crop:20", images),
        ("pca:81", rows),
        ("hog,grey", images),
        ("hog:9:30", images),
    ):
        with pytest.raises(DlkitError) as caught:
            fitted(text, inputs)
        assert caught.value.code == USAGE


def test_inputs_of_another_shape_are_refused(images):
    pipeline, _ = fitted("grey", images)
    with pytest.raises(DlkitError, match="fitted on"):
        pipeline.apply(images[:, :5])
    with pytest.raises(DlkitError, match="fitted on"):
        pipeline.apply(images.astype(np.float32))


ALL = "resize:12x10,crop:10x8,contrast,grey,standardise,scale,centre,zca:0.1,hog:9:4,pca:5"


def test_what_was_learnt_survives_the_artifact(images, tmp_path):
    assert {part.partition(":")[0] for part in ALL.split(",")} == set(STEPS)
    pipeline, _ = fitted(ALL, images)
    path = tmp_path / "preprocess.safetensors"
    with path.open("wb") as file:
        write_tensors(pipeline.tensors())(file)
    document = json.loads(json.dumps(pipeline.document()))
    again = read_pipeline(document, read_tensors(path), where="here")
    assert np.array_equal(again.apply(images), pipeline.apply(images))
    assert again.document() == pipeline.document()
    assert again.text == ALL


def test_a_damaged_pipeline_is_refused(images):
    pipeline, _ = fitted("grey,standardise,pca:3", images)
    document, tensors = pipeline.document(), pipeline.tensors()
    wrong = []
    wrong.append(({**document, "shape": [1, 2]}, tensors))
    wrong.append(({**document, "shape": [1 << 20, 1 << 20, 3]}, tensors))
    wrong.append(({**document, "steps": [{"name": "rm"}]}, tensors))
    wrong.append(({}, tensors))
    wrong.append(([], tensors))
    wrong.append((document, {}))
    for name in tensors:
        wrong.append((document, {**tensors, name: tensors[name][:-1]}))
        wrong.append((document, {**tensors, name: np.full_like(tensors[name], np.nan)}))
    for what, arrays in wrong:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy's, about NaN
            with pytest.raises(DlkitError, match="preprocessing is damaged") as caught:
                read_pipeline(what, arrays, where="here")
        assert caught.value.code == DAMAGED


def test_large_numbers_that_differ_little_survive_every_step():
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    generator = np.random.default_rng(9)
    rows = np.column_stack([1.7e9 + np.arange(90), generator.normal(size=90) * 30 + 5e8])
    for text, oracle in (
        ("standardise", StandardScaler()),
        ("scale", MinMaxScaler()),
        ("pca:2", PCA(2, svd_solver="full")),
    ):
        pipeline, train = fitted(text, rows)
        wanted = oracle.fit_transform(rows)
        signs = np.sign((train * wanted).sum(axis=0)) if text == "pca:2" else 1
        assert np.allclose(train, wanted * signs, atol=2e-3), text
        assert np.array_equal(pipeline.apply(rows[:7]), train[:7])
    # The same numbers give the same outputs, whatever type they came in.
    whole = np.rint(generator.normal(size=(60, 3)) * 1000)
    for text in ("standardise", "scale", "centre", "contrast", "pca:2", "zca"):
        pipeline, train = fitted(text, whole)
        assert np.array_equal(pipeline.apply(whole.astype(np.float32)), train), text


def test_scale_spans_a_range_that_float32_has_no_number_for():
    rows = np.array([[-3e38], [0], [3e38]], np.float32)
    assert np.allclose(fitted("scale", rows)[1].ravel(), [0, 0.5, 1])


def test_pieces_give_what_the_whole_gives(monkeypatch, images):
    texts = ("grey", "hog:9:4", "scale,grey", "resize:5")
    whole = {text: fitted(text, images)[1] for text in texts}
    monkeypatch.setattr(steps, "_AT_ONCE", 700)
    monkeypatch.setattr(hog, "_BYTES", 3 * 8 * hog._COPIES * images[0].size)
    monkeypatch.setattr(preprocess, "_BYTES", 2 * images[0].nbytes)
    for text, wanted in whole.items():
        assert np.array_equal(fitted(text, images)[1], wanted), text


def test_large_outputs_are_mapped_from_files(monkeypatch, images, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(memory, "memory_for_arrays", lambda: 100)
    for text in ("grey", "resize:9", "contrast", "scale", "centre", "hog:9:4", "pca:2"):
        assert isinstance(fitted(text, images)[1], np.memmap), text


def test_the_work_takes_memory_for_pieces_only():
    # 29 and 118 MB in float64, of which HOG holds several, 59 MB in the integers of grey.
    for text, side, most in (("hog", 64, 10e6 + 30e6 * cores()), ("grey", 128, 40e6)):
        images = np.zeros((300, side, side, 3), np.uint8)
        tracemalloc.start()
        try:
            fitted(text, images)
            assert tracemalloc.get_traced_memory()[1] < most, text
        finally:
            tracemalloc.stop()
