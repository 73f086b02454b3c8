"""``dlkit cnn detect predict``: where things are in images."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from dlkit import console
from dlkit.classifiers import options_cli as shared
from dlkit.cnn.detect import settings_cli as of
from dlkit.data.samples_cli import ImageColumn, SkipBad, TablesEncoding
from dlkit.options import Force, Form, Header, Json, Quiet

COLUMNS = ("file", "class", "score", "left", "top", "right", "bottom")


def predict(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT…",
            help="Files, folders, patterns; - reads stdin: one image, or names of files, a line "
            "each.",
        ),
    ],
    source: of.From = None,
    threshold: of.Threshold = None,
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", metavar="FOLDER", help="Also draw each image with its boxes."),
    ] = None,
    svg: Annotated[
        bool, typer.Option("--svg", help="Drawings as .svg, their names as text, not .jpg.")
    ] = False,
    force: Force = False,
    image_column: ImageColumn = None,
    skip_bad: SkipBad = None,
    encoding: TablesEncoding = None,
    precision: of.Precision = "fp32",
    threads: shared.Threads = None,
    device: shared.Device = None,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    quiet: Quiet = False,
) -> None:
    """Tell what is where in images: file, class, score, left, top, right, bottom in pixels.

    A line for each object, the surest first, as images are read; an image with none has a line
    with its file alone. With --json one object for each image, with a list of its objects.

    Example: dlkit cnn detect predict photo.png folder/ -o drawn --json | jq .objects
    """
    from dlkit.cnn.detect.predict import Drawings
    from dlkit.cnn.detect.predict import predict as work
    from dlkit.errors import USAGE, DlkitError
    from dlkit.progress import follow

    output = console.Output(form, json_lines=json, header=header)
    of.check_precision(precision)
    if out is None and (svg or force):
        raise DlkitError("--svg and --force are of drawings", hint="-o FOLDER", code=USAGE)
    drawings = None
    if out is not None:
        drawings = Drawings(Path(out).expanduser(), svg=svg, force=force)
    detector = of.opened(source, quiet=quiet, device=device, threads=threads)
    given = {"input.image_column": image_column, "input.skip_bad": skip_bad,
             "input.encoding": encoding}  # fmt: skip
    config, _ = of.config_of(None, (), given, detector=detector, other_data=True)
    stdin = None if sys.stdin is None else sys.stdin.buffer
    going = work(
        detector, inputs, config.input, stdin, svg=svg, precision=precision, drawings=drawings,
        threshold=detector.threshold if threshold is None else threshold,
    )  # fmt: skip
    for each in going:
        answers = follow(each, mode="off", quiet=quiet)
        if answers:
            rows = [row for answer in answers for row in answer.rows()]
            output.answer(COLUMNS, rows, (answer.document() for answer in answers))
    if out is not None and not quiet:
        console.note(f"drawn into {out}")
