"""Options of the commands that learn from samples with labels, written once.

Those that say how data are read are named after the settings of SampleConfig.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    from dlkit.config.schema import Settings

S = TypeVar("S", bound="Settings")

# The options that say how data are read.
READING: Final = (
    "image_column", "text_column", "label_column", "group_column", "columns", "train_split",
    "test_split", "test_share", "size", "fit", "colour", "skip_bad", "limit", "encoding",
)  # fmt: skip
# What other data share with those of an artifact.
_READ_ALIKE: Final = ("image_column", "text_column", "label_column", "group_column", "encoding")


def complete_encoder(incomplete: str) -> list[str]:
    """Names of artifacts that encode, for the shell."""
    from dlkit.artifacts.store import completions

    return completions(incomplete, kinds={"word-vectors", "image-classifier", "image-embedder"})


# The defaults in these texts are those of SampleConfig; a test holds the two together.
ImageColumn = Annotated[
    str | None, typer.Option("--image-column", help="Column of a table that holds the images.")
]
TextsColumn = Annotated[
    str | None, typer.Option("--text-column", help="Column of a table that holds the texts.")
]
LabelColumn = Annotated[
    str | None, typer.Option("--label-column", help="Column of a table that holds the classes.")
]
GroupColumn = Annotated[
    str | None,
    typer.Option(
        "--group-column",
        help="Column of a table that tells what belongs together, such as a patient: never "
        "divided between training, validation and test.",
    ),
]
Columns = Annotated[
    str | None,
    typer.Option("--columns", help="Columns of a table to learn from: a,b,c. [default: all]"),
]
TrainSplit = Annotated[
    str | None, typer.Option("--train-split", help="Split to learn from. [default: train]")
]
TestSplit = Annotated[
    str | None,
    typer.Option("--test-split", help="Split to be judged on. [default: test, or one held out]"),
]
TestShare = Annotated[
    float | None,
    typer.Option(help="Share held out where there is no test split; 0: none [default: 0.2]."),
]
Size = Annotated[
    str | None, typer.Option("--size", help="Make all images that size: 32 or 48x32 (width first).")
]
Fit = Annotated[
    str | None,
    typer.Option("--fit", help="Images of another shape: crop, stretch or pad. [default: crop]"),
]
Colour = Annotated[
    str | None,
    typer.Option("--colour", help="Channels of images: auto, grey or rgb. [default: auto]"),
]
SkipBad = Annotated[
    bool | None,
    typer.Option("--skip-bad", help="Leave out, and count, samples that cannot be read."),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", help="At most so many samples of a split, classes in proportion."),
]
TablesEncoding = Annotated[
    str | None, typer.Option(help="Characters of tables and texts [default: utf-8].")
]
Data = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[DATA]…",
        help="A folder (of class folders, or a data set's), tables (.csv .tsv .json .parquet …), "
        "builtin:NAME or a hub id.",
    ),
]
Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="INPUT…",
        help="Files, folders, patterns; - reads stdin: one image, rows of a table, or a text "
        "a line.",
    ),
]
Features = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Artifact that encodes the inputs: word2vec/NAME makes texts the mean of their "
        "words' vectors, cnn/NAME images what its last layer sees [default: none].",
        autocompletion=complete_encoder,
    ),
]
MovedFeatures = Annotated[
    str | None,
    typer.Option(
        "--features",
        metavar="NAME",
        help="Where the encoder is that the artifact was made with [default: where it was].",
        autocompletion=complete_encoder,
    ),
]
Name = Annotated[
    str | None,
    typer.Option("--name", "-n", help="Name of the artifact [default: after the data]."),
]
Seed = Annotated[int | None, typer.Option(help="Of everything random [default: 1].")]


def reading(arguments: Mapping[str, object]) -> dict[str, object]:
    """Those of a command's ``arguments`` that say how data are read, by dotted key."""
    return {f"input.{name}": arguments[name] for name in READING if name in arguments}


def named(options: Mapping[str, object]) -> dict[str, object]:
    """Options by dotted key as they are typed: input.label_column -> --label-column."""
    return {
        f"--{key.rpartition('.')[2].replace('_', '-')}": value for key, value in options.items()
    }


def refuse(given: Mapping[str, object], *, why: str) -> None:
    """Refuse options that mean nothing here.

    Args:
        given: values by option; None, False and empty were not given.
        why: the end of the message.

    Raises:
        DlkitError: (USAGE) one was given.

    """
    names = [name for name, value in given.items() if value not in (None, False, [], ())]
    if names:
        raise DlkitError(f"{', '.join(names)}: {why}", hint=f"leave out {names[0]}", code=USAGE)


def resolved(
    schema: type[S],
    sets: Sequence[str] | None,
    options: Mapping[str, object],
    *,
    recipe: Path | None = None,
    base: dict[str, Any] | None = None,
    other_data: bool = False,
) -> S:
    """The settings that were asked for.

    Args:
        schema: the room's.
        sets: assignments of ``--set``.
        options: the options by dotted key.
        recipe: its file.
        base: the settings of an artifact, which are those that nobody gives.
        other_data: it is asked about other data: how its own were read does not count, but for
            the names of columns and the encoding.

    Raises:
        DlkitError: (USAGE) an unknown key, or a value that does not fit.

    """
    from dlkit.config.resolve import resolve

    if base is not None and other_data:
        base = base | {"input": {key: base["input"].get(key) for key in _READ_ALIKE}}
    return resolve(schema, recipe=recipe, sets=sets or (), options=options, base=base)
