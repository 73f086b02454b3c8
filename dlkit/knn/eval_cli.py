"""``dlkit knn eval``: how often the nearest neighbours are right."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.errors import USAGE, DlkitError
from dlkit.knn import settings_cli as of
from dlkit.options import (
    Colour,
    Columns,
    Fit,
    Form,
    Header,
    ImageColumn,
    Json,
    LabelColumn,
    Limit,
    Progress,
    Quiet,
    Sets,
    Size,
    SkipBad,
    TestSplit,
    TextColumn,
    TrainSplit,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlkit.data.samples import Samples
    from dlkit.knn.folds import Validated
    from dlkit.knn.scores import Score

_SCORES = ("metric", "weights", "k", "accuracy", "low", "high", "errors", "samples")
_FOLDS = ("metric", "weights", "k", "accuracy", "deviation", "errors", "samples", "folds")
_CLASSES = ("class", "precision", "recall", "f1", "samples")
_CONFUSION = ("class", "taken for", "samples")
_CHOICE = ("metric", "weights", "k")
_MOST_COLUMNS = 20  # classes of a confusion matrix on a terminal


def evaluate(
    data: of.Data = None,
    source: of.From = None,
    recipe: of.Recipe = None,
    sets: Sets = None,
    k: of.K = None,
    metric: of.Metric = None,
    weights: of.Weights = None,
    preprocess: of.Preprocess = None,
    features: of.Features = None,
    cross_validate: Annotated[
        bool,
        typer.Option(
            "--cross-validate", help="Judge training samples by each other, not the test split."
        ),
    ] = False,
    folds: of.Folds = None,
    per_class: Annotated[
        bool, typer.Option("--per-class", help="Precision, recall and F1 of each class.")
    ] = False,
    confusion: Annotated[
        bool, typer.Option("--confusion", help="How many of each class were taken for each.")
    ] = False,
    image_column: ImageColumn = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    columns: Columns = None,
    train_split: TrainSplit = None,
    test_split: TestSplit = None,
    test_share: of.TestShare = None,
    size: Size = None,
    fit: Fit = None,
    colour: Colour = None,
    skip_bad: SkipBad = None,
    limit: Limit = None,
    encoding: of.Encoding = None,
    seed: of.Seed = None,
    threads: of.Threads = None,
    device: of.Device = None,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Judge nearest neighbours: accuracy for each k, metric and kind of votes, in one pass.

    With DATA its training split is searched and its test split judged; nothing is written. With
    an artifact (--from, or without DATA the newest) the test split that it was trained with is
    judged, or that of DATA. 95 % intervals are Wilson's.

    Example: dlkit knn eval builtin:digits --k 1,3,5 --metric l1,l2
    """
    options = of.settings(locals())
    from dlkit.knn import evaluate as work
    from dlkit.progress import follow

    output = console.Output(form, json_lines=json, header=header)
    if folds is not None and not cross_validate:
        raise DlkitError("--folds is for --cross-validate", hint="add it", code=USAGE)
    if output.form == "tsv" and per_class and confusion:
        raise DlkitError("--per-class and --confusion are two tables: --json has both", code=USAGE)
    if source is None and (data or recipe is not None):
        config, _ = of.config_of(recipe, sets, options)
        if cross_validate:
            validated, samples = follow(work.validate(config), mode=progress, quiet=quiet)
            _show(output, validated, samples, per_class=per_class, confusion=confusion)
            return
        scores, samples = follow(work.evaluate(config), mode=progress, quiet=quiet)
    else:
        given = {"--preprocess": preprocess, "--recipe": recipe, "--seed": seed}
        given |= {"--cross-validate": cross_validate}
        of.refuse(given, why="an artifact was made with its own")
        if not data:
            asked = of.named(of.reading(locals()))
            of.refuse(asked, why="an artifact is judged on what was recorded; DATA is other data")
        knn = of.opened(source, quiet=quiet, features=features)
        del options["features"]
        config, _ = of.config_of(None, sets, options, knn=knn, other_data=bool(data))
        going = work.evaluate_artifact(knn, config, other_data=bool(data))
        scores, samples = follow(going, mode=progress, quiet=quiet)
    _show(output, scores, samples, per_class=per_class, confusion=confusion)


def _show(
    output: console.Output,
    scores: Sequence[Score] | Sequence[Validated],
    samples: Samples,
    *,
    per_class: bool,
    confusion: bool,
) -> None:
    """The table of the scores, or where they were asked for those of each score."""
    documents = [each.document() for each in scores]
    details = [each.score for each in scores]
    if output.form == "json":
        for document, detail in zip(documents, details, strict=True):
            more: dict[str, object] = {"data": samples.name}
            if per_class:
                more["classes"] = [asdict(each) for each in detail.classes(samples.classes)]
            if confusion:
                more |= {"names": samples.classes, "confusion": detail.confusion.tolist()}
            output.answer((), [], document | more)
        return
    if output.form == "human" or not (per_class or confusion):
        columns = _FOLDS if "folds" in documents[0] else _SCORES
        rows = [[document[column] for column in columns] for document in documents]
        output.answer(columns, rows, ())
    for document, detail in zip(documents, details, strict=True):
        choice = [document[column] for column in _CHOICE]
        told = "{}, {}, k {}".format(*choice)
        if per_class:
            classes = [list(asdict(each).values()) for each in detail.classes(samples.classes)]
            _detail(output, _CLASSES, classes, choice, title=f"classes by {told}")
        if confusion and output.form == "human":
            _matrix(output, detail, samples.classes, title=f"what was taken for what by {told}")
        elif confusion:
            _detail(output, _CONFUSION, list(_pairs(detail, samples.classes)), choice, title="")


def _detail(
    output: console.Output,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    choice: list[object],
    *,
    title: str,
) -> None:
    """A table of one choice: under its title on a terminal, the choice in each row in a pipe."""
    if output.form == "human":
        output.answer(columns, rows, (), title=title)
    else:
        output.answer((*_CHOICE, *columns), [[*choice, *row] for row in rows], ())


def _pairs(score: Score, classes: Sequence[str]) -> Iterator[tuple[str, str, int]]:
    for name, row in zip(classes, score.confusion.tolist(), strict=True):
        for other, count in zip(classes, row, strict=True):
            if count:
                yield name, other, count


def _matrix(output: console.Output, score: Score, classes: Sequence[str], *, title: str) -> None:
    """The confusion as a table; of many classes the pairs that are confused, most often first."""
    if len(classes) <= _MOST_COLUMNS:
        rows = zip(classes, score.confusion.tolist(), strict=True)
        output.answer(("class", *classes), [[name, *row] for name, row in rows], (), title=title)
        return
    wrong = [pair for pair in _pairs(score, classes) if pair[0] != pair[1]]
    wrong.sort(key=lambda pair: -pair[2])
    output.answer(_CONFUSION, wrong, (), title=f"{title}, the most frequent first")
