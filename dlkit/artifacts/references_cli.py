"""How the commands about artifacts are told which."""

from __future__ import annotations

from typing import Annotated

import typer


def complete_artifact(incomplete: str) -> list[str]:
    """Artifacts and runs for the shell."""
    from dlkit.artifacts.store import completions

    return completions(incomplete)


_SEVERAL = typer.Argument(
    metavar="REF", help="NAME, TASK/NAME or a path.", autocompletion=complete_artifact
)
References = Annotated[list[str], _SEVERAL]
AnyReferences = Annotated[list[str] | None, _SEVERAL]
