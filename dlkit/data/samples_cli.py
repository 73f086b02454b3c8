"""Options of the commands that read samples with labels, written once.

They are named after the settings of SampleConfig.
"""

from __future__ import annotations

from typing import Annotated

import typer

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
