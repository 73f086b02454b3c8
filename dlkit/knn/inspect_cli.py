"""``dlkit knn inspect``: why neighbours vote as they do."""

from __future__ import annotations

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
    named,
    reading,
    refuse,
)
from dlkit.errors import USAGE, DlkitError
from dlkit.knn import settings_cli as of
from dlkit.options import Force, Form, Header, Json, Progress, Quiet, Sets

if TYPE_CHECKING:
    from pathlib import Path

    from dlkit.knn.inspect import Inspection
    from dlkit.knn.saved import Knn


def inspect(
    data: Data = None,
    source: of.From = None,
    recipe: of.Recipe = None,
    sets: Sets = None,
    explain: Annotated[
        int,
        typer.Option(
            min=0,
            max=500,
            metavar="N",
            help="Draw N queries beside their neighbours, half of them wrong ones; 0: no picture.",
        ),
    ] = 8,
    compare_features: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="Other features to see beside those of --features and --preprocess (or the "
            "artifact): pixels, columns, steps as of --preprocess, or an artifact that encodes, "
            "TASK/NAME or TASK/NAME,STEPS; several: 'grey,hog|pca:64' [default: none].",
        ),
    ] = None,
    k: Annotated[
        int | None,
        typer.Option(
            "--k",
            "-k",
            min=1,
            help="Neighbours [default: the artifact's; of DATA the recipe's, else 5].",
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            help="Distance: l2, l1, cosine, linf or minkowski:P [default: the artifact's; of DATA "
            "l2]."
        ),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(help="Votes: uniform or distance [default: the artifact's; of DATA uniform]."),
    ] = None,
    preprocess: of.Preprocess = None,
    features: Features = None,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Where the picture goes, .svg or .png [default: a new folder of reports/].",
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
    force: Force = False,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Measure what neighbours share with the test samples, and draw some beside them.

    Shares are means over the test split: how many of the k neighbours have the query's class, and
    of builtin:shapes how many its background; the last line is what a random choice would share.

    Example: dlkit knn inspect builtin:shapes --compare-features grey,hog --out knn.svg
    """
    options = of.settings(locals())
    read = reading(locals())
    from dlkit.knn import inspect as work
    from dlkit.progress import follow
    from dlkit.report import sheet_files

    output = console.Output(form, json_lines=json, header=header)
    path = None if out is None else sheet_files.place(out, force=force)
    if out is not None and not explain:
        raise DlkitError("--out: --explain 0 draws nothing", hint="--explain 8", code=USAGE)
    others = [work.read_features(each) for each in (compare_features or "").split("|") if each]
    of.refuse_sets(sets, idle=("folds", "keep"), why="it means nothing here")
    knn = None
    if source is not None or not (data or recipe is not None):
        own = named(read)
        own |= {"DATA": data, "--preprocess": preprocess, "--recipe": recipe, "--seed": seed}
        refuse(own, why=of.OWN)
        of.refuse_sets(sets, allowed=of.ASKED, why=of.OWN)
        knn = of.opened(source, quiet=quiet, features=features)
    config, _ = of.config_of(recipe, sets, options, knn=knn)
    place = path or _report(knn, config.data, wanted=explain > 0)
    found = follow(work.inspect(config, others, knn=knn), mode=progress, quiet=quiet)
    drawn = None
    if explain:
        from dlkit.knn.inspect_sheet import draw

        drawn = follow(draw(found, explain, place, force=force), mode=progress, quiet=quiet)
    _show(output, found, drawn)
    if not quiet:
        for sentence in found.sentences():
            console.note(sentence)
        if drawn is not None:
            console.note(f"drew {drawn}")


def _report(knn: Knn | None, data: tuple[str, ...], *, wanted: bool) -> tuple[str, str]:
    """Task and name under which the report will lie, checked before the work."""
    from dlkit.artifacts.reports import check_report
    from dlkit.knn.train import name_after

    name = name_after(data[0]) if data else "data"
    subject = ("knn", knn.name) if knn is not None else ("data", name)
    if wanted:
        check_report(*subject)
    return subject


def _show(output: console.Output, found: Inspection, drawn: Path | None) -> None:
    shares = list(found.chance)
    columns = ("features", "metric", "k", "accuracy", *(f"same {name}" for name in shares))
    rows: list[list[object]] = [
        [
            seen.features,
            found.choice.metric,
            found.choice.k,
            seen.accuracy,
            *(seen.shared[name] for name in shares),
        ]
        for seen in found.seen
    ]
    rows.append(["by chance", None, None, None, *(found.chance[name] for name in shares)])
    told = {
        "data": found.samples.name,
        **found.choice.document(),
        "features": [
            {"features": seen.features, "accuracy": seen.accuracy, "shared": dict(seen.shared)}
            for seen in found.seen
        ],
        "chance": dict(found.chance),
        "says": found.sentences(),
        "picture": None if drawn is None else str(drawn),
    }
    output.answer(columns, rows, told)
