"""How good a head is after each epoch: validation images searched for among training images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.cnn.search.measures import Truth, measure
from dlkit.cnn.search.rankers import Products
from dlkit.training.judging import Judged
from dlkit.training.modes import judging

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Ints = npt.NDArray[np.int64]

_QUERIES: Final = 1_000
_POINTS: Final = 10_000
_AT_ONCE: Final = 8_192  # rows


def embedded(head: Any, rows: Floats) -> Floats:
    """(N, E) embeddings of features (N, D); the mode of the head comes back."""
    import torch

    device = head.mean.device
    found = []
    with judging(head), torch.inference_mode():
        for first in range(0, len(rows), _AT_ONCE):
            some = torch.from_numpy(np.array(rows[first : first + _AT_ONCE]))
            found.append(head.embed(some.to(device)).cpu().numpy())
    return np.concatenate(found) if found else np.empty((0, 0), np.float32)


class Searching:
    """Judges a head by the mAP of validation images among training images, some of each.

    Args:
        points: (N, D) features that are learnt from.
        labels: (N,).
        queries: (Q, D) features to judge by.
        theirs: (Q,) their labels.

    """

    def __init__(self, points: Floats, labels: Ints, queries: Floats, theirs: Ints) -> None:
        some, few = _spread(len(points), _POINTS), _spread(len(queries), _QUERIES)
        self._points, self._queries = points[some], queries[few]
        self._truth = Truth(theirs[few], labels[some], {})

    def of(self, points: Floats, queries: Floats) -> dict[str, float]:
        """The mAP and recall@1 of embeddings."""
        work = measure(Products(points, queries), self._truth, (1,))
        while True:
            try:
                next(work)
            except StopIteration as end:
                told: dict[str, float] = end.value.document()
                return {"map": told["map"], "recall@1": told["recall@1"]}

    @property
    def some_right(self) -> bool:
        """Whether there is anything to find: an image of the class of a query."""
        return bool(np.isin(self._truth.queries, self._truth.points).any())

    def before(self) -> dict[str, float]:
        """The mAP and recall@1 of the features themselves."""
        return self.of(self._points, self._queries)

    def __call__(self, model: Any) -> Judged:
        """What a head is worth."""
        told = self.of(embedded(model, self._points), embedded(model, self._queries))
        metrics = {f"validation_{name}": value for name, value in told.items()}
        return Judged(-told["map"], metrics, "the largest validation mAP")


def _spread(count: int, most: int) -> Ints:
    """The places of at most so many of ``count``, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))
