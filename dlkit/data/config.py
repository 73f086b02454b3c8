"""The settings of data: of a corpus of words, and of samples with labels."""

from __future__ import annotations

import codecs
from typing import Literal

from pydantic import Field, field_validator

from dlkit.config.schema import Settings


class TextConfig(Settings):
    """How text is read, split into words and counted."""

    tokens: Literal["auto", "whitespace", "char", "zh"] = Field(
        "auto", description="what a token is; auto decides from the first 65,536 characters"
    )
    lowercase: bool = Field(default=False, description="fold words to lower case")
    drop_punctuation: bool = Field(
        default=False, description="strip punctuation and symbols around words"
    )
    encoding: str = Field("utf-8", description="the text's character encoding")
    encoding_errors: Literal["strict", "replace"] = Field(
        "strict", description="at an invalid byte: stop, or put U+FFFD and count it"
    )
    text_column: str | None = Field(None, description="the column of a table that holds the text")
    split: str = Field("train", description="the split of a data set; all for every split")
    min_count: int = Field(5, ge=1, description="words seen less often are dropped")
    max_vocab: int | None = Field(
        None, ge=1, description="keep at most this many words, the most frequent"
    )
    vocabulary: str | None = Field(
        None, description="a file of the words to keep, each with its count or all without"
    )

    @field_validator("encoding")
    @classmethod
    def _known(cls, name: str) -> str:
        return known_encoding(name)


class SampleConfig(Settings):
    """How inputs and their labels are found and read."""

    image_column: str | None = Field(None, description="the column that holds the images")
    text_column: str | None = Field(None, description="the column that holds the texts")
    label_column: str | None = Field(None, description="the column that holds the classes")
    group_column: str | None = Field(
        None,
        description="the column that tells what belongs together (a patient, an author): its "
        "groups are never divided between training, validation and test",
    )
    columns: tuple[str, ...] = Field(
        default=(), description="the columns of a table to learn from; all but the label if empty"
    )
    train_split: str | None = Field(None, description="the split to learn from")
    test_split: str | None = Field(None, description="the split to be judged on")
    test_share: float = Field(
        0.2, ge=0, lt=1, description="of the samples, held out where there is no test split"
    )
    size: str | None = Field(
        None, description="resize images: one side for squares, or WIDTHxHEIGHT, in pixels"
    )
    fit: Literal["crop", "stretch", "pad"] = Field(
        "crop", description="how an image of another shape is made to fit the size"
    )
    colour: Literal["auto", "grey", "rgb"] = Field(
        "auto", description="channels of the images; auto: grey if all images are"
    )
    skip_bad: bool = Field(
        default=False, description="leave out, and count, samples that cannot be read"
    )
    limit: int | None = Field(
        None, ge=1, description="use at most this many samples of each split, classes in proportion"
    )
    encoding: str = Field("utf-8", description="the character encoding of tables in text form")

    @field_validator("encoding")
    @classmethod
    def _known(cls, name: str) -> str:
        return known_encoding(name)

    @field_validator("size")
    @classmethod
    def _pixels(cls, size: str | None) -> str | None:
        sides = [] if size is None else size.split("x")
        plain = all(side.isascii() and side.isdigit() and len(side) <= 5 for side in sides)
        if len(sides) > 2 or not plain or any(side.startswith("0") for side in sides):
            raise ValueError("must be a side in pixels, such as 32, or WIDTHxHEIGHT, such as 48x32")
        return size

    @property
    def height_and_width(self) -> tuple[int, int] | None:
        """The size asked for, in pixels."""
        if self.size is None:
            return None
        width, _, height = self.size.partition("x")
        return int(height or width), int(width)


def known_encoding(name: str) -> str:
    """A character encoding's name, checked.

    Raises:
        ValueError: there is no such encoding.

    """
    try:
        b"a".decode(name, "replace")  # refuses base64 and its like, which are codecs, too
        codecs.getincrementaldecoder(name)
    except (LookupError, ValueError) as problem:
        raise ValueError("must be a character encoding, such as utf-8 or gb18030") from problem
    return name
