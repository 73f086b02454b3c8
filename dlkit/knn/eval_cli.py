"""``dlkit knn eval``: how often the nearest neighbours are right."""

from __future__ import annotations

from dataclasses import asdict
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.data.samples_cli import (
    Colour,
    Columns,
    Data,
    Features,
    Fit,
    GroupColumn,
    ImageColumn,
    LabelColumn,
    Limit,
    Seed,
    Size,
    SkipBad,
    TablesEncoding,
    TestShare,
    TestSplit,
    TextsColumn,
    TrainSplit,
    reading,
    refuse,
)
from dlkit.errors import USAGE, DlkitError
from dlkit.knn import settings_cli as of
from dlkit.options import Form, Header, Json, Progress, Quiet, Sets

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from dlkit.data.samples import Samples
    from dlkit.knn.config import KnnConfig
    from dlkit.knn.folds import Validated
    from dlkit.knn.saved import Knn
    from dlkit.knn.scores import Score
    from dlkit.records import Record

    Scores = Sequence[Score] | Sequence[Validated]
    Going = Generator[Record, None, tuple[Scores, Samples]]

_SCORES = ("metric", "weights", "k", "accuracy", "low", "high", "errors", "samples")
_FOLDS = ("metric", "weights", "k", "accuracy", "deviation", "errors", "samples", "folds")
_CLASSES = ("class", "precision", "recall", "f1", "samples")
_CHOICE = ("metric", "weights", "k")


def evaluate(
    data: Data = None,
    source: of.From = None,
    recipe: of.Recipe = None,
    sets: Sets = None,
    k: of.K = None,
    metric: of.Metric = None,
    weights: of.Weights = None,
    preprocess: of.Preprocess = None,
    features: Features = None,
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
    text_column: TextsColumn = None,
    label_column: LabelColumn = None,
    group_column: GroupColumn = None,
    columns: Columns = None,
    train_split: TrainSplit = None,
    test_split: TestSplit = None,
    test_share: TestShare = None,
    size: Size = None,
    fit: Fit = None,
    colour: Colour = None,
    skip_bad: SkipBad = None,
    limit: Limit = None,
    encoding: TablesEncoding = None,
    seed: Seed = None,
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
    options, read = of.settings(locals()), reading(locals())
    output = console.Output(form, json_lines=json, header=header)
    if folds is not None and not cross_validate:
        raise DlkitError("--folds is for --cross-validate", hint="add it", code=USAGE)
    if output.form == "tsv" and per_class and confusion:
        raise DlkitError("--per-class and --confusion are two tables: --json has both", code=USAGE)
    if source is None and (data or recipe is not None):
        idle = ("keep",) if cross_validate else ("keep", "folds")
        of.refuse_sets(sets, idle=idle, why="it means nothing here")
        config, _ = of.config_of(recipe, sets, options)
        going = _of_data(config, cross_validate=cross_validate)
    else:
        given = {"--preprocess": preprocess, "--recipe": recipe, "--seed": seed}
        refuse(given | {"--cross-validate": cross_validate}, why=of.OWN)
        of.refuse_reading(read, other_data=bool(data))
        of.refuse_sets(sets, allowed=of.ASKED_OF_DATA if data else of.ASKED, why=of.OWN)
        knn = of.opened(source, quiet=quiet, features=features)
        del options["features"]
        config, _ = of.config_of(None, sets, options, knn=knn, other_data=bool(data))
        going = _of_artifact(knn, config, other_data=bool(data))
    from dlkit.progress import follow

    scores, samples = follow(going, mode=progress, quiet=quiet)
    _show(output, scores, samples, per_class=per_class, confusion=confusion)


def _of_data(config: KnnConfig, *, cross_validate: bool) -> Going:
    from dlkit.knn import evaluate as work

    return work.validate(config) if cross_validate else work.evaluate(config)


def _of_artifact(knn: Knn, config: KnnConfig, *, other_data: bool) -> Going:
    from dlkit.knn import evaluate as work

    return work.evaluate_artifact(knn, config, other_data=other_data)


def _show(
    output: console.Output,
    scores: Scores,
    samples: Samples,
    *,
    per_class: bool,
    confusion: bool,
) -> None:
    """The table of the scores, or where they were asked for those of each score."""
    from dlkit.report.tables import CONFUSION, confused_pairs, confusion_table

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
            caption = f"what was taken for what by {told}"
            across = get_terminal_size().columns
            table = confusion_table(
                detail.confusion, samples.classes, caption=caption, width=across
            )
            output.answer(table.columns, table.rows, (), title=table.caption)
        elif confusion:
            pairs = list(confused_pairs(detail.confusion, samples.classes))
            _detail(output, CONFUSION, pairs, choice, title="")


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
