"""Queries of an artifact answered: the class, the votes, and the neighbours that voted."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from dlkit.errors import USAGE, DlkitError
from dlkit.knn.rows import pointing
from dlkit.knn.votes import count
from dlkit.neighbours.search import Index

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.data.samples import Split
    from dlkit.knn.asking import Choice, Engine
    from dlkit.knn.saved import Knn
    from dlkit.records import Record

_NUMBERS: Final = 1 << 23  # of the answers that are held together
_NO_WORD: Final = "no known word"
_NO_DIRECTION: Final = "a row of zeros has no direction"


@dataclass(frozen=True, eq=False)
class Answer:
    """What the neighbours of one query say.

    Attributes:
        file: the query.
        winner: place of its class; None where nothing tells one neighbour from another.
        shares: (C,) of the votes; zeros where there is no winner.
        points: (k,) places of its neighbours, nearest first; none where there is no winner.
        distances: (k,).
        why: why there is no winner.

    """

    file: str
    winner: int | None
    shares: npt.NDArray[np.float64]
    points: npt.NDArray[np.int64]
    distances: npt.NDArray[np.float64]
    why: str = ""


class Asker:
    """An artifact that is asked many times.

    Args:
        knn: the artifact.
        choice: k, metric and weights.
        engine: how.

    Raises:
        DlkitError: (USAGE) k is larger than the number of points.

    """

    def __init__(self, knn: Knn, choice: Choice, engine: Engine) -> None:
        if choice.k > len(knn.points.rows):
            raise DlkitError(
                f"k is {choice.k:,}, but there are {len(knn.points.rows):,} points",
                hint=f"use a k of at most {len(knn.points.rows):,}",
                code=USAGE,
            )
        self.knn, self.choice = knn, choice
        self._threads = engine.threads
        self._index = Index(knn.points.rows, choice.metric, device=engine.device)

    def pieces(self, split: Split) -> Iterator[Split]:
        """``split`` some queries at a time, so that their answers have room in memory."""
        each = 2 * self.choice.k + len(self.knn.points.classes)
        size = max(1, _NUMBERS // each)
        if len(split) <= size:
            yield split
            return
        for start in range(0, len(split), size):
            yield split.take(np.arange(start, min(start + size, len(split))))

    def ask(self, split: Split) -> Generator[Record, None, list[Answer]]:
        """The answers for the inputs of ``split``, in their order.

        A query that is as far from every point as from any other has no winner: a text without a
        known word, and by cosine a row of zeros, which has no direction.
        """
        points, choice = self.knn.points, self.choice
        rows, known = yield from self.knn.transform.apply_known(split.inputs, what="queries")
        directed = pointing(rows) if choice.metric == "cosine" else known
        answers: list[Answer] = []
        for tile in self._index.tiles(rows, choice.k, threads=self._threads):
            found = tile.neighbours
            labels = points.labels[found.indices]
            votes = count(labels, found.distances, len(points.classes), (choice.k,), choice.weights)
            for place, winner in enumerate(votes.winners[0].tolist()):
                query = tile.first + place
                file = split.paths[query]
                if not (known[query] and directed[query]):
                    why = _NO_DIRECTION if known[query] else _NO_WORD
                    answers.append(_unanswered(file, why, len(points.classes)))
                    continue
                near, distances = found.indices[place], found.distances[place]
                answers.append(Answer(file, winner, votes.shares[place], near, distances))
        return answers


def _unanswered(file: str, why: str, classes: int) -> Answer:
    none = np.empty(0)
    return Answer(file, None, np.zeros(classes), none.astype(np.int64), none, why)
