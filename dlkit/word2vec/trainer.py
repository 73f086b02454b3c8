"""What every trainer of word vectors is to the rest of the room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int32]
Vectors = npt.NDArray[np.float32]
Model = Literal["skipgram", "cbow"]
Loss = Literal["ns", "hs", "softmax"]
Context = Literal["mean", "sum"]


class NGrams(NamedTuple):
    """The rows of the input matrix that each word is the mean of.

    Row w is word w's own, rows V and up are the n-grams'.
    """

    offsets: npt.NDArray[np.int64]  # (V + 1,) where each word's rows begin
    rows: npt.NDArray[np.int32]  # (G,) its own row first
    number: int  # n-gram rows


@dataclass(frozen=True)
class Progress:
    """How far training has come.

    ``words`` counts raw words of the stream over all epochs, of ``total``. ``loss`` is the mean
    of a pair (skip-gram) or window (CBOW) over the ``measured`` ones since the epoch began; NaN if
    none was measured yet, or if the vectors have overflowed.
    ``pairs`` counts the pairs or windows trained over all epochs.
    """

    epoch: int
    words: int
    total: int
    loss: float
    lr: float
    epoch_done: bool
    pairs: int
    measured: int


class Trainer(Protocol):
    """Trains on a stream of ids; can be paused, saved and restored between two steps."""

    @property
    def inputs(self) -> Vectors:
        """(V, D) input vectors: the word vectors that are kept."""

    @property
    def rows(self) -> Vectors:
        """(V + n-grams, D) the rows of the input matrix; the input vectors where words are rows."""

    @property
    def outputs(self) -> Vectors:
        """(V, D) output vectors; with hierarchical softmax of inner nodes, the root first."""

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""

    def start_from(self, rows: Vectors, outputs: Vectors | None) -> None:
        """Begin with given rows of the input matrix, and outputs; NaN leaves a row as it is."""

    def compile(self) -> None:
        """Do what must be done once, so that ``run`` trains at once."""

    def pause(self) -> None:
        """Make ``run`` return soon; may be called anywhere."""

    def run(self) -> Iterator[Progress]:
        """Train from the current state to the end, or until ``pause`` is called."""

    def held_out_loss(self, ids: Ids) -> float:
        """Mean loss of a pair or window of another stream; NaN if it has none."""

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and JSON values from which ``restore`` goes on exactly."""

    def restore(self, arrays: Mapping[str, np.ndarray], scalars: Mapping[str, Any]) -> None:
        """Go back to what ``state`` returned; ValueError if it is of another trainer."""
