"""The recipe of detect: every knob, its default, range and unit."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from dlkit.config.schema import Settings
from dlkit.data.config import SampleConfig, known_encoding
from dlkit.training.config import TrainingConfig

MODELS = ("small", "ssdlite", "ssd", "retinanet", "fcos", "fasterrcnn", "fasterrcnn-mobile")


class BoxesConfig(Settings):
    """How images and their boxes are found and read; names as in SampleConfig."""

    images: str | None = Field(
        None, description="the folder that holds the images which a file of boxes names"
    )
    boxes: Literal["auto", "xyxy", "xywh", "cxcywh"] = Field(
        "auto",
        description="what the four numbers of a box are: left, top, right, bottom; left, top, "
        "width, height; or middle, width, height as shares of the image's sides; auto: as COCO "
        "has them in its json and in a column of objects (xywh), as a table's header says",
    )
    image_column: str | None = Field(None, description="the column that holds the images")
    objects_column: str | None = Field(
        None, description="the column that holds an image's objects: bbox and category"
    )
    columns: tuple[str, ...] = Field(
        default=(),
        description="of a table with a row for each box: image, the four numbers, label",
    )
    train_split: str | None = Field(None, description="the split to learn from")
    test_split: str | None = Field(None, description="the split to be judged on")
    test_share: float = Field(
        0.2, ge=0, lt=1, description="of the images, held out where there is no test split"
    )
    size: str | None = Field(
        None,
        description="pixels that images are made, the longer side, the rest black: one side, or "
        "WIDTHxHEIGHT; not given: what is usual for the network",
    )
    skip_bad: bool = Field(
        default=False, description="leave out, and count, images and boxes that cannot be used"
    )
    limit: int | None = Field(None, ge=1, description="use at most this many images of each split")
    encoding: str = Field("utf-8", description="the character encoding of files in text form")

    @field_validator("encoding")
    @classmethod
    def _known(cls, name: str) -> str:
        return known_encoding(name)

    @field_validator("columns")
    @classmethod
    def _six(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        if columns and len(columns) != 6:
            raise ValueError("must be six names: image, the four numbers of a box, label")
        return columns

    @field_validator("size")
    @classmethod
    def _pixels(cls, size: str | None) -> str | None:
        return SampleConfig(size=size).size

    @property
    def height_and_width(self) -> tuple[int, int] | None:
        """The size asked for, in pixels."""
        return self.samples.height_and_width

    @property
    def samples(self) -> SampleConfig:
        """The same for what reads samples with labels."""
        return SampleConfig(
            image_column=self.image_column,
            train_split=self.train_split,
            test_split=self.test_split,
            size=self.size,
            fit="pad",
            colour="rgb",
            skip_bad=self.skip_bad,
            encoding=self.encoding,
        )


class NetworkConfig(Settings):
    """What networks take; None: the network's own default."""

    widths: tuple[int, ...] | None = Field(
        default=None,
        min_length=5,
        max_length=5,
        description="small: channels at strides 2, 4, 8, 16 and 32; 24,48,96,128,160",
    )
    channels: int | None = Field(
        default=None,
        ge=32,
        le=1024,
        multiple_of=32,
        description="small: channels of the feature pyramid and the heads; 96",
    )


class DetectConfig(Settings):
    """Settings of ``dlkit cnn detect train``."""

    data: tuple[str, ...] = Field(
        default=(),
        description="COCO json, tables of boxes or objects, folders that hold them, "
        "builtin:shapes-detect or a hub id",
    )
    input: BoxesConfig = Field(default=BoxesConfig(), description="how the data are read")
    model: Literal[MODELS] = Field(  # type: ignore[valid-type]
        default="small",
        description="small: FCOS on a small feature pyramid, for small images and little time; "
        "of torchvision ssdlite (MobileNetV3), ssd (VGG-16), retinanet, fcos, fasterrcnn "
        "(ResNet-50) and fasterrcnn-mobile (MobileNetV3)",
    )
    network: NetworkConfig = Field(default=NetworkConfig(), description="what the network takes")
    pretrained: str | None = Field(
        default=None,
        description="weights to begin with, of the whole detector or its backbone: a .safetensors "
        "file or a hub id, REPO or REPO@REVISION",
    )
    augment: str = Field(
        default="flip,scale:0.25",
        description="what is done to training images and their boxes: flip, scale:0.25 (a part of "
        "the image enlarged, or all of it made smaller, by up to a quarter), or none",
    )
    begin: str | None = Field(
        default=None, description="an artifact of detect to begin with: its weights and classes"
    )
    training: TrainingConfig = Field(
        default=TrainingConfig(),
        description="how it is trained; what is not given is what is usual for the network",
    )
    keep: bool = Field(
        default=True, description="show images of the data in the report of the artifact"
    )

    @field_validator("augment")
    @classmethod
    def _steps(cls, text: str) -> str:
        flip, scale = steps_of(text)
        told = [*(["flip"] if flip else []), *([f"scale:{scale:g}"] if scale else [])]
        return ",".join(told) or "none"


def steps_of(text: str) -> tuple[bool, float]:
    """Whether images are mirrored by chance, and by which share at most they are scaled.

    Raises:
        ValueError: the text says something else.

    """
    flip, scale = False, 0.0
    for step in (part.strip() for part in text.split(",")):
        name, _, amount = step.partition(":")
        if step == "flip":
            flip = True
        elif name == "scale":
            scale = float(amount or 0.25)
            if not 0 < scale <= 0.9:
                raise ValueError("scale takes a share above 0, up to 0.9: scale:0.25")
        elif step not in ("none", ""):
            raise ValueError(f"there is flip, scale:0.25 and none, no {step}")
    return flip, scale
