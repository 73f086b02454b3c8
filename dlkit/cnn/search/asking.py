"""Queries of an index answered: the most similar images of each."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.errors import USAGE, DlkitError
from dlkit.neighbours.search import Index

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.cnn.search.embedding import Embedder
    from dlkit.cnn.search.saved import ImageIndex
    from dlkit.data.samples import Split
    from dlkit.records import Record


@dataclass(frozen=True, eq=False)
class Answer:
    """What is similar to one image.

    Attributes:
        file: the query.
        places: (m,) of images of the index, the most similar first, of equal ones the first.
        similarities: (m,) cosines of the embeddings, from -1 to 1.
        copies: (m,) whether the image is equal to the query in content.

    """

    file: str
    places: npt.NDArray[np.int64]
    similarities: npt.NDArray[np.float64]
    copies: npt.NDArray[np.bool_]

    def neighbours(self, index: ImageIndex) -> list[dict[str, Any]]:
        """The similar images as objects: image, class, similarity, copy."""
        return [
            {
                "image": index.shown(place),
                "class": index.classes[label] if (label := int(index.labels[place])) >= 0 else None,
                "similarity": similarity,
                "copy": copy,
            }
            for place, similarity, copy in zip(
                self.places.tolist(), self.similarities.tolist(), self.copies.tolist(), strict=True
            )
        ]


class Asker:
    """An index that is asked many times.

    Args:
        index: the index.
        embedder: what makes rows of queries.
        k: how many similar images of each.
        threshold: only those that are at least so similar; None: any.
        others: leave out images that are equal to the query.
        threads: how many search; None: all cores.

    Raises:
        DlkitError: (USAGE) k is larger than the index.

    """

    def __init__(
        self,
        index: ImageIndex,
        embedder: Embedder,
        k: int,
        *,
        threshold: float | None = None,
        others: bool = False,
        threads: int | None = None,
    ) -> None:
        if k > len(index):
            raise DlkitError(
                f"k is {k:,}, but {index.reference} has {len(index):,} images",
                hint=f"-k {len(index)}",
                code=USAGE,
            )
        self.index, self._embedder, self._k = index, embedder, k
        self._threshold, self._threads = threshold, threads
        self._groups: npt.NDArray[np.int64] | None = None
        if others:
            self._contents, self._groups = np.unique(index.digests, return_inverse=True)
            sizes = np.bincount(self._groups)
            self._k = min(k, len(index) - int(sizes.max()))
        self._search = Index(index.rows, "cosine", groups=self._groups) if self._k else None

    def ask(self, split: Split) -> Generator[Record, None, list[Answer]]:
        """The answers for the images of ``split``, in their order."""
        rows = yield from self._embedder.rows(split.images, what="queries")
        if self._search is None:
            none, number = np.empty(0, np.int64), np.empty(0)
            return [Answer(file, none, number, number > 0) for file in split.paths]
        groups = None if self._groups is None else self._contents_of(split)
        found = self._search.search(rows, self._k, groups=groups, threads=self._threads)
        similar = 1 - found.distances
        copies = self.index.digests[found.indices] == split.digests[:, None]
        answers = []
        for place, file in enumerate(split.paths):
            keep = slice(None)
            if self._threshold is not None:
                keep = slice(int((similar[place] >= self._threshold).sum()))
            answers.append(
                Answer(file, found.indices[place][keep], similar[place][keep], copies[place][keep])
            )
        return answers

    def _contents_of(self, split: Split) -> npt.NDArray[np.int64]:
        """The group of the images that are equal to each query; -1: there are none."""
        places = np.searchsorted(self._contents, split.digests)
        places = np.minimum(places, len(self._contents) - 1)
        return np.where(self._contents[places] == split.digests, places, -1).astype(np.int64)
