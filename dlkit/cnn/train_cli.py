"""``dlkit cnn train``."""

from __future__ import annotations

from dlkit import console
from dlkit.classifiers import options_cli as shared
from dlkit.cnn import options_cli as by
from dlkit.cnn import settings_cli as of
from dlkit.data.samples_cli import (
    Colour,
    Data,
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
    TrainSplit,
)
from dlkit.options import Form, Header, Json, Progress, Quiet, Sets


def train(
    data: Data = None,
    recipe: of.Recipe = None,
    sets: Sets = None,
    name: Name = None,
    begin: by.Begin = None,
    model: by.Model = None,
    widths: by.Widths = None,
    kernel: by.Kernel = None,
    convolutions: by.Convolutions = None,
    hidden: by.Hidden = None,
    dropout: by.Dropout = None,
    batch_norm: by.BatchNorm = None,
    pretrained: by.Pretrained = None,
    freeze: by.Freeze = None,
    augment: by.Augment = None,
    epochs: by.Epochs = None,
    batch_size: by.BatchSize = None,
    optimizer: by.Optimizer = None,
    lr: by.Lr = None,
    schedule: by.Schedule = None,
    l2: by.L2 = None,
    l1: shared.L1 = None,
    label_smoothing: by.LabelSmoothing = None,
    ema: by.Ema = None,
    class_weights: shared.ClassWeights = None,
    validation: shared.Validation = None,
    validation_blocks: by.ValidationBlocks = None,
    patience: shared.Patience = None,
    precision: by.Precision = None,
    compile: by.Compile = None,
    keep: shared.Keep = None,
    image_column: ImageColumn = None,
    label_column: LabelColumn = None,
    group_column: GroupColumn = None,
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
    resume: shared.Resume = False,
    dry_run: shared.DryRun = False,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Train a convolutional network on images: plain, VGG, ResNet, torchvision's, or a fast one.

    What is not given is what is usual for the network and images of that size. Validation samples
    are taken from the training data; the test split is not looked at.

    Example: dlkit cnn train builtin:mnist5k --model plain --widths 16,32 --epochs 5
    """
    options = of.settings(locals())
    from dlkit.cnn import train as work
    from dlkit.progress import follow

    output = console.Output(form, json_lines=json, header=header)
    if resume:
        shared.refuse_with_resume(dry_run=dry_run, begin=begin)
        path = shared.recipe_path(recipe, of.TASK)
        going = work.resume(name, recipe=path, sets=sets or (), options=options)
    else:
        classifier = None if begin is None else of.opened(begin, quiet=quiet)
        if classifier is not None:
            options["begin"] = begin
        config, path = of.config_of(
            recipe, sets, options, classifier=classifier, other_data=bool(data)
        )
        if dry_run:
            from dlkit.cnn.trial import dry_run as tried

            facts = follow(tried(config), mode=progress, quiet=quiet)
            output.answer(("fact", "value"), list(facts.items()), facts)
            return
        default = path.stem if path is not None and not data else None
        going = work.run(config, name=name, default_name=default)
    saved = follow(going, mode=progress, quiet=quiet)
    output.facts({"artifact": saved.reference, "path": str(saved.path), **saved.facts})
    if not quiet and progress != "json":  # the event "saved" has told it
        console.note(f"next: {saved.next_command}")
