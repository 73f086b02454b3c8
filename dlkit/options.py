"""Options that several commands share, written once."""

from __future__ import annotations

from typing import Annotated

import typer

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

# How samples with labels are found and read; the names are those of SampleConfig's settings.
ImageColumn = Annotated[
    str | None, typer.Option("--image-column", help="Column of a table that holds the images.")
]
TextColumn = Annotated[
    str | None, typer.Option("--text-column", help="Column of a table that holds the texts.")
]
LabelColumn = Annotated[
    str | None, typer.Option("--label-column", help="Column of a table that holds the classes.")
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

Progress = Annotated[
    str, typer.Option(help="How to show running work: auto, bar, plain, json or off.")
]


def group(name: str, about: str) -> typer.Typer:
    """An empty group of commands, ``dlkit NAME``; ``about`` stands in its help."""
    return typer.Typer(
        name=name,
        help=about,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
