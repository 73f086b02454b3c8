"""Options that several commands of cnn share, and how they become settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.classifiers import options_cli as shared
from dlkit.data.samples_cli import resolved

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dlkit.cnn.config import CnnConfig
    from dlkit.cnn.saved import ImageClassifier

TASK = "cnn"
# The options that are settings: of the network, and others; those of the training are shared.
_NETWORK = ("widths", "kernel", "convolutions", "hidden", "dropout", "batch_norm")
_SETTINGS = ("model", "pretrained", "freeze", "augment", "validation_blocks", "keep")


def _complete_recipe(incomplete: str) -> list[str]:
    return shared.recipes_of(TASK, incomplete)


def complete_classifier(incomplete: str) -> list[str]:
    """Names of artifacts of cnn, for the shell."""
    from dlkit.artifacts.store import completions

    return completions(incomplete, kinds={"image-classifier"})


Recipe = Annotated[
    str | None,
    typer.Option("--recipe", "-r", help="Recipe: NAME or path.", autocompletion=_complete_recipe),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="NAME",
        help="Artifact of cnn: NAME, TASK/NAME or a path [default: the newest].",
        autocompletion=complete_classifier,
    ),
]
FromSeveral = Annotated[
    list[str] | None,
    typer.Option(
        "--from",
        metavar="NAME",
        help="Artifact of cnn: NAME, TASK/NAME or a path [default: the newest]; given several "
        "times: all on the same samples, in one table.",
        autocompletion=complete_classifier,
    ),
]
Views = Annotated[
    str,
    typer.Option(
        "--tta",
        metavar="VIEWS",
        help="Test-time augmentation: the mean over an image's views: none, mirror, shifts (by a "
        "pixel) or mirror+shifts.",
    ),
]


Precision = Annotated[
    str,
    typer.Option(
        "--precision", help="Of products: fp32, or bf16 or fp16 where the device computes them."
    ),
]


def settings(arguments: Mapping[str, object]) -> dict[str, object]:
    """Those of a command's ``arguments`` that are settings, by dotted key; None: not given."""
    return shared.settings_of(arguments, _SETTINGS, {"network": _NETWORK})


def config_of(
    recipe: str | None,
    sets: Sequence[str] | None,
    options: Mapping[str, object],
    *,
    classifier: ImageClassifier | None = None,
    other_data: bool = False,
) -> tuple[CnnConfig, Path | None]:
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
    from dlkit.cnn import beginning
    from dlkit.cnn.config import CnnConfig

    path = shared.recipe_path(recipe, TASK)
    base = None
    if classifier is not None:
        begins = bool(options.get("begin"))
        base = beginning.settings_of(classifier) if begins else settings_in(classifier)
        if begins and other_data:  # which may have other groups, or none
            base["input"].pop("group_column", None)
            base["validation_blocks"] = None
    config = resolved(CnnConfig, sets, options, recipe=path, base=base, other_data=other_data)
    return config, path


def opened(
    source: str | None, *, quiet: bool, device: str | None = None, threads: int | None = None
) -> ImageClassifier:
    """The artifact that ``--from`` names, else the newest, which is said.

    Raises:
        DlkitError: there is none, or it is damaged.

    """
    from dlkit.artifacts.finding import find
    from dlkit.cnn.saved import KIND, open_classifier

    device = shared.check_device(device)
    found = open_classifier(find(source, kinds={KIND}), device=device, threads=threads)
    if source is None and not quiet:
        console.note(shared.said(found))
    return found


def check_asking(views: str, precision: str) -> None:
    """Do nothing if ``--tta`` names views and ``--precision`` a precision that there are.

    Raises:
        DlkitError: (USAGE) one does not.

    """
    from dlkit.errors import USAGE, DlkitError
    from dlkit.training.views import KINDS

    if views not in KINDS:
        raise DlkitError(
            f"--tta {views}: must be {', '.join(KINDS)}", hint="--tta mirror", code=USAGE
        )
    if precision not in ("fp32", "bf16", "fp16"):
        raise DlkitError(
            f"--precision {precision}: must be fp32, bf16 or fp16",
            hint="--precision bf16",
            code=USAGE,
        )
