"""Word vectors written as a fastText model (``.bin``), which fastText loads."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

import numpy as np

from dlkit.errors import DAMAGED, DlkitError
from dlkit.records import Noted, Record
from dlkit.vectors.composing import sums_of_ngrams
from dlkit.vectors.fasttextbin import LOSSES, MODELS, Settings
from dlkit.vectors.fasttextwrite import write_model
from dlkit.vectors.store import open_outputs
from dlkit.word2vec.fromfasttext import described
from dlkit.word2vec.start import ROWS

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.vectors.fasttextbin import Model
    from dlkit.vectors.store import WordVectors
    from dlkit.vectors.subwords import Subwords

    Matrix = npt.NDArray[np.floating[Any]]

# An own row as it is kept and one computed back from the word's vector differ by rounding: at most
# so many units in the last place of the largest value, for each row of the mean.
_ROUNDINGS: Final = 4

_CODES: Final = {
    "model": {name: code for code, name in MODELS.items()},
    "loss": {name: code for code, name in LOSSES.items()},
}
_SHARED: Final = ("window", "negative", "loss", "sample")  # named alike in artifact.json


class Prepared(NamedTuple):
    """What goes into the file beside words and vectors.

    Attributes:
        settings: how the vectors were trained, as far as that is known.
        tokens: words of the text; 0 if that is not known.
        counts: (V,) how often each word stood in the text; zeros if that is not known.
        subwords: the rows of n-grams.
        own: (V, D) the words' own rows; None where they are not kept.
        outputs: (V, D) the output matrix; None where there is none that fastText has, too.

    """

    settings: Settings
    tokens: int
    counts: Sequence[int]
    subwords: Subwords | None
    own: Matrix | None
    outputs: Matrix | None


def prepared(
    vectors: WordVectors, words: int, origin: Path | Model | None
) -> Generator[Record, None, Prepared]:
    """Gather what a fastText model of the first ``words`` of ``vectors`` needs; say what it lacks.

    Args:
        vectors: of an artifact or a file.
        words: V, how many are written.
        origin: the artifact, or what a model of fastText holds; None for another file.

    Raises:
        DlkitError: the artifact is damaged.

    """
    document: Mapping[str, Any] = {}
    own = outputs = None
    subwords = vectors.subwords
    if isinstance(origin, Path):
        from dlkit.artifacts.load import read_document
        from dlkit.artifacts.tensors import read_tensors

        document = read_document(origin)
        if (origin / ROWS).exists():
            own = read_tensors(origin / ROWS).get("rows")
        if (origin / "outputs.safetensors").exists():
            outputs = open_outputs(origin, vectors)[:words]
    elif origin is not None:
        document = {"fasttext": described(origin)}
        own, outputs = origin.own, origin.outputs[:words]
    if own is not None and own.shape[1] == vectors.dim and len(own) >= words:
        own = own[:words]
    else:
        own = None
    counts = vectors.counts()
    numbers = [0] * words if counts is None else counts[:words].tolist()
    if counts is None:
        yield Noted("counts are not known: all are 0 in the file")
    settings = _settings(document, vectors.dim, subwords, numbers)
    if outputs is not None and LOSSES[settings.loss] == "hierarchical-softmax":
        yield Noted("output vectors of hierarchical softmax are the tree's, not words': left out")
        outputs = None
    elif outputs is None:
        yield Noted("there is no output matrix: it is zeros in the file")
    if subwords is not None and len(subwords.used) < subwords.buckets:
        yield Noted(
            f"{subwords.buckets - len(subwords.used):,} of {subwords.buckets:,} buckets are zeros, "
            "no word uses them: fastText's vectors of unknown words have the same direction but "
            "may be shorter"
        )
    return Prepared(settings, _tokens(document, numbers), numbers, subwords, own, outputs)


def _settings(
    document: Mapping[str, Any], dim: int, subwords: Subwords | None, counts: Sequence[int]
) -> Settings:
    """How vectors were trained, in fastText's terms; its defaults where that is not known."""
    usual = Settings(dim)
    told: dict[str, Any] = {"min_count": min(counts, default=0)}
    model = _table(document, "model")
    told |= {"model": model.get("name"), **{key: model.get(key) for key in _SHARED}}
    told |= _table(document, "fasttext")
    told |= {key: codes.get(str(told[key])) for key, codes in _CODES.items()}
    kept = {key: told[key] for key in Settings._fields if told.get(key) is not None}
    if subwords is not None:
        grams = (subwords.buckets, subwords.shortest, subwords.longest)
    else:
        grams = (0, 0, 0)
    kept |= {"dim": dim, **dict(zip(("buckets", "minn", "maxn"), grams, strict=True))}
    settings = usual._replace(**kept)
    whole = all(isinstance(each, int) and 0 <= each < 1 << 31 for each in settings[:-1])
    if not whole or not isinstance(settings.sample, (int, float)):
        shown = ", ".join(f"{key} {value}"[:30] for key, value in settings._asdict().items())
        raise _damaged(f"impossible settings of fastText: {shown}")
    return settings


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object ``key`` of artifact.json; an empty one where there is none."""
    value = document.get(key, {})
    if not isinstance(value, Mapping):
        raise _damaged(f"{key} is no object")
    return value


def _tokens(document: Mapping[str, Any], counts: Sequence[int]) -> int:
    """Words of the text, rare ones too; where that is not known, those that are counted."""
    tokens = _table(document, "fasttext").get("tokens")
    tokens = _table(document, "data").get("raw_words") if tokens is None else tokens
    if tokens is None:
        return sum(counts)
    if not isinstance(tokens, int) or not 0 <= tokens < 1 << 63:
        raise _damaged(f"a text of {str(tokens)[:30]} words")
    return tokens


class Writing:
    """Writes a model; ``recovered`` counts the own rows that were not as kept.

    fastText composes the vector of a word anew from the file's rows. Where what it will find is
    not the vector, since the own row is not kept or the word has other n-grams here (fastText has
    none for ``</s>``, and words that were not UTF-8 are spelt otherwise), the own row becomes what
    makes it so: n + 1 times the vector less the sum of the n-grams' rows.
    """

    def __init__(self, words: Sequence[bytes], matrix: Matrix, parts: Prepared) -> None:
        self.recovered = 0
        self._words = words
        self._matrix = matrix
        self._parts = parts

    @property
    def rows(self) -> int:
        """How many rows will be written."""
        return 2 * len(self._words) + self._parts.settings.buckets

    def write(self, stream: BinaryIO) -> Iterator[int]:
        """Write the file; yields how many rows are done."""
        parts = self._parts
        return write_model(
            stream,
            parts.settings,
            self._words,
            parts.counts,
            self._own_rows(),
            tokens=parts.tokens,
            subwords=parts.subwords,
            outputs=parts.outputs,
        )

    def _own_rows(self) -> Iterator[npt.NDArray[np.float32]]:
        """The own rows (N, D) of some words at a time, such that their vectors come out."""
        matrix, own, subwords = self._matrix, self._parts.own, self._parts.subwords
        for start, sums, parts in sums_of_ngrams(self._words, matrix.shape[1], subwords):
            stop = start + len(sums)
            vectors = matrix[start:stop].astype(np.float64)
            wanted = vectors * (parts + 1)[:, None] - sums
            if own is None:
                self.recovered += int(np.count_nonzero(parts))
                yield self._float32(wanted, start)
                continue
            kept = own[start:stop].astype(np.float64)
            # Roundings of the vector and of each row of its mean add up.
            largest = np.maximum(np.abs(kept).max(axis=1), np.abs(vectors).max(axis=1))
            largest = np.maximum(largest, np.abs(sums).max(axis=1))
            allowed = _ROUNDINGS * np.finfo(matrix.dtype).eps * (parts + 1) * largest
            other = np.abs(wanted - kept).max(axis=1) > allowed
            self.recovered += int(np.count_nonzero(other & (parts > 0)))
            kept[other] = wanted[other]
            yield self._float32(kept, start)

    def _float32(self, rows: npt.NDArray[np.float64], start: int) -> npt.NDArray[np.float32]:
        """``rows`` (N, D) of the words from ``start`` on, rounded."""
        with np.errstate(over="ignore"):
            rounded = rows.astype(np.float32)
        fine = np.isfinite(rounded).all(axis=1)
        if not fine.all():
            word = self._words[start + int(np.argmin(fine))].decode()
            raise DlkitError(f"the own row of '{word}' would hold a value beyond those of float32")
        return rounded

    def notes(self) -> Iterator[Noted]:
        """What there is to say when all is written."""
        if self.recovered:
            yield Noted(
                f"the own rows of {self.recovered:,} words were computed from their vectors"
            )


def _damaged(what: str) -> DlkitError:
    return DlkitError(f"artifact.json: {what}", hint="dlkit artifacts verify", code=DAMAGED)
