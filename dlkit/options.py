"""Options that several commands share, written once."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

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


class Verbs(typer.core.TyperGroup):
    """A group of commands of which one answers what names no other.

    Attributes:
        otherwise: its name; None: what names no command is a mistake.

    """

    otherwise: str | None = None

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the command that answers before the arguments, where it is left out."""
        name = None if ctx.resilient_parsing else self.left_out(args)
        return super().parse_args(ctx, args if name is None else [name, *args])

    def left_out(self, arguments: Sequence[str]) -> str | None:
        """The name of the command that is meant by ``arguments`` though it is not among them.

        None where they name one, ask for the group's help, or look like a misspelt name.
        """
        first = arguments[0] if arguments else None
        if self.otherwise is None or first in (None, "--help", "-h") or first in self.commands:
            return None
        misspelt = difflib.get_close_matches(str(first), self.commands, n=1, cutoff=0.7)
        return None if misspelt and not Path(str(first)).exists() else self.otherwise


def group(name: str, about: str, *, otherwise: str | None = None) -> typer.Typer:
    """An empty group of commands, ``dlkit NAME``; ``about`` stands in its help.

    Args:
        name: what is typed.
        about: what it is for.
        otherwise: the command that answers where none is named.

    """
    return typer.Typer(
        name=name,
        cls=type("Group", (Verbs,), {"otherwise": otherwise}),
        help=about,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
