"""Whitening gives every axis the same variance, as far as it is not shrunk."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA

from dlkit.cnn.search.whitening import learn, normalised
from dlkit.errors import DlkitError


@pytest.fixture
def rows():
    random = np.random.default_rng(0)
    mixed = random.normal(size=(600, 12)) @ random.normal(size=(12, 12)) + 3
    return normalised(mixed)


def test_whitened_rows_are_those_of_scikit_learn_brought_to_length_1(rows):
    found = learn(rows, whiten=True, shrinkage=0.0, components=None)
    theirs = PCA(whiten=True).fit_transform(rows.astype(np.float64))
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
    # Axes have no direction: products do not depend on it.
    mine = found.apply(rows)
    assert np.allclose(mine @ mine.T, theirs @ theirs.T, atol=2e-3)
    assert np.allclose(np.linalg.norm(mine, axis=1), 1, atol=1e-6)


def test_the_shrinkage_nobody_gives_is_that_of_ledoit_and_wolf(rows):
    found = learn(rows, whiten=True, shrinkage=None, components=None)
    known = LedoitWolf().fit(rows.astype(np.float64))
    assert found.shrinkage == pytest.approx(known.shrinkage_, rel=1e-3)
    inverse = found.matrix.astype(np.float64) @ found.matrix.T
    assert np.allclose(inverse, np.linalg.inv(known.covariance_), rtol=2e-2)


def test_fully_shrunk_rows_are_only_turned(rows):
    found = learn(rows, whiten=True, shrinkage=1.0, components=None)
    centred = normalised(rows - rows.mean(axis=0))
    mine = found.apply(rows)
    assert np.allclose(mine @ mine.T, centred @ centred.T, atol=1e-5)


def test_components_are_the_axes_of_the_largest_variances(rows):
    found = learn(rows, whiten=False, shrinkage=None, components=5)
    known = PCA(n_components=5).fit(rows.astype(np.float64))
    assert np.allclose(found.variances[:5], known.explained_variance_ * 599 / 600, rtol=1e-4)
    assert np.allclose(np.abs(known.components_ @ found.matrix), np.eye(5), atol=1e-3)


def test_axes_in_which_nothing_happens_stay_finite():
    rows = np.zeros((10, 6), np.float32)
    rows[:, 0], rows[::2, 1] = 1, 1
    for shrinkage in (0.0, None):
        found = learn(normalised(rows), whiten=True, shrinkage=shrinkage, components=None)
        assert np.isfinite(found.apply(normalised(rows))).all()


def test_what_cannot_be_whitened_is_refused(rows):
    with pytest.raises(DlkitError, match="embeddings have 12 numbers"):
        learn(rows, whiten=True, shrinkage=None, components=13)
    with pytest.raises(DlkitError, match="2 images or more"):
        learn(rows[:1], whiten=True, shrinkage=None, components=None)
