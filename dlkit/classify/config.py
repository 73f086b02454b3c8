"""The recipe of classify: every knob, its default, range and unit."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from dlkit.config.schema import Settings
from dlkit.data.config import SampleConfig
from dlkit.training.config import TrainingConfig

LONGEST = 10  # words or characters of an n-gram


class NgramConfig(Settings):
    """What of a text is counted: n-grams of words and of characters, in hashed buckets."""

    tokens: Literal["auto", "whitespace", "char", "zh"] = Field(
        default="auto", description="what a word is; auto decides from the training texts"
    )
    lowercase: bool = Field(default=True, description="fold words to lower case")
    words: tuple[int, ...] = Field(
        default=(1, 2), description="words of an n-gram, fewest and most; 0: none"
    )
    characters: tuple[int, ...] = Field(
        default=(), description="characters of an n-gram within <word>, fewest and most; 0: none"
    )
    buckets: int = Field(
        default=2**22, ge=1, le=2**30, description="n-grams are hashed into so many"
    )
    weighting: Literal["tfidf", "binary", "counts", "ratio"] = Field(
        default="ratio",
        description="what an n-gram of a text counts: tf-idf, 1, how often it stands there, or its "
        "rarity (idf) times how it tells the classes apart (log-count ratio)",
    )
    min_count: int | None = Field(
        default=None,
        ge=1,
        description="buckets that fewer training texts use are dropped; not given: 2 where there "
        "are 1,000 texts or more, else 1",
    )
    dim: int = Field(
        default=0,
        ge=0,
        le=65_536,
        description="length of an n-gram's vector; 0: n-grams are inputs of the first layer",
    )

    @field_validator("words", "characters")
    @classmethod
    def _range(cls, sizes: tuple[int, ...]) -> tuple[int, ...]:
        if sizes in ((), (0,)):
            return ()
        if len(sizes) > 2 or not 1 <= sizes[0] <= sizes[-1] <= LONGEST:
            raise ValueError(f"must be fewest,most from 1 to {LONGEST}, or 0 for none")
        return (sizes[0], sizes[-1])


class ClassifyConfig(Settings):
    """Settings of ``dlkit classify train``."""

    data: tuple[str, ...] = Field(
        default=(), description="a folder, files of a table, builtin:NAME or a hub id"
    )
    input: SampleConfig = Field(default=SampleConfig(), description="how the data are read")
    preprocess: str | None = Field(
        default=None,
        description="steps fitted on the training data: grey,hog; none: inputs as they are; not "
        "given: pixels divided by 255, and anything else standardised",
    )
    features: str | None = Field(
        default=None,
        description="an artifact that encodes the inputs: word2vec/NAME for texts, "
        "cnn/NAME for images",
    )
    text: NgramConfig = Field(default=NgramConfig(), description="what is counted in texts")
    hidden: tuple[Annotated[int, Field(ge=1, le=65_536)], ...] = Field(
        default=(), max_length=100, description="widths of the hidden layers; none: linear"
    )
    activation: Literal["relu", "sigmoid", "tanh", "gelu"] = Field(
        default="relu", description="after each hidden layer"
    )
    dropout: float = Field(
        default=0, ge=0, lt=1, description="share of a hidden layer's neurons dropped in training"
    )
    batch_norm: bool = Field(default=False, description="normalise each hidden layer's inputs")
    loss: Literal["softmax", "hinge"] = Field(
        default="softmax", description="cross-entropy of softmax, or the multi-class hinge loss"
    )
    begin: str | None = Field(
        default=None,
        description="an artifact of classify to begin with: its weights, classes, preprocessing",
    )
    training: TrainingConfig = Field(default=TrainingConfig(), description="how it is trained")
    keep: bool = Field(
        default=True, description="show samples of the data in the report of the artifact"
    )
