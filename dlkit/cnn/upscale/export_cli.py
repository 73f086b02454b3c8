"""``dlkit cnn upscale export``: a network for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dlkit import console
from dlkit.cnn.upscale import settings_cli as of
from dlkit.errors import USAGE, DlkitError
from dlkit.options import Force, Form, Header, Json, Quiet


def export(
    target: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="FILE.onnx, .pt2 (PyTorch's export) or .safetensors (weights); beside it "
            "FILE.onnx.json says what goes in and comes out.",
        ),
    ],
    source: of.From = None,
    channels: Annotated[
        int, typer.Option(help="Of the images that it takes: 3, colours, or 1, grey.")
    ] = 3,
    force: Force = False,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    quiet: Quiet = False,
) -> None:
    """Write a network for other tools: from bytes of small images to bytes of large ones.

    Images (N, C, H, W) may have any size. .onnx needs the extra dlkit[export].

    Example: dlkit cnn upscale export x2.onnx --from mnist5k-x2
    """
    from dlkit.artifacts.placing import check_places, placed
    from dlkit.classifiers.exporting import check_onnx, write_json
    from dlkit.cnn.upscale import export as work

    output = console.Output(form, json_lines=json, header=header)
    path = target.expanduser()
    writer = work.WRITERS.get(path.suffix.lower())
    if writer is None:
        known = ", ".join(work.WRITERS)
        raise DlkitError(f"{target}: the suffix is none of {known}", hint="model.onnx", code=USAGE)
    if channels not in (1, 3):
        raise DlkitError(f"--channels {channels}: must be 1 or 3", hint="--channels 3", code=USAGE)
    paths = [path, work.beside(path)]
    check_places(paths, force=force)
    if writer is work.to_onnx:
        check_onnx()
    upscaler = of.opened(source, quiet=quiet)
    with placed(paths, force=force) as (stream, aside):
        writer(upscaler, channels, stream)
        write_json(work.description(upscaler, channels), aside)
    output.facts(
        {
            "path": str(path),
            "description": str(paths[1]),
            "scale": upscaler.scale,
            "parameters": upscaler.document["parameters"],
        }
    )
