"""``dlkit classify export``: weights for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dlkit import console
from dlkit.classify import settings_cli as of
from dlkit.data.samples_cli import MovedFeatures
from dlkit.errors import USAGE, DlkitError
from dlkit.options import Force, Form, Header, Json, Quiet


def export(
    target: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="FILE.npz (NumPy, no pickle), .safetensors (and FILE.json, which describes it), "
            ".csv (linear ones) or .onnx.",
        ),
    ],
    source: of.From = None,
    features: MovedFeatures = None,
    force: Force = False,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    quiet: Quiet = False,
) -> None:
    """Write the weights of a classifier, with its classes and what its preprocessing learnt.

    .csv has a row for each input and a column for each class. .onnx is the network alone, from
    rows to scores; it needs the extra dlkit[export].

    Example: dlkit classify export digits.safetensors --from digits
    """
    from dlkit.artifacts.placing import check_places, placed
    from dlkit.classify import export as work

    output = console.Output(form, json_lines=json, header=header)
    path = target.expanduser()
    writer = work.WRITERS.get(path.suffix.lower())
    if writer is None:
        known = ", ".join(work.WRITERS)
        raise DlkitError(f"{target}: the suffix is none of {known}", hint="weights.npz", code=USAGE)
    beside = work.beside(path)
    paths = [path] if beside is None else [path, beside]
    check_places(paths, force=force)
    classifier = of.opened(source, quiet=quiet, features=features)
    if writer is work.to_onnx:
        work.check_onnx(classifier)
    if writer is work.to_csv:
        work.linear_of(classifier)
    with placed(paths, force=force) as streams:
        writer(classifier, streams[0])
        if beside is not None:
            work.to_json(classifier, streams[1])
    output.facts(
        {
            "path": str(path),
            **({} if beside is None else {"description": str(beside)}),
            "classes": len(classifier.classes),
            "parameters": classifier.document["parameters"],
        }
    )
