"""The options of ``eval`` that look at one class against the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dlkit.classifiers.eval_cli import Extra
from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    from dlkit.classifiers.evaluate import Judged
    from dlkit.classifiers.opened import Classifier

Positive = Annotated[
    str | None,
    typer.Option(
        metavar="CLASS",
        help="Also sensitivity and specificity for this class against the rest, with intervals.",
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        min=0,
        max=1,
        metavar="P",
        help="Of --positive: it is said from this probability on [default: 0.5].",
    ),
]
AtSensitivity = Annotated[
    float | None,
    typer.Option(
        "--at-sensitivity",
        min=0,
        max=1,
        metavar="S",
        help="Of --positive: the highest threshold that finds this share of the class among the "
        "validation samples.",
    ),
]


def check_screening(
    positive: str | None, threshold: float | None, at_sensitivity: float | None, *, views: str
) -> None:
    """Do nothing if the options go together.

    Raises:
        DlkitError: (USAGE) they do not.

    """
    given = {"--threshold": threshold, "--at-sensitivity": at_sensitivity}
    named = [name for name, value in given.items() if value is not None]
    if named and positive is None:
        raise DlkitError(
            f"{named[0]} is of --positive", hint=f"--positive CLASS {named[0]} 0.9", code=USAGE
        )
    if len(named) > 1:
        raise DlkitError("--threshold and --at-sensitivity both choose a threshold", code=USAGE)
    if at_sensitivity is not None and views != "none":
        raise DlkitError(
            "--at-sensitivity chooses by the validation samples, which were looked at without "
            "test-time augmentation",
            hint="leave out --tta, or give --threshold",
            code=USAGE,
        )


def screened(
    classifier: Classifier,
    judged: Judged,
    positive: str,
    threshold: float | None,
    at_sensitivity: float | None,
) -> Extra:
    """One class against the rest at a threshold.

    Args:
        classifier: the artifact.
        judged: what it was judged to be.
        positive: the class.
        threshold: that was given.
        at_sensitivity: the share of the class that shall be found.

    Raises:
        DlkitError: (NOT_FOUND) no such class; (USAGE) there are no validation samples to choose a
            threshold by.

    """
    from dlkit.classifiers import screening
    from dlkit.classifiers.opened import validation_of

    place = screening.place_of(positive, classifier.classes)
    chosen = "given"
    if at_sensitivity is not None:
        kept = validation_of(classifier)
        if kept is None:
            raise DlkitError(
                f"{classifier.reference} keeps no validation samples to choose a threshold by",
                hint="--threshold P",
                code=USAGE,
            )
        threshold = screening.threshold_for(*kept, place, at_sensitivity)
        own, whole = int((kept[1] == place).sum()), len(kept[1])
        chosen = f"sensitivity {at_sensitivity:g} on {own:,} of {whole:,} validation samples"
    elif threshold is None:
        threshold, chosen = 0.5, "the usual one"
    found = screening.screen(
        judged.values, judged.samples.test.labels, classifier.classes, positive=positive,
        threshold=threshold, chosen=chosen,
    )  # fmt: skip
    title = f"{positive} against the rest, from probability {threshold:.4g} on ({chosen})"
    return Extra("screened", title, screening.COLUMNS, found.rows(), found.document())
