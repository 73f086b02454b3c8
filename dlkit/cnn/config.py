"""The recipe of cnn: every knob, its default, range and unit."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from dlkit.config.schema import Settings
from dlkit.data.config import SampleConfig
from dlkit.training.augmenting.config import checked
from dlkit.training.config import TrainingConfig

Width = Annotated[int, Field(ge=1, le=65_536)]
Few = Annotated[int, Field(ge=1, le=100)]


class NetworkConfig(Settings):
    """What networks take; each takes some of these, and has its own defaults for them."""

    widths: tuple[Width, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="plain, fast: channels of each stage",
    )
    kernel: tuple[Few, ...] | None = Field(
        default=None,
        min_length=1,
        description="plain: side of the filters, of each stage or of all",
    )
    convolutions: tuple[Few, ...] | None = Field(
        default=None, min_length=1, description="plain: convolutions of each stage, or of all"
    )
    hidden: tuple[Width, ...] | None = Field(
        default=None, description="plain: widths of the fully connected layers before the last"
    )
    dropout: float | None = Field(
        default=None, ge=0, lt=1, description="plain, vgg: share dropped before the last layers"
    )
    batch_norm: bool | None = Field(
        default=None, description="plain, vgg: normalise what convolutions give"
    )
    patch: Few | None = Field(default=None, description="fast: side of the whitening filters")
    activation: Literal["gelu", "relu", "silu"] | None = Field(
        default=None, description="fast: after each convolution"
    )
    momentum: float | None = Field(
        default=None, ge=0, lt=1, description="fast: what running means keep of their old value"
    )
    scale: float | None = Field(
        default=None, gt=0, le=1e3, description="fast: what scores are multiplied by"
    )
    width: Width | None = Field(
        default=None, description="resnet20 to resnet56: channels of the first stage"
    )
    stem: Literal["auto", "small", "large"] | None = Field(
        default=None, description="resnet18 to resnet50: how they begin; auto: by the images' size"
    )
    zero_residual: bool | None = Field(
        default=None, description="resnet18 to resnet50: blocks begin as the identity"
    )

    @field_validator("hidden", mode="before")
    @classmethod
    def _none(cls, widths: object) -> object:
        return () if widths in ("none", ["none"], "0", ["0"], 0, [0]) else widths


class CnnConfig(Settings):
    """Settings of ``dlkit cnn train``."""

    data: tuple[str, ...] = Field(
        default=(), description="a folder, files of a table, builtin:NAME or a hub id"
    )
    input: SampleConfig = Field(default=SampleConfig(), description="how the data are read")
    model: str = Field(
        default="fast",
        description="fast, plain, vgg11 13 16 19, resnet18 34 50, resnet20 32 44 56 or "
        "torchvision:NAME",
    )
    network: NetworkConfig = Field(default=NetworkConfig(), description="what the network takes")
    pretrained: str | None = Field(
        default=None,
        description="weights to begin with: a .safetensors file or a hub id, REPO or REPO@REVISION",
    )
    freeze: str | None = Field(
        default=None,
        description="what stays as it was: so many of the first stages, or all but the head (all)",
    )
    augment: str | None = Field(
        default=None,
        description="what is done to training images: flip,crop:4,cutout:8; none; not given: what "
        "is usual for the network and images of that size, which are not mirrored",
    )
    validation_blocks: int | None = Field(
        default=None,
        ge=2,
        le=1_000_000,
        description="so many samples of a class that follow one another are kept together when "
        "validation samples are set aside: frames of a film are near copies",
    )
    begin: str | None = Field(
        default=None, description="an artifact of cnn to begin with: its weights and classes"
    )
    training: TrainingConfig = Field(
        default=TrainingConfig(),
        description="how it is trained; what is not given is what is usual for the network",
    )
    keep: bool = Field(
        default=True, description="show samples of the data in the report of the artifact"
    )

    @field_validator("augment")
    @classmethod
    def _steps(cls, steps: str | None) -> str | None:
        return None if steps is None else checked(steps)

    @field_validator("freeze", mode="before")
    @classmethod
    def _stages(cls, what: object) -> object:
        told = str(what) if isinstance(what, int) and not isinstance(what, bool) else what
        if (
            told is None
            or told == "all"
            or (
                isinstance(told, str)
                and told.isascii()
                and told.isdigit()
                and 0 < int(told) <= 1_000
            )
        ):
            return told
        raise ValueError("must be all, or how many of the first stages, from 1")
