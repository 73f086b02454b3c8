"""``dlkit cnn export``: a network for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dlkit import console
from dlkit.cnn import settings_cli as of
from dlkit.errors import USAGE, DlkitError
from dlkit.options import Force, Form, Header, Json, Quiet


def export(
    target: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="FILE.onnx, .pt2 (PyTorch's export) or .safetensors (weights); beside it "
            "FILE.onnx.json says what goes in and comes out, and names the classes.",
        ),
    ],
    source: of.From = None,
    force: Force = False,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    quiet: Quiet = False,
) -> None:
    """Write a network for other tools: from images of bytes (N, C, H, W) to probabilities.

    Pixels are scaled within; images must have the size and the channels that FILE.onnx.json says.
    .onnx needs the extra dlkit[export].

    Example: dlkit cnn export digits.onnx --from mnist5k
    """
    from dlkit.artifacts.placing import check_places, placed
    from dlkit.classifiers.exporting import check_onnx, write_json
    from dlkit.cnn import export as work

    output = console.Output(form, json_lines=json, header=header)
    path = target.expanduser()
    writer = work.WRITERS.get(path.suffix.lower())
    if writer is None:
        known = ", ".join(work.WRITERS)
        raise DlkitError(f"{target}: the suffix is none of {known}", hint="model.onnx", code=USAGE)
    paths = [path, work.beside(path)]
    check_places(paths, force=force)
    if writer is work.to_onnx:
        check_onnx()
    classifier = of.opened(source, quiet=quiet)
    with placed(paths, force=force) as (stream, aside):
        writer(classifier, stream)
        write_json(work.description(classifier), aside)
    output.facts(
        {
            "path": str(path),
            "description": str(paths[1]),
            "classes": len(classifier.classes),
            "parameters": classifier.document["parameters"],
        }
    )
