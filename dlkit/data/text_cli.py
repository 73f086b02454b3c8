"""Options of the commands that read a corpus, written once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dlkit.data.config import TextConfig

# The defaults in these texts are those of TextConfig; a test holds the two together.
CORPUS = (
    "Text, csv, jsonl or parquet files (also .gz .bz2 .xz .zst), folders, - for stdin, "
    "builtin:reviews, or a dataset's hub id."
)
Corpora = Annotated[list[str], typer.Argument(metavar="CORPUS…", help=CORPUS)]
Tokens = Annotated[
    str | None,
    typer.Option(
        help="How text becomes words: auto, whitespace, char or zh (Chinese words) [default: auto]."
    ),
]
Lowercase = Annotated[
    bool | None,
    typer.Option("--lowercase/--no-lowercase", help="Lower-case the text [default: no]."),
]
DropPunctuation = Annotated[
    bool | None,
    typer.Option(
        "--drop-punctuation/--keep-punctuation",
        help="Strip punctuation from words, drop words of nothing else [default: keep].",
    ),
]
TextColumn = Annotated[
    str | None, typer.Option(help="Column of a table that holds the text [default: found].")
]
Split = Annotated[str | None, typer.Option(help="Split of a dataset, or all [default: train].")]
Encoding = Annotated[str | None, typer.Option(help="Encoding of text files [default: utf-8].")]
EncodingErrors = Annotated[
    str | None, typer.Option(help="strict, or replace bytes that are not text [default: strict].")
]
MinCount = Annotated[
    int | None, typer.Option(help="Leave out words seen less often than this [default: 5].")
]
MaxVocab = Annotated[
    int | None, typer.Option(help="Keep only the N most frequent words [default: all].")
]


def text_config(**options: object) -> TextConfig:
    """The settings that ``options`` give by name, None where one was not given.

    Raises:
        DlkitError: USAGE: a value that does not fit.

    """
    from dlkit.config.resolve import resolve
    from dlkit.data.config import TextConfig

    return resolve(TextConfig, options=options)
