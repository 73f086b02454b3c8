"""The recipe of knn: every knob, its default, range and unit."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from dlkit.config.schema import Settings
from dlkit.data.config import SampleConfig

METRICS = ("l2", "l1", "cosine")
VOTES = ("uniform", "distance")
# The numbers of neighbours that are tried where none is asked for.
USUAL_K = (1, 3, 5, 7, 9, 11, 15, 21)


class KnnConfig(Settings):
    """Settings of ``dlkit knn train`` and ``dlkit knn eval``."""

    data: tuple[str, ...] = Field(
        default=(), description="a folder, files of a table, builtin:NAME or a hub id"
    )
    input: SampleConfig = Field(default=SampleConfig(), description="how the data are read")
    preprocess: str = Field(
        default="", description="steps fitted on the training data: grey,hog or standardise,pca:64"
    )
    features: str | None = Field(
        default=None, description="an artifact that encodes the inputs: word2vec/NAME for texts"
    )
    k: tuple[Annotated[int, Field(ge=1, le=2**31 - 1)], ...] | None = Field(
        default=None, description="numbers of neighbours to try; 1 to 21 if not given"
    )
    metric: tuple[str, ...] = Field(default=("l2",), description="distances to try: l2, l1, cosine")
    weights: tuple[str, ...] = Field(
        default=("uniform",), description="votes to try: equal, or by 1/distance"
    )
    folds: int | Literal["loo", "none"] = Field(
        default=5, description="parts of the cross-validation; loo: as many as samples; none"
    )
    keep: bool = Field(
        default=True, description="keep pictures and texts, so that neighbours can be shown"
    )
    seed: int = Field(default=1, ge=0, le=2**63 - 1, description="of everything random")
    threads: int | None = Field(
        default=None, ge=1, le=1024, description="CPU threads; all cores if not given"
    )
    device: Literal["cpu", "cuda", "mps"] = Field(default="cpu", description="where to search")

    @field_validator("folds")
    @classmethod
    def _several(cls, folds: int | str) -> int | str:
        if isinstance(folds, int) and folds < 2:
            raise ValueError("must be at least 2, or loo, or none")
        return folds

    @field_validator("metric", "weights")
    @classmethod
    def _known(cls, values: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        known = METRICS if info.field_name == "metric" else VOTES
        if not set(values) <= set(known):
            raise ValueError(f"must be of {', '.join(known)}")
        return values

    @field_validator("k", "metric", "weights")
    @classmethod
    def _once(cls, values: tuple[object, ...] | None) -> tuple[object, ...] | None:
        if values == ():
            raise ValueError("names no value")
        if values is not None and len(set(values)) < len(values):
            raise ValueError("names a value twice")
        return values
