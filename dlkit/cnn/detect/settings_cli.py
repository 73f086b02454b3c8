"""Options that the commands of cnn detect share, and how they become settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.classifiers import options_cli as shared

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dlkit.cnn.detect.config import DetectConfig
    from dlkit.cnn.detect.saved import SavedDetector

TASK = "detect"
_OWN = ("model", "pretrained", "augment", "keep")
READING = (
    "images", "boxes", "image_column", "objects_column", "columns", "train_split", "test_split",
    "test_share", "size", "skip_bad", "limit", "encoding",
)  # fmt: skip
# What other data share with those of an artifact.
_READ_ALIKE = ("image_column", "objects_column", "encoding")


def _complete_recipe(incomplete: str) -> list[str]:
    return shared.recipes_of(TASK, incomplete)


def complete_detector(incomplete: str) -> list[str]:
    """Names of detectors, for the shell."""
    from dlkit.artifacts.store import completions

    return completions(incomplete, kinds={"detector"})


Recipe = Annotated[
    str | None,
    typer.Option("--recipe", "-r", help="Recipe: NAME or path.", autocompletion=_complete_recipe),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="NAME",
        help="Detector: NAME, TASK/NAME or a path [default: the newest].",
        autocompletion=complete_detector,
    ),
]
Begin = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="NAME",
        help="Begin with the weights and classes of a detector; without DATA on its own data.",
        autocompletion=complete_detector,
    ),
]
Data = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[DATA]…",
        help="COCO's json or a folder that holds it; a table with a column of objects, or a row "
        "for each box; builtin:shapes-detect or a hub id.",
    ),
]
Images = Annotated[
    str | None,
    typer.Option(
        metavar="FOLDER",
        help="Where the images are that a file of boxes names [default: beside it].",
    ),
]
Boxes = Annotated[
    str | None,
    typer.Option(
        metavar="FORMAT",
        help="What a box's numbers are: xyxy (corners), xywh (left, top, width, height) or cxcywh "
        "(middle and sides, as shares of the image) [default: as COCO, or a table's header, "
        "says].",
    ),
]
ObjectsColumn = Annotated[
    str | None,
    typer.Option("--objects-column", help="Column of a table that holds an image's objects."),
]
Columns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        help="Of a table with a row for each box: image,x1,y1,x2,y2,label by their names there.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="small, ssdlite, ssd, retinanet, fcos, fasterrcnn or fasterrcnn-mobile "
        "[default: small].",
    ),
]
Augment = Annotated[
    str | None,
    typer.Option(
        metavar="STEPS",
        help="What is done to training images and boxes: flip, scale:0.25, or none "
        "[default: flip,scale:0.25].",
    ),
]
Pretrained = Annotated[
    str | None,
    typer.Option(
        metavar="WEIGHTS",
        help="Begin with published weights of the detector or its backbone: a .safetensors file, "
        "or a hub id REPO[@REVISION].",
    ),
]
Size = Annotated[
    str | None,
    typer.Option(
        "--size",
        help="Pixels that images are made, their shape kept: 320 or 640x480 [default: usual for "
        "the network].",
    ),
]
Limit = Annotated[
    int | None, typer.Option("--limit", min=1, help="At most so many images of a split.")
]
Threshold = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        min=0,
        max=1,
        metavar="P",
        help="Least score of what is told [default: the artifact's, where F1 of the validation "
        "images was best].",
    ),
]
Precision = Annotated[
    str,
    typer.Option(
        "--precision", help="Of products: fp32, or bf16 or fp16 where the device computes them."
    ),
]


def reading(arguments: Mapping[str, object]) -> dict[str, object]:
    """Those of a command's ``arguments`` that say how data are read, by dotted key."""
    return {f"input.{name}": arguments[name] for name in READING if name in arguments}


def settings(arguments: Mapping[str, object]) -> dict[str, object]:
    """Those of a command's ``arguments`` that are settings, by dotted key; None: not given."""
    found = {name: arguments[name] for name in _OWN if name in arguments}
    found["data"] = arguments.get("data") or None
    found |= {f"training.{name}": arguments[name] for name in shared.TRAINING if name in arguments}
    return found | reading(arguments)


def config_of(
    recipe: str | None,
    sets: Sequence[str] | None,
    options: Mapping[str, object],
    *,
    detector: SavedDetector | None = None,
    other_data: bool = False,
) -> tuple[DetectConfig, Path | None]:
    """The settings that were asked for, and the recipe's file.

    Args:
        recipe: name or path.
        sets: assignments of ``--set``.
        options: the options by dotted key.
        detector: an artifact whose settings are those that nobody gives.
        other_data: it is asked about other data: how its own were read does not count, but for
            the names of columns and the encoding.

    Raises:
        DlkitError: (USAGE) an unknown key, or a value that does not fit.

    """
    from dlkit.cnn.detect.config import DetectConfig
    from dlkit.config.resolve import resolve

    path = shared.recipe_path(recipe, TASK)
    base = None
    if detector is not None:
        base = detector.settings().model_dump(mode="json")
        if options.get("begin"):
            # How long and how fast it learnt is not how it is learnt on: what is usual is taken.
            training = base["training"]
            base["training"] = {name: training[name] for name in ("device", "precision")}
            base |= {"begin": None, "pretrained": None}
        if other_data:
            base["input"] = {name: base["input"][name] for name in _READ_ALIKE}
    found = resolve(DetectConfig, recipe=path, sets=sets or (), options=options, base=base)
    return found, path


def opened(
    source: str | None, *, quiet: bool, device: str | None = None, threads: int | None = None
) -> SavedDetector:
    """The artifact that ``--from`` names, else the newest, which is said.

    Raises:
        DlkitError: there is none, or it is damaged.

    """
    from dlkit.artifacts.finding import find
    from dlkit.cnn.detect.saved import KIND, open_detector

    device = shared.check_device(device)
    found = open_detector(find(source, kinds={KIND}), device=device, threads=threads)
    if source is None and not quiet:
        console.note(f"using {found.reference}: {found.model.name}, {len(found.classes):,} classes")
    return found


def check_precision(precision: str) -> None:
    """Do nothing if ``--precision`` names one.

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
