"""The options of ``cnn train`` that say what is trained and how."""

from __future__ import annotations

from typing import Annotated

import typer

from dlkit.cnn.settings_cli import complete_classifier

Begin = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="NAME",
        help="Begin with the weights and classes of an artifact of cnn; without DATA on its own "
        "data.",
        autocompletion=complete_classifier,
    ),
]
# The defaults in these texts are those of config.py; a test holds the two together.
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="fast, plain, vgg11 13 16 19, resnet18 34 50, resnet20 32 44 56, or torchvision:NAME "
        "[default: fast].",
    ),
]
Widths = Annotated[
    str | None,
    typer.Option(help="plain, fast: channels of each stage: 32,64,128 [default: the network's]."),
]
Kernel = Annotated[
    str | None,
    typer.Option(help="plain: side of the filters, of all stages or each [default: 3]."),
]
Convolutions = Annotated[
    str | None,
    typer.Option(help="plain: convolutions before each pooling, of all stages or each."),
]
Hidden = Annotated[
    str | None,
    typer.Option(help="plain: widths of the fully connected layers before the last, or none."),
]
Dropout = Annotated[
    float | None,
    typer.Option(help="plain, vgg: share dropped before the last layers."),
]
BatchNorm = Annotated[
    bool | None,
    typer.Option(
        "--batch-norm/--no-batch-norm", help="plain, vgg: normalise what convolutions give."
    ),
]
Pretrained = Annotated[
    str | None,
    typer.Option(
        metavar="WEIGHTS",
        help="Begin with published weights: a .safetensors file, or a hub id REPO[@REVISION].",
    ),
]
Freeze = Annotated[
    str | None,
    typer.Option(help="What stays as it was: so many of the first stages, or all but the head."),
]
Augment = Annotated[
    str | None,
    typer.Option(
        metavar="STEPS",
        help="What is done to training images: flip crop:N affine rotate cutout:N erase jitter "
        "grey randaugment mixup cutmix, such as flip,crop:4, or none [default: usual for the "
        "network, never a flip].",
    ),
]
ValidationBlocks = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Keep so many samples of a class that follow one another together when validation "
        "samples are set aside: frames of a film are near copies.",
    ),
]
Epochs = Annotated[
    int | None, typer.Option(help="Passes over the data [default: usual for the network].")
]
BatchSize = Annotated[
    int | None, typer.Option(help="Samples of a batch [default: usual for the network].")
]
Optimizer = Annotated[
    str | None, typer.Option(help="sgd, adam or adamw [default: usual for the network].")
]
Lr = Annotated[
    float | None,
    typer.Option("--lr", help="Largest learning rate [default: usual for the network]."),
]
Schedule = Annotated[
    str | None,
    typer.Option(
        help="The learning rate's course: constant, step, cosine or one-cycle [default: usual for "
        "the network]."
    ),
]
L2 = Annotated[
    float | None,
    typer.Option(
        "--l2",
        help="λ of half the sum of squared weights [default: usual for the network].",
    ),
]
LabelSmoothing = Annotated[
    float | None,
    typer.Option(
        help="Share of the target spread over all classes [default: usual for the network]."
    ),
]
Precision = Annotated[
    str | None,
    typer.Option(
        help="Of products: fp32, bf16 or fp16 [default: bf16 where the device computes it itself, "
        "else fp32]."
    ),
]
Ema = Annotated[
    float | None,
    typer.Option("--ema", help="Judge and keep an average of the weights of this decay [0.999]."),
]
Compile = Annotated[
    bool | None,
    typer.Option("--compile/--no-compile", help="Compile the network, torch.compile [no]."),
]
