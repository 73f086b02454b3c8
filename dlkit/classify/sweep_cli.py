"""``dlkit classify sweep``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.classifiers import options_cli as shared
from dlkit.classify import options_cli as of_training
from dlkit.classify import settings_cli as of
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
    named,
    refuse,
)
from dlkit.errors import USAGE, DlkitError
from dlkit.options import Form, Header, Json, Progress, Quiet, Sets

if TYPE_CHECKING:
    from dlkit.classify.sweep import By, Sweep

_MOST_JOBS = 256
_SHORT = {
    "train_accuracy": "train",
    "validation_accuracy": "validation",
    "train_loss": "loss",
    "validation_loss": "validation loss",
}


def over_settings(
    data: Data = None,
    recipe: of.Recipe = None,
    sets: Sets = None,
    over: Annotated[
        list[str] | None,
        typer.Option(
            "--over",
            "-o",
            metavar="KEY=VALUE,…",
            help="A setting and its values: l2=0,0.01 or hidden=none,16,64+64 (+ joins layers and "
            "steps); lr=1e-4..1e-1 is a range, for --random.",
        ),
    ] = None,
    random: Annotated[
        int | None,
        typer.Option(
            "--random",
            metavar="N",
            help="Draw N trials by --seed, ranges above 0 log-uniformly [default: all "
            "combinations].",
        ),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Processes that run trials.")] = 1,
    by: Annotated[
        str | None,
        typer.Option(
            "--by", help="What the best has the best of: accuracy or loss [default: accuracy]."
        ),
    ] = None,
    last_epoch: Annotated[
        bool,
        typer.Option(
            "--last-epoch",
            help="Judge the weights after the last epoch, not those of the best: overfitting "
            "shows.",
        ),
    ] = False,
    png: shared.Png = False,
    train_best: Annotated[
        bool,
        typer.Option("--train-best", help="Train the best once more, into an artifact."),
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            "-n",
            help="Name of the sweep, and of what is trained [default: after the data].",
        ),
    ] = None,
    hidden: of_training.Hidden = None,
    activation: of_training.Activation = None,
    dropout: of_training.Dropout = None,
    batch_norm: of_training.BatchNorm = None,
    loss: of_training.Loss = None,
    l2: of_training.L2 = None,
    l1: shared.L1 = None,
    epochs: of_training.Epochs = None,
    batch_size: of_training.BatchSize = None,
    optimizer: of_training.Optimizer = None,
    lr: of_training.Lr = None,
    schedule: of_training.Schedule = None,
    label_smoothing: shared.LabelSmoothing = None,
    class_weights: shared.ClassWeights = None,
    validation: shared.Validation = None,
    patience: shared.Patience = None,
    precision: shared.Precision = None,
    preprocess: of.Preprocess = None,
    features: Features = None,
    tokens: of_training.Tokens = None,
    words: of_training.Words = None,
    characters: of_training.Characters = None,
    weighting: of_training.Weighting = None,
    dim: of_training.Dim = None,
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
    threads: shared.Threads = None,
    device: shared.Device = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on with the interrupted sweep --name [default: the newest]."
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Read the data, take a step of some trials, estimate; keep nothing."
        ),
    ] = False,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Train with many settings, and tell train and validation scores of each, and the gap.

    Accuracy and loss are without penalties and class weights, in a table and in pictures; of data
    with two columns the decision boundary of every trial is drawn. A sweep lies in the store as
    sweep/NAME. The test split is not looked at.

    Example: dlkit classify sweep builtin:digits --over l2=0,0.001,0.1 --over hidden=none,64
    """
    options = of.settings(locals())
    from dlkit.classify import sweep as work
    from dlkit.classify.sweep_axes import parse, trials
    from dlkit.progress import follow

    output = console.Output(form, json_lines=json, header=header)
    if not 1 <= jobs <= _MOST_JOBS:
        raise DlkitError(f"--jobs: must be from 1 to {_MOST_JOBS}, not {jobs}", code=USAGE)
    if train_best and last_epoch:
        raise DlkitError("--train-best keeps the best epoch, not the last", code=USAGE)
    default = None
    if resume:
        given: dict[str, object] = {
            "--recipe": recipe,
            "--over": over,
            "--random": random,
            "--set": sets,
            "--by": by,
            "--last-epoch": last_epoch,
            "--dry-run": dry_run,
        }
        refuse(given | named(options), why="--resume goes on with the settings that were given")
        going = work.resume(name, jobs=jobs, png=png)
    else:
        path = shared.recipe_path(recipe, of.TASK)
        default = path.stem if path is not None and not data else None
        wanted = trials(
            parse(over or ()), recipe=path, sets=sets or (), options=options, random=random
        )
        if dry_run:
            from dlkit.classify.trial import dry_sweep

            facts = follow(dry_sweep(wanted, jobs=jobs), mode=progress, quiet=quiet)
            output.answer(("fact", "value"), list(facts.items()), facts)
            return
        going = work.start(
            wanted, name=name, default_name=default, by=_best_by(by), last_epoch=last_epoch,
            jobs=jobs, png=png,
        )  # fmt: skip
    sweep, saved = follow(going, mode=progress, quiet=quiet)
    _answer(output, sweep)
    if train_best:
        from dlkit.classify import train

        config = sweep.config(sweep.best()["trial"])
        best = train.run(config, name=name, default_name=default or saved.path.name)
        saved = follow(best, mode=progress, quiet=quiet)
    if not quiet and progress != "json":  # the event "saved" has told it
        console.note(f"next: {saved.next_command}")


def _best_by(text: str | None) -> By:
    if text not in (None, "accuracy", "loss"):
        raise DlkitError(f"--by: must be accuracy or loss, not {text}", code=USAGE)
    return "loss" if text == "loss" else "accuracy"


def _answer(output: console.Output, sweep: Sweep) -> None:
    from dlkit.classify.sweep_showing import table

    columns, rows = table(sweep)
    if output.form == "human":  # all of it is wider than most terminals
        columns = [_SHORT.get(name, name) for name in columns if name != "parameters"]
        rows = [[*row[:-2], row[-1]] for row in rows]
    best = sweep.best()["trial"]
    hidden = ("map", "settled")
    objects = [
        {**{name: value for name, value in each.items() if name not in hidden},
         "best": each["trial"] == best}
        for each in sweep.results()
    ]  # fmt: skip
    output.answer(columns, rows, objects)
