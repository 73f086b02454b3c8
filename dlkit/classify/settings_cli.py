"""Options that several commands of classify share, and how they become settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.classifiers import options_cli as shared
from dlkit.data.samples_cli import resolved

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dlkit.classify.config import ClassifyConfig
    from dlkit.classify.saved import Classifier

TASK = "classify"
# The options that are settings: of the texts, and others; those of the training are shared.
_TEXT = ("tokens", "words", "characters", "weighting", "dim")
_SETTINGS = (
    "preprocess",
    "features",
    "hidden",
    "activation",
    "dropout",
    "batch_norm",
    "loss",
    "keep",
)


def _complete_recipe(incomplete: str) -> list[str]:
    return shared.recipes_of(TASK, incomplete)


def complete_classifier(incomplete: str) -> list[str]:
    """Names of artifacts of classify, for the shell."""
    from dlkit.artifacts.store import completions

    return completions(incomplete, kinds={"classifier"})


# The defaults in these texts are those of config.py; a test holds the two together.
Recipe = Annotated[
    str | None,
    typer.Option("--recipe", "-r", help="Recipe: NAME or path.", autocompletion=_complete_recipe),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="NAME",
        help="Artifact of classify: NAME, TASK/NAME or a path [default: the newest].",
        autocompletion=complete_classifier,
    ),
]
Preprocess = Annotated[
    str | None,
    typer.Option(
        help="Steps learnt from training data: grey resize:S crop:S contrast scale centre "
        "standardise pca:N zca hog, such as grey,hog, or none [default: pixels / 255, else "
        "standardise]."
    ),
]


def settings(arguments: Mapping[str, object]) -> dict[str, object]:
    """Those of a command's ``arguments`` that are settings, by dotted key; None: not given."""
    return shared.settings_of(arguments, _SETTINGS, {"text": _TEXT})


def config_of(
    recipe: str | None,
    sets: Sequence[str] | None,
    options: Mapping[str, object],
    *,
    classifier: Classifier | None = None,
    other_data: bool = False,
) -> tuple[ClassifyConfig, Path | None]:
    """The settings that were asked for, and the recipe's file.

    Args:
        recipe: name or path.
        sets: assignments of ``--set``.
        options: the options by dotted key.
        classifier: an artifact whose settings are those that nobody gives.
        other_data: it is asked about other data: how its own were read does not count, but for
            the names of columns and the encoding.

    Raises:
        DlkitError: (USAGE) an unknown key, or a value that does not fit.

    """
    from dlkit.classifiers.opened import settings_in
    from dlkit.classify import beginning
    from dlkit.classify.config import ClassifyConfig

    path = shared.recipe_path(recipe, TASK)
    base = None
    if classifier is not None:
        begins = bool(options.get("begin"))
        base = beginning.settings_of(classifier) if begins else settings_in(classifier)
        if begins and other_data:  # which may have other groups, or none
            base["input"].pop("group_column", None)
    config = resolved(ClassifyConfig, sets, options, recipe=path, base=base, other_data=other_data)
    return config, path


def opened(
    source: str | None,
    *,
    quiet: bool,
    features: str | None = None,
    device: str | None = None,
    threads: int | None = None,
) -> Classifier:
    """The artifact that ``--from`` names, else the newest, which is said.

    Raises:
        DlkitError: there is none, or it is damaged.

    """
    from dlkit.artifacts.finding import find
    from dlkit.classify.saved import KIND, open_classifier

    device = shared.check_device(device)
    path = find(source, kinds={KIND})
    found = open_classifier(path, features=features, device=device, threads=threads)
    if source is None and not quiet:
        console.note(shared.said(found))
    return found
