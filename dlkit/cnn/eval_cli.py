"""``dlkit cnn eval``: how often a network is right, and where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.classifiers import comparing_cli as several
from dlkit.classifiers import eval_cli as by
from dlkit.classifiers import options_cli as shared
from dlkit.classifiers.screening_cli import (
    AtSensitivity,
    Positive,
    Threshold,
    check_screening,
    screened,
)
from dlkit.cnn import settings_cli as of
from dlkit.data.samples_cli import (
    Data,
    ImageColumn,
    LabelColumn,
    Limit,
    SkipBad,
    TablesEncoding,
    TestSplit,
    named,
    reading,
    refuse,
)
from dlkit.options import Form, Header, Json, Progress, Quiet

if TYPE_CHECKING:
    from dlkit.classifiers.evaluate import Judged
    from dlkit.cnn.saved import ImageClassifier
    from dlkit.report.canvas import Figure


def evaluate(
    data: Data = None,
    sources: of.FromSeveral = None,
    views: of.Views = "none",
    top: by.Top = "5",
    per_class: by.PerClass = False,
    confusion: by.Confusion = False,
    worst: by.Worst = 0,
    uncertain: by.Uncertain = 0,
    positive: Positive = None,
    threshold: Threshold = None,
    at_sensitivity: AtSensitivity = None,
    occlude: Annotated[
        str | None,
        typer.Option(
            metavar="PERCENTS",
            help="Also the accuracy with so much of every image hidden, at a random place: "
            "0,10,20,40.",
        ),
    ] = None,
    report: by.Report = False,
    png: shared.Png = False,
    image_column: ImageColumn = None,
    label_column: LabelColumn = None,
    test_split: TestSplit = None,
    skip_bad: SkipBad = None,
    limit: Limit = None,
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
    """Judge a network on the test split of its data, or of DATA.

    Accuracy, log-loss, F1, area under the ROC curve and calibration error, with intervals of 95 %.
    Test-time augmentation is said beside the scores. In a pipe one of the tables can be had, with
    --json all in one object. With several --from one table, a line (--json: an object) each.

    Example: dlkit cnn eval --from mnist5k --per-class
    """
    options = reading(locals())
    from dlkit.classifiers.evaluate import Asked
    from dlkit.classifiers.evaluate import evaluate as judge
    from dlkit.progress import follow

    output = console.Output(form, json_lines=json, header=header)
    tables = by.Tables(per_class, confusion, worst, uncertain)
    tables.check(output.form, {"--positive": positive is not None, "--occlude": bool(occlude)})
    ks = by.numbers(top)
    by.check_png(png=png, report=report)
    of.check_asking(views, precision)
    check_screening(positive, threshold, at_sensitivity, views=views)
    shares = _shares(occlude)
    if not data:
        why = "an artifact is judged on what was recorded; DATA is other data"
        refuse(named(options), why=why)
    given = options | ({"data": data} if data else {})

    def opened(source: str | None) -> ImageClassifier:
        found = of.opened(source, quiet=quiet, device=device, threads=threads)
        return found.looking(views, precision)

    def judged_one(classifier: ImageClassifier) -> tuple[Judged, int]:
        config, _ = of.config_of(None, (), given, classifier=classifier, other_data=bool(data))
        seed, begun = config.training.seed, config.begin is not None
        asked = Asked(config.data, config.input, seed, bool(data), begun)
        return follow(judge(classifier, asked, top_k=ks), mode=progress, quiet=quiet), seed

    title = "" if views == "none" else f" with test-time augmentation ({views})"
    how = {"tta": views, "precision": precision}
    if sources and len(sources) > 1:
        one = {"--positive": positive, "--occlude": occlude, "--report": report}
        several.refuse_single(tables, one)
        found = several.each_once(opened, sources)
        work = ((classifier, judged_one(classifier)[0]) for classifier in found)
        several.compared(output, work, title=title, more=how)
        return
    classifier = opened(sources[0] if sources else None)
    if report:
        from dlkit.artifacts.reports import check_report

        check_report(of.TASK, classifier.path.name)
    judged, seed = judged_one(classifier)
    extras: list[by.Extra] = []
    figures: dict[str, Figure] = {}
    if positive is not None:
        extras.append(screened(classifier, judged, positive, threshold, at_sensitivity))
    if shares:
        extra, figures = _hidden(classifier, judged, shares, seed=seed, mode=progress, quiet=quiet)
        extras.append(extra)
    by.show(output, classifier, judged, tables, title=title, more=how, extras=extras)
    if report:
        by.write_evaluation(
            classifier, judged, png=png, quiet=quiet, title=title, extras=extras, more=figures
        )


def _shares(occlude: str | None) -> tuple[float, ...]:
    """The shares of ``--occlude``; none where it was not given.

    Raises:
        DlkitError: (USAGE) they are none.

    """
    if occlude is None:
        return ()
    from dlkit.cnn.occlusion import shares_of

    return shares_of(occlude)


def _hidden(
    classifier: ImageClassifier,
    judged: Judged,
    shares: tuple[float, ...],
    *,
    seed: int,
    mode: str,
    quiet: bool,
) -> tuple[by.Extra, dict[str, Figure]]:
    """The accuracy with parts of the images hidden, and its figure."""
    from dlkit.classifiers.opened import ask
    from dlkit.cnn.inspect import grey_of
    from dlkit.cnn.occlusion import COLUMNS, accuracy_by_share, shares_figure
    from dlkit.progress import follow

    grey = grey_of(classifier.model, channels=classifier.form.channels)
    work = accuracy_by_share(
        lambda images: ask(classifier, images, what="test"),
        judged.samples.test,
        shares,
        colour=[round(255 * value) for value in grey],
        seed=seed,
    )
    hidden = follow(work, mode=mode, quiet=quiet)
    title = "with a part of every image hidden, of the mean colour, at a random place"
    rows, told = [each.row() for each in hidden], [each.document() for each in hidden]
    figure = shares_figure(hidden, name=judged.samples.name, classes=len(classifier.classes))
    return by.Extra("occluded", title, COLUMNS, rows, told), {"occluded": figure}
