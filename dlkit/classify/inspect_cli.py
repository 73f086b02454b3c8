"""``dlkit classify inspect``: what a classifier has learnt, and one sample's way in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
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
from dlkit.errors import USAGE, DlkitError
from dlkit.options import Form, Header, Json, Progress, Quiet

if TYPE_CHECKING:
    from dlkit.classify.explain import Way
    from dlkit.classify.inspect import Inspection
    from dlkit.classify.saved import Classifier

_PULLS = ("input", "value", "weight", "product")


def inspect(
    data: Data = None,
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
    options = reading(locals())
    from dlkit.classify import inspect as work
    from dlkit.progress import follow

    output = console.Output(form, json_lines=json, header=header)
    if not data:
        why = "an artifact is inspected with its own data; DATA is other data"
        refuse(named(options), why=why)
    classifier = of.opened(source, quiet=quiet, features=features, threads=threads)
    if png and not figures:
        raise DlkitError("--png draws, --no-figures does not", code=USAGE)
    if figures:
        from dlkit.artifacts.reports import check_report
        from dlkit.classify.saved import TASK

        check_report(TASK, classifier.path.name)
    given = options | ({"data": data} if data else {})
    config, _ = of.config_of(None, (), given, classifier=classifier, other_data=bool(data))
    going = work.inspect(classifier, config, other_data=bool(data), number=explain)
    found = follow(going, mode=progress, quiet=quiet)
    drawn = _draw(classifier, png=png) if figures else None
    _show(output, classifier, found, drawn)
    if drawn is not None and not quiet:
        console.note(f"drew {', '.join(drawn)}")


def _draw(classifier: Classifier, *, png: bool) -> list[str]:
    from dlkit.artifacts.reports import write_report
    from dlkit.classify.inspect import figures
    from dlkit.classify.saved import TASK
    from dlkit.report.canvas import gaps, to_files

    drawn = figures(classifier, name=classifier.document["data"]["name"])
    files, lacking = to_files(drawn, png=png)
    folder = write_report(TASK, classifier.path.name, "inspect", files)
    if lacking:
        console.warn(gaps(lacking))
    return [str(folder / name) for name in files]


def _show(
    output: console.Output, classifier: Classifier, found: Inspection, drawn: list[str] | None
) -> None:
    """The layers, how the metrics went, and the sample's way."""
    from dlkit.classifiers.history import courses
    from dlkit.classify.layers import Layer
    from dlkit.classify.telling import Telling, telling_of
    from dlkit.report.spark import sparkline

    curves, telling = courses(classifier), telling_of(classifier)
    way = found.way
    if output.form == "json":
        told: dict[str, object] = {
            "artifact": classifier.reference,
            "samples": found.looked_at,
            "layers": [layer._asdict() for layer in found.layers],
            "curves": curves,
        }
        if telling:
            told["ngrams"] = [each._asdict() for each in telling]
        if drawn is not None:
            told["figures"] = drawn
        if way is not None:
            told["sample"] = _document(classifier, way)
        output.answer((), [], told)
        return
    if output.form == "human":
        rows = [[name, values[0], values[-1], sparkline(values)] for name, values in curves.items()]
        output.answer(("metric", "first", "last", "course"), rows, (), title="learning")
    if output.form == "human" or way is None:
        title = f"{classifier.reference} on {found.looked_at:,} samples of {found.samples.name}"
        layers = [[*layer] for layer in found.layers]
        if output.form == "human":  # a gradient that vanishes is not 0.0000
            at = Layer._fields.index("gradient")
            layers = [[*each[:at], f"{each[at]:.3g}", *each[at + 1 :]] for each in layers]
        output.answer(Layer._fields, layers, (), title=title)
    if output.form == "human" and telling:
        title = "n-grams that speak most for a class: its weight less the classes' mean"
        output.answer(Telling._fields, [[*each] for each in telling], (), title=title)
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
