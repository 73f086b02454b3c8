"""``dlkit cnn detect inspect``: levels and anchors, scores, what is missed and confused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.classifiers import options_cli as shared
from dlkit.cnn.detect import settings_cli as of
from dlkit.data.samples_cli import refuse
from dlkit.errors import USAGE, DlkitError
from dlkit.options import Form, Header, Json, Progress, Quiet

if TYPE_CHECKING:
    from dlkit.report.tables import Table

_TABLES = ("levels", "parts", "scores", "sizes", "confused", "learning")
_WITHOUT_DATA = ("parts", "learning")


def inspect(
    source: of.From = None,
    table: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="One table: levels, parts, scores, sizes, confused or learning [default: all; in "
            "a pipe levels].",
        ),
    ] = None,
    threshold: of.Threshold = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Levels and parts of a detector without an artifact."),
    ] = None,
    size: Annotated[
        str | None, typer.Option("--size", help="Images of --model [default: usual for it].")
    ] = None,
    classes: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="Classes of --model [default: 80].")
    ] = None,
    figures: Annotated[
        bool,
        typer.Option(
            "--figures/--no-figures", help="Draw into a new folder of reports/; needs the data."
        ),
    ] = True,
    png: shared.Png = False,
    threads: shared.Threads = None,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Look into a detector: levels and anchors, how sure it is, what it misses and confuses.

    Of each level of the feature pyramid the map, the stride, the anchors and how many of the test
    boxes it is for; then right and wrong detections by score, objects found by size, what is taken
    for what, and the learning curves.

    Example: dlkit cnn detect inspect --table sizes
    """
    output = console.Output(form, json_lines=json, header=header)
    if table is not None and table not in _TABLES:
        raise DlkitError(
            f"--table {table}: there is none", hint=f"--table {'|'.join(_TABLES)}", code=USAGE
        )
    if model is not None:
        refuse({"--from": source, "--threshold": threshold, "--png": png},
               why="--model names a network without weights")  # fmt: skip
        _architecture(output, model, size, classes or 80, table)
        return
    refuse({"--size": size, "--classes": classes}, why="an artifact has its own")
    if png and not figures:
        raise DlkitError("--png draws, --no-figures does not", code=USAGE)
    from dlkit.cnn.detect import inspect as work
    from dlkit.cnn.detect import telling
    from dlkit.progress import follow

    detector = of.opened(source, quiet=quiet, threads=threads)
    at = detector.threshold if threshold is None else threshold
    found = {
        "parts": telling.parts_table(work.parts(detector.model)),
        "learning": telling.learning_table(detector),
    }
    drawn: list[str] = []
    if figures or table not in _WITHOUT_DATA:
        from dlkit.cnn.detect.evaluate import evaluate

        if figures:
            from dlkit.artifacts.reports import check_report

            check_report(of.TASK, detector.path.name)
        config, _ = of.config_of(None, (), {}, detector=detector)
        judging = evaluate(detector, config, other=False, threshold=at)
        judged = follow(judging, mode=progress, quiet=quiet)
        scores, sizes = work.score_bins(judged), work.size_bins(judged, at)
        found |= {
            "levels": telling.levels_table(
                work.levels(detector.model, detector.size, judged.split)
            ),
            "scores": telling.scores_table(scores),
            "sizes": telling.sizes_table(sizes, at),
            "confused": telling.confused_table(judged),
        }
        if figures:
            from dlkit.artifacts.reports import write_report
            from dlkit.report.canvas import gaps

            files, lacking = telling.report_files(
                detector, judged, found, scores, sizes, threshold=at, png=png
            )
            folder = write_report(of.TASK, detector.path.name, "inspect", files)
            drawn = [str(folder / name) for name in files]
            if lacking:
                console.warn(gaps(lacking))
    if output.form == "json":
        told: dict[str, object] = {"artifact": detector.reference, "threshold": at}
        told |= {name: _documents(found[name]) for name in _TABLES if name in found}
        output.answer((), [], told | ({"figures": drawn} if drawn else {}))
    else:
        _tables(output, found, table)
    if drawn and not quiet:
        console.note(f"wrote {drawn[0]}, and {len(drawn) - 1} figures beside it")


def _documents(table: Table) -> list[dict[str, object]]:
    """The rows of a table as objects."""
    keys = [name.replace(" ", "_") for name in table.columns]
    return [dict(zip(keys, row, strict=True)) for row in table.rows]


def _tables(output: console.Output, found: dict[str, Table], wanted: str | None) -> None:
    """The table that is wanted, else on a terminal all, in a pipe that of the levels."""
    if wanted is None and output.form != "human":
        wanted = "levels"
    for name in _TABLES:
        if name in found and wanted in (None, name):
            each = found[name]
            output.answer(each.columns, each.rows, (), title=each.caption)


def _architecture(
    output: console.Output, name: str, size: str | None, classes: int, table: str | None
) -> None:
    """The tables of ``--model``."""
    if table not in (None, "levels", "parts"):
        raise DlkitError(f"--table {table} needs weights, of an artifact", code=USAGE)
    config, _ = of.config_of(None, (), {"model": name, "input.size": size})
    from dlkit.cnn.detect import inspect as work
    from dlkit.cnn.detect import telling
    from dlkit.cnn.detect.model import Detector
    from dlkit.cnn.detect.usual import SIDES

    side = SIDES[name]
    wanted = config.input.height_and_width or (side, side)
    model = Detector(name=name, classes=classes, mean=[0.5] * 3, std=[0.25] * 3)
    found = {
        "levels": telling.levels_table(work.levels(model, wanted)),
        "parts": telling.parts_table(work.parts(model)),
    }
    if output.form == "json":
        told: dict[str, object] = {"model": name, "height": wanted[0], "width": wanted[1]}
        told |= {key: _documents(each) for key, each in found.items()}
        output.answer((), [], told | {"classes": classes})
        return
    _tables(output, found, table)
