"""What a network is given: rows of numbers, or the weighted n-grams of texts."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from dlkit.data import ngram_learning as of_texts
from dlkit.data.ngrams import Bags, Ngrams
from dlkit.data.preprocess import Pipeline, fit, parse
from dlkit.encoders import Encoder, check_kind, encoded, flat, open_encoder, rows_text
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Noted

if TYPE_CHECKING:
    from dlkit.classify.config import ClassifyConfig
    from dlkit.data.samples import Inputs, Samples, Split
    from dlkit.records import Record

Rows = npt.NDArray[Any]  # (N, D) uint8 or float32
Numbers = Rows | Bags

PLAIN: Final = "none"  # preprocessing that is none
_USUAL: Final = "standardise"  # of what is not pixels


class Reader(Protocol):
    """What makes inputs numbers, the same for training and prediction."""

    @property
    def text(self) -> str:
        """What the numbers are, in a word or two."""

    def apply(self, inputs: Inputs, *, what: str) -> Generator[Record, None, Numbers]:
        """The numbers of ``inputs``, which messages call ``what``."""

    def document(self) -> dict[str, Any]:
        """What an artifact keeps, in JSON's types."""

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """What an artifact keeps as arrays."""


@dataclass(frozen=True, eq=False)
class RowReader:
    """Inputs as rows of numbers: encoded, preprocessed, flat.

    Attributes:
        pipeline: the steps, fitted on training inputs.
        encoder: what encodes inputs before them; None: inputs are numbers already.

    """

    pipeline: Pipeline
    encoder: Encoder | None = None

    @property
    def text(self) -> str:
        """The encoder and the steps; pixels or columns where there are none."""
        return rows_text(self.encoder, self.pipeline)

    def apply(self, inputs: Inputs, *, what: str) -> Generator[Record, None, Rows]:
        """(N, D) the rows of ``inputs``, which messages call ``what``.

        Raises:
            DlkitError: the inputs have another shape than those that were learnt from.

        """
        numbers = yield from encoded(inputs, self.encoder, what=what)
        return _rows(self.pipeline.apply(numbers))

    def document(self) -> dict[str, Any]:
        """The encoder's source and the steps."""
        source = None if self.encoder is None else self.encoder.source.document()
        return {"features": source, "preprocess": self.pipeline.document(), "ngrams": None}

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """What the steps learnt."""
        return self.pipeline.tensors()


@dataclass(frozen=True, eq=False)
class NgramReader:
    """Texts as weighted n-grams."""

    ngrams: Ngrams

    @property
    def text(self) -> str:
        """How many there are."""
        return f"{len(self.ngrams):,} n-grams"

    def apply(self, inputs: Inputs, *, what: str) -> Generator[Record, None, Bags]:
        """The n-grams of ``inputs``, which messages call ``what``."""
        assert isinstance(inputs, list)
        return (yield from self.ngrams.apply(inputs, what=what))

    def document(self) -> dict[str, Any]:
        """The settings of the n-grams."""
        return {"features": None, "preprocess": None, "ngrams": self.ngrams.document()}

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """The n-grams that have a place."""
        return self.ngrams.tensors()


def check(config: ClassifyConfig) -> Encoder | None:
    """The encoder that the settings name, opened; mistakes are told before data are read.

    Raises:
        DlkitError: an unknown step, no such encoder.

    """
    if config.preprocess not in (None, PLAIN):
        parse(config.preprocess or "")
    return open_encoder(config.features) if config.features else None


def fit_reader(
    config: ClassifyConfig, samples: Samples, learnt: Split, encoder: Encoder | None
) -> Generator[Record, None, tuple[Reader, Numbers]]:
    """Learn from training inputs what makes them numbers; return that and their numbers.

    Args:
        config: the settings.
        samples: the data.
        learnt: those of its training split that are learnt from.
        encoder: what encodes before; None: nothing.

    Raises:
        DlkitError: a step that does not suit, texts with preprocessing, no n-grams.

    """
    inputs = learnt.inputs
    if samples.kind == "texts" and encoder is None:
        assert isinstance(inputs, list)
        if config.preprocess not in (None, PLAIN):
            raise DlkitError(
                f"--preprocess {config.preprocess}: {samples.name} holds texts, whose n-grams are "
                "counted",
                hint="leave it out; with --features word2vec/NAME texts become rows of numbers",
                code=USAGE,
            )
        text = config.text
        if not text.words and not text.characters:
            raise DlkitError(
                "neither words nor characters make n-grams", hint="--words 1,2", code=USAGE
            )
        found, bags = yield from of_texts.fit(
            inputs,
            tokens=text.tokens,
            lowercase=text.lowercase,
            words=_pair(text.words),
            characters=_pair(text.characters),
            buckets=text.buckets,
            min_count=text.min_count,
            weighting=text.weighting,
            labels=learnt.labels,
            threads=config.training.threads,
        )
        return NgramReader(found), bags
    check_kind(encoder, samples.kind, name=samples.name, inputs=samples.origin)
    wanted = config.preprocess
    if wanted is None:
        pixels = samples.kind == "images" and encoder is None
        wanted = PLAIN if pixels else _USUAL
        if not pixels:
            yield Noted(f"preprocess {_USUAL}, as no other was asked for (none: as they are)")
    numbers = yield from encoded(inputs, encoder, what="train")
    pipeline, rows = yield from fit(parse("" if wanted == PLAIN else wanted), numbers)
    return RowReader(pipeline, encoder), _rows(rows)


def width(numbers: Numbers) -> int:
    """D of rows."""
    assert not isinstance(numbers, Bags)
    return int(numbers.shape[1])


def _pair(sizes: tuple[int, ...]) -> tuple[int, int] | None:
    return (sizes[0], sizes[-1]) if sizes else None


def _rows(inputs: npt.NDArray[Any]) -> Rows:
    """(N, D): bytes as they are, all else as float32, which networks reckon in."""
    rows = flat(inputs)
    return rows if rows.dtype == np.uint8 else rows.astype(np.float32, copy=False)
