"""The recipe of cnn search: every knob of an index and of a metric-learning head."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from dlkit.config.schema import Settings
from dlkit.data.config import SampleConfig
from dlkit.training.config import TrainingConfig

Width = Annotated[int, Field(ge=1, le=65_536)]

# Margins as they are usual: CosFace 0.35, ArcFace 0.5 (radians), triplets 0.2 of cosines.
USUAL_MARGIN = {"cosface": 0.35, "arcface": 0.5, "triplet": 0.2, "supcon": 0.0}


class HeadConfig(Settings):
    """A projection of a network's features in which images of a class lie close together."""

    loss: Literal["supcon", "cosface", "arcface", "triplet"] = Field(
        default="supcon",
        description="supcon (supervised contrastive), triplet (hardest of the batch), or with a "
        "margin between the classes: cosface, arcface",
    )
    dim: Width = Field(default=128, description="numbers of an embedding")
    hidden: tuple[Width, ...] = Field(
        default=(), description="widths of the layers before the last; none: a linear projection"
    )
    margin: float | None = Field(
        default=None,
        gt=0,
        lt=3,
        description="cosface: of the cosine, 0.35; arcface: of the angle, 0.5; triplet: of the "
        "cosine, 0.2",
    )
    scale: float = Field(
        default=30, gt=0, le=1e3, description="cosface, arcface: what cosines are multiplied by"
    )
    temperature: float = Field(
        default=0.1, gt=0, le=10, description="supcon: what cosines are divided by"
    )

    @field_validator("hidden", mode="before")
    @classmethod
    def _none(cls, widths: object) -> object:
        return () if widths in ("none", ["none"], "0", ["0"], 0, [0]) else widths

    @property
    def own_margin(self) -> float:
        """The margin; the usual one of the loss if none is given."""
        return USUAL_MARGIN[self.loss] if self.margin is None else self.margin


class SearchConfig(Settings):
    """Settings of ``dlkit cnn search index`` and ``train``."""

    data: tuple[str, ...] = Field(
        default=(),
        description="images: folders, files, patterns, tables, builtin:NAME or a hub id",
    )
    input: SampleConfig = Field(default=SampleConfig(), description="how the data are read")
    features: str | None = Field(
        default=None,
        description="the artifact whose features are searched: cnn/NAME, or search/NAME of a head; "
        "the newest if not given",
    )
    labels: bool | None = Field(
        default=None,
        description="whether folders name classes; not given: where all images lie in class "
        "folders",
    )
    mirror: bool = Field(
        default=False, description="index: add the features of each image and of its mirror image"
    )
    whiten: bool = Field(
        default=False,
        description="index: PCA whitening, learnt on the images that are indexed first",
    )
    shrinkage: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="of the covariance that whitening learns, towards equal variances; not given: "
        "by Ledoit and Wolf's formula",
    )
    components: Width | None = Field(
        default=None, description="index: keep so many principal components; not given: all"
    )
    keep: bool = Field(default=True, description="index: keep small pictures for contact sheets")
    head: HeadConfig = Field(default=HeadConfig(), description="train: the head")
    training: TrainingConfig = Field(
        default=TrainingConfig(), description="train: how the head is trained; seed, threads"
    )
