"""``dlkit knn train``."""

from __future__ import annotations

from typing import Annotated

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
    Name,
    Seed,
    Size,
    SkipBad,
    TablesEncoding,
    TestShare,
    TestSplit,
    TextsColumn,
    TrainSplit,
)
from dlkit.knn import settings_cli as of
from dlkit.options import Form, Header, Json, Progress, Quiet, Sets


def train(
    data: Data = None,
    recipe: of.Recipe = None,
    sets: Sets = None,
    name: Name = None,
    k: of.K = None,
    metric: of.Metric = None,
    weights: of.Weights = None,
    preprocess: of.Preprocess = None,
    features: Features = None,
    folds: of.Folds = None,
    keep: Annotated[
        bool | None,
        typer.Option(
            "--keep/--forget",
            help="Keep pictures and texts beside the points, so that neighbours can be shown "
            "[default: yes].",
        ),
    ] = None,
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
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Read the data, search a little, estimate; keep nothing."),
    ] = False,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Keep the training data as points, with the k and metric that cross-validation chooses.

    Every k, metric and kind of votes is judged on the training data alone, one search for each
    metric; of equals the smaller k is taken. The test split is not looked at.

    Example: dlkit knn train builtin:digits --k 1,3,5 --metric l1,l2
    """
    options = of.settings(locals())
    from dlkit.knn import train as work
    from dlkit.progress import follow

    output = console.Output(form, json_lines=json, header=header)
    config, path = of.config_of(recipe, sets, options)
    if dry_run:
        facts = follow(work.dry_run(config), mode=progress, quiet=quiet)
        output.answer(("fact", "value"), list(facts.items()), facts)
        return
    default = path.stem if path is not None and not data else None
    going = work.run(config, name=name, default_name=default)
    saved = follow(going, mode=progress, quiet=quiet)
    output.facts({"artifact": saved.reference, "path": str(saved.path), **saved.facts})
    if not quiet and progress != "json":  # the event "saved" has told it
        console.note(f"next: {saved.next_command}")
