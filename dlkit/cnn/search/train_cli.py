"""``dlkit cnn search train``."""

from __future__ import annotations

from typing import Annotated

import typer

from dlkit import console
from dlkit.classifiers import options_cli as shared
from dlkit.cnn.search import settings_cli as of
from dlkit.data.samples_cli import (
    Data,
    GroupColumn,
    ImageColumn,
    LabelColumn,
    Limit,
    Name,
    Seed,
    SkipBad,
    TablesEncoding,
    TestShare,
    TestSplit,
    TrainSplit,
)
from dlkit.options import Form, Header, Json, Progress, Quiet, Sets

Loss = Annotated[
    str | None,
    typer.Option(
        help="supcon or triplet (images with each other), cosface or arcface (with the classes, "
        "by a margin) [default: supcon]."
    ),
]
Dim = Annotated[int | None, typer.Option(help="Numbers of an embedding [default: 128].")]
Hidden = Annotated[
    str | None,
    typer.Option(help="Widths of layers before the last: 512,256 [default: none]."),
]
Margin = Annotated[
    float | None,
    typer.Option(help="cosface 0.35, triplet 0.2 of the cosine; arcface 0.5 of the angle."),
]
Scale = Annotated[
    float | None,
    typer.Option(help="cosface, arcface: what cosines are multiplied by [default: 30]."),
]
Temperature = Annotated[
    float | None, typer.Option(help="supcon: what cosines are divided by [default: 0.1].")
]
Epochs = Annotated[int | None, typer.Option(help="Passes over the data [default: 10].")]
BatchSize = Annotated[int | None, typer.Option(help="Samples of a batch [default: 256].")]
Optimizer = Annotated[str | None, typer.Option(help="sgd, adam or adamw [default: adamw].")]
Lr = Annotated[float | None, typer.Option("--lr", help="Largest learning rate [default: 0.001].")]
Schedule = Annotated[
    str | None,
    typer.Option(
        help="The learning rate's course: constant, step, cosine or one-cycle [default: cosine]."
    ),
]
L2 = Annotated[
    float | None,
    typer.Option("--l2", help="λ of half the sum of squared weights [default: 0]."),
]
Patience = Annotated[
    int | None,
    typer.Option(help="Stop after so many epochs without a larger validation mAP."),
]


def train(
    data: Data = None,
    features: of.Encoder = None,
    recipe: of.Recipe = None,
    sets: Sets = None,
    name: Name = None,
    loss: Loss = None,
    dim: Dim = None,
    hidden: Hidden = None,
    margin: Margin = None,
    scale: Scale = None,
    temperature: Temperature = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    optimizer: Optimizer = None,
    lr: Lr = None,
    schedule: Schedule = None,
    l2: L2 = None,
    validation: shared.Validation = None,
    patience: Patience = None,
    image_column: ImageColumn = None,
    label_column: LabelColumn = None,
    group_column: GroupColumn = None,
    train_split: TrainSplit = None,
    test_split: TestSplit = None,
    test_share: TestShare = None,
    skip_bad: SkipBad = None,
    limit: Limit = None,
    encoding: TablesEncoding = None,
    seed: Seed = None,
    threads: shared.Threads = None,
    device: shared.Device = None,
    resume: shared.Resume = False,
    dry_run: shared.DryRun = False,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Train a head by metric learning: images of a class close together, others apart.

    The network stays as it is: its features are taken once, and the head learns from them. Epochs
    are judged by the mAP of validation images, searched for among training images.

    Example: dlkit cnn search train cifar10 --from cnn/cifar10 --loss supcon
    """
    options = of.settings(locals())
    from dlkit.cnn.search import train as work
    from dlkit.progress import follow

    output = console.Output(form, json_lines=json, header=header)
    if resume:
        shared.refuse_with_resume(dry_run=dry_run, begin=None)
        path = shared.recipe_path(recipe, of.TASK)
        going = work.resume(name, recipe=path, sets=sets or (), options=options)
    else:
        config, path = of.config_of(recipe, sets, options)
        if dry_run:
            from dlkit.cnn.search.trial import dry_run as tried

            facts = follow(tried(config), mode=progress, quiet=quiet)
            output.answer(("fact", "value"), list(facts.items()), facts)
            return
        default = f"{path.stem}-head" if path is not None and not data else None
        going = work.run(config, name=name, default_name=default)
    saved = follow(going, mode=progress, quiet=quiet)
    output.facts({"artifact": saved.reference, "path": str(saved.path), **saved.facts})
    if not quiet and progress != "json":  # the event "saved" has told it
        console.note(f"next: {saved.next_command}")
