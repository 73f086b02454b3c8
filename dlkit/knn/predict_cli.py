"""``dlkit knn predict`` and ``dlkit knn search``: classes and neighbours of files."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.data.samples_cli import (
    ImageColumn,
    Inputs,
    MovedFeatures,
    SkipBad,
    TablesEncoding,
    TextsColumn,
)
from dlkit.errors import NOT_FOUND, USAGE, DlkitError
from dlkit.knn import settings_cli as of
from dlkit.options import Force, Form, Header, Json, Quiet

if TYPE_CHECKING:
    from pathlib import Path

    from dlkit.data.samples import Split
    from dlkit.knn.answers import Answer, Asker
    from dlkit.knn.config import KnnConfig
    from dlkit.knn.saved import Knn

_FOUND = 10  # neighbours that search shows
_ON_SHEET = 200  # queries on one sheet
_NAMED = 10  # queries in a warning


def predict(
    inputs: Inputs,
    source: of.From = None,
    k: of.ArtifactK = None,
    metric: of.ArtifactMetric = None,
    weights: Annotated[
        str | None, typer.Option(help="Votes: uniform or distance [default: the artifact's].")
    ] = None,
    features: MovedFeatures = None,
    image_column: ImageColumn = None,
    text_column: TextsColumn = None,
    skip_bad: SkipBad = None,
    encoding: TablesEncoding = None,
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
    texts = knn.texts() if output.form == "json" else None
    for _, answers in _answered(asker, inputs, config, quiet=quiet):
        rows = [(each.file, *_class(knn, each)) for each in answers]
        told = (_told(knn, each, texts) for each in answers)
        output.answer(("file", "class", "share"), rows, told)


def _class(knn: Knn, answer: Answer) -> tuple[str, float] | tuple[None, None]:
    """The class of an answer and its share of the votes."""
    if answer.winner is None:
        return None, None
    return knn.points.classes[answer.winner], float(answer.shares[answer.winner])


def _told(knn: Knn, answer: Answer, texts: list[str] | None) -> dict[str, object]:
    """An answer of ``predict`` as an object."""
    name, share = _class(knn, answer)
    votes = zip(knn.points.classes, answer.shares.tolist(), strict=True)
    return {
        "file": answer.file,
        "class": name,
        "share": share,
        "votes": {each: part for each, part in votes if part},
        "neighbours": _neighbours(knn, answer, texts),
        **({"why": answer.why} if answer.why else {}),
    }


def search(
    inputs: Inputs,
    source: of.From = None,
    k: Annotated[
        int | None,
        typer.Option("--k", "-k", min=1, help=f"Neighbours of each [default: {_FOUND}]."),
    ] = None,
    metric: of.ArtifactMetric = None,
    features: MovedFeatures = None,
    out: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Also draw queries beside their neighbours: .svg, .png."),
    ] = None,
    image_column: ImageColumn = None,
    text_column: TextsColumn = None,
    skip_bad: SkipBad = None,
    encoding: TablesEncoding = None,
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
    from dlkit.report.sheet_files import place

    output = console.Output(form, json_lines=json, header=header)
    path = None if out is None else place(out, force=force)
    knn = of.opened(source, quiet=quiet, features=features)
    reading = {"image_column": image_column, "text_column": text_column, "skip_bad": skip_bad}
    options: dict[str, object] = {"k": str(_number(knn, k, quiet=quiet)), "metric": metric}
    config = _config(knn, options, reading | {"encoding": encoding}, threads, device)
    asker = _asker(knn, config)
    texts = knn.texts()
    columns = ("query", "rank", "neighbour", "class", "distance", *(("text",) if texts else ()))
    drawn: list[tuple[Split, list[Answer]]] = []
    left = 0
    for split, answers in _answered(asker, inputs, config, quiet=quiet):
        found = [(each, _neighbours(knn, each, texts)) for each in answers]
        rows = [
            (each.file, rank, *one.values())
            for each, near in found
            for rank, one in enumerate(near, 1)
        ]
        told = (
            {"file": each.file, "neighbours": near, **({"why": each.why} if each.why else {})}
            for each, near in found
        )
        output.answer(columns, rows, told)
        if path is not None:
            some = sheets.some(split, answers, _ON_SHEET - sum(len(each) for _, each in drawn))
            left += len(answers) - len(some[1])
            drawn.append(some)
    if path is not None:
        _draw(knn, drawn, path, force=force, left=left, quiet=quiet)


def _number(knn: Knn, k: int | None, *, quiet: bool) -> int:
    """How many neighbours search shows; fewer than usual where there are no more."""
    points = len(knn.points.rows)
    if k is None and points < _FOUND and not quiet:
        console.note(f"k {points}: {knn.reference} has no more points")
    return min(_FOUND, points) if k is None else k


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
    from dlkit.progress import follow

    title = f"What lies nearest in {knn.reference}"
    going = sheets.draw_search(path, knn, drawn, title=title, force=force)
    lacking = follow(going, mode="off" if quiet else "auto", quiet=quiet)
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
    from collections import Counter

    from dlkit.data.queries import told_queries
    from dlkit.data.streaming import batches
    from dlkit.progress import follow

    stdin = None if sys.stdin is None else sys.stdin.buffer
    failed, answered, classless = 0, 0, 0
    tally: Counter[str] = Counter()
    for batch in batches(inputs, asker.knn.form, config.input, stdin, tally=tally):
        try:
            split = follow(batch, mode="off", quiet=quiet)
        except DlkitError as problem:
            if not config.input.skip_bad:
                raise
            console.warn(f"left out: {problem.message}")
            failed += 1
            continue
        for piece in asker.pieces(split):
            answers = follow(asker.ask(piece), mode="off", quiet=quiet)
            answered += len(answers)
            classless += _warn(answers)
            yield piece, answers
    for note in told_queries(tally):
        if not quiet:
            console.note(note.text)
    if not answered:
        what = "none of the inputs could be read" if failed else "there is nothing in the inputs"
        raise DlkitError(what, code=NOT_FOUND)
    if classless == answered:
        raise DlkitError("none of the inputs says anything that could be compared", code=NOT_FOUND)


def _warn(answers: list[Answer]) -> int:
    """Tell which of ``answers`` have no class, and why; return how many."""
    count = 0
    for why in dict.fromkeys(each.why for each in answers if each.why):
        files = [each.file for each in answers if each.why == why]
        more = f" and {len(files) - _NAMED:,} more" if len(files) > _NAMED else ""
        console.warn(f"no class and no neighbours, {why}: {', '.join(files[:_NAMED])}{more}")
        count += len(files)
    return count


def _neighbours(
    knn: Knn, answer: Answer, texts: list[str] | None = None
) -> list[dict[str, object]]:
    """The neighbours of an answer as objects: file, class, distance, and the text if there is."""
    found: list[dict[str, object]] = []
    for point, distance in zip(answer.points.tolist(), answer.distances.tolist(), strict=True):
        name = knn.points.classes[knn.points.labels[point]]
        one: dict[str, object] = {"file": knn.shown(point), "class": name, "distance": distance}
        if texts is not None:
            one["text"] = texts[point]
        found.append(one)
    return found
