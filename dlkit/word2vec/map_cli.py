"""``dlkit word2vec map``: words as points in the plane."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.data.spelling import spelling
from dlkit.errors import USAGE, DlkitError
from dlkit.options import Force, Form, Header, Json, Quiet
from dlkit.vectors.cli import File, Source, limit_threads, opened
from dlkit.word2vec.pictures_cli import Target
from dlkit.word2vec.settings_cli import RandomState

if TYPE_CHECKING:
    from dlkit.vectors.store import WordVectors
    from dlkit.word2vec.mapping import Chosen, Projection

_TOP = 200  # words of a map for which no words were named


def map_words(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORDS]…",
            help="The words of the map; a lone - reads them from stdin, one a line "
            "[default: the most frequent].",
        ),
    ] = None,
    source: Source = None,
    file: File = None,
    top: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="The N most frequent words, beside those named "
            "[default: 200, none where words are named].",
            show_default=False,
        ),
    ] = None,
    neighbours: Annotated[
        int, typer.Option(min=0, metavar="K", help="Add the K nearest of each named word.")
    ] = 0,
    method: Annotated[
        str, typer.Option(help="pca, or tsne (perplexity 30, at most a third of the words).")
    ] = "pca",
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Where the SVG goes, - for stdout [default: a new folder of reports/].",
        ),
    ] = None,
    points: Annotated[
        bool,
        typer.Option(
            "--points", help="Write word, x and y of each; the picture only where --out names it."
        ),
    ] = False,
    seed: RandomState = 1,
    force: Force = False,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    quiet: Quiet = False,
) -> None:
    """Draw words as points in the plane: the named ones, or the most frequent.

    Example: dlkit word2vec map 早餐 电脑 --neighbours 10 --out map.svg
    """
    output = console.Output(form, json_lines=json, header=header)
    limit_threads(1)  # of which the last digits depend; a map takes little time
    from dlkit.word2vec import mapping

    if method not in mapping.METHODS:
        raise DlkitError(f"--method: {method!r} is neither pca nor tsne", code=USAGE)
    if points and out == "-":
        raise DlkitError("--points and --out - both write to stdout", code=USAGE)
    asked = list(_words(words or []))
    if words and not asked:
        raise DlkitError("no words in standard input")
    if neighbours and not asked:
        raise DlkitError(
            "--neighbours: of which words?",
            hint=f"dlkit word2vec map WORD --neighbours {neighbours}",
            code=USAGE,
        )
    target = None if points and out is None else Target(out, force=force)
    vectors, _ = opened(source, file, spelling, quiet=quiet)
    if target is not None:
        target.check(vectors, file)
    if top is None and not asked:
        top = _TOP
    chosen = mapping.choose(vectors, asked, top=top, neighbours=neighbours)
    if target is not None:
        mapping.check_drawable(chosen)
    _tell(chosen, quiet=quiet)
    kind: mapping.Method = "pca" if method == "pca" else "tsne"
    projection = mapping.project(mapping.units_of(vectors, chosen), kind, seed=seed)
    facts: dict[str, object] = {"words": len(chosen.rows), "method": method}
    facts |= {key: projection.facts.get(key) for key in mapping.FACTS}
    if target is not None:
        picture = mapping.draw(vectors, chosen, projection, kind)
        if picture.faded and not quiet:
            found = f"{picture.faded:,} of {len(chosen.rows):,} labels"
            console.note(f"{found} found no free place: they are faded")
        facts["path"] = target.write("map", {"map.svg": picture.svg}, vectors, file, output)
    if points:
        _show_points(output, vectors, chosen, projection)
    elif out != "-":
        output.facts(facts)


def _words(words: Sequence[str]) -> Iterator[str]:
    """``words``; for a lone - those of stdin, one a line, empty lines left out."""
    for word in words:
        if word != "-":
            yield word
            continue
        if sys.stdin is None:
            raise DlkitError("stdin is closed: there is nothing to read words from", code=USAGE)
        for number, line in enumerate(sys.stdin.buffer, 1):
            try:
                text = line.decode("utf-8").strip()
            except UnicodeDecodeError:
                raise DlkitError(f"line {number} of stdin is not UTF-8") from None
            if text:
                yield text


def _tell(chosen: Chosen, *, quiet: bool) -> None:
    """Say which of the named words are not on the map, and which are spelt otherwise there."""
    for problem in chosen.unknown:
        console.warn(f"left out: {problem.message}")
        if problem.hint and not quiet:
            console.note(f"hint: {problem.hint}")
    if not quiet:
        for word, spelling in chosen.respelt:
            console.note(f"'{word}' is read as '{spelling}'")
        for term in chosen.composed:
            console.note(
                f"'{term.word}' is not in the vocabulary: its place is that of its n-grams"
            )


def _show_points(
    output: console.Output, vectors: WordVectors, chosen: Chosen, projection: Projection
) -> None:
    from dlkit.word2vec.mapping import words_of

    rows = zip(words_of(vectors, chosen), projection.points.tolist(), chosen.rows, strict=True)
    output.rows(
        ("word", "x", "y", "from_ngrams"),  # the last: it is not in the vocabulary
        [(word, x, y, row is None) for word, (x, y), row in rows],
    )
