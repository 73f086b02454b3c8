"""``dlkit word2vec export`` and ``import``: word vectors to and from the files of other tools."""

from __future__ import annotations

from typing import Annotated

import typer

from dlkit import console
from dlkit.errors import USAGE, DlkitError
from dlkit.options import Force, Form, Header, Json, Progress, Quiet
from dlkit.vectors.cli import File, Source

_TYPES = ("float32", "float16")

Restrict = Annotated[
    int | None, typer.Option(metavar="N", help="Only the first N words, the most frequent.")
]


def export(
    output: Annotated[
        str,
        typer.Argument(
            metavar="OUTPUT",
            help="File to write; - for stdout (text formats). The suffix tells the format: .txt "
            "text, .vec fasttext, .bin binary, .npy numpy, .tsv projector; .gz compresses. "
            "fastText's own .bin: --to fasttext-bin.",
        ),
    ],
    source: Source = None,
    file: File = None,
    to: Annotated[
        str | None,
        typer.Option(
            help="text, binary, fasttext, glove, projector, numpy or fasttext-bin, which "
            "fastText loads, with n-grams [default: by the suffix]."
        ),
    ] = None,
    dtype: Annotated[str, typer.Option(help="Of a NumPy array: float32 or float16.")] = "float32",
    restrict: Restrict = None,
    outputs: Annotated[
        bool, typer.Option("--outputs", help="The output matrix instead of the word vectors.")
    ] = False,
    force: Force = False,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Write word vectors as other tools read them.

    Example: dlkit word2vec export reviews.vec --from word2vec/reviews
    """
    import sys

    from dlkit.progress import follow
    from dlkit.word2vec import convert

    answers = console.Output(form, json_lines=json, header=header)
    _check(dtype, restrict)
    target = convert.target_of(output, to)
    if sys.stdout is None:
        raise DlkitError("stdout is closed: the results have nowhere to go")
    work = convert.export(
        target,
        sys.stdout.buffer,
        source=source,
        file=file,
        dtype=dtype,
        restrict=restrict,
        outputs=outputs,
        force=force,
    )
    stopped = "stopped by a signal; nothing was written"
    facts = follow(convert.unless_stopped(work, stopped), mode=progress, quiet=quiet)
    if target.paths:  # else the vectors themselves are the answer
        answers.facts(facts)


def import_file(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="word2vec text or binary, fastText .vec or .bin, GloVe, NumPy .npy or projector "
            ".tsv with the file of words beside, all but fastText's .bin also .gz .bz2 .xz; - for "
            "stdin.",
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option("--name", "-n", help="Name of the artifact [default: after the file]."),
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="text, binary, fasttext, glove, projector, numpy or fasttext-bin "
            "[default: recognised].",
        ),
    ] = None,
    dtype: Annotated[
        str, typer.Option(help="Stored as float32, or rounded to float16.")
    ] = "float32",
    restrict: Restrict = None,
    lossy: Annotated[
        bool,
        typer.Option(
            "--lossy", help="Take words that are not UTF-8: their bytes are written \\xNN."
        ),
    ] = False,
    lowercase: Annotated[
        bool, typer.Option("--lowercase", help="The words are lower-cased: look words up so, too.")
    ] = False,
    json: Json = False,
    header: Header = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Make an artifact of another tool's word vectors.

    Example: dlkit word2vec import glove.6B.100d.txt --name glove
    """
    from dlkit.progress import follow
    from dlkit.word2vec import imported
    from dlkit.word2vec.convert import unless_stopped

    answers = console.Output(json_lines=json, header=header)
    _check(dtype, restrict)
    work = imported.import_file(
        file,
        name=name,
        layout=layout,
        dtype=dtype,
        restrict=restrict,
        lossy=lossy,
        lowercase=lowercase,
    )
    stopped = "stopped by a signal; no artifact was made"
    saved = follow(unless_stopped(work, stopped), mode=progress, quiet=quiet)
    answers.facts({"artifact": saved.reference, "path": str(saved.path), **saved.facts})
    if not quiet:
        console.note(f"next: {saved.next_command}")


def _check(dtype: str, restrict: int | None) -> None:
    if dtype not in _TYPES:
        raise DlkitError(f"--dtype: unknown type {dtype!r}", hint=" or ".join(_TYPES), code=USAGE)
    if restrict is not None and restrict < 1:
        raise DlkitError(f"--restrict is a whole number of 1 or more, not {restrict}", code=USAGE)
