"""``dlkit cnn upscale inspect``: what a network is made of, and what it brings back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.classifiers import options_cli as shared
from dlkit.cnn.upscale import settings_cli as of
from dlkit.data.samples_cli import refuse
from dlkit.errors import USAGE, DlkitError
from dlkit.options import Form, Header, Json, Progress, Quiet

if TYPE_CHECKING:
    from dlkit.cnn.upscale.inspect import Inspection
    from dlkit.cnn.upscale.saved import SavedUpscaler

_TABLES = ("layers", "images", "learning")


def inspect(
    images: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[IMAGE]…",
            help="Images to make small and large again instead of test images: files, folders.",
        ),
    ] = None,
    source: of.From = None,
    sample: Annotated[
        str | None,
        typer.Option(metavar="N", help="Look at test image N; several: 3,17 [default: 8 of them]."),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="One table: layers, images or learning [default: all; in a pipe layers].",
        ),
    ] = None,
    figures: Annotated[
        bool,
        typer.Option(
            "--figures/--no-figures",
            help="Draw images side by side, errors, frequencies and filters into a new folder of "
            "reports/; needs the data, or IMAGE.",
        ),
    ] = True,
    png: shared.Png = False,
    skip_bad: of.SkipBad = None,
    threads: shared.Threads = None,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Look into a network: its layers, how far it sees, and which frequencies it brings back.

    Drawn are images side by side (small, bicubic, network, truth), where each is wrong, the share
    of the power that comes back at each frequency, the first filters, the effective receptive
    field and the learning curves.

    Example: dlkit cnn upscale inspect --from mnist5k-x2 --sample 3,7
    """
    output = console.Output(form, json_lines=json, header=header)
    if table is not None and table not in _TABLES:
        raise DlkitError(
            f"--table {table}: there is none", hint=f"--table {'|'.join(_TABLES)}", code=USAGE
        )
    if not figures:
        refuse({"--png": png or None, "--sample": sample, "IMAGE": images}, why="--no-figures")
    numbers = _numbers(sample, images)
    upscaler = of.opened(source, quiet=quiet, threads=threads)
    if figures:
        from dlkit.artifacts.reports import check_report

        check_report(of.TASK, upscaler.path.name)
    found = _found(
        upscaler, images or [], numbers, skip_bad=bool(skip_bad), looked=figures, mode=progress,
        quiet=quiet,
    )  # fmt: skip
    drawn = _draw(upscaler, found, png=png) if figures else []
    _show(output, upscaler, found, drawn, table=table)
    if drawn and not quiet and output.form != "json":
        console.note(f"wrote {drawn[0]} and {len(drawn) - 1} more")


def _numbers(sample: str | None, images: list[str] | None) -> tuple[int, ...]:
    """The numbers of ``--sample``.

    Raises:
        DlkitError: (USAGE) they are none, or images are given.

    """
    if sample is None:
        return ()
    if images:
        raise DlkitError("--sample is of the artifact's own data; IMAGE is another", code=USAGE)
    try:
        numbers = tuple(int(part) for part in sample.split(",") if part.strip())
        if not numbers or any(number < 1 for number in numbers):
            raise ValueError
    except ValueError:
        raise DlkitError(
            f"--sample {sample}: must be numbers from 1", hint="--sample 3,17", code=USAGE
        ) from None
    return numbers


def _found(
    upscaler: SavedUpscaler,
    images: list[str],
    numbers: tuple[int, ...],
    *,
    skip_bad: bool,
    looked: bool,
    mode: str,
    quiet: bool,
) -> Inspection:
    from dlkit.cnn.upscale.inspect import inspect as work
    from dlkit.progress import follow

    data, config = images, None
    if looked and images:
        from dlkit.cnn.upscale.config import ImagesConfig

        config = ImagesConfig(skip_bad=skip_bad)
    elif looked:
        own = upscaler.settings()
        data, config = list(own.data), own.input
    going = work(
        upscaler, data, config, seed=upscaler.document["seed"], other=bool(images), numbers=numbers
    )
    return follow(going, mode=mode, quiet=quiet)


def _draw(upscaler: SavedUpscaler, found: Inspection, *, png: bool) -> list[str]:
    from dlkit.artifacts.reports import write_report
    from dlkit.cnn.upscale.inspect import figures
    from dlkit.report.canvas import gaps, to_files, to_svg
    from dlkit.report.html import Section, render

    made = figures(upscaler, found)
    files, lacking = to_files(made, png=png)
    parts = [Section(each.title, figures=[to_svg(each)]) for each in made.values()]
    page = render(upscaler.reference, parts)
    folder = write_report(of.TASK, upscaler.path.name, "inspect", {"report.html": page, **files})
    if lacking:
        console.warn(gaps(lacking))
    return [str(folder / name) for name in ("report.html", *files)]


def _show(
    output: console.Output,
    upscaler: SavedUpscaler,
    found: Inspection,
    drawn: list[str],
    *,
    table: str | None,
) -> None:
    from dlkit.cnn.upscale.inspect import document, tables

    if output.form == "json":
        told = document(upscaler, found)
        output.answer((), [], told | ({"figures": drawn} if drawn else {}))
        return
    if table is None and output.form != "human":
        table = "layers"
    made = tables(upscaler, found, exact=output.form == "tsv")
    if table is not None and table not in made:
        raise DlkitError(f"--table {table} needs images", hint="--figures", code=USAGE)
    for name, each in made.items():
        if table in (None, name):
            output.answer(each.columns, each.rows, (), title=each.caption)
