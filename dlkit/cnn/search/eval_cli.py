"""``dlkit cnn search eval``: how good an index is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlkit import console
from dlkit.classifiers import eval_cli as by
from dlkit.classifiers import options_cli as shared
from dlkit.cnn.search import settings_cli as of
from dlkit.data.samples_cli import (
    Data,
    ImageColumn,
    LabelColumn,
    Limit,
    MovedFeatures,
    SkipBad,
    TablesEncoding,
    TestSplit,
    named,
    reading,
    refuse,
)
from dlkit.errors import USAGE, DlkitError
from dlkit.options import Form, Header, Json, Progress, Quiet

if TYPE_CHECKING:
    from dlkit.cnn.search.evaluate import Evaluated
    from dlkit.cnn.search.saved import ImageIndex


def evaluate(
    data: Data = None,
    source: of.From = None,
    k: Annotated[
        str, typer.Option("--k", "-k", metavar="K", help="Recall and precision at: 1,5,10.")
    ] = "1,5,10",
    pixels: Annotated[
        bool, typer.Option("--pixels", help="Rank by raw pixels (L2), too, in the same table.")
    ] = False,
    per_class: Annotated[
        bool, typer.Option("--per-class", help="Also mAP and recall@1 of each class.")
    ] = False,
    report: Annotated[
        bool,
        typer.Option("--report", help="Write report.html, figures and a sheet into reports/."),
    ] = False,
    png: shared.Png = False,
    features: MovedFeatures = None,
    image_column: ImageColumn = None,
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
    """Measure an index: mAP over whole rankings, recall@k, precision@k, R-precision, MAP@R.

    Right is an image of the query's class. Searched for is the test split of the indexed data, or
    DATA; of data without a test split each image among the others. Recall@k is the share of
    queries with a right image among the first k.

    Example: dlkit cnn search eval --from search/cifar10 --pixels
    """
    options = reading(locals())
    from dlkit.cnn.search.evaluate import evaluate as work
    from dlkit.progress import follow

    output = console.Output(form, json_lines=json, header=header)
    by.check_png(png=png, report=report)
    ks = tuple(sorted(set(_numbers(k))))
    device = shared.check_device(device)
    if not data:
        refuse(named(options), why="an index is judged on what was recorded; DATA is other data")
    index = of.opened(source, quiet=quiet)
    if report:
        from dlkit.artifacts.reports import check_report

        check_report(of.TASK, index.path.name)
    given = options | ({"data": data} if data else {})
    config, _ = of.config_of(None, (), given, index=index, other_data=bool(data))
    embedder = index.embedder(features=features, device=device, threads=threads)
    going = work(index, embedder, config, ks, other_data=bool(data), pixels=pixels, threads=threads)
    found = follow(going, mode=progress, quiet=quiet)
    _show(output, index, found, per_class=per_class)
    if report:
        _report(index, found, png=png, quiet=quiet)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        found = by.numbers(text)
    except DlkitError:
        found = ()
    if not found:
        raise DlkitError(f"-k {text}: must be whole numbers from 1", hint="-k 1,5,10", code=USAGE)
    return found


def _show(output: console.Output, index: ImageIndex, found: Evaluated, *, per_class: bool) -> None:
    told = {name: each.document() for name, each in found.scores.items()}
    queries = found.queries
    if output.form == "json":
        document: dict[str, Any] = {"index": index.reference, "data": queries.name}
        document |= {"queries": queries.what, "images": found.points, "scores": told}
        if per_class:
            document["per_class"] = {
                name: [
                    dict(zip(_COLUMNS, row, strict=True)) for row in _classes(index, found, name)
                ]
                for name in found.scores
            }
        output.answer((), [], document)
        return
    names = list(told)
    title = (
        f"{index.reference}: {len(queries.labels):,} queries ({queries.what}) among "
        f"{found.points:,} images"
    )
    if per_class and output.form == "tsv":
        rows = [(name, *row) for name in names for row in _classes(index, found, name)]
        output.answer(("features", *_COLUMNS), rows, ())
        return
    if output.form == "tsv":
        measures = list(told[names[0]])
        output.answer(("features", *measures), [(name, *told[name].values()) for name in names], ())
        return
    from dlkit.cnn.search.showing import measures_table

    table = measures_table(told)
    output.answer(table.columns, table.rows, (), title=title)
    if per_class:
        for name in names:
            output.answer(_COLUMNS, _classes(index, found, name), (), title=f"by {name}")


_COLUMNS = ("class", "queries", "map", "recall@1")


def _classes(index: ImageIndex, found: Evaluated, name: str) -> list[tuple[str, int, float, float]]:
    return found.per_class(name, index.classes)


def _report(index: ImageIndex, found: Evaluated, *, png: bool, quiet: bool) -> None:
    from dlkit.artifacts.reports import write_report
    from dlkit.cnn.search.showing import evaluation_files
    from dlkit.report.canvas import gaps

    files, lacking = evaluation_files(index, found, png=png)
    folder = write_report(of.TASK, index.path.name, "eval", files)
    if lacking:
        console.warn(gaps(lacking))
    if not quiet:
        console.note(f"report: {folder / 'report.html'}")
