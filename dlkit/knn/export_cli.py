"""``dlkit knn export``: points and labels for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dlkit import console
from dlkit.errors import USAGE, DlkitError
from dlkit.knn import settings_cli as of
from dlkit.options import Force, Form, Header, Json, Quiet


def export(
    target: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="FILE.npz (NumPy, no pickle), .safetensors or .csv."),
    ],
    source: of.From = None,
    force: Force = False,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    quiet: Quiet = False,
) -> None:
    """Write the points of an artifact with their labels, for other tools.

    .npz and .safetensors hold points (N, D), labels (N,) and the names of the classes (in
    safetensors as bytes of UTF-8, one a line); .npz and .csv where each point comes from.

    Example: dlkit knn export digits.npz --from digits
    """
    from dlkit.artifacts.placing import check_places, placed
    from dlkit.knn import export as work

    output = console.Output(form, json_lines=json, header=header)
    path = target.expanduser()
    writer = work.WRITERS.get(path.suffix.lower())
    if writer is None:
        known = ", ".join(work.WRITERS)
        raise DlkitError(f"{target}: the suffix is none of {known}", hint="points.npz", code=USAGE)
    check_places([path], force=force)
    knn = of.opened(source, quiet=quiet, rows=False)
    with placed([path], force=force) as (stream,):
        writer(knn, stream)
    rows = knn.points.rows
    output.facts(
        {"path": str(path), "points": len(rows), "dim": rows.shape[1], "dtype": str(rows.dtype)}
    )
