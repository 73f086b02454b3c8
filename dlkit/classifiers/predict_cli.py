"""What ``predict`` of every classifier asks for and tells."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    from dlkit.classifiers.opened import Classifier
    from dlkit.classifiers.predict import Answer
    from dlkit.console import Output
    from dlkit.data.config import SampleConfig

_HELD: Final = 1.0  # seconds that a person waits for a table of more answers

Top = Annotated[
    int | None,
    typer.Option(
        "--top", min=1, help="The most probable classes of each, a line each [default: one]."
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        metavar="P",
        help="Tell no class with a lower probability (or score): where the highest is lower, "
        "none [default: all].",
    ),
]


def check_threshold(threshold: float | None) -> None:
    """Do nothing if a threshold is a number.

    Raises:
        DlkitError: (USAGE) it is none.

    """
    if threshold is not None and not math.isfinite(threshold):
        raise DlkitError(f"--threshold {threshold}: must be a number", code=USAGE)


def answer(
    output: Output,
    classifier: Classifier,
    inputs: Sequence[str],
    config: SampleConfig,
    *,
    top: int | None,
    threshold: float | None,
    quiet: bool,
) -> None:
    """Answer ``inputs`` as they are read: file, class, value; with ``top`` a line for each rank.

    Args:
        output: where answers go.
        classifier: who is asked.
        inputs: as the user typed them.
        config: how they are read.
        top: how many classes are told; None: the first.
        threshold: classes with a lower value are not told.
        quiet: tell warnings only.

    """
    from dlkit.classifiers.opened import value_of
    from dlkit.classifiers.predict import predict
    from dlkit.progress import follow

    stdin = None if sys.stdin is None else sys.stdin.buffer
    told = _Told(output, value_of(classifier), top, threshold)
    # On a terminal few large tables, but what was typed one by one is answered one by one.
    waits = output.form == "human" and "-" not in inputs
    held: list[Answer] = []
    since = time.monotonic()
    try:
        for each in predict(classifier, inputs, config, stdin):
            held += follow(each, mode="off", quiet=quiet)
            if not waits or time.monotonic() - since > _HELD:
                ready, held, since = held, [], time.monotonic()
                told.answer(ready)
    finally:
        told.answer(held)


class _Told(NamedTuple):
    """How answers are told.

    Attributes:
        output: where they go.
        value: what they are called: probability or score.
        top: how many classes are told; None: the first.
        threshold: classes with a lower value are not told.

    """

    output: Output
    value: str
    top: int | None
    threshold: float | None

    def answer(self, answers: Sequence[Answer]) -> None:
        """Tell some, if there are any."""
        if not answers:
            return
        output, value, top, threshold = self
        told = (one.document(value, top, threshold) for one in answers)
        if top is None:
            rows = [(one.file, *one.told(1, threshold)[0]) for one in answers]
            output.answer(("file", "class", value), rows, told)
            return
        ranked = [
            (one.file, rank, *pair)
            for one in answers
            for rank, pair in enumerate(one.told(top, threshold), 1)
        ]
        output.answer(("file", "rank", "class", value), ranked, told)
