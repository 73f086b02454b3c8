"""Queries to votes: a search whose neighbours are counted as they are found."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.errors import USAGE, DlkitError
from dlkit.knn.config import USUAL_K
from dlkit.knn.votes import count
from dlkit.neighbours.search import Index
from dlkit.records import Noted, Record, Step

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.knn.config import KnnConfig


@dataclass(frozen=True)
class Choice:
    """How to vote: the distance, the votes' weights and how many neighbours."""

    metric: str
    weights: str
    k: int

    def document(self) -> dict[str, object]:
        """The choice in JSON's types."""
        return {"k": self.k, "metric": self.metric, "weights": self.weights}


@dataclass(frozen=True, eq=False)
class Points:
    """What is searched: rows with their classes.

    Attributes:
        rows: (N, D) uint8, float32 or float64.
        labels: (N,) places in ``classes``.
        classes: their names.

    """

    rows: npt.NDArray[Any]
    labels: npt.NDArray[np.int64]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Engine:
    """Where and how a search runs: threads (None: all cores), device, and a look at signals."""

    threads: int | None = None
    device: str = "cpu"
    check: Callable[[], None] = lambda: None


def numbers_to_try(
    config: KnnConfig, most: int, *, where: str = ""
) -> Generator[Record, None, tuple[int, ...]]:
    """The ks of ``config``, rising.

    Args:
        config: the settings.
        most: how many points there are to find.
        where: what finds so few, for messages.

    Raises:
        DlkitError: (USAGE) one that was asked for is larger than ``most``.

    """
    if config.k is not None:
        if max(config.k) > most:
            raise DlkitError(
                f"k is {max(config.k):,}, but there are {most:,} points to find{where}",
                hint=f"use a k of at most {most:,}",
                code=USAGE,
            )
        return tuple(sorted(config.k))
    fitting = tuple(k for k in USUAL_K if k <= most)
    if len(fitting) < len(USUAL_K):
        yield Noted(f"k up to {fitting[-1]}: there are {most:,} points to find{where}")
    return fitting


def choices(config: KnnConfig, ks: Sequence[int]) -> list[Choice]:
    """All combinations of the settings, those of one search together."""
    return [
        Choice(metric, weights, k)
        for metric in config.metric
        for weights in config.weights
        for k in ks
    ]


def predict(
    points: Points,
    queries: npt.NDArray[Any],
    asked: Sequence[Choice],
    engine: Engine,
    *,
    groups: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]] | None = None,
) -> Generator[Record, None, dict[Choice, npt.NDArray[np.int64]]]:
    """The classes (Q,) of ``queries`` by each choice; one search for each metric.

    Args:
        points: what is searched.
        queries: (Q, D).
        asked: the choices.
        engine: how.
        groups: of the points (N,) and of the queries (Q,): none finds one of its own group.

    Raises:
        DlkitError: k is larger than the number of points.
        StoppedError: a signal came.

    """
    found: dict[Choice, npt.NDArray[np.int64]] = {}
    for metric in dict.fromkeys(choice.metric for choice in asked):
        here = [choice for choice in asked if choice.metric == metric]
        index = Index(
            points.rows, metric, groups=None if groups is None else groups[0], device=engine.device
        )
        for choice in here:
            found[choice] = np.empty(len(queries), np.int64)
        largest, begun, done = max(choice.k for choice in here), time.monotonic(), 0
        for tile in index.tiles(
            queries,
            largest,
            groups=None if groups is None else groups[1],
            threads=engine.threads,
        ):
            engine.check()
            part = slice(tile.first, tile.first + len(tile.neighbours.indices))
            labels = points.labels[tile.neighbours.indices]
            for weights in dict.fromkeys(choice.weights for choice in here):
                ks = sorted({choice.k for choice in here if choice.weights == weights})
                votes = count(labels, tile.neighbours.distances, len(points.classes), ks, weights)
                for k, winners in zip(ks, votes.winners, strict=True):
                    found[Choice(metric, weights, k)][part] = winners
            done += len(labels)
            rate = done / max(time.monotonic() - begun, 1e-9)
            yield Step(f"searching {metric}", done, len(queries), "queries", rate)
    return found
