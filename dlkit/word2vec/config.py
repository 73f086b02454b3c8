"""The recipe of word2vec: every knob, its default, range and unit."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from dlkit.config.schema import Settings
from dlkit.data.config import TextConfig


class Word2vecConfig(Settings):
    """Settings of ``dlkit word2vec train``; names as in word2vec and fastText."""

    data: tuple[str, ...] = Field(default=(), description="corpora: paths, builtin:NAME, hub ids")
    text: TextConfig = Field(default=TextConfig(), description="how text becomes words")
    model: Literal["skipgram", "cbow"] = Field(
        default="skipgram", description="predict the context from the word, or the reverse"
    )
    loss: Literal["ns", "hs", "softmax"] = Field(
        default="ns", description="negative sampling, hierarchical softmax or full softmax"
    )
    context: Literal["mean", "sum"] = Field(
        default="mean", description="what CBOW predicts from: the mean or the sum of the context"
    )
    dim: int = Field(default=100, ge=1, le=10_000, description="numbers per vector")
    window: int = Field(
        default=5, ge=1, le=1_000, description="most words to either side; see fixed_window"
    )
    fixed_window: bool = Field(
        default=False,
        description="every word sees its whole window; else each draws its own in 1..window",
    )
    negative: int = Field(default=5, ge=1, le=64, description="noise words per centre word")
    noise_exponent: float = Field(
        default=0.75,
        ge=-10,
        le=10,
        allow_inf_nan=False,
        description="noise words are drawn by their count to this power; 0: all alike",
    )
    minn: int = Field(default=3, ge=1, le=64, description="letters of the shortest n-gram")
    maxn: int = Field(
        default=0, ge=0, le=64, description="letters of the longest n-gram; 0: no n-grams"
    )
    buckets: int = Field(
        default=2_000_000, ge=1, le=2**31 - 1, description="hash buckets that n-grams fall into"
    )
    sample: float = Field(
        default=1e-3, ge=0, le=1, description="subsampling threshold of frequent words; 0: none"
    )
    lr: float | None = Field(
        default=None, gt=0, le=10, description="first learning rate; 0.025 skipgram, 0.05 cbow"
    )
    min_lr: float = Field(default=1e-4, ge=0, le=10, description="last learning rate")
    epochs: int = Field(default=5, ge=1, le=100_000, description="passes over the corpus")
    held_out: bool = Field(
        default=True, description="keep up to 0.5 % of the text (100,000 words) for an honest loss"
    )
    eval: tuple[str, ...] = Field(
        default=(), description="analogy or pair files to score the vectors on after each epoch"
    )
    continued: str | None = Field(
        default=None, description="folder of an artifact to go on from; its words stay"
    )
    initial: str | None = Field(
        default=None, description="file of vectors that the words it has begin with"
    )
    freeze: bool = Field(
        default=False, description="keep the word vectors that training begins with as they are"
    )
    seed: int = Field(default=1, ge=0, le=2**63 - 1, description="of everything random")
    threads: int | None = Field(
        default=None, ge=1, le=1024, description="CPU threads; all cores if not given"
    )
    deterministic: bool = Field(
        default=False,
        description="the same bits whatever the number of threads, of which four work",
    )
    device: Literal["cpu", "cuda", "mps"] = Field(default="cpu", description="where to train")
    checkpoint_minutes: float = Field(
        default=10, gt=0, le=1e6, description="minutes between checkpoints"
    )

    @model_validator(mode="after")
    def _falling(self) -> Self:
        if self.min_lr > self.first_lr:
            raise ValueError(f"--min-lr {self.min_lr:g} must not be above --lr {self.first_lr:g}")
        if self.continued is not None and (self.initial or self.text.vocabulary):
            other = "--initial" if self.initial else "--vocabulary"
            raise ValueError(f"--from and {other} do not go together")
        if self.freeze and self.continued is None and self.initial is None:
            raise ValueError("--freeze keeps vectors that are given: it needs --initial or --from")
        if self.context == "sum" and self.model == "skipgram":
            raise ValueError("--context sum is for --model cbow: skip-gram has one context word")
        if 0 < self.maxn < self.minn:
            raise ValueError(f"--maxn {self.maxn} must not be below --minn {self.minn}")
        if self.deterministic and (self.loss == "softmax" or self.device != "cpu"):
            raise ValueError("--deterministic needs --loss ns or hs and --device cpu")
        return self

    @property
    def first_lr(self) -> float:
        """The learning rate at the start; the C tool's default of each model if none is given."""
        if self.lr is not None:
            return self.lr
        return usual_lr(self.model)


def usual_lr(model: str) -> float:
    """The C tool's first learning rate for ``model``."""
    return 0.025 if model == "skipgram" else 0.05
