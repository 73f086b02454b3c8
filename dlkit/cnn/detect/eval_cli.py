"""``dlkit cnn detect eval``: how well things are found, and where they are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.classifiers import eval_cli as by
from dlkit.classifiers import options_cli as shared
from dlkit.cnn.detect import settings_cli as of
from dlkit.data.samples_cli import ImageColumn, SkipBad, TablesEncoding, TestSplit, named, refuse
from dlkit.errors import USAGE, DlkitError
from dlkit.options import Form, Header, Json, Progress, Quiet

if TYPE_CHECKING:
    from dlkit.cnn.detect.evaluate import Judged
    from dlkit.cnn.detect.saved import SavedDetector


def evaluate(
    data: of.Data = None,
    source: of.From = None,
    per_class: Annotated[
        bool, typer.Option("--per-class", help="Average precision of each class.")
    ] = False,
    confusion: Annotated[
        bool,
        typer.Option("--confusion", help="What was taken for what, and for nothing."),
    ] = False,
    worst: Annotated[
        int, typer.Option(min=0, metavar="N", help="Also the N images with the most errors.")
    ] = 0,
    threshold: of.Threshold = None,
    report: by.Report = False,
    png: shared.Png = False,
    images: of.Images = None,
    boxes: of.Boxes = None,
    image_column: ImageColumn = None,
    objects_column: of.ObjectsColumn = None,
    columns: of.Columns = None,
    test_split: TestSplit = None,
    skip_bad: SkipBad = None,
    limit: of.Limit = None,
    encoding: TablesEncoding = None,
    precision: of.Precision = "fp32",
    threads: shared.Threads = None,
    device: shared.Device = None,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Judge a detector on the test split of its data, or of DATA.

    mAP as COCO counts it (overlaps of 0.50 to 0.95), mAP50, by size and by class; precision, recall
    and F1 where F1 is best; errors at the threshold. In a pipe one of the tables can be had, with
    --json all in one object.

    Example: dlkit cnn detect eval --per-class --worst 5
    """
    options = of.reading(locals())
    from dlkit.cnn.detect.evaluate import evaluate as judge
    from dlkit.cnn.detect.scoring import check_evaluator
    from dlkit.progress import follow

    output = console.Output(form, json_lines=json, header=header)
    of.check_precision(precision)
    by.check_png(png=png, report=report)
    if output.form == "tsv" and per_class + confusion + bool(worst) > 1:
        raise DlkitError(
            "--per-class, --confusion and --worst are tables of their own: in a pipe one at a time",
            hint="--json has all",
            code=USAGE,
        )
    if not data:
        why = "an artifact is judged on what was recorded; DATA is other data"
        refuse(named(options), why=why)
    check_evaluator()
    detector = of.opened(source, quiet=quiet, device=device, threads=threads)
    if report:
        from dlkit.artifacts.reports import check_report

        check_report(of.TASK, detector.path.name)
    given = options | ({"data": data} if data else {})
    config, _ = of.config_of(None, (), given, detector=detector, other_data=bool(data))
    work = judge(detector, config, other=bool(data), precision=precision, threshold=threshold)
    judged = follow(work, mode=progress, quiet=quiet)
    at = detector.threshold if threshold is None else threshold
    _show(output, detector, judged, at, per_class=per_class, confusion=confusion, worst=worst,
          precision=precision)  # fmt: skip
    if report:
        _write(detector, judged, at, png=png, quiet=quiet)


def _show(
    output: console.Output,
    detector: SavedDetector,
    judged: Judged,
    threshold: float,
    *,
    per_class: bool,
    confusion: bool,
    worst: int,
    precision: str,
) -> None:
    from dlkit.cnn.detect.showing import (
        NOTHING,
        WORST,
        classes_table,
        confused,
        scores_table,
        worst_rows,
    )
    from dlkit.report.tables import CONFUSION, confusion_table

    scores, found = judged.scores, judged.errors
    if output.form == "json":
        told: dict[str, object] = {"artifact": detector.reference, "data": judged.name}
        told |= {"precision_of_products": precision, **scores.document()}
        told["errors"] = {
            "threshold": threshold, "missed": int(found.missed.sum()),
            "invented": int(found.invented.sum()), "other_class": int(found.swapped.sum()),
        }  # fmt: skip
        if per_class:
            keys = ("class", "ap", "ap50", "boxes")
            told["classes"] = [dict(zip(keys, row, strict=True))
                               for row in classes_table(scores).rows]  # fmt: skip
        if confusion:
            told |= {"names": [*judged.classes, NOTHING], "confusion": found.confusion.tolist()}
        if worst:
            names = ("file", "missed", "invented", "other_class", "boxes")
            told["worst"] = [
                dict(zip(names, row, strict=True)) for row in worst_rows(judged, worst)
            ]
        output.answer((), [], told | {"seconds": judged.seconds})
        return
    human = output.form == "human"
    if human or not (per_class or confusion or worst):
        table = scores_table(scores)
        title = f"{detector.reference} on {judged.name}: {table.caption}"
        output.answer(table.columns, table.rows, (), title=title)
    if per_class:
        table = classes_table(scores)
        output.answer(table.columns, table.rows, (), title=table.caption)
    if confusion:
        every = (*judged.classes, NOTHING)
        caption = f"what was taken for what, from a score of {threshold:.3g} on"
        if human:
            table = confusion_table(found.confusion, every, caption=caption)
            output.answer(table.columns, table.rows, (), title=table.caption)
        else:
            output.answer(CONFUSION, confused(judged), ())
    if worst:
        title = f"the most errors, from a score of {threshold:.3g} on"
        output.answer(WORST, worst_rows(judged, worst), (), title=title)


def _write(
    detector: SavedDetector, judged: Judged, threshold: float, *, png: bool, quiet: bool
) -> None:
    from dlkit.artifacts.reports import write_report
    from dlkit.cnn.detect.showing import evaluation_files
    from dlkit.report.canvas import gaps

    files, lacking = evaluation_files(detector, judged, threshold=threshold, png=png)
    folder = write_report(of.TASK, detector.path.name, "eval", files)
    if lacking:
        console.warn(gaps(lacking))
    if not quiet:
        console.note(f"wrote {folder / 'report.html'}")
