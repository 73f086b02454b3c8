"""``dlkit knn inspect``: why neighbours vote as they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.errors import USAGE, DlkitError
from dlkit.knn import settings_cli as of
from dlkit.options import (
    Colour,
    Columns,
    Fit,
    Force,
    Form,
    Header,
    ImageColumn,
    Json,
    LabelColumn,
    Limit,
    Progress,
    Quiet,
    Sets,
    Size,
    SkipBad,
    TestSplit,
    TextColumn,
    TrainSplit,
)

if TYPE_CHECKING:
    from pathlib import Path

    from dlkit.knn.inspect import Inspection
    from dlkit.knn.saved import Knn

_USUAL_K = 5


def inspect(
    data: of.Data = None,
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
            metavar="STEPS",
            help="Other features to see beside those of --preprocess (or the artifact): steps as "
            "of --preprocess, or pixels; several: 'grey,hog|pca:64' [default: none].",
        ),
    ] = None,
    k: Annotated[
        int | None,
        typer.Option("--k", "-k", min=1, help="Neighbours [default: the artifact's; of DATA 5]."),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(help="Distance: l2, l1 or cosine [default: the artifact's; of DATA l2]."),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(help="Votes: uniform or distance [default: the artifact's; of DATA uniform]."),
    ] = None,
    preprocess: of.Preprocess = None,
    features: of.Features = None,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Where the picture goes, .svg or .png [default: a new folder of reports/].",
        ),
    ] = None,
    image_column: ImageColumn = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    columns: Columns = None,
    train_split: TrainSplit = None,
    test_split: TestSplit = None,
    test_share: of.TestShare = None,
    size: Size = None,
    fit: Fit = None,
    colour: Colour = None,
    skip_bad: SkipBad = None,
    limit: Limit = None,
    encoding: of.Encoding = None,
    seed: of.Seed = None,
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
    from dlkit.knn import inspect as work
    from dlkit.knn import sheets
    from dlkit.knn.asking import Choice
    from dlkit.progress import follow

    output = console.Output(form, json_lines=json, header=header)
    path = None if out is None else sheets.place(out, force=force)
    if out is not None and not explain:
        raise DlkitError("--out: --explain 0 draws nothing", hint="--explain 8", code=USAGE)
    knn = None
    if source is not None or not (data or recipe is not None):
        own = of.named(of.reading(locals()))
        own |= {"DATA": data, "--preprocess": preprocess, "--recipe": recipe, "--seed": seed}
        of.refuse(own, why="an artifact was made with its own")
        knn = of.opened(source, quiet=quiet, features=features)
    config, _ = of.config_of(recipe, sets, options, knn=knn)
    for name, values in (("metric", config.metric), ("weights", config.weights)):
        if len(values) > 1:
            raise DlkitError(f"{name}: one is needed", hint=f"--{name} {values[0]}", code=USAGE)
    ks = config.k if config.k is not None and (k or knn is not None) else (_USUAL_K,)
    choice = Choice(config.metric[0], config.weights[0], ks[0])
    pipelines = [config.preprocess, *(compare_features.split("|") if compare_features else [])]
    if path is None and explain:
        _check(knn, config.data)
    going = work.inspect(config, choice, pipelines, knn=knn)
    found = follow(going, mode=progress, quiet=quiet)
    drawn = _draw(found, explain, path, knn, force=force) if explain else None
    _show(output, found, drawn)
    if not quiet:
        for sentence in found.sentences():
            console.note(sentence)
        if drawn is not None:
            console.note(f"drew {drawn}")


def _check(knn: Knn | None, data: tuple[str, ...]) -> None:
    from dlkit.artifacts.reports import check_report

    task, name = _subject(knn, data[0] if data else "data")
    check_report(task, name)


def _subject(knn: Knn | None, name: str) -> tuple[str, str]:
    """Task and name under which the report lies."""
    return ("knn", knn.name) if knn is not None else ("data", name)


def _draw(
    found: Inspection, number: int, path: Path | None, knn: Knn | None, *, force: bool
) -> Path:
    """Draw queries beside their neighbours; return where."""
    from dlkit.artifacts.reports import write_report
    from dlkit.knn import inspect as work
    from dlkit.knn import sheets

    places = work.examples(found, number)
    rows = work.rows(found, places)
    samples, choice = found.samples, found.choice
    heads = ("query", "nearest training samples; ✓ votes for the query's class, ✗ against it")
    title = f"{samples.name}: what lies nearest, and votes"
    said = found.sentences()
    lines = said or [
        f"k {choice.k}, {choice.metric}, votes {choice.weights}; "
        f"{found.seen[0].accuracy:.1%} of {len(samples.test):,} test samples are right"
    ]
    if "background" in samples.test.attributes:
        lines = [*lines, "on bar's: on the background that a bar has in training"]
    if path is not None:
        lacking = sheets.write(path, rows, heads=heads, title=title, lines=lines, force=force)
        if lacking:
            console.warn(f"{path}: the font lacks characters of {lacking:,} texts; use .svg")
        return path
    content, _ = sheets.render(rows, ".svg", heads=heads, title=title, lines=lines)
    task, name = _subject(knn, samples.name)
    return write_report(task, name, "inspect", {"neighbours.svg": content}) / "neighbours.svg"


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
