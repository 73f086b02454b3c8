"""``dlkit word2vec inspect``: what word vectors are, in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.data.spelling import spelling
from dlkit.errors import USAGE, DlkitError
from dlkit.options import Force, Form, Header, Json, Quiet
from dlkit.vectors.cli import File, Source, limit_threads, opened
from dlkit.word2vec.pictures_cli import Target

if TYPE_CHECKING:
    from dlkit.word2vec.inspect import Inspection

# What the two columns of a section are called on a terminal, where they are not facts.
_COLUMNS = {
    "neighbours": ("word", "nearest"),
    "largest_norms": ("word", "norm"),
    "smallest_norms": ("word", "norm"),
}


def inspect(
    source: Source = None,
    file: File = None,
    top: Annotated[
        int, typer.Option(min=1, metavar="N", help="Words of each list, and neighbours of each.")
    ] = 10,
    figure: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Draw how often words were seen, by rank, as an SVG file."
        ),
    ] = None,
    force: Force = False,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    quiet: Quiet = False,
) -> None:
    """Tell what word vectors are: frequencies, norms, directions, neighbours.

    In a pipe each fact is a line: section, key, value.

    Example: dlkit word2vec inspect --top 5
    """
    output = console.Output(form, json_lines=json, header=header)
    limit_threads(1)
    from dlkit.word2vec import inspect as work

    if figure == "-":
        raise DlkitError("--figure needs a file; stdout is for the facts", code=USAGE)
    target = None if figure is None else Target(figure, force=force)
    vectors, path = opened(source, file, spelling, quiet=quiet)
    counts = vectors.lexicon.counts()
    if target is not None:
        if counts is None or not counts.any():
            raise DlkitError(
                f"--figure: {vectors.name} does not tell how often words were seen", code=USAGE
            )
        target.check(vectors, file)
    if counts is None and not quiet:
        console.note(f"{vectors.name} does not tell how often words were seen")
    found = work.inspect(vectors, counts, work.told_by(path) if path else {}, top=top)
    if target is not None:
        files = {"frequency.svg": work.draw_frequency(found)}
        drawn = target.write("inspect", files, vectors, file, output)
        if not quiet:
            console.note(f"drew {drawn}")
    _show_inspection(output, found)


def _show_inspection(output: console.Output, found: Inspection) -> None:
    """A table a section on a terminal, a line a fact in a pipe, one object in JSON."""
    if output.form == "json":
        output.answer((), [], found.sections)
        return
    for section, facts in found.sections.items():
        told = [(key, _joined(value)) for key, value in facts.items()]
        if output.form == "human":
            output.answer(_COLUMNS.get(section, ("fact", "value")), told, {}, title=section)
            if section == "frequency" and found.curve:
                from dlkit.report.curves import Curve, text_log_log

                output.text(text_log_log(Curve("", found.curve), x="rank", y="count") + "\n")
        else:
            output.answer(("section", "key", "value"), [(section, *each) for each in told], {})


def _joined(value: object) -> object:
    return " ".join(value) if isinstance(value, list) else value
