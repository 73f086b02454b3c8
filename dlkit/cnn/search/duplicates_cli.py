"""``dlkit cnn search duplicates``: images that are equal, or nearly."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.classifiers import options_cli as shared
from dlkit.cnn.search import settings_cli as of
from dlkit.data.samples_cli import ImageColumn, MovedFeatures, SkipBad, TablesEncoding
from dlkit.errors import USAGE, DlkitError
from dlkit.options import Force, Form, Header, Json, Progress, Quiet

if TYPE_CHECKING:
    from dlkit.cnn.search.collection import Collection
    from dlkit.cnn.search.duplicates import Pair

THRESHOLD = 0.8
PIXELS = 0.98


def duplicates(
    images: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[IMAGES]…",
            help="Folders, files, patterns, - for names on stdin: compare these [default: the "
            "images of the index].",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="NAME",
            help="Index; of IMAGES also cnn/NAME or a trained head [default: the newest].",
            autocompletion=of.complete_index,
        ),
    ] = None,
    threshold: Annotated[
        float,
        typer.Option(
            metavar="S",
            help=f"Least cosine of the embeddings of near copies [default: {THRESHOLD}].",
            show_default=False,
        ),
    ] = THRESHOLD,
    pixels: Annotated[
        float,
        typer.Option(
            metavar="R",
            help=f"Least correlation of their 16x16 grey pictures; -1: any [default: {PIXELS}].",
            show_default=False,
        ),
    ] = PIXELS,
    equal: Annotated[
        bool, typer.Option("--equal", help="Only images that are equal in content.")
    ] = False,
    groups: Annotated[
        bool, typer.Option("--groups", help="Groups of images instead of pairs.")
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
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Find copies: image, other, equal or near, similarity, correlation of pixels, a line a pair.

    Equal images have the same pixels (JPEG files: the same bytes); near ones are alike in what the
    network sees and in where light and dark are: re-encoded, resized, slightly changed. With
    --groups each image stands in one group; all but its first are what could go.

    Example: dlkit cnn search duplicates photos/ --groups --json | jq -r '.images[1:][]'
    """
    from dlkit.cnn.search import duplicates as work
    from dlkit.cnn.search.collection import of_images, of_index
    from dlkit.progress import follow
    from dlkit.report.sheet_files import place

    output = console.Output(form, json_lines=json, header=header)
    for name, value in (("--threshold", threshold), ("--pixels", pixels)):
        if not -1 <= value <= 1:
            raise DlkitError(f"{name} {value}: must lie from -1 to 1", code=USAGE)
    path = None if out is None else place(out, force=force)
    device = shared.check_device(device)
    reading = {"image_column": image_column, "skip_bad": skip_bad, "encoding": encoding}
    given = {f"input.{name}": value for name, value in reading.items()}
    if images:
        config, _ = of.config_of(None, (), given | {"data": images})
        stdin = None if sys.stdin is None else sys.stdin.buffer
        going = of_images(
            config, source, features=features, device=device, threads=threads, stdin=stdin
        )
        found = follow(going, mode=progress, quiet=quiet)
    else:
        from dlkit.data.samples_cli import named, refuse

        refuse(named(given) | {"--features": features}, why="it is of IMAGES")
        found = of_index(of.opened(source, quiet=quiet))
    going_on = work.pairs(
        found.rows, found.small, found.digests, threshold=threshold, pixels=pixels, near=not equal
    )
    pairs = follow(going_on, mode=progress, quiet=quiet)
    (_show_groups if groups else _show)(output, found, pairs)
    if not quiet:
        same = sum(each.equal for each in pairs)
        console.note(
            f"{len(found.paths):,} images: {same:,} equal to an earlier one, "
            f"{len(pairs) - same:,} near pairs"
        )
    if path is not None:
        _draw(path, found, pairs, force=force, quiet=quiet)


def _show(output: console.Output, found: Collection, pairs: list[Pair]) -> None:
    from dlkit.cnn.search.duplicates import document

    told = [document(each, found.paths) for each in pairs]
    columns = ("image", "other", "kind", "similarity", "pixels")
    output.answer(columns, [list(each.values()) for each in told], told)


def _show_groups(output: console.Output, found: Collection, pairs: list[Pair]) -> None:
    from dlkit.cnn.search.duplicates import groups

    made = groups(pairs)
    rows = [
        (number, len(each.places), each.equal, each.similarity, found.paths[place])
        for number, each in enumerate(made, 1)
        for place in each.places
    ]
    told = (
        {
            "group": number,
            "images": [found.paths[place] for place in each.places],
            "equal": each.equal,
            "similarity": each.similarity,
        }
        for number, each in enumerate(made, 1)
    )
    output.answer(("group", "images", "equal", "similarity", "image"), rows, told)


def _draw(path: Path, found: Collection, pairs: list[Pair], *, force: bool, quiet: bool) -> None:
    from dlkit.cnn.search.collection import draw
    from dlkit.progress import follow

    if not pairs:
        console.warn(f"{path}: no copies, so nothing is drawn")
        return
    lacking = follow(draw(path, found, pairs, force=force), mode="off", quiet=quiet)
    if lacking:
        console.warn(f"{path}: the font lacks characters of {lacking:,} texts; .svg has all")
    if not quiet:
        console.note(f"drew {path}")
