"""Encoders: what an artifact of any task makes of inputs, as rows of numbers for other tasks."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import numpy as np

from dlkit.artifacts.finding import find
from dlkit.artifacts.load import digest_of, open_artifact
from dlkit.artifacts.store import root
from dlkit.errors import DAMAGED, USAGE, DlkitError, quoted
from dlkit.records import Noted, Record, Step

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.data.preprocess import Pipeline
    from dlkit.data.samples import Inputs, Kind
    from dlkit.vectors.store import WordVectors

_TEXTS_AT_ONCE: Final = 1024
_BIG_FILES: Final = tuple(f"{name}.safetensors" for name in ("vectors", "outputs", "subwords"))


class Source(NamedTuple):
    """The artifact that encodes.

    Attributes:
        reference: TASK/NAME in the store, else its folder.
        path: its folder.
        digest: SHA-256 over its files, as ``dlkit artifacts show --digest`` tells it.

    """

    reference: str
    path: Path
    digest: str

    def document(self) -> dict[str, str]:
        """What an artifact keeps of the encoder that it needs."""
        return {"artifact": self.reference, "digest": self.digest}


class Encoder(Protocol):
    """What turns inputs into rows."""

    @property
    def source(self) -> Source:
        """The artifact."""

    @property
    def kind(self) -> Kind:
        """Of inputs that it takes: images, table or texts."""

    @property
    def dim(self) -> int:
        """D, numbers in a row."""

    def encode(
        self, inputs: Inputs, *, what: str
    ) -> Generator[Record, None, npt.NDArray[np.float32]]:
        """The rows (N, D) of N ``inputs``, which messages call ``what``."""


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


def _word_averages(path: Path, source: Source) -> Encoder:
    from dlkit.vectors.store import open_vectors

    vectors = open_vectors(path)
    text = dict(open_artifact(path, lazy=_BIG_FILES).document["text"])
    # Vectors of another tool do not say what a word is: those between white space are.
    if text.get("tokens") not in ("whitespace", "char", "zh"):
        text["tokens"] = "whitespace"
    return WordAverages(source, vectors, text)


# What each kind of artifact encodes by.
ENCODERS: Final[dict[str, Callable[[Path, Source], Encoder]]] = {"word-vectors": _word_averages}


def open_encoder(reference: str) -> Encoder:
    """The encoder that an artifact is.

    Args:
        reference: NAME, TASK/NAME or a path.

    Raises:
        DlkitError: there is no such artifact, or it encodes nothing (USAGE).

    """
    path = find(reference, kinds=set(ENCODERS))
    artifact = open_artifact(path, lazy=_BIG_FILES)
    return ENCODERS[artifact.document["kind"]](
        path, Source(_named(path), path, digest_of(artifact))
    )


def reopen_encoder(document: Any, *, where: str, moved_to: str | None = None) -> Encoder:
    """The encoder that an artifact was made with.

    Args:
        document: what ``Source.document`` said.
        where: the artifact, for messages.
        moved_to: where the encoder is now, if it is not where it was.

    Raises:
        DlkitError: (NOT_FOUND) it is gone; (DAMAGED) another artifact has its name now.

    """
    try:
        reference, digest = str(document["artifact"]), str(document["digest"])
    except (KeyError, TypeError):
        raise DlkitError(f"{where}: the encoder is not described", code=DAMAGED) from None
    try:
        encoder = open_encoder(moved_to or reference)
    except DlkitError as problem:
        if moved_to is not None:
            raise
        raise DlkitError(
            f"{where} needs the encoder {reference}: {problem.message}",
            hint="--features NAME says where it is now",
            code=problem.code,
        ) from None
    if encoder.source.digest != digest:
        raise DlkitError(
            f"{where} was made with another {reference}: its digest was {digest[:16]}…, that of "
            f"{encoder.source.reference} is {encoder.source.digest[:16]}…",
            hint="--features NAME names the one it was made with; or train anew",
            code=DAMAGED,
        )
    return encoder


def encoded(
    inputs: Inputs, encoder: Encoder | None, *, what: str
) -> Generator[Record, None, npt.NDArray[Any]]:
    """(N, ...) the numbers of ``inputs``, which messages call ``what``.

    Args:
        inputs: images, rows of a table, or texts.
        encoder: what encodes them; None: they are numbers already.
        what: the name of the inputs.

    """
    if encoder is not None:
        return (yield from encoder.encode(inputs, what=what))
    assert not isinstance(inputs, list)
    return inputs


def flat(inputs: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Inputs (N, ...) as rows (N, D), each in one piece."""
    width = math.prod(inputs.shape[1:])  # there may be no inputs, of which -1 tells no width
    return np.ascontiguousarray(inputs.reshape(len(inputs), width))


def rows_text(encoder: Encoder | None, pipeline: Pipeline) -> str:
    """What rows are, in a word or two: pixels, columns, the steps, the encoder's name."""
    parts = [encoder.source.reference] if encoder is not None else []
    parts += [pipeline.text] if pipeline.steps else []
    return ",".join(parts) or ("pixels" if pipeline.pixels else "columns")


def check_kind(
    encoder: Encoder | None,
    kind: Kind,
    *,
    name: str,
    inputs: Sequence[str],
    text_column: str | None = None,
) -> None:
    """Do nothing if inputs of ``kind`` can become rows.

    Args:
        encoder: what encodes; None: inputs are rows as they are.
        kind: of the inputs.
        name: what the user calls the data.
        inputs: what to type for the data, for hints.
        text_column: of a table of texts, if it was named.

    Raises:
        DlkitError: texts without an encoder, or an encoder for other inputs.

    """
    if encoder is None and kind == "texts":
        data = inputs[0] if inputs else "DATA"
        column = f" --text-column {quoted(text_column)}" if text_column else ""
        raise DlkitError(
            f"{name} holds texts, which have no distance until they are encoded",
            hint=f"dlkit word2vec train {quoted(data)}{column} --name words, then --features "
            "word2vec/words",
            code=USAGE,
        )
    if encoder is not None and encoder.kind != kind:
        raise DlkitError(
            f"{encoder.source.reference} encodes {encoder.kind}; {name} holds "
            f"{'a table' if kind == 'table' else kind}",
            hint="leave out --features",
            code=USAGE,
        )


def _named(path: Path) -> str:
    inside = path.absolute().parent.parent == root().absolute()
    return f"{path.parent.name}/{path.name}" if inside else str(path.absolute())
