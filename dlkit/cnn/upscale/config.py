"""The recipe of upscale: every knob, its default, range and unit."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from dlkit.config.schema import Settings
from dlkit.data.config import SampleConfig, known_encoding
from dlkit.training.config import TrainingConfig

Width = Annotated[int, Field(ge=1, le=4_096)]


class ImagesConfig(Settings):
    """How images are found and read; names as in SampleConfig. No label is needed."""

    image_column: str | None = Field(None, description="the column that holds the images")
    train_split: str | None = Field(None, description="the split to learn from")
    test_split: str | None = Field(None, description="the split to be judged on")
    test_share: float = Field(
        0.1, ge=0, lt=1, description="of the images, held out where there is no test split"
    )
    skip_bad: bool = Field(
        default=False, description="leave out, and count, images that cannot be read"
    )
    limit: int | None = Field(
        None, ge=1, description="use at most this many images of each split, drawn by the seed"
    )
    encoding: str = Field("utf-8", description="the character encoding of tables in text form")

    @field_validator("encoding")
    @classmethod
    def _known(cls, name: str) -> str:
        return known_encoding(name)

    @property
    def samples(self) -> SampleConfig:
        """The same for what reads samples with labels."""
        return SampleConfig(**self.model_dump(exclude={"limit", "test_share"}))


class NetworkConfig(Settings):
    """What networks take; None: the network's own default."""

    widths: tuple[Width, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=20,
        description="espcn: channels of its convolutions but the last; 64,32",
    )
    blocks: int | None = Field(
        default=None, ge=1, le=256, description="edsr: residual blocks; 4; the paper's baseline 16"
    )
    width: Width | None = Field(
        default=None, description="edsr: channels; 32; the paper's baseline 64"
    )
    residual_scale: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="edsr: what a block adds is multiplied by; 1; 0.1 steadies very wide ones",
    )


class UpscaleConfig(Settings):
    """Settings of ``dlkit cnn upscale train``."""

    data: tuple[str, ...] = Field(
        default=(), description="folders or files of images, tables, builtin:NAME or a hub id"
    )
    input: ImagesConfig = Field(default=ImagesConfig(), description="how the data are read")
    scale: int = Field(default=2, ge=2, le=4, description="how many times as large: 2, 3 or 4")
    model: Literal["espcn", "edsr"] = Field(
        default="edsr",
        description="espcn: three convolutions (Shi et al. 2016); edsr: residual blocks without "
        "batch normalisation (Lim et al. 2017)",
    )
    channels: Literal["y", "rgb"] = Field(
        default="y",
        description="what the network sees: y, the brightness, colours being interpolated; or rgb",
    )
    network: NetworkConfig = Field(default=NetworkConfig(), description="what the network takes")
    loss: Literal["l1", "l2"] | None = Field(
        default=None,
        description="absolute or squared differences; as in the papers: edsr l1, espcn l2",
    )
    patch: int = Field(
        default=32, ge=4, le=512, description="side of a training patch, pixels of the small image"
    )
    patches: int = Field(
        default=50_000, ge=1, le=10**8, description="training patches, drawn of those there are"
    )
    augment: bool = Field(
        default=True, description="show patches mirrored and turned by quarters, drawn anew"
    )
    begin: str | None = Field(
        default=None, description="an artifact of upscale to begin with: its weights"
    )
    training: TrainingConfig = Field(
        default=TrainingConfig(),
        description="how it is trained; what is not given is what is usual for the network",
    )
    keep: bool = Field(
        default=True, description="show images of the data in the report of the artifact"
    )
