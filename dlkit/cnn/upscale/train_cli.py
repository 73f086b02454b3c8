"""``dlkit cnn upscale train``."""

from __future__ import annotations

from typing import Annotated

import typer

from dlkit import console
from dlkit.classifiers import options_cli as shared
from dlkit.cnn import options_cli as of_cnn
from dlkit.cnn.upscale import settings_cli as of
from dlkit.data.samples_cli import (
    ImageColumn,
    Name,
    Seed,
    TablesEncoding,
    TestSplit,
    TrainSplit,
)
from dlkit.options import Form, Header, Json, Progress, Quiet, Sets


# The defaults in these texts are those of config.py; a test holds the two together.
def train(
    data: of.Data = None,
    recipe: of.Recipe = None,
    sets: Sets = None,
    name: Name = None,
    begin: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="NAME",
            help="Begin with the weights of an artifact of upscale; without DATA on its own data.",
            autocompletion=of.complete_upscaler,
        ),
    ] = None,
    scale: Annotated[
        int | None, typer.Option(help="How many times as large: 2, 3 or 4 [default: 2].")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="espcn, three convolutions; edsr, residual blocks [default: edsr].",
        ),
    ] = None,
    channels: Annotated[
        str | None,
        typer.Option(
            help="What the network sees: y, the brightness, colours being interpolated; or rgb "
            "[default: y]."
        ),
    ] = None,
    widths: Annotated[
        str | None,
        typer.Option(help="espcn: channels of its convolutions but the last [default: 64,32]."),
    ] = None,
    blocks: Annotated[
        int | None,
        typer.Option(help="edsr: residual blocks; the paper's baseline has 16 [default: 4]."),
    ] = None,
    width: Annotated[
        int | None, typer.Option(help="edsr: channels; the paper's baseline has 64 [default: 32].")
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option(
            help="Differences: l1, absolute, or l2, squared [default: edsr l1, espcn l2]."
        ),
    ] = None,
    patch: Annotated[
        int | None,
        typer.Option(help="Side of a training patch in pixels of the small image [default: 32]."),
    ] = None,
    patches: Annotated[
        int | None,
        typer.Option(help="Training patches at most, drawn of those there are [default: 50000]."),
    ] = None,
    augment: Annotated[
        bool | None,
        typer.Option(
            "--augment/--no-augment",
            help="Show patches mirrored and turned by quarters, drawn anew [default: yes].",
        ),
    ] = None,
    epochs: of_cnn.Epochs = None,
    batch_size: of_cnn.BatchSize = None,
    optimizer: of_cnn.Optimizer = None,
    lr: of_cnn.Lr = None,
    schedule: of_cnn.Schedule = None,
    l2: of_cnn.L2 = None,
    ema: of_cnn.Ema = None,
    validation: shared.Validation = None,
    patience: shared.Patience = None,
    precision: of_cnn.Precision = None,
    compile: of_cnn.Compile = None,
    keep: shared.Keep = None,
    image_column: ImageColumn = None,
    train_split: TrainSplit = None,
    test_split: TestSplit = None,
    test_share: of.TestShare = None,
    skip_bad: of.SkipBad = None,
    limit: of.Limit = None,
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
    """Train a network to make images larger, on any images: each is made smaller first.

    Images may have any sizes; they are cut to patches. The network adds to bicubic interpolation,
    and begins as that. Validation images are taken from the training images; the test split is
    not looked at.

    Example: dlkit cnn upscale train builtin:mnist5k --scale 2 --model espcn --epochs 5
    """
    options = of.settings(locals())
    from dlkit.cnn.upscale import train as work
    from dlkit.progress import follow

    output = console.Output(form, json_lines=json, header=header)
    if resume:
        shared.refuse_with_resume(dry_run=dry_run, begin=begin)
        path = shared.recipe_path(recipe, of.TASK)
        going = work.resume(name, recipe=path, sets=sets or (), options=options)
    else:
        upscaler = None if begin is None else of.opened(begin, quiet=quiet)
        config, path = of.config_of(recipe, sets, options, upscaler=upscaler)
        if dry_run:
            from dlkit.cnn.upscale.trial import dry_run as tried

            facts = follow(tried(config), mode=progress, quiet=quiet)
            output.answer(("fact", "value"), list(facts.items()), facts)
            return
        default = path.stem if path is not None and not data else None
        going = work.run(config, name=name, default_name=default)
    saved = follow(going, mode=progress, quiet=quiet)
    output.facts({"artifact": saved.reference, "path": str(saved.path), **saved.facts})
    if not quiet and progress != "json":  # the event "saved" has told it
        console.note(f"next: {saved.next_command}")
