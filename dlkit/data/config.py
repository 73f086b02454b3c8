"""The settings of text data: where the words come from and which of them count."""

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
        try:
            b"a".decode(name, "replace")  # refuses base64 and its like, which are codecs, too
            codecs.getincrementaldecoder(name)
        except (LookupError, ValueError) as problem:
            raise ValueError("must be a character encoding, such as utf-8 or gb18030") from problem
        return name
