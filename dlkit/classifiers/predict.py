"""The classes of new inputs, a batch of them at a time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np

from dlkit.classifiers.opened import ask
from dlkit.data.queries import told_queries
from dlkit.data.streaming import Batch, batches
from dlkit.errors import NOT_FOUND, DlkitError
from dlkit.records import Noted, Record, Warned

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.classifiers.opened import Classifier
    from dlkit.data.config import SampleConfig

_RATED: Final = 100  # answers from which on it is told how fast they were read and answered


@dataclass(frozen=True, eq=False)
class Answer:
    """What a network says of one input.

    Attributes:
        file: the input.
        classes: (C,) names.
        values: (C,) probabilities, or scores of a hinge loss.

    """

    file: str
    classes: Sequence[str]
    values: npt.NDArray[np.float64]

    def best(self, number: int) -> list[tuple[str, float]]:
        """The classes with the highest values, of equal ones the first; with their values."""
        order = np.argsort(-self.values, kind="stable")[:number]
        return [(self.classes[place], float(self.values[place])) for place in order.tolist()]

    def told(self, number: int, threshold: float | None) -> list[tuple[str | None, float]]:
        """``best`` less those below ``threshold``; of none left no class, and the highest value."""
        best = self.best(number)
        if threshold is None or best[0][1] >= threshold:
            return [pair for pair in best if threshold is None or pair[1] >= threshold]
        return [(None, best[0][1])]

    def document(self, value: str, top: int | None, threshold: float | None) -> dict[str, Any]:
        """The answer in JSON's types.

        Args:
            value: what the values are: probability or score.
            top: how many classes are told besides the first; None: all.
            threshold: those with lower values are not told; None: all are.

        """
        name, best = self.told(1, threshold)[0]
        pairs = self.told(len(self.classes) if top is None else top, threshold)
        plural = "probabilities" if value == "probability" else "scores"
        told = {each: number for each, number in pairs if each is not None}
        return {"file": self.file, "class": name, value: best, plural: told}


def predict(
    classifier: Classifier, inputs: Sequence[str], config: SampleConfig, stdin: BinaryIO | None
) -> Iterator[Generator[Record, None, list[Answer]]]:
    """The work of answering ``inputs``, some at a time and in their order.

    Args:
        classifier: who is asked.
        inputs: as the user typed them.
        config: how they are read.
        stdin: what ``-`` reads.

    Raises:
        DlkitError: there is no such input, or one cannot be read; with ``config.skip_bad`` only
            if none can be read (NOT_FOUND).

    """
    tally: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for batch in batches(inputs, classifier.form, config, stdin, tally=tally):
        yield _answers(classifier, batch, counts, skip_bad=config.skip_bad)
    yield _told(tally, counts)


def _answers(
    classifier: Classifier, batch: Batch, counts: Counter[str], *, skip_bad: bool
) -> Generator[Record, None, list[Answer]]:
    begun = time.perf_counter()
    try:
        split = yield from batch
    except DlkitError as problem:
        if not skip_bad:
            raise
        yield Warned(f"left out: {problem.message}")
        counts["failed"] += 1
        return []
    values = yield from ask(classifier, split.inputs, what="queries")
    counts["answered"] += len(values)
    counts["nanoseconds"] += round(1e9 * (time.perf_counter() - begun))
    return [
        Answer(path, classifier.classes, row) for path, row in zip(split.paths, values, strict=True)
    ]


def _told(tally: Counter[str], counts: Counter[str]) -> Generator[Record, None, list[Answer]]:
    yield from told_queries(tally)
    answered, seconds = counts["answered"], counts["nanoseconds"] / 1e9
    if answered >= _RATED:
        yield Noted(f"{answered:,} answered in {seconds:.3g} s, {answered / seconds:,.0f} a second")
    if counts["failed"] and not counts["answered"]:
        raise DlkitError("none of the inputs could be read", code=NOT_FOUND)
    return []
