"""Options of the settings of a training, for the commands that train."""

from __future__ import annotations

from typing import Annotated

import typer

from dlkit.config.cli import complete_recipe


def _complete_recipe(incomplete: str) -> list[str]:
    prefix = "word2vec/"
    return [name.removeprefix(prefix) for name in complete_recipe(prefix + incomplete)]


# The defaults in these texts are those of config.py; a test holds the two together.
Recipe = Annotated[
    str | None,
    typer.Option("--recipe", "-r", help="Recipe: NAME or path.", autocompletion=_complete_recipe),
]
Dim = Annotated[int | None, typer.Option(help="Numbers per vector [default: 100].")]
Window = Annotated[
    int | None,
    typer.Option(
        help="Most words to either side; unless windows are fixed, each is drawn in 1..N "
        "[default: 5]."
    ),
]
Epochs = Annotated[int | None, typer.Option(help="Passes over the corpus [default: 5].")]
Rate = Annotated[
    float | None, typer.Option(help="First learning rate [default: 0.025 skipgram, 0.05 cbow].")
]
Seed = Annotated[int | None, typer.Option(help="Of everything random [default: 1].")]
Threads = Annotated[
    int | None,
    typer.Option(help="CPU threads; 1 gives the same bits every time [default: all cores]."),
]
Device = Annotated[
    str | None, typer.Option(help="Where to train: cpu, cuda or mps [default: cpu].")
]
# Of what is no training and has no recipe; scikit-learn takes no larger seed.
RandomState = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of everything random.")]
