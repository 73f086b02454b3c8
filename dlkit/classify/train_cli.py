"""``dlkit classify train``."""

from __future__ import annotations

from dlkit import console
from dlkit.classifiers import options_cli as shared
from dlkit.classify import options_cli as by
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
from dlkit.options import Form, Header, Json, Progress, Quiet, Sets


def train(
    data: Data = None,
    recipe: of.Recipe = None,
    sets: Sets = None,
    name: Name = None,
    begin: by.Begin = None,
    hidden: by.Hidden = None,
    activation: by.Activation = None,
    dropout: by.Dropout = None,
    batch_norm: by.BatchNorm = None,
    loss: by.Loss = None,
    l2: by.L2 = None,
    l1: shared.L1 = None,
    epochs: by.Epochs = None,
    batch_size: by.BatchSize = None,
    optimizer: by.Optimizer = None,
    lr: by.Lr = None,
    schedule: by.Schedule = None,
    label_smoothing: shared.LabelSmoothing = None,
    class_weights: shared.ClassWeights = None,
    validation: shared.Validation = None,
    patience: shared.Patience = None,
    precision: shared.Precision = None,
    preprocess: of.Preprocess = None,
    features: Features = None,
    tokens: by.Tokens = None,
    words: by.Words = None,
    characters: by.Characters = None,
    weighting: by.Weighting = None,
    dim: by.Dim = None,
    keep: shared.Keep = None,
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
    resume: shared.Resume = False,
    dry_run: shared.DryRun = False,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Learn scores Wx+b of the classes, or with --hidden a network, by softmax or hinge loss.

    What is minimised is the mean loss + l2/2 ΣW² + l1 Σ|W|; biases and normalisation are not
    penalised. A linear softmax classifier is trained to its optimum. Validation samples are taken
    from the training data; the test split is not looked at.

    Example: dlkit classify train builtin:digits --hidden 64 --l2 0.001
    """
    options = of.settings(locals())
    from dlkit.classify import train as work
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
            from dlkit.classify.trial import dry_run as tried

            facts = follow(tried(config), mode=progress, quiet=quiet)
            output.answer(("fact", "value"), list(facts.items()), facts)
            return
        default = path.stem if path is not None and not data else None
        going = work.run(config, name=name, default_name=default)
    saved = follow(going, mode=progress, quiet=quiet)
    output.facts({"artifact": saved.reference, "path": str(saved.path), **saved.facts})
    if not quiet and progress != "json":  # the event "saved" has told it
        console.note(f"next: {saved.next_command}")
