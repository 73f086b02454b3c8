"""The recipe of knn: every knob, its default, range and unit."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from dlkit.config.schema import Settings
from dlkit.data.config import SampleConfig
from dlkit.errors import DlkitError
from dlkit.neighbours.config import KNOWN, parse

VOTES = ("uniform", "distance")
# The numbers of neighbours that are tried where none is asked for.
USUAL_K = (1, 3, 5, 7, 9, 11, 15, 21)


def _metric(text: str) -> str:
    """A metric by its usual name: minkowski:2 is l2."""
    try:
        return parse(text).name
    except DlkitError as problem:
        mistake = ValueError(f"must be {KNOWN}")
        mistake.add_note(problem.hint)
        raise mistake from None


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
        default=None,
        description="an artifact that encodes the inputs: word2vec/NAME for texts, "
        "cnn/NAME for images",
    )
    k: tuple[Annotated[int, Field(ge=1, le=2**31 - 1)], ...] | None = Field(
        default=None, description="numbers of neighbours to try; 1 to 21 if not given"
    )
    metric: tuple[Annotated[str, AfterValidator(_metric)], ...] = Field(
        default=("l2",), description=f"distances to try: {KNOWN}, P such as 3 or 1.5"
    )
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
    device: Literal["cpu", "cuda"] = Field(default="cpu", description="where to search")

    @field_validator("folds")
    @classmethod
    def _several(cls, folds: int | str) -> int | str:
        if isinstance(folds, int) and folds < 2:
            raise ValueError("must be at least 2, or loo, or none")
        return folds

    @field_validator("weights", mode="before")
    @classmethod
    def _both(cls, values: object) -> object:
        return VOTES if values in ("both", ["both"], ("both",)) else values

    @field_validator("weights")
    @classmethod
    def _known(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if not set(values) <= set(VOTES):
            raise ValueError(f"must be of {', '.join(VOTES)}, or both")
        return values

    @field_validator("k", "metric", "weights")
    @classmethod
    def _once(cls, values: tuple[object, ...] | None) -> tuple[object, ...] | None:
        if values == ():
            raise ValueError("names no value")
        if values is not None and len(set(values)) < len(values):
            raise ValueError("names a value twice")
        return values
