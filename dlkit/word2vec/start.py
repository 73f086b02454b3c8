"""Vectors that a training begins with: an artifact to go on from, or another tool's file."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from dlkit.config.resolve import resolve
from dlkit.errors import NOT_FOUND, USAGE, DlkitError
from dlkit.records import Noted, Record, Warned
from dlkit.word2vec.config import Word2vecConfig
from dlkit.word2vec.kept import Kept

if TYPE_CHECKING:
    from dlkit.data.vocab import Vocabulary
    from dlkit.vectors.store import WordVectors
    from dlkit.vectors.subwords import Subwords

ROWS: Final = "rows.safetensors"  # of words that are made of n-grams: their own rows
Matrix = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Start:
    """What a training begins with.

    Attributes:
        name: what messages call it.
        words: V words.
        counts: (V,) how often each stood in the text; None where that is not known.
        vectors: (V, D) their vectors.
        rows: (V, D) their own rows of the input matrix.
        outputs: (V, D) output vectors; None where there are none that fit.
        loss: what the outputs were trained by.
        buckets: (B,) n-gram buckets, ascending.
        ngrams: (B, D) their rows.
        kept: the words stay in the vocabulary, whether the new text has them or not.
        data: the text that they were trained on, as in the recipe.
        own: rows are words' own parts of means with n-grams, not whole vectors.

    """

    name: str
    words: list[str]
    counts: npt.NDArray[np.int64] | None
    vectors: Matrix
    rows: Matrix
    outputs: Matrix | None = None
    loss: str = ""
    buckets: npt.NDArray[np.int32] | None = None
    ngrams: Matrix | None = None
    kept: bool = False
    data: tuple[str, ...] = ()
    own: bool = False


def read_start(config: Word2vecConfig) -> Generator[Record, None, Start | None]:
    """What ``config`` says to begin with, if anything.

    Raises:
        DlkitError: there is no such artifact or file, it is damaged, or of another dimension.

    """
    if config.initial is not None and not config.initial.strip():
        raise DlkitError(
            "initial: no file is named", hint="--initial vectors.txt, or leave it out", code=USAGE
        )
    if config.initial == "-":
        raise DlkitError(
            "initial: vectors are read from a file, not from -",
            hint="write them to a file first: … > vectors.txt, then --initial vectors.txt",
            code=USAGE,
        )
    if config.continued is not None:
        if not Path(config.continued).is_dir():
            raise DlkitError(
                f"continued: there is no folder {config.continued}",
                hint=f"it takes the path of an artifact; for a name: --from {config.continued}",
                code=NOT_FOUND,
            )
        start = yield from _of_artifact(Path(config.continued), config)
    elif config.initial is not None:
        from dlkit.vectors.formats import read_vectors

        vectors = yield from read_vectors(Path(config.initial))
        _require_alike(vectors, config)
        start = yield from _with_ngrams(_of(vectors), vectors, config)
    else:
        return None
    if config.freeze and config.maxn and not start.own:
        raise DlkitError(
            f"--freeze: {start.name} has no rows of words and of n-grams apart; with --maxn its "
            "vectors would become parts of means, which are others",
            hint="--maxn 0, or begin with what has n-grams: an artifact (--from) or a .bin of "
            "fastText (--initial)",
            code=USAGE,
        )
    return start


def settings_of(path: Path) -> dict[str, object]:
    """The settings that the vectors of the artifact ``path`` ask for: dimension and n-grams.

    Raises:
        DlkitError: its artifact.json cannot be read.

    """
    from dlkit.artifacts.load import read_document

    document = read_document(path)
    asked: dict[str, object] = {"dim": document.get("dim")}
    subwords = document.get("subwords")
    if isinstance(subwords, Mapping):
        keys = {"shortest": "minn", "longest": "maxn", "buckets": "buckets"}
        asked |= {ours: subwords.get(theirs) for theirs, ours in keys.items()}
    # What is no number is damage, which is told when the vectors are opened.
    return {key: value for key, value in asked.items() if isinstance(value, int)}


def _of(vectors: WordVectors) -> Start:
    words = [vectors.word(row) for row in range(len(vectors))]
    return Start(vectors.name, words, vectors.counts(), vectors.matrix, vectors.matrix)


def _of_artifact(path: Path, config: Word2vecConfig) -> Generator[Record, None, Start]:
    from dlkit.artifacts.tensors import read_tensors
    from dlkit.vectors.store import open_outputs, open_vectors

    vectors = open_vectors(path)
    _require_alike(vectors, config)
    start = replace(_of(vectors), kept=True)
    if (path / "config.yaml").exists():
        before = resolve(Word2vecConfig, recipe=path / "config.yaml")
        start = replace(start, loss=before.loss, data=before.data)
    if (path / "outputs.safetensors").exists():
        start = replace(start, outputs=open_outputs(path, vectors))
    if config.maxn and (path / ROWS).exists():
        start = replace(start, rows=read_tensors(path / ROWS)["rows"], own=True)
    return (yield from _with_ngrams(start, vectors, config))


def _require_alike(vectors: WordVectors, config: Word2vecConfig) -> None:
    """Raise DlkitError where the training has another dimension or other n-grams."""
    theirs, ours, hints = [], [], []
    if vectors.dim != config.dim:
        theirs.append(f"vectors of {vectors.dim} numbers")
        ours.append(f"of {config.dim}")
        hints.append(f"--dim {vectors.dim}")
    subwords = vectors.subwords if config.maxn else None
    asked = (config.minn, config.maxn, config.buckets)
    if subwords and (subwords.shortest, subwords.longest, subwords.buckets) != asked:
        told = "n-grams of {} to {} letters in {:,} buckets"
        theirs.append(told.format(subwords.shortest, subwords.longest, subwords.buckets))
        ours.append(told.format(*asked))
        hints.append(_ngrams_of(subwords))
    if theirs:
        raise DlkitError(
            f"{vectors.name} has {' and '.join(theirs)}, the training {' and '.join(ours)}",
            hint=" ".join(hints),
            code=USAGE,
        )


def _ngrams_of(subwords: Subwords) -> str:
    """The options that give a training the n-grams of ``subwords``."""
    return f"--minn {subwords.shortest} --maxn {subwords.longest} --buckets {subwords.buckets}"


def _with_ngrams(
    start: Start, vectors: WordVectors, config: Word2vecConfig
) -> Generator[Record, None, Start]:
    """``start`` with the rows of n-grams, where ``vectors`` have them and the training does."""
    subwords = vectors.subwords
    if subwords is None:
        return start
    if not config.maxn:
        yield Noted(
            f"the n-grams of {vectors.name} stay behind: unknown words will have no vectors; to "
            f"take them along: {_ngrams_of(subwords)}"
        )
        return start
    own = subwords.own
    return replace(
        start,
        rows=start.rows if own is None else own,
        own=start.own or own is not None,
        buckets=subwords.used,
        ngrams=subwords.vectors,
    )


def kept(start: Start, vocabulary: Vocabulary, config: Word2vecConfig) -> Kept | None:
    """The vectors of ``start`` that ``config`` says to keep; None where rows are the vectors."""
    if not (config.freeze and config.maxn):
        return None
    found = _places(start, vocabulary)
    words = np.flatnonzero(found >= 0)
    return Kept(words, start.vectors[found[words]].astype(np.float32))


def _places(start: Start, vocabulary: Vocabulary) -> npt.NDArray[np.int64]:
    """(V,) where each word of ``vocabulary`` stands in ``start``; -1 for one that is new."""
    places = {word: place for place, word in enumerate(start.words)}
    return np.array([places.get(word, -1) for word in vocabulary.words], np.int64)


def arrange(
    start: Start, vocabulary: Vocabulary, buckets: npt.NDArray[np.int32], config: Word2vecConfig
) -> Generator[Record, None, tuple[npt.NDArray[np.float32], npt.NDArray[np.float32] | None]]:
    """Rows (V + B, D) and outputs (V, D) in the order of ``vocabulary``; NaN where none is known.

    Outputs are None where those of ``start`` do not fit.
    """
    found = _places(start, vocabulary)
    known = found >= 0
    rows = np.full((len(found) + len(buckets), start.rows.shape[1]), np.nan, np.float32)
    rows[: len(found)][known] = start.rows[found[known]]
    if start.buckets is not None and start.ngrams is not None and len(start.buckets):
        at = np.minimum(np.searchsorted(start.buckets, buckets), len(start.buckets) - 1)
        same = start.buckets[at] == buckets
        rows[len(found) :][same] = start.ngrams[at[same]]
    new = int(np.count_nonzero(~known))
    if len(buckets) and start.ngrams is None:
        yield Warned(
            f"{start.name} has no n-grams: its vectors are words' own rows, a part of their means"
        )
    yield Noted(
        f"beginning with {start.name}: {int(known.sum()):,} words have its vectors, {new:,} are new"
    )
    if config.freeze and not new:
        yield Warned("every word is kept as it is: only the outputs learn")
    elif config.freeze:
        yield Noted("the vectors that it has are kept as they are; new ones and the outputs learn")
    if start.outputs is None:
        return rows, None
    same = start.loss == config.loss and start.words == vocabulary.words
    same = same and start.counts is not None and np.array_equal(start.counts, vocabulary.counts)
    if "hs" in (start.loss, config.loss) and not same:
        yield Noted("the tree of hierarchical softmax is another: its outputs begin at 0")
        return rows, None
    outputs = np.full((len(found), start.rows.shape[1]), np.nan, np.float32)
    outputs[known] = start.outputs[found[known]]
    return rows, outputs
