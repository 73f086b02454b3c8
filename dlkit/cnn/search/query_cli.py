"""``dlkit cnn search query``: the images of an index that are most similar to others."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.classifiers import options_cli as shared
from dlkit.cnn.search import settings_cli as of
from dlkit.data.samples_cli import ImageColumn, Inputs, MovedFeatures, SkipBad, TablesEncoding
from dlkit.errors import NOT_FOUND, USAGE, DlkitError
from dlkit.options import Force, Form, Header, Json, Quiet

if TYPE_CHECKING:
    from dlkit.cnn.search.asking import Answer, Asker
    from dlkit.data.config import SampleConfig
    from dlkit.data.samples import Split

_FOUND = 10  # images of each query
_ON_SHEET = 200  # queries on one sheet


def query(
    inputs: Inputs,
    source: of.From = None,
    k: Annotated[
        int | None,
        typer.Option("--k", "-k", min=1, help=f"Similar images of each [default: {_FOUND}]."),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(metavar="S", help="Only images that are at least so similar, -1 to 1."),
    ] = None,
    others: Annotated[
        bool, typer.Option("--others", help="Leave out images that are equal to the query.")
    ] = False,
    out: of.Out = None,
    features: MovedFeatures = None,
    image_column: ImageColumn = None,
    skip_bad: SkipBad = None,
    encoding: TablesEncoding = None,
    threads: shared.Threads = None,
    device: shared.Device = None,
    force: Force = False,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    quiet: Quiet = False,
) -> None:
    """Find the most similar images: query, rank, image, class, similarity, copy, a line each.

    With --json one object a query. The verb can be left out: find . -name '*.jpg' | dlkit cnn
    search - --json. Similarity is the cosine of the embeddings; a copy is equal in content.

    Example: dlkit cnn search query photo.jpg folder/ -k 5 --out sheet.svg
    """
    from dlkit.cnn.search import sheets
    from dlkit.cnn.search.asking import Asker
    from dlkit.data.wording import counted
    from dlkit.report.sheet_files import place

    output = console.Output(form, json_lines=json, header=header)
    if threshold is not None and not -1 <= threshold <= 1:
        raise DlkitError(f"--threshold {threshold}: a cosine lies from -1 to 1", code=USAGE)
    path = None if out is None else place(out, force=force)
    device = shared.check_device(device)
    index = of.opened(source, quiet=quiet)
    number = min(_FOUND, len(index)) if k is None else k
    embedder = index.embedder(features=features, device=device, threads=threads)
    asker = Asker(index, embedder, number, threshold=threshold, others=others, threads=threads)
    reading = {"image_column": image_column, "skip_bad": skip_bad, "encoding": encoding}
    given = {f"input.{name}": value for name, value in reading.items()}
    config, _ = of.config_of(None, (), given, index=index, other_data=True)
    drawn: list[tuple[Split, list[Answer]]] = []
    kept = alone = left = 0
    columns = ("query", "rank", "image", "class", "similarity", "copy")
    for split, answers in _answered(asker, inputs, config.input, quiet=quiet):
        found = [(each.file, each.neighbours(index)) for each in answers]
        rows = [
            (file, rank, *one.values()) for file, near in found for rank, one in enumerate(near, 1)
        ]
        output.answer(columns, rows, ({"file": file, "similar": near} for file, near in found))
        alone += sum(not near for _, near in found)
        if path is not None:
            room = min(_ON_SHEET - kept, len(answers))
            if room:
                drawn.append(sheets.some(split, answers, room))
            kept, left = kept + room, left + len(answers) - room
    if alone and not quiet:
        console.note(f"{counted(alone, 'query', 'queries')} without an image that is so similar")
    if path is not None:
        from dlkit.progress import follow

        lacking = follow(
            sheets.draw(path, index, drawn, force=force), mode="off" if quiet else "auto",
            quiet=quiet,
        )  # fmt: skip
        if left:
            console.warn(f"{path}: {left:,} queries have no room, {_ON_SHEET} are drawn")
        if lacking:
            console.warn(f"{path}: the font lacks characters of {lacking:,} texts; .svg has all")
        if not quiet:
            console.note(f"drew {path}")


def _answered(
    asker: Asker, inputs: list[str], config: SampleConfig, *, quiet: bool
) -> Iterator[tuple[Split, list[Answer]]]:
    """The answers, a batch of inputs at a time; what cannot be read is told with --skip-bad."""
    from collections import Counter

    from dlkit.data.queries import told_queries
    from dlkit.data.streaming import batches
    from dlkit.progress import follow

    stdin = None if sys.stdin is None else sys.stdin.buffer
    failed = answered = 0
    tally: Counter[str] = Counter()
    for batch in batches(inputs, asker.index.form, config, stdin, tally=tally):
        try:
            split = follow(batch, mode="off", quiet=quiet)
        except DlkitError as problem:
            if not config.skip_bad:
                raise
            console.warn(f"left out: {problem.message}")
            failed += 1
            continue
        answers = follow(asker.ask(split), mode="off", quiet=quiet)
        answered += len(answers)
        yield split, answers
    for note in told_queries(tally):
        if not quiet:
            console.note(note.text)
    if not answered:
        what = "none of the inputs could be read" if failed else "there is nothing in the inputs"
        raise DlkitError(what, code=NOT_FOUND)
