"""``dlkit cnn search index`` and ``add``: images to an index, and more of them."""

from __future__ import annotations

import sys

from dlkit import console
from dlkit.classifiers import options_cli as shared
from dlkit.cnn.search import settings_cli as of
from dlkit.data.samples_cli import (
    ImageColumn,
    LabelColumn,
    Limit,
    MovedFeatures,
    Name,
    Seed,
    SkipBad,
    TablesEncoding,
    TestShare,
    TestSplit,
    TrainSplit,
)
from dlkit.options import Form, Header, Json, Progress, Quiet, Sets


def index(
    data: of.Images = None,
    features: of.Encoder = None,
    recipe: of.Recipe = None,
    sets: Sets = None,
    name: Name = None,
    whiten: of.Whiten = None,
    shrinkage: of.Shrinkage = None,
    components: of.Components = None,
    mirror: of.Mirror = None,
    labels: of.Labels = None,
    keep: of.Keep = None,
    image_column: ImageColumn = None,
    label_column: LabelColumn = None,
    train_split: TrainSplit = None,
    test_split: TestSplit = None,
    test_share: TestShare = None,
    skip_bad: SkipBad = None,
    limit: Limit = None,
    encoding: TablesEncoding = None,
    seed: Seed = None,
    threads: shared.Threads = None,
    device: shared.Device = None,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Index images by what a network sees of them: an artifact that is searched.

    Of a data set with splits the training split is indexed; else all images are. Images are made
    the size that the network knows.

    Example: dlkit cnn search index photos/ --from cnn/cifar10 --whiten
    """
    options = of.settings(locals())
    from dlkit.cnn.search import indexing as work
    from dlkit.progress import follow

    output = console.Output(form, json_lines=json, header=header)
    shared.check_device(device)
    config, path = of.config_of(recipe, sets, options)
    stdin = None if sys.stdin is None else sys.stdin.buffer
    default = work.default_name(path, data)
    going = work.index(config, name=name, default_name=default, stdin=stdin)
    saved = follow(going, mode=progress, quiet=quiet)
    output.facts({"artifact": saved.reference, "path": str(saved.path), **saved.facts})
    if not quiet and progress != "json":
        console.note(f"next: {saved.next_command}")


def add(
    data: of.Images = None,
    source: of.From = None,
    name: Name = None,
    features: MovedFeatures = None,
    labels: of.Labels = None,
    image_column: ImageColumn = None,
    label_column: LabelColumn = None,
    train_split: TrainSplit = None,
    test_split: TestSplit = None,
    skip_bad: SkipBad = None,
    limit: Limit = None,
    encoding: TablesEncoding = None,
    threads: shared.Threads = None,
    device: shared.Device = None,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Add images to an index: a new artifact with the older one's images, which stays as it is.

    Only images that are not in the index are embedded; what was computed before is taken over.

    Example: dlkit cnn search add holidays/ --from search/photos
    """
    options = of.settings(locals())
    moved = options.pop("features")
    from dlkit.cnn.search import indexing as work
    from dlkit.errors import USAGE, DlkitError
    from dlkit.progress import follow

    output = console.Output(form, json_lines=json, header=header)
    shared.check_device(device)
    if not data:
        raise DlkitError(
            "no images given", hint="dlkit cnn search add photos/ --from NAME", code=USAGE
        )
    older = of.opened(source, quiet=quiet)
    given = options | {"labels": labels}
    config, _ = of.config_of(None, (), given, index=older, other_data=True)
    if labels is None:  # of these folders, not of those before
        config = config.model_copy(update={"labels": None})
    stdin = None if sys.stdin is None else sys.stdin.buffer
    features_at = None if moved is None else str(moved)
    going = work.add(older, config, name=name, features=features_at, stdin=stdin)
    saved = follow(going, mode=progress, quiet=quiet)
    output.facts({"artifact": saved.reference, "path": str(saved.path), **saved.facts})
    if not quiet and progress != "json":
        console.note(f"next: {saved.next_command}")
