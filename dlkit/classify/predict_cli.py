"""``dlkit classify predict``: the classes of files."""

from __future__ import annotations

import math
import sys
from typing import Annotated

import typer

from dlkit import console
from dlkit.classify import settings_cli as of
from dlkit.data.samples_cli import (
    ImageColumn,
    Inputs,
    MovedFeatures,
    SkipBad,
    TablesEncoding,
    TextsColumn,
)
from dlkit.errors import USAGE, DlkitError
from dlkit.options import Form, Header, Json, Quiet


def predict(
    inputs: Inputs,
    source: of.From = None,
    top: Annotated[
        int | None,
        typer.Option(
            "--top", min=1, help="The most probable classes of each, a line each [default: one]."
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold",
            metavar="P",
            help="Tell no class with a lower probability (or score): where the highest is lower, "
            "none [default: all].",
        ),
    ] = None,
    features: MovedFeatures = None,
    image_column: ImageColumn = None,
    text_column: TextsColumn = None,
    skip_bad: SkipBad = None,
    encoding: TablesEncoding = None,
    threads: of.Threads = None,
    device: of.Device = None,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    quiet: Quiet = False,
) -> None:
    """Tell the class of images, texts or rows of tables: file, class, probability.

    With --top N the lines of a file are its N most probable classes, with a rank; with --json one
    object a file, with the probability of every class, or of the N. Of a network with hinge loss
    scores are told. Labels are never read. The lines of stdin are answered as they come.

    Example: dlkit classify predict photo.png folder/ --from digits --json | jq .class
    """
    from dlkit.classify import predict as work
    from dlkit.progress import follow

    output = console.Output(form, json_lines=json, header=header)
    if threshold is not None and not math.isfinite(threshold):
        raise DlkitError(f"--threshold {threshold}: must be a number", code=USAGE)
    classifier = of.opened(source, quiet=quiet, features=features, device=device, threads=threads)
    reading = {
        "image_column": image_column,
        "text_column": text_column,
        "skip_bad": skip_bad,
        "encoding": encoding,
    }
    given = {f"input.{name}": value for name, value in reading.items()}
    config, _ = of.config_of(None, (), given, classifier=classifier, other_data=True)
    stdin = None if sys.stdin is None else sys.stdin.buffer
    value = classifier.value
    for each in work.predict(classifier, inputs, config.input, stdin):
        answers = follow(each, mode="off", quiet=quiet)
        if not answers:
            continue
        told = (answer.document(value, top, threshold) for answer in answers)
        if top is None:
            rows = [(answer.file, *answer.told(1, threshold)[0]) for answer in answers]
            output.answer(("file", "class", value), rows, told)
            continue
        ranked = [
            (answer.file, rank, *pair)
            for answer in answers
            for rank, pair in enumerate(answer.told(top, threshold), 1)
        ]
        output.answer(("file", "rank", "class", value), ranked, told)
