"""``dlkit cnn detect train``."""

from __future__ import annotations

from dlkit import console
from dlkit.classifiers import options_cli as shared
from dlkit.cnn import options_cli as network
from dlkit.cnn.detect import settings_cli as of
from dlkit.data.samples_cli import (
    ImageColumn,
    Name,
    Seed,
    SkipBad,
    TablesEncoding,
    TestShare,
    TestSplit,
    TrainSplit,
)
from dlkit.options import Form, Header, Json, Progress, Quiet, Sets


def train(
    data: of.Data = None,
    recipe: of.Recipe = None,
    sets: Sets = None,
    name: Name = None,
    begin: of.Begin = None,
    model: of.Model = None,
    pretrained: of.Pretrained = None,
    augment: of.Augment = None,
    images: of.Images = None,
    boxes: of.Boxes = None,
    image_column: ImageColumn = None,
    objects_column: of.ObjectsColumn = None,
    columns: of.Columns = None,
    train_split: TrainSplit = None,
    test_split: TestSplit = None,
    test_share: TestShare = None,
    size: of.Size = None,
    skip_bad: SkipBad = None,
    limit: of.Limit = None,
    encoding: TablesEncoding = None,
    epochs: network.Epochs = None,
    batch_size: network.BatchSize = None,
    optimizer: network.Optimizer = None,
    lr: network.Lr = None,
    schedule: network.Schedule = None,
    l2: network.L2 = None,
    ema: network.Ema = None,
    validation: shared.Validation = None,
    patience: shared.Patience = None,
    precision: network.Precision = None,
    keep: shared.Keep = None,
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
    """Train a detector on images with boxes: a small one, or a family of torchvision.

    Validation images are taken from the training data; by their mAP the best epoch is chosen, and
    the threshold of the score that predictions need. The test split is not looked at.

    Example: dlkit cnn detect train builtin:shapes-detect --epochs 5
    """
    options = of.settings(locals())
    from dlkit.cnn.detect import train as work
    from dlkit.progress import follow

    output = console.Output(form, json_lines=json, header=header)
    if resume:
        shared.refuse_with_resume(dry_run=dry_run, begin=begin)
        path = shared.recipe_path(recipe, of.TASK)
        going = work.resume(name, recipe=path, sets=sets or (), options=options)
    else:
        detector = None if begin is None else of.opened(begin, quiet=quiet)
        if detector is not None:
            options["begin"] = begin
        config, path = of.config_of(recipe, sets, options, detector=detector, other_data=bool(data))
        if dry_run:
            from dlkit.cnn.detect.trial import dry_run as tried

            facts = follow(tried(config), mode=progress, quiet=quiet)
            output.answer(("fact", "value"), list(facts.items()), facts)
            return
        default = path.stem if path is not None and not data else None
        going = work.run(config, name=name, default_name=default)
    saved = follow(going, mode=progress, quiet=quiet)
    output.facts({"artifact": saved.reference, "path": str(saved.path), **saved.facts})
    if not quiet and progress != "json":  # the event "saved" has told it
        console.note(f"next: {saved.next_command}")
