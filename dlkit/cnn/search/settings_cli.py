"""Options that the commands of cnn search share, and how they become settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.classifiers import options_cli as shared
from dlkit.data.samples_cli import resolved

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dlkit.cnn.search.config import SearchConfig
    from dlkit.cnn.search.saved import ImageIndex

TASK = "search"
_OWN = ("features", "labels", "mirror", "whiten", "shrinkage", "components", "keep")
_HEAD = ("loss", "dim", "hidden", "margin", "scale", "temperature")


def _complete_recipe(incomplete: str) -> list[str]:
    return shared.recipes_of(TASK, incomplete)


def complete_index(incomplete: str) -> list[str]:
    """Names of indexes, for the shell."""
    from dlkit.artifacts.store import completions

    return completions(incomplete, kinds={"image-index"})


def complete_encoder(incomplete: str) -> list[str]:
    """Names of artifacts that encode images, for the shell."""
    from dlkit.artifacts.store import completions

    return completions(incomplete, kinds={"image-classifier", "image-embedder"})


Recipe = Annotated[
    str | None,
    typer.Option("--recipe", "-r", help="Recipe: NAME or path.", autocompletion=_complete_recipe),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="NAME",
        help="Index: NAME, TASK/NAME or a path [default: the newest].",
        autocompletion=complete_index,
    ),
]
Encoder = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="NAME",
        help="Whose features are compared: cnn/NAME, or search/NAME of a trained head [default: "
        "the newest].",
        autocompletion=complete_encoder,
    ),
]
Images = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[IMAGES]…",
        help="Folders, files, patterns, - for names on stdin; or a data set: class folders, "
        "tables, builtin:NAME, a hub id.",
    ),
]
Labels = Annotated[
    bool | None,
    typer.Option(
        "--labels/--no-labels",
        help="Folders name classes, or not [default: where all images lie in class folders].",
    ),
]
Whiten = Annotated[
    bool | None,
    typer.Option("--whiten/--no-whiten", help="PCA whitening of the embeddings [default: no]."),
]
Shrinkage = Annotated[
    float | None,
    typer.Option(
        metavar="A",
        help="Of the covariance that whitening learns, 0 to 1 [default: Ledoit and Wolf's].",
    ),
]
Components = Annotated[
    int | None,
    typer.Option(min=1, help="Keep so many principal components [default: all]."),
]
Mirror = Annotated[
    bool | None,
    typer.Option("--mirror/--no-mirror", help="Add the mirror image's features [default: no]."),
]
Keep = Annotated[
    bool | None,
    typer.Option("--keep/--forget", help="Keep small pictures for contact sheets [default: yes]."),
]
Out = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Also draw a contact sheet: .svg, .png."),
]


def settings(arguments: Mapping[str, object]) -> dict[str, object]:
    """Those of a command's ``arguments`` that are settings, by dotted key; None: not given."""
    return shared.settings_of(arguments, _OWN, {"head": _HEAD})


def config_of(
    recipe: str | None,
    sets: Sequence[str] | None,
    options: Mapping[str, object],
    *,
    index: ImageIndex | None = None,
    other_data: bool = False,
) -> tuple[SearchConfig, Path | None]:
    """The settings that were asked for, and the recipe's file.

    Args:
        recipe: name or path.
        sets: assignments of ``--set``.
        options: the options by dotted key.
        index: whose settings are those that nobody gives.
        other_data: it is asked about other data: how its own were read does not count, but for
            the names of columns and the encoding.

    Raises:
        DlkitError: (USAGE) an unknown key, or a value that does not fit.

    """
    from dlkit.cnn.search.config import SearchConfig

    path = shared.recipe_path(recipe, TASK)
    base = None if index is None else index.settings()
    config = resolved(SearchConfig, sets, options, recipe=path, base=base, other_data=other_data)
    return config, path


def opened(source: str | None, *, quiet: bool) -> ImageIndex:
    """The index that ``--from`` names, else the newest, which is said.

    Raises:
        DlkitError: there is none, or it is damaged.

    """
    from dlkit.artifacts.finding import find
    from dlkit.cnn.search.saved import INDEX, open_index

    found = open_index(find(source, kinds={INDEX}))
    if source is None and not quiet:
        features = found.document["features"]["artifact"]
        console.note(f"using {found.reference}: {len(found):,} images, features of {features}")
    return found
