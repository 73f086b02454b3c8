"""Options that the commands of several classifiers share, written once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from dlkit.config.cli import complete_recipe
from dlkit.data.samples_cli import reading
from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    from dlkit.classifiers.opened import Classifier

# The options that are settings of the training.
TRAINING: Final = (
    "epochs", "batch_size", "optimizer", "lr", "momentum", "nesterov", "schedule", "warmup", "l2",
    "l1", "clip", "label_smoothing", "ema", "class_weights", "validation", "patience", "precision",
    "compile", "seed", "threads", "device",
)  # fmt: skip

# The defaults in these texts are those of the rooms' config.py; tests hold the two together.
L1 = Annotated[
    float | None, typer.Option("--l1", help="λ of the sum of absolute weights [default: 0].")
]
LabelSmoothing = Annotated[
    float | None,
    typer.Option(help="Share of the target spread over all classes [default: 0]."),
]
ClassWeights = Annotated[
    str | None,
    typer.Option(help="none, or balanced: every class counts the same [default: none]."),
]
Validation = Annotated[
    float | None,
    typer.Option(help="Share of the training data set aside to judge by [default: 0.1]."),
]
Patience = Annotated[
    int | None,
    typer.Option(help="Stop after so many epochs without a better validation loss."),
]
Precision = Annotated[
    str | None,
    typer.Option(help="Of products: fp32, bf16 or fp16 [default: fp32]."),
]
Keep = Annotated[
    bool | None,
    typer.Option("--keep/--forget", help="Show samples of the data in report.html [default: yes]."),
]
Resume = Annotated[
    bool,
    typer.Option("--resume", help="Go on with the interrupted run --name [default: the newest]."),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Read the data, take one step, estimate; keep nothing."),
]
Threads = Annotated[int | None, typer.Option(help="CPU threads [default: PyTorch's choice].")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda or mps [default: cpu].")]
Png = Annotated[bool, typer.Option("--png", help="Draw each figure as .png, too, beside its .svg.")]


def recipes_of(task: str, incomplete: str) -> list[str]:
    """Names of recipes of a task, for the shell."""
    prefix = f"{task}/"
    return [name.removeprefix(prefix) for name in complete_recipe(prefix + incomplete)]


def recipe_path(recipe: str | None, task: str) -> Path | None:
    """The file of a recipe.

    Raises:
        DlkitError: (USAGE) there is none.

    """
    from dlkit.config import recipes

    return recipes.find(recipe, task=task) if recipe is not None else None


def settings_of(
    arguments: Mapping[str, object], own: tuple[str, ...], parts: Mapping[str, tuple[str, ...]]
) -> dict[str, object]:
    """Those of a command's ``arguments`` that are settings, by dotted key; None: not given.

    Args:
        arguments: by name.
        own: names of settings at the top.
        parts: of settings below, by what they are below of; those of the training are known.

    """
    found = {name: arguments[name] for name in ("data", *own) if name in arguments}
    found["data"] = found.get("data") or None
    for prefix, names in {**parts, "training": TRAINING}.items():
        found |= {f"{prefix}.{name}": arguments[name] for name in names if name in arguments}
    return found | reading(arguments)


def check_device(device: str | None) -> str:
    """The device that was asked for.

    Raises:
        DlkitError: (USAGE) it is none.

    """
    if device not in (None, "cpu", "cuda", "mps"):
        raise DlkitError(f"--device: must be cpu, cuda or mps, not {device}", code=USAGE)
    return device or "cpu"


def refuse_with_resume(*, dry_run: bool, begin: str | None) -> None:
    """Refuse what says how a run begins where one goes on.

    Raises:
        DlkitError: (USAGE) it was given.

    """
    if dry_run:
        raise DlkitError("--dry-run trains nothing that could go on", code=USAGE)
    if begin is not None:
        raise DlkitError("--resume and --from do not go together", code=USAGE)


def said(classifier: Classifier) -> str:
    """What is said of an artifact that nobody named."""
    size = f"{len(classifier.classes):,} classes, {classifier.document['parameters']:,} parameters"
    return f"using {classifier.reference}: {size}"
