"""Options that several commands of upscale share, and how they become settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.classifiers import options_cli as shared

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dlkit.cnn.upscale.config import UpscaleConfig
    from dlkit.cnn.upscale.saved import SavedUpscaler

TASK = "upscale"
_NETWORK = ("widths", "blocks", "width", "residual_scale")
_SETTINGS = ("scale", "model", "channels", "loss", "patch", "patches", "augment", "begin", "keep")


def _complete_recipe(incomplete: str) -> list[str]:
    return shared.recipes_of(TASK, incomplete)


def complete_upscaler(incomplete: str) -> list[str]:
    """Names of artifacts of upscale, for the shell."""
    from dlkit.artifacts.store import completions

    return completions(incomplete, kinds={"upscaler"})


Recipe = Annotated[
    str | None,
    typer.Option("--recipe", "-r", help="Recipe: NAME or path.", autocompletion=_complete_recipe),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="NAME",
        help="Artifact of upscale: NAME, TASK/NAME or a path [default: the newest].",
        autocompletion=complete_upscaler,
    ),
]
Data = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[DATA]…",
        help="Folders or files of images (no classes needed), a data set's folder, a table, "
        "builtin:NAME or a hub id.",
    ),
]
TestShare = Annotated[
    float | None,
    typer.Option(help="Share held out where there is no test split; 0: none [default: 0.1]."),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", help="At most so many images of a split, drawn by the seed."),
]
SkipBad = Annotated[
    bool | None,
    typer.Option("--skip-bad", help="Leave out, and count, images that cannot be read."),
]
Tile = Annotated[
    int | None,
    typer.Option(
        min=16,
        metavar="PIXELS",
        help="Compute large images in tiles of so many pixels a side; less takes less memory, "
        "and gives the same [default: 192].",
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
    upscaler: SavedUpscaler | None = None,
) -> tuple[UpscaleConfig, Path | None]:
    """The settings that were asked for, and the recipe's file.

    Args:
        recipe: name or path.
        sets: assignments of ``--set``.
        options: the options by dotted key.
        upscaler: an artifact that is gone on with: its data and network, where no others are given.

    Raises:
        DlkitError: (USAGE) an unknown key, or a value that does not fit.

    """
    from dlkit.cnn.upscale.config import UpscaleConfig
    from dlkit.config.resolve import resolve

    path = shared.recipe_path(recipe, TASK)
    base = None
    if upscaler is not None:
        own = upscaler.settings().model_dump(mode="json")
        own["training"] = {
            name: own["training"][name] for name in ("device", "precision", "validation")
        }
        if options.get("data"):
            own.pop("input")
        base = {**own, "begin": None}
    return resolve(UpscaleConfig, recipe=path, sets=sets or (), options=options, base=base), path


def opened(
    source: str | None, *, quiet: bool, device: str | None = None, threads: int | None = None
) -> SavedUpscaler:
    """The artifact that ``--from`` names, else the newest, which is said.

    Raises:
        DlkitError: there is none, or it is damaged.

    """
    from dlkit.artifacts.finding import find
    from dlkit.cnn.upscale.saved import KIND, open_upscaler

    device = shared.check_device(device)
    found = open_upscaler(find(source, kinds={KIND}), device=device, threads=threads)
    if source is None and not quiet:
        size = f"x{found.scale}, {found.document['parameters']:,} parameters"
        console.note(f"using {found.reference}: {size}")
    return found


def check_precision(precision: str) -> None:
    """Do nothing if ``--precision`` names one that there is.

    Raises:
        DlkitError: (USAGE) it does not.

    """
    from dlkit.errors import USAGE, DlkitError

    if precision not in ("fp32", "bf16", "fp16"):
        raise DlkitError(
            f"--precision {precision}: must be fp32, bf16 or fp16",
            hint="--precision bf16",
            code=USAGE,
        )
