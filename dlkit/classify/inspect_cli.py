"""``dlkit classify inspect``: what a classifier has learnt, and one sample's way in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.classify import settings_cli as of
from dlkit.data.samples_cli import (
    ImageColumn,
    LabelColumn,
    Limit,
    SkipBad,
    TablesEncoding,
    TestSplit,
    TextsColumn,
)
from dlkit.options import Form, Header, Json, Progress, Quiet

if TYPE_CHECKING:
    from dlkit.classify.explain import Way
    from dlkit.classify.inspect import Inspection
    from dlkit.classify.saved import Classifier

_PULLS = ("input", "value", "weight", "product")


def inspect(
    data: of.Data = None,
    source: of.From = None,
    explain: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Sample N of the test split in numbers: Wx + b, exp, softmax, -log p, λR(W).",
        ),
    ] = None,
    figures: Annotated[
        bool,
        typer.Option(
            "--figures/--no-figures",
            help="Draw curves and, of pixels, the templates W into a new folder of reports/.",
        ),
    ] = True,
    features: of.MovedFeatures = None,
    image_column: ImageColumn = None,
    text_column: TextsColumn = None,
    label_column: LabelColumn = None,
    test_split: TestSplit = None,
    skip_bad: SkipBad = None,
    limit: Limit = None,
    encoding: TablesEncoding = None,
    threads: of.Threads = None,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Look into a classifier: its layers on the training data, its learning, one sample's way.

    Of each layer: the norm of its weights and of the loss's gradient, the share of relu neurons
    that are 0 for every sample (dead), the share of sigmoid or tanh outputs within 0.01 of an end
    (saturated). In a pipe the table of the layers, or with --explain that of the classes; with
    --json all in one object.

    Example: dlkit classify inspect --from digits --explain 7
    """
    options = of.reading(locals())
    from dlkit.classify import inspect as work
    from dlkit.progress import follow

    output = console.Output(form, json_lines=json, header=header)
    if not data:
        why = "an artifact is inspected with its own data; DATA is other data"
        of.refuse(of.named(options), why=why)
    classifier = of.opened(source, quiet=quiet, features=features, threads=threads)
    if figures:
        from dlkit.artifacts.reports import check_report
        from dlkit.classify.saved import TASK

        check_report(TASK, classifier.name)
    given = options | ({"data": data} if data else {})
    config, _ = of.config_of(None, (), given, classifier=classifier, other_data=bool(data))
    going = work.inspect(classifier, config, other_data=bool(data), number=explain)
    found = follow(going, mode=progress, quiet=quiet)
    drawn = _draw(classifier, found) if figures else None
    _show(output, classifier, found, drawn)
    if drawn is not None and not quiet:
        console.note(f"drew {drawn}")


def _draw(classifier: Classifier, found: Inspection) -> str:
    from dlkit.artifacts.reports import write_report
    from dlkit.classify.inspect import figures
    from dlkit.classify.saved import TASK
    from dlkit.report.canvas import to_svg

    drawn = figures(classifier, name=classifier.document["data"]["name"])
    files = {f"{name}.svg": to_svg(figure) for name, figure in drawn.items()}
    assert found.samples.name
    folder = write_report(TASK, classifier.name, "inspect", files)
    return ", ".join(str(folder / name) for name in files)


def _show(
    output: console.Output, classifier: Classifier, found: Inspection, drawn: str | None
) -> None:
    """The layers, how the metrics went, and the sample's way."""
    from dlkit.classify.inspect import courses
    from dlkit.classify.layers import Layer
    from dlkit.report.spark import sparkline

    curves = courses(classifier)
    way = found.way
    if output.form == "json":
        told: dict[str, object] = {
            "artifact": classifier.reference,
            "samples": found.looked_at,
            "layers": [layer._asdict() for layer in found.layers],
            "curves": curves,
        }
        if drawn is not None:
            told["figures"] = drawn.split(", ")
        if way is not None:
            told["sample"] = _document(classifier, way)
        output.answer((), [], told)
        return
    if output.form == "human":
        rows = [[name, values[0], values[-1], sparkline(values)] for name, values in curves.items()]
        output.answer(("metric", "first", "last", "course"), rows, (), title="learning")
    if output.form == "human" or way is None:
        title = f"{classifier.reference} on {found.looked_at:,} samples of {found.samples.name}"
        output.answer(Layer._fields, found.layers, (), title=title)
    if way is not None:
        _show_way(output, classifier, way)


def _show_way(output: console.Output, classifier: Classifier, way: Way) -> None:
    columns = ("class", "Wx", "b", "s = Wx + b", *way.steps)
    rows: list[list[object]] = [
        [name, *map(float, (way.products[at], way.biases[at], way.scores[at])),
         *(float(values[at]) for values in way.steps.values())]
        for at, name in enumerate(classifier.classes)
    ]  # fmt: skip
    guess = classifier.classes[way.winner]
    truth = "of no known class" if way.truth is None else f"class {classifier.classes[way.truth]}"
    output.answer(columns, rows, (), title=f"{way.file}, {truth}, taken for {guess}")
    if output.form != "human":
        return
    told = "-log softmax of its class" if classifier.loss == "softmax" else "sum of the margins"
    l2, l1 = classifier.document["l2"], classifier.document["l1"]
    facts: list[list[object]] = [
        ["loss", told, way.loss],
        ["ΣW²", "over all weights, no biases", way.squares],
        ["λR(W)", f"{l2:g}/2 ΣW² + {l1:g} Σ|W|", way.penalty],
        ["loss + λR(W)", "what it adds to the mean", (way.loss or 0.0) + way.penalty],
    ]
    output.answer(("term", "is", "value"), facts, ())
    if way.pulls:
        title = f"what speaks for {guess}: its weight less the classes' mean, times the value"
        output.answer(_PULLS, way.pulls, (), title=title)


def _document(classifier: Classifier, way: Way) -> dict[str, object]:
    """The way as an object."""
    classes = []
    names = {"exp(s - max)": "exp", "softmax": "probability", "max(0, s - s_y + 1)": "margin"}
    for at, name in enumerate(classifier.classes):
        one: dict[str, object] = {
            "class": name,
            "product": float(way.products[at]),
            "bias": float(way.biases[at]),
            "score": float(way.scores[at]),
        }
        one |= {names[step]: float(values[at]) for step, values in way.steps.items()}
        classes.append(one)
    return {
        "file": way.file,
        "class": None if way.truth is None else classifier.classes[way.truth],
        "predicted": classifier.classes[way.winner],
        "classes": classes,
        "loss": way.loss,
        "squares": way.squares,
        "penalty": way.penalty,
        "inputs": [dict(zip(_PULLS, pull, strict=True)) for pull in way.pulls],
    }
