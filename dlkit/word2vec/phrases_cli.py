"""``dlkit word2vec phrases``: words that stand together become one."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.data.text_cli import (
    Corpora,
    DropPunctuation,
    Encoding,
    EncodingErrors,
    Lowercase,
    Split,
    TextColumn,
    Tokens,
    text_config,
)
from dlkit.errors import USAGE, DlkitError, ReaderGoneError
from dlkit.options import Force, Form, Header, Json, Progress, Quiet

if TYPE_CHECKING:
    from dlkit.data.collocations import Rules
    from dlkit.data.config import TextConfig
    from dlkit.data.phrases import Rewritten


def phrases(
    data: Corpora,
    threshold: Annotated[
        str | None,
        typer.Option(
            help="Join pairs that score more; one number, or one for each pass: 200,100 "
            "[default: 100; npmi: 0.5]."
        ),
    ] = None,
    score: Annotated[
        str | None,
        typer.Option(help="paper: (ab - MIN_COUNT) x words / (a x b); or npmi [default: paper]."),
    ] = None,
    min_count: Annotated[
        int,
        typer.Option(
            "--min-count",
            "--discount",
            help="The paper's discount: pairs seen no more often never join. npmi: pairs seen less "
            "often.",
        ),
    ] = 5,
    passes: Annotated[
        int | None,
        typer.Option(help="Passes; each makes phrases longer [default: one for each threshold]."),
    ] = None,
    joiner: Annotated[str, typer.Option(help="Stands between the words of a phrase.")] = "_",
    connectors: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Words, one a line, that may stand inside a phrase (of, the), and neither begin "
            "nor end one.",
        ),
    ] = None,
    max_pairs: Annotated[
        int,
        typer.Option(
            help="Different pairs held in memory at once: 0.5 GB for the default. More take more "
            "time, with the same result."
        ),
    ] = 20_000_000,
    listed: Annotated[
        bool,
        typer.Option("--list", help="Print the phrases with scores and counts, not the text."),
    ] = False,
    out: Annotated[
        str, typer.Option(metavar="FILE", help="Where the new text goes; - is stdout.")
    ] = "-",
    force: Force = False,
    tokens: Tokens = None,
    lowercase: Lowercase = None,
    drop_punctuation: DropPunctuation = None,
    text_column: TextColumn = None,
    split: Split = None,
    encoding: Encoding = None,
    encoding_errors: EncodingErrors = None,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Join words that stand together unusually often: new york becomes new_york.

    The text is written line for line, its words as they were read, rare ones too; `dlkit word2vec
    train -` reads it from a pipe. Counts are exact however long the text is. Its words lie in
    $TMPDIR meanwhile, 4 bytes each (8 with several passes).

    Example: dlkit word2vec phrases corpus.txt --threshold 200,100 --out phrases.txt
    """
    from dlkit.data.collocations import rules as made

    output = console.Output(form, json_lines=json, header=header)
    to_file = out != "-"
    if listed and (to_file or force):
        raise DlkitError("--list prints phrases; it has no --out and no --force", code=USAGE)
    if not listed and not to_file and (form or json or header):
        raise DlkitError(
            "stdout gets the new text, which has no --format, --json or --header",
            hint="--list prints the phrases; --out FILE writes the text elsewhere",
            code=USAGE,
        )
    config = text_config(
        tokens=tokens,
        lowercase=lowercase,
        drop_punctuation=drop_punctuation,
        text_column=text_column,
        split=split,
        encoding=encoding,
        encoding_errors=encoding_errors,
    )
    rules = made(
        score=score,
        threshold=threshold,
        passes=passes,
        min_count=min_count,
        joiner=joiner,
        connectors=_connectors(connectors, config),
        max_pairs=max_pairs,
    )
    done = _joined(
        data, config, rules, listed=listed, out=out, force=force, progress=progress, quiet=quiet
    )
    if listed:
        _list(done, output)
    elif to_file:
        row = {"path": out, "lines": done.lines, "words": done.words, "joined": done.joined}
        output.facts(row)


def _joined(
    data: list[str],
    config: TextConfig,
    rules: Rules,
    *,
    listed: bool,
    out: str,
    force: bool,
    progress: str,
    quiet: bool,
) -> Rewritten:
    """Run the work with its text to stdout, to a file, or nowhere."""
    from dlkit import signals
    from dlkit.artifacts.placing import check_places, placed
    from dlkit.data.phrases import join_phrases
    from dlkit.data.raw import standard_input
    from dlkit.data.sources import locate
    from dlkit.progress import follow

    places = [] if listed or out == "-" else [Path(out).expanduser()]
    check_places(places, force=force)
    stdin = standard_input()
    sources = locate(data, config, stdin=stdin)
    with signals.catch() as stop, placed(places, force=force) if places else nullcontext() as files:
        write = None if listed else files[0].write if files else _to_stdout
        return follow(
            join_phrases(sources, config, rules, write=write, stdin=stdin, stopping=stop.check),
            mode=progress,
            quiet=quiet,
        )


def _to_stdout(text: bytes) -> None:
    if sys.stdout is None:
        raise DlkitError("stdout is closed: the text has nowhere to go")
    try:
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise ReaderGoneError from None
    except OSError as error:
        raise DlkitError(f"cannot write the text to stdout: {error.strerror or error}") from None


def _connectors(file: str | None, config: TextConfig) -> tuple[str, ...]:
    if file is None:
        return ()
    from dlkit.data.counting import normaliser_of
    from dlkit.data.phrases import read_connectors

    return read_connectors(file, normaliser_of(config))


def _list(done: Rewritten, output: console.Output) -> None:
    columns = (
        "phrase", "score", "count", "first", "first_count", "last", "last_count", "pass",
    )  # fmt: skip
    rows = [
        (each.text, each.score, each.count, each.first, each.first_count, each.last,
         each.last_count, each.number)
        for each in done.phrases
    ]  # fmt: skip
    output.rows(columns, rows)
