"""The options that say what is trained and how; those of several commands are in settings_cli."""

from __future__ import annotations

from typing import Annotated

import typer

from dlkit.classify.settings_cli import complete_classifier

Begin = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="NAME",
        help="Begin with the weights, classes and preprocessing of an artifact of classify; "
        "without DATA on its own data.",
        autocompletion=complete_classifier,
    ),
]
# The defaults in these texts are those of config.py; a test holds the two together.
Hidden = Annotated[
    str | None,
    typer.Option(help="Widths of hidden layers: 256 or 256,128 [default: none]: none is linear."),
]
Activation = Annotated[
    str | None,
    typer.Option(help="After hidden layers: relu, sigmoid, tanh or gelu [default: relu]."),
]
Dropout = Annotated[
    float | None,
    typer.Option(help="Share of hidden neurons that training drops [default: 0]."),
]
BatchNorm = Annotated[
    bool | None,
    typer.Option(
        "--batch-norm/--no-batch-norm", help="Normalise hidden layers' inputs [default: no]."
    ),
]
Loss = Annotated[
    str | None,
    typer.Option(help="softmax (cross-entropy) or hinge (multi-class) [default: softmax]."),
]
L2 = Annotated[
    float | None,
    typer.Option(
        "--l2",
        help="λ of half the sum of squared weights [default: 0]; by sdca 1/(4 N) of N texts.",
    ),
]
Epochs = Annotated[int | None, typer.Option(help="Passes over the data [default: 20].")]
BatchSize = Annotated[int | None, typer.Option(help="Samples of a batch [default: 128].")]
Optimizer = Annotated[
    str | None,
    typer.Option(
        help="sgd, adam, adamw, lbfgs or sdca [default: adamw]; of a linear softmax classifier "
        "without settings of epochs, to the optimum: lbfgs, of texts sdca (dual coordinate ascent)."
    ),
]
Lr = Annotated[
    float | None,
    typer.Option("--lr", help="Largest learning rate [default: sgd 0.1, adam and adamw 0.001]."),
]
Schedule = Annotated[
    str | None,
    typer.Option(
        help="The learning rate's course: constant, step, cosine or one-cycle [default: constant]."
    ),
]
Tokens = Annotated[
    str | None,
    typer.Option(help="Words of texts: auto, whitespace, char or zh [default: auto]."),
]
Words = Annotated[
    str | None,
    typer.Option(help="Words of an n-gram, fewest and most; 0: none [default: 1,2]."),
]
Characters = Annotated[
    str | None,
    typer.Option(help="Characters of an n-gram within a word, fewest and most [default: none]."),
]
Weighting = Annotated[
    str | None,
    typer.Option(
        help="What an n-gram counts: tfidf, binary, counts, or ratio, its rarity (idf) times how "
        "it tells the classes apart [default: ratio]."
    ),
]
Dim = Annotated[
    int | None,
    typer.Option(
        help="Length of an n-gram's vector; 0: n-grams are inputs themselves [default: 0]."
    ),
]
