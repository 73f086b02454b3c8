"""``dlkit classify eval``: how often a network is right, and where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.classify import settings_cli as of
from dlkit.data.samples_cli import (
    Data,
    ImageColumn,
    LabelColumn,
    Limit,
    MovedFeatures,
    SkipBad,
    TablesEncoding,
    TestSplit,
    TextsColumn,
    named,
    reading,
    refuse,
)
from dlkit.errors import USAGE, DlkitError
from dlkit.options import Form, Header, Json, Progress, Quiet

if TYPE_CHECKING:
    from dlkit.classify.evaluate import Judged
    from dlkit.classify.saved import Classifier

_SCORES = ("score", "value", "low", "high")
_SAMPLES = ("file", "class", "taken for", "value")


def evaluate(
    data: Data = None,
    source: of.From = None,
    top: Annotated[
        str, typer.Option("--top", help="Also the share whose class is among so many: 3 or 3,5.")
    ] = "5",
    per_class: Annotated[
        bool, typer.Option("--per-class", help="Precision, recall, F1 and area of each class.")
    ] = False,
    confusion: Annotated[
        bool, typer.Option("--confusion", help="How many of each class were taken for each.")
    ] = False,
    worst: Annotated[
        int, typer.Option(min=0, metavar="N", help="Also the N samples with the largest loss.")
    ] = 0,
    uncertain: Annotated[
        int, typer.Option(min=0, metavar="N", help="Also the N samples it is least sure of.")
    ] = 0,
    report: Annotated[
        bool, typer.Option("--report", help="Write report.html and figures into reports/.")
    ] = False,
    png: of.Png = False,
    features: MovedFeatures = None,
    image_column: ImageColumn = None,
    text_column: TextsColumn = None,
    label_column: LabelColumn = None,
    test_split: TestSplit = None,
    skip_bad: SkipBad = None,
    limit: Limit = None,
    encoding: TablesEncoding = None,
    threads: of.Threads = None,
    device: of.Device = None,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Judge a classifier on the test split of its data, or of DATA.

    Accuracy, log-loss, F1, area under the ROC curve and calibration error, with intervals of 95 %.
    In a pipe one of the tables can be had, with --json all in one object.

    Example: dlkit classify eval --from digits --per-class
    """
    options = reading(locals())
    from dlkit.classify import evaluate as work
    from dlkit.progress import follow

    output = console.Output(form, json_lines=json, header=header)
    details = [per_class, confusion, bool(worst), bool(uncertain)]
    if output.form == "tsv" and sum(details) > 1:
        raise DlkitError(
            "--per-class, --confusion, --worst and --uncertain are tables of their own: in a pipe "
            "one at a time",
            hint="--json has all",
            code=USAGE,
        )
    ks = _numbers(top)
    if png and not report:
        raise DlkitError("--png is of --report, which draws", hint="--report --png", code=USAGE)
    if not data:
        why = "an artifact is judged on what was recorded; DATA is other data"
        refuse(named(options), why=why)
    classifier = of.opened(source, quiet=quiet, features=features, device=device, threads=threads)
    if report:
        from dlkit.artifacts.reports import check_report
        from dlkit.classify.saved import TASK

        check_report(TASK, classifier.name)
    given = options | ({"data": data} if data else {})
    config, _ = of.config_of(None, (), given, classifier=classifier, other_data=bool(data))
    going = work.evaluate(classifier, config, other_data=bool(data), top_k=ks)
    judged = follow(going, mode=progress, quiet=quiet)
    _show(
        output, classifier, judged,
        per_class=per_class, confusion=confusion, worst=worst, uncertain=uncertain,
    )  # fmt: skip
    if report:
        from dlkit.artifacts.reports import write_report
        from dlkit.classify.showing import evaluation_files
        from dlkit.report.canvas import gaps

        files, lacking = evaluation_files(classifier, judged, png=png)
        folder = write_report(TASK, classifier.name, "eval", files)
        if lacking:
            console.warn(gaps(lacking))
        if not quiet:
            console.note(f"wrote {folder / 'report.html'}")


def _numbers(text: str) -> tuple[int, ...]:
    try:
        found = tuple(int(part) for part in text.split(",") if part.strip())
        if any(number < 1 for number in found):
            raise ValueError
    except ValueError:
        raise DlkitError(
            f"--top {text}: must be whole numbers from 1", hint="--top 3,5", code=USAGE
        ) from None
    return found


def _show(
    output: console.Output,
    classifier: Classifier,
    judged: Judged,
    *,
    per_class: bool,
    confusion: bool,
    worst: int,
    uncertain: int,
) -> None:
    """The scores; where they were asked for the classes, the confusion and single samples."""
    from dlkit.classify.asking import unsure_of, worst_of
    from dlkit.report.sections import classes_table, scores_table
    from dlkit.report.tables import CONFUSION, Table, confused_pairs, confusion_table

    scores, samples = judged.scores, judged.samples
    single: dict[str, list[list[object]]] = {}
    if worst:
        places = worst_of(judged.values, samples.test.labels, worst, classifier.loss)
        single["worst"] = _rows(judged, places.tolist())
    if uncertain:
        places = unsure_of(judged.values, uncertain, classifier.loss)
        single["uncertain"] = _rows(judged, places.tolist())
    classes = classes_table(scores)
    if output.form == "json":
        more: dict[str, object] = {"artifact": classifier.reference, "data": samples.name}
        more |= scores.document()
        if per_class:
            names = [name.replace("-", "_") for name in classes.columns]
            more["classes"] = [dict(zip(names, row, strict=True)) for row in classes.rows]
        if confusion:
            more |= {"names": samples.classes, "confusion": scores.confusion.tolist()}
        keys = ("file", "class", "taken_for", classifier.value)
        for title, rows in single.items():
            more[title] = [dict(zip(keys, row, strict=True)) for row in rows]
        output.answer((), [], more)
        return
    if output.form == "human" or not (per_class or confusion or single):
        table = scores_table(scores)
        title = f"{classifier.reference} on {samples.name}: {table.caption}"
        output.answer(_SCORES, table.rows, (), title=title)
    if per_class:
        output.answer(classes.columns, classes.rows, (), title="classes")
    if confusion:
        taken = confusion_table(
            scores.confusion, samples.classes, caption="what was taken for what"
        )
        if output.form == "tsv":
            taken = Table(CONFUSION, list(confused_pairs(scores.confusion, samples.classes)))
        output.answer(taken.columns, taken.rows, (), title=taken.caption)
    for title, rows in single.items():
        output.answer((*_SAMPLES[:-1], classifier.value), rows, (), title=title)


def _rows(judged: Judged, places: list[int]) -> list[list[object]]:
    """File, class, what it was taken for and the value of that, for samples of the test split."""
    test, classes, found = judged.samples.test, judged.samples.classes, []
    for place in places:
        guess = int(judged.values[place].argmax())
        truth = classes[int(test.labels[place])]
        found.append([test.paths[place], truth, classes[guess], float(judged.values[place, guess])])
    return found
