"""Queries of an artifact answered: the class, the votes, and the neighbours that voted."""

from __future__ import annotations

import codecs
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from dlkit.data.forms import ImageForm, TextForm
from dlkit.data.pixels import SUFFIXES
from dlkit.data.queries import read_queries
from dlkit.data.samples import Split, split_of
from dlkit.errors import USAGE, DlkitError
from dlkit.knn.votes import count
from dlkit.neighbours.search import Index

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.data.config import SampleConfig
    from dlkit.data.forms import Form
    from dlkit.knn.asking import Choice, Engine
    from dlkit.knn.saved import Knn
    from dlkit.records import Record

_MOST_FILES: Final = 64  # read together
_PIECE: Final = 1 << 16  # bytes of stdin


@dataclass(frozen=True, eq=False)
class Answer:
    """What the neighbours of one query say.

    Attributes:
        file: the query.
        winner: place of its class.
        shares: (C,) of the votes.
        points: (k,) places of its neighbours, nearest first.
        distances: (k,).

    """

    file: str
    winner: int
    shares: npt.NDArray[np.float64]
    points: npt.NDArray[np.int64]
    distances: npt.NDArray[np.float64]


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

    def ask(self, split: Split) -> Generator[Record, None, list[Answer]]:
        """The answers for the inputs of ``split``, in their order."""
        points, choice = self.knn.points, self.choice
        rows = yield from self.knn.transform.apply(split.inputs, what="queries")
        answers: list[Answer] = []
        for tile in self._index.tiles(rows, choice.k, threads=self._threads):
            found = tile.neighbours
            labels = points.labels[found.indices]
            votes = count(labels, found.distances, len(points.classes), (choice.k,), choice.weights)
            for place, winner in enumerate(votes.winners[0].tolist()):
                answers.append(
                    Answer(
                        split.paths[tile.first + place],
                        winner,
                        votes.shares[place],
                        found.indices[place],
                        found.distances[place],
                    )
                )
        return answers


Batch = Generator["Record", None, Split]


def batches(
    inputs: Sequence[str], form: Form, config: SampleConfig, stdin: BinaryIO | None
) -> Iterator[Batch]:
    """The work of reading ``inputs``, some at a time and in their order.

    The first answer shall leave before the last question has come: single images are read in
    batches that grow, and the lines of stdin as they come.

    Args:
        inputs: as the user typed them.
        form: the artifact's.
        config: how they are read.
        stdin: what ``-`` reads.

    """
    if inputs.count("-") > 1:
        raise DlkitError("- is given twice: stdin can be read once", code=USAGE)
    waiting: list[str] = []
    size = 1
    for entry in inputs:
        if isinstance(form, ImageForm) and _single(entry):
            waiting.append(entry)
            if len(waiting) == size:
                yield read_queries(waiting, form, config, stdin=stdin)
                waiting, size = [], min(2 * size, _MOST_FILES)
            continue
        if waiting:
            yield read_queries(waiting, form, config, stdin=stdin)
            waiting = []
        if entry == "-" and isinstance(form, TextForm):
            yield from _lines(stdin, config.encoding)
        else:
            yield read_queries([entry], form, config, stdin=stdin)
    if waiting:
        yield read_queries(waiting, form, config, stdin=stdin)


def _single(entry: str) -> bool:
    """Whether ``entry`` is one image file."""
    path = Path(entry).expanduser()
    return path.suffix.lower() in SUFFIXES and path.is_file()


def _lines(stdin: BinaryIO | None, encoding: str) -> Iterator[Batch]:
    """The lines of stdin as texts, those that have come by then together."""
    if stdin is None:
        raise DlkitError("there is no standard input to read", code=USAGE)
    decoder = codecs.getincrementaldecoder(encoding)()
    rest, number, last = "", 0, False
    read = getattr(stdin, "read1", stdin.read)
    while not last:
        piece = read(_PIECE)
        last = not piece
        try:
            *lines, rest = (rest + decoder.decode(piece, last)).split("\n")
        except UnicodeDecodeError:
            raise DlkitError(
                f"standard input: line {number + 1:,} or one after it is not valid "
                f"{encoding.upper()}",
                hint="--encoding NAME",
            ) from None
        if last and rest:
            lines.append(rest)
        if lines:
            yield _texts([line.removesuffix("\r") for line in lines], number)
            number += len(lines)


def _texts(lines: list[str], before: int) -> Batch:
    yield from ()
    paths = [f"-:{before + place}" for place in range(1, len(lines) + 1)]
    return split_of(lines, np.full(len(lines), -1, np.int64), paths)
