"""``dlkit cnn upscale predict``: images made larger."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from dlkit import console
from dlkit.classifiers import options_cli as shared
from dlkit.cnn.upscale import settings_cli as of
from dlkit.options import Force, Form, Header, Json, Progress, Quiet


def predict(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE…",
            help="Files, folders, patterns; - reads stdin: names of files, a line each, or the "
            "bytes of one image.",
        ),
    ],
    target: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|FOLDER",
            help="Where it goes: one image into FILE.png (.jpg .webp .tif .bmp .ppm), several into "
            "FOLDER, under their names.",
        ),
    ],
    source: of.From = None,
    suffix: Annotated[
        str | None,
        typer.Option(
            metavar="png",
            help="Format of the files in FOLDER [default: each image's, png where it has none].",
        ),
    ] = None,
    quality: Annotated[
        int, typer.Option(min=1, max=100, help="Of JPEG and WebP files, 1 to 100.")
    ] = 95,
    force: Force = False,
    skip_bad: of.SkipBad = None,
    tile: of.Tile = None,
    precision: of.Precision = "fp32",
    threads: shared.Threads = None,
    device: shared.Device = None,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Make images 2, 3 or 4 times as large, and tell of each what was written.

    Images may have any size. Transparency, the colour profile, EXIF and 16 bits of grey images are
    kept; the picture is turned upright. The command's name may be left out: dlkit cnn upscale
    small.png -o large.png.

    Example: dlkit cnn upscale predict photo.png -o large.png --from mnist5k-x2
    """
    from dlkit.cnn.upscale.planning import Wish
    from dlkit.cnn.upscale.predict import predict as work
    from dlkit.cnn.upscale.tiles import TILE
    from dlkit.progress import follow

    output = console.Output(form, json_lines=json, header=header)
    of.check_precision(precision)
    upscaler = of.opened(source, quiet=quiet, device=device, threads=threads)
    stdin = None if sys.stdin is None else sys.stdin.buffer
    wish = Wish(
        target.expanduser(), suffix, quality, force=force, skip_bad=bool(skip_bad),
        tile=tile or TILE, precision=precision,
    )  # fmt: skip
    for each in work(upscaler, inputs, wish, stdin):
        for made in follow(each, mode=progress, quiet=quiet):
            columns = ("file", "path", "width", "height", "mode")
            output.answer(columns, [list(made)], made.document())
