"""Options that several commands share, written once."""

from __future__ import annotations

from typing import Annotated

import typer

Form = Annotated[
    str | None, typer.Option("--format", help="human, tsv or json [default: by stdout].")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Header = Annotated[bool, typer.Option("--header", help="Name the columns (tsv).")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only results, warnings and errors.")]
Progress = Annotated[
    str, typer.Option(help="How to show running work: auto, bar, plain, json or off.")
]
