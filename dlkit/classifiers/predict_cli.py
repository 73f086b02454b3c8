"""What ``predict`` of every classifier asks for and tells."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    from dlkit.classifiers.opened import Classifier
    from dlkit.console import Output
    from dlkit.data.config import SampleConfig

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
    value = value_of(classifier)
    for each in predict(classifier, inputs, config, stdin):
        answers = follow(each, mode="off", quiet=quiet)
        if not answers:
            continue
        told = (one.document(value, top, threshold) for one in answers)
        if top is None:
            rows = [(one.file, *one.told(1, threshold)[0]) for one in answers]
            output.answer(("file", "class", value), rows, told)
            continue
        ranked = [
            (one.file, rank, *pair)
            for one in answers
            for rank, pair in enumerate(one.told(top, threshold), 1)
        ]
        output.answer(("file", "rank", "class", value), ranked, told)
