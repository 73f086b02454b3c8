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
Force = Annotated[bool, typer.Option("--force", help="Replace files that are there already.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="KEY=VALUE", help="Any setting of the recipe."),
]

Progress = Annotated[
    str, typer.Option(help="How to show running work: auto, bar, plain, json or off.")
]


def group(name: str, about: str) -> typer.Typer:
    """An empty group of commands, ``dlkit NAME``; ``about`` stands in its help."""
    return typer.Typer(
        name=name,
        help=about,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
