"""``dlkit classify eval``: how often a network is right, and where it is not."""

from __future__ import annotations

from dlkit import console
from dlkit.classifiers import eval_cli as by
from dlkit.classifiers import options_cli as shared
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
from dlkit.options import Form, Header, Json, Progress, Quiet


def evaluate(
    data: Data = None,
    source: of.From = None,
    top: by.Top = "5",
    per_class: by.PerClass = False,
    confusion: by.Confusion = False,
    worst: by.Worst = 0,
    uncertain: by.Uncertain = 0,
    report: by.Report = False,
    png: shared.Png = False,
    features: MovedFeatures = None,
    image_column: ImageColumn = None,
    text_column: TextsColumn = None,
    label_column: LabelColumn = None,
    test_split: TestSplit = None,
    skip_bad: SkipBad = None,
    limit: Limit = None,
    encoding: TablesEncoding = None,
    threads: shared.Threads = None,
    device: shared.Device = None,
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
    from dlkit.classifiers.evaluate import Asked
    from dlkit.classifiers.evaluate import evaluate as judge
    from dlkit.progress import follow

    output = console.Output(form, json_lines=json, header=header)
    tables = by.Tables(per_class, confusion, worst, uncertain)
    tables.check(output.form)
    ks = by.numbers(top)
    by.check_png(png=png, report=report)
    if not data:
        why = "an artifact is judged on what was recorded; DATA is other data"
        refuse(named(options), why=why)
    classifier = of.opened(source, quiet=quiet, features=features, device=device, threads=threads)
    if report:
        from dlkit.artifacts.reports import check_report
        from dlkit.classify.saved import TASK

        check_report(TASK, classifier.path.name)
    given = options | ({"data": data} if data else {})
    config, _ = of.config_of(None, (), given, classifier=classifier, other_data=bool(data))
    asked = Asked(
        config.data, config.input, config.training.seed, bool(data), config.begin is not None
    )
    judged = follow(judge(classifier, asked, top_k=ks), mode=progress, quiet=quiet)
    by.show(output, classifier, judged, tables)
    if report:
        by.write_evaluation(classifier, judged, png=png, quiet=quiet)
