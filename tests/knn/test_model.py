"""The module gives the shares of the votes."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.neighbors import KNeighborsClassifier

from dlkit.knn.model import Knn


def test_the_module_is_scikit_learns_classifier():
    random = np.random.default_rng(2)
    points, labels = random.normal(size=(80, 5)).astype(np.float32), random.integers(0, 3, 80)
    queries = random.normal(size=(30, 5)).astype(np.float32)
    for weights in ("uniform", "distance"):
        model = Knn(
            torch.from_numpy(points), torch.from_numpy(labels), classes=3, k=7, weights=weights
        )
        theirs = KNeighborsClassifier(7, weights=weights).fit(points.astype(np.float64), labels)
        shares = model(torch.from_numpy(queries))
        expected = theirs.predict_proba(queries.astype(np.float64))
        np.testing.assert_allclose(shares.numpy(), expected, rtol=1e-9)
        assert set(model.state_dict()) == {"points", "labels"}
        assert not list(model.parameters())
