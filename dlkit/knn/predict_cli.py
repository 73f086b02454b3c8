"""``dlkit knn predict`` and ``dlkit knn search``: classes and neighbours of files."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.errors import NOT_FOUND, USAGE, DlkitError
from dlkit.knn import settings_cli as of
from dlkit.options import Force, Form, Header, ImageColumn, Json, Quiet, SkipBad, TextColumn

if TYPE_CHECKING:
    from pathlib import Path

    from dlkit.data.samples import Split
    from dlkit.knn.answers import Answer, Asker
    from dlkit.knn.config import KnnConfig
    from dlkit.knn.saved import Knn

_FOUND = 10  # neighbours that search shows
_ON_SHEET = 200  # queries on one sheet


def predict(
    inputs: of.Inputs,
    source: of.From = None,
    k: of.ArtifactK = None,
    metric: Annotated[
        str | None, typer.Option(help="Distance: l2, l1 or cosine [default: the artifact's].")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Votes: uniform or distance [default: the artifact's].")
    ] = None,
    features: of.MovedFeatures = None,
    image_column: ImageColumn = None,
    text_column: TextColumn = None,
    skip_bad: SkipBad = None,
    encoding: of.Encoding = None,
    threads: of.Threads = None,
    device: of.Device = None,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    quiet: Quiet = False,
) -> None:
    """Tell the class of images, texts or rows of tables: file, class, share of the votes.

    With --json also the votes of every class and the neighbours that voted. Labels are never
    read. The lines of stdin are answered as they come.

    Example: dlkit knn predict photo.png folder/ --from digits --json | jq .class
    """
    output = console.Output(form, json_lines=json, header=header)
    knn = of.opened(source, quiet=quiet, features=features)
    options: dict[str, object] = {
        "k": None if k is None else str(k),
        "metric": metric,
        "weights": weights,
    }
    reading = {"image_column": image_column, "text_column": text_column, "skip_bad": skip_bad}
    config = _config(knn, options, reading | {"encoding": encoding}, threads, device)
    asker = _asker(knn, config)
    for _, answers in _answered(asker, inputs, config, quiet=quiet):
        classes = knn.points.classes
        rows = [(each.file, classes[each.winner], each.shares[each.winner]) for each in answers]
        told = (
            {
                "file": each.file,
                "class": classes[each.winner],
                "share": float(each.shares[each.winner]),
                "votes": {
                    name: share
                    for name, share in zip(classes, each.shares.tolist(), strict=True)
                    if share
                },
                "neighbours": _neighbours(knn, each),
            }
            for each in answers
        )
        output.answer(("file", "class", "share"), [(*row[:2], float(row[2])) for row in rows], told)


def search(
    inputs: of.Inputs,
    source: of.From = None,
    k: Annotated[int, typer.Option("--k", "-k", min=1, help="Neighbours of each.")] = _FOUND,
    metric: Annotated[
        str | None, typer.Option(help="Distance: l2, l1 or cosine [default: the artifact's].")
    ] = None,
    features: of.MovedFeatures = None,
    out: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Also draw queries beside their neighbours: .svg, .png."),
    ] = None,
    image_column: ImageColumn = None,
    text_column: TextColumn = None,
    skip_bad: SkipBad = None,
    encoding: of.Encoding = None,
    threads: of.Threads = None,
    device: of.Device = None,
    force: Force = False,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    quiet: Quiet = False,
) -> None:
    """Find what lies nearest: query, rank, neighbour, its class and distance, a line each.

    With --json one object a query.

    Example: dlkit knn search photo.png -k 20 --out sheet.svg
    """
    from dlkit.knn import sheets

    output = console.Output(form, json_lines=json, header=header)
    path = None if out is None else sheets.place(out, force=force)
    knn = of.opened(source, quiet=quiet, features=features)
    reading = {"image_column": image_column, "text_column": text_column, "skip_bad": skip_bad}
    options: dict[str, object] = {"k": str(k), "metric": metric}
    config = _config(knn, options, reading | {"encoding": encoding}, threads, device)
    asker = _asker(knn, config)
    texts = knn.texts()
    drawn: list[tuple[Split, list[Answer]]] = []
    left = 0
    for split, answers in _answered(asker, inputs, config, quiet=quiet):
        found = [(each, _neighbours(knn, each, texts)) for each in answers]
        rows = [
            (each.file, rank, one["file"], one["class"], one["distance"])
            for each, near in found
            for rank, one in enumerate(near, 1)
        ]
        told = ({"file": each.file, "neighbours": near} for each, near in found)
        output.answer(("query", "rank", "neighbour", "class", "distance"), rows, told)
        if path is not None:
            room = _ON_SHEET - sum(len(each) for _, each in drawn)
            drawn.append((split, answers[:room]))
            left += max(0, len(answers) - room)
    if path is not None:
        _draw(knn, drawn, path, force=force, left=left, quiet=quiet)


def _draw(
    knn: Knn,
    drawn: list[tuple[Split, list[Answer]]],
    path: Path,
    *,
    force: bool,
    left: int,
    quiet: bool,
) -> None:
    from dlkit.knn import sheets

    rows = [row for split, answers in drawn for row in sheets.of_search(knn, split, answers)]
    heads = ("query", "nearest first, with class and distance")
    title = f"What lies nearest in {knn.reference}"
    lacking = sheets.write(
        path, rows, heads=heads, title=title, lines=[sheets.about(knn)], force=force
    )
    if left:
        console.warn(f"{path}: {left:,} queries have no room, {_ON_SHEET} are drawn")
    if lacking:
        console.warn(f"{path}: the font lacks characters of {lacking:,} texts; .svg has them all")
    if not quiet:
        console.note(f"drew {path}")


def _config(
    knn: Knn,
    options: Mapping[str, object],
    reading: Mapping[str, object],
    threads: int | None,
    device: str | None,
) -> KnnConfig:
    """The artifact's settings, with those that are asked for now."""
    given = dict(options) | {f"input.{key}": value for key, value in reading.items()}
    config, _ = of.config_of(
        None, (), given | {"threads": threads, "device": device}, knn=knn, other_data=True
    )
    for name in ("metric", "weights"):
        if len(getattr(config, name)) > 1:
            raise DlkitError(
                f"--{name}: one is needed", hint=f"--{name} {getattr(config, name)[0]}", code=USAGE
            )
    return config


def _asker(knn: Knn, config: KnnConfig) -> Asker:
    from dlkit.knn.answers import Asker
    from dlkit.knn.asking import Choice, Engine

    assert config.k is not None
    choice = Choice(config.metric[0], config.weights[0], config.k[0])
    return Asker(knn, choice, Engine(config.threads, config.device))


def _answered(
    asker: Asker, inputs: list[str], config: KnnConfig, *, quiet: bool
) -> Iterator[tuple[Split, list[Answer]]]:
    """The answers, a batch of inputs at a time; what cannot be read is told with --skip-bad."""
    from dlkit.knn.answers import batches
    from dlkit.progress import follow

    stdin = None if sys.stdin is None else sys.stdin.buffer
    failed, answered = 0, 0
    for batch in batches(inputs, asker.knn.form, config.input, stdin):
        try:
            split = follow(batch, mode="off", quiet=quiet)
        except DlkitError as problem:
            if not config.input.skip_bad:
                raise
            console.warn(f"left out: {problem.message}")
            failed += 1
            continue
        answers = follow(asker.ask(split), mode="off", quiet=quiet)
        answered += len(answers)
        yield split, answers
    if failed and not answered:
        raise DlkitError("none of the inputs could be read", code=NOT_FOUND)


def _neighbours(
    knn: Knn, answer: Answer, texts: list[str] | None = None
) -> list[dict[str, object]]:
    """The neighbours of an answer as objects: file, class, distance, and the text if there is."""
    found: list[dict[str, object]] = []
    for point, distance in zip(answer.points.tolist(), answer.distances.tolist(), strict=True):
        name = knn.points.classes[knn.points.labels[point]]
        one: dict[str, object] = {"file": knn.paths[point], "class": name, "distance": distance}
        if texts is not None:
            one["text"] = texts[point]
        found.append(one)
    return found
