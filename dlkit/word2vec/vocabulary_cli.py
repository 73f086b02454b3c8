"""``dlkit word2vec vocabulary``: the words of a corpus and their counts."""

from __future__ import annotations

from typing import Annotated

import typer

from dlkit import console
from dlkit.data.text_cli import (
    Corpora,
    DropPunctuation,
    Encoding,
    EncodingErrors,
    Lowercase,
    MaxVocab,
    MinCount,
    Split,
    TextColumn,
    Tokens,
    text_config,
)
from dlkit.errors import USAGE, DlkitError
from dlkit.options import Form, Header, Json, Progress, Quiet


def vocabulary(
    data: Corpora,
    to: Annotated[
        str | None,
        typer.Option(
            help="word2vec: the lines that word2vec.c reads with -read-vocab, `word count`, "
            "</s> first [default: word, tab, count]."
        ),
    ] = None,
    min_count: MinCount = None,
    max_vocab: MaxVocab = None,
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
    """Count the words of a corpus, the most frequent first, as training would.

    `dlkit word2vec train --vocabulary FILE` trains with the words of such a list.

    Example: dlkit word2vec vocabulary corpus.txt --min-count 10 > words.tsv
    """
    output = console.Output(form, json_lines=json, header=header)
    if to not in (None, "word2vec"):
        raise DlkitError(f"--to: unknown format {to!r}", hint="--to word2vec", code=USAGE)
    if to is not None and (form or json or header):
        raise DlkitError("--to word2vec has no --format, --json or --header", code=USAGE)
    config = text_config(
        tokens=tokens,
        lowercase=lowercase,
        drop_punctuation=drop_punctuation,
        text_column=text_column,
        split=split,
        encoding=encoding,
        encoding_errors=encoding_errors,
        min_count=min_count,
        max_vocab=max_vocab,
    )
    from dlkit import signals
    from dlkit.data import listing
    from dlkit.data.raw import standard_input
    from dlkit.progress import follow

    with signals.catch() as stop:
        counted = follow(
            listing.count_vocabulary(data, config, stdin=standard_input(), stopping=stop.check),
            mode=progress,
            quiet=quiet,
        )
    if to is not None:
        for text in listing.c_lines(counted):
            output.text(text)
        return
    columns = ("word", "count")
    if output.form == "tsv":
        # Words have neither tabs nor line ends: as in vocab.txt, nothing is escaped.
        if header:
            output.text("\t".join(columns) + "\n")
        for text in listing.lines(counted):
            output.text(text)
        return
    rows = list(zip(counted.vocabulary.words, counted.vocabulary.counts.tolist(), strict=True))
    output.rows(columns, rows)
