"""``dlkit cnn upscale eval``: how near enlarged images are to the true ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.classifiers import options_cli as shared
from dlkit.classifiers.eval_cli import Report, check_png
from dlkit.cnn.upscale import settings_cli as of
from dlkit.data.samples_cli import ImageColumn, TablesEncoding, TestSplit, named, reading, refuse
from dlkit.errors import USAGE, DlkitError
from dlkit.options import Form, Header, Json, Progress, Quiet

if TYPE_CHECKING:
    from dlkit.cnn.upscale.evaluate import Judged
    from dlkit.cnn.upscale.saved import SavedUpscaler


def evaluate(
    data: of.Data = None,
    source: of.From = None,
    on: Annotated[
        str,
        typer.Option(
            "--on", help="What is compared: y, brightness as in the papers, or rgb, all colours."
        ),
    ] = "y",
    per_image: Annotated[
        bool, typer.Option("--per-image", help="Also the scores of each image.")
    ] = False,
    report: Report = False,
    png: shared.Png = False,
    image_column: ImageColumn = None,
    test_split: TestSplit = None,
    skip_bad: of.SkipBad = None,
    limit: of.Limit = None,
    encoding: TablesEncoding = None,
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
    """Judge a network on the test images of its data, or on DATA: PSNR and SSIM.

    Each image is made smaller (PIL's antialiased bicubic) and made large again by the network, by
    bicubic interpolation and by repeating pixels. Bytes are compared, without as many pixels of
    the border as the scale; intervals of 95 % over the images.

    Example: dlkit cnn upscale eval photos/ --from mnist5k-x2 --per-image
    """
    options = reading(locals())
    from dlkit.cnn.upscale.evaluate import evaluate as judge
    from dlkit.cnn.upscale.tiles import TILE
    from dlkit.progress import follow

    output = console.Output(form, json_lines=json, header=header)
    if on not in ("y", "rgb"):
        raise DlkitError(f"--on {on}: must be y or rgb", hint="--on y", code=USAGE)
    of.check_precision(precision)
    check_png(png=png, report=report)
    if not data:
        own = {key: each for key, each in options.items()
               if key not in ("input.limit", "input.skip_bad")}  # fmt: skip
        refuse(named(own), why="an artifact is judged on what was recorded; DATA is other data")
    upscaler = of.opened(source, quiet=quiet, device=device, threads=threads)
    if report:
        from dlkit.artifacts.reports import check_report

        check_report(of.TASK, upscaler.path.name)
    if data:
        config, _ = of.config_of(None, (), options)
        where, config_input = tuple(data), config.input
    else:
        saved = upscaler.settings()
        update: dict[str, object] = {"limit": limit}
        if skip_bad is not None:
            update["skip_bad"] = skip_bad
        where, config_input = saved.data, saved.input.model_copy(update=update)
    work = judge(
        upscaler, where, config_input, seed=upscaler.document["seed"], other=bool(data),
        on="y" if on == "y" else "rgb", tile=tile or TILE, precision=precision,
    )  # fmt: skip
    judged = follow(work, mode=progress, quiet=quiet)
    _show(output, upscaler, judged, per_image=per_image, on=on, precision=precision)
    if report:
        _write(upscaler, judged, png=png, quiet=quiet)


def _show(
    output: console.Output,
    upscaler: SavedUpscaler,
    judged: Judged,
    *,
    per_image: bool,
    on: str,
    precision: str,
) -> None:
    from dlkit.cnn.upscale.showing import images_table, scores_table

    if output.form == "json":
        told: dict[str, object] = {
            "artifact": upscaler.reference, "data": judged.name, "scale": upscaler.scale, "on": on,
            "precision": precision, **judged.scores.document(),
        }  # fmt: skip
        if per_image:
            told["per_image"] = [row.document() for row in judged.rows]
        output.answer((), [], told)
        return
    if output.form == "human" or not per_image:
        table = scores_table(judged.scores)
        title = f"{upscaler.reference} on {judged.name}, x{upscaler.scale}: {table.caption}"
        output.answer(table.columns, table.rows, (), title=title)
    if per_image:
        table = images_table(judged.rows)
        output.answer(table.columns, table.rows, (), title=table.caption)


def _write(upscaler: SavedUpscaler, judged: Judged, *, png: bool, quiet: bool) -> None:
    """report.html and the figures, into a new folder of reports/."""
    from dlkit.artifacts.reports import write_report
    from dlkit.cnn.upscale.showing import evaluation_files
    from dlkit.report.canvas import gaps

    files, lacking = evaluation_files(upscaler, judged, png=png)
    folder = write_report(of.TASK, upscaler.path.name, "eval", files)
    if lacking:
        console.warn(gaps(lacking))
    if not quiet:
        console.note(f"wrote {folder / 'report.html'}")
