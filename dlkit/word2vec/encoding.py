"""Vectors of words as an encoder: a text becomes the mean of those of its words."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.artifacts.load import open_artifact
from dlkit.encoders import BIG_FILES
from dlkit.records import Noted, Record, Step

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.data.samples import Inputs, Kind
    from dlkit.encoders import Source
    from dlkit.vectors.store import WordVectors

_TEXTS_AT_ONCE: Final = 1024


@dataclass(frozen=True, eq=False)
class WordAverages:
    """Texts as the mean of the vectors of their words.

    Every known word counts once for each time that it stands in the text; unknown words do not
    count. A text without a known word is a row of zeros.

    Attributes:
        source: the word2vec artifact.
        vectors: its vectors.
        text: how its corpus was cut into words.

    """

    source: Source
    vectors: WordVectors
    text: dict[str, Any]
    kind: Kind = "texts"
    form: None = None

    @property
    def dim(self) -> int:
        """D, the length of a word's vector."""
        return self.vectors.dim

    def encode(
        self, inputs: Inputs, *, what: str
    ) -> Generator[Record, None, npt.NDArray[np.float32]]:
        """The rows (N, D) of N texts.

        Args:
            inputs: N texts.
            what: what messages call them.

        """
        assert isinstance(inputs, list)
        rows = np.zeros((len(inputs), self.dim), np.float32)
        tokens = known = empty = 0
        cut = self._cutter()
        for start in range(0, len(inputs), _TEXTS_AT_ONCE):
            for place, text in enumerate(inputs[start : start + _TEXTS_AT_ONCE], start):
                words = cut(text)
                found = [row for row in map(self.vectors.lexicon.row, words) if row is not None]
                tokens, known = tokens + len(words), known + len(found)
                if found:
                    rows[place] = self.vectors.matrix[found].mean(axis=0, dtype=np.float64)
                else:
                    empty += 1
            if len(inputs) > _TEXTS_AT_ONCE:
                done = min(start + _TEXTS_AT_ONCE, len(inputs))
                yield Step(f"averaging the words of {what}", done, len(inputs), "texts", 0)
        if tokens > known:
            yield Noted(
                f"{what}: {tokens - known:,} of {tokens:,} words are not in "
                f"{self.source.reference} and do not count"
            )
        if empty:
            yield Noted(
                f"{what}: {empty:,} of {len(inputs):,} texts have no known word: rows of zeros, "
                "which lie at cosine distance 1 from everything"
            )
        return rows

    def _cutter(self) -> Callable[[str], list[str]]:
        """What cuts a text into words as the corpus was."""
        from dlkit.data.normalise import Normaliser
        from dlkit.data.segment import segmenter

        normaliser = Normaliser.from_dict(self.text)
        segment = segmenter(str(self.text.get("tokens", "whitespace")))
        return lambda text: normaliser.strip(segment(normaliser.fold(text))).split()


def open_averages(path: Path, source: Source) -> WordAverages:
    """The encoder that an artifact of word2vec is.

    Raises:
        DlkitError: (DAMAGED) its parts do not agree.

    """
    from dlkit.vectors.store import open_vectors

    vectors = open_vectors(path)
    text = dict(open_artifact(path, lazy=BIG_FILES).document["text"])
    # Vectors of another tool do not say what a word is: those between white space are.
    if text.get("tokens") not in ("whitespace", "char", "zh"):
        text["tokens"] = "whitespace"
    return WordAverages(source, vectors, text)
