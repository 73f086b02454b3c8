"""``dlkit cnn detect export``: a detector for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dlkit import console
from dlkit.cnn.detect import settings_cli as of
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
    """Write a detector for other tools: from images of bytes (N, 3, H, W) to boxes and scores.

    .onnx (extra dlkit[export]) and .pt2 give every place's box and the score of each class, before
    doubles are left out; the two stages of fasterrcnn are written as .safetensors alone.

    Example: dlkit cnn detect export shapes.onnx --from shapes-detect
    """
    from dlkit.artifacts.placing import check_places, placed
    from dlkit.classifiers.exporting import check_onnx, write_json
    from dlkit.cnn.detect import export as work

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
    detector = of.opened(source, quiet=quiet)
    work.check_stages(detector, writer)
    with placed(paths, force=force) as (stream, aside):
        writer(detector, stream)
        write_json(work.description(detector), aside)
    output.facts(
        {
            "path": str(path),
            "description": str(paths[1]),
            "classes": len(detector.classes),
            "parameters": detector.document["parameters"],
        }
    )
