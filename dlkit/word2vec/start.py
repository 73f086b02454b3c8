"""Vectors that a training begins with: an artifact to go on from, or another tool's file."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from dlkit.config.resolve import resolve
from dlkit.errors import NOT_FOUND, USAGE, DlkitError
from dlkit.records import Noted, Record, Warned
from dlkit.word2vec.config import Word2vecConfig

if TYPE_CHECKING:
    from dlkit.data.vocab import Vocabulary
    from dlkit.vectors.store import WordVectors

ROWS: Final = "rows.safetensors"  # of words that are made of n-grams: their own rows
Matrix = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Start:
    """What a training begins with.

    Attributes:
        name: what messages call it.
        words: V words.
        counts: (V,) how often each stood in the text; None where that is not known.
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
        start = _of_artifact(Path(config.continued), config)
    elif config.initial is not None:
        from dlkit.vectors.formats import read_vectors

        vectors = yield from read_vectors(Path(config.initial))
        start = _with_ngrams(_of(vectors), vectors, config)
    else:
        return None
    if start.rows.shape[1] != config.dim:
        raise DlkitError(
            f"{start.name} has vectors of {start.rows.shape[1]} numbers, the training of "
            f"{config.dim}",
            hint=f"--dim {start.rows.shape[1]}",
            code=USAGE,
        )
    if config.freeze and config.maxn and not start.own:
        raise DlkitError(
            f"--freeze: {start.name} has no rows of words and of n-grams apart; with --maxn its "
            "vectors would become parts of means, which are others",
            hint="--maxn 0, or --from an artifact that was trained here with n-grams",
            code=USAGE,
        )
    return start


def _of(vectors: WordVectors) -> Start:
    words = [vectors.word(row) for row in range(len(vectors))]
    return Start(vectors.name, words, vectors.counts(), vectors.matrix)


def _of_artifact(path: Path, config: Word2vecConfig) -> Start:
    from dlkit.artifacts.tensors import read_tensors
    from dlkit.vectors.store import open_outputs, open_vectors

    vectors = open_vectors(path)
    start = replace(_of(vectors), kept=True)
    if (path / "config.yaml").exists():
        before = resolve(Word2vecConfig, recipe=path / "config.yaml")
        start = replace(start, loss=before.loss, data=before.data)
    if (path / "outputs.safetensors").exists():
        start = replace(start, outputs=open_outputs(path, vectors))
    if config.maxn and (path / ROWS).exists():
        start = replace(start, rows=read_tensors(path / ROWS)["rows"], own=True)
    return _with_ngrams(start, vectors, config)


def _with_ngrams(start: Start, vectors: WordVectors, config: Word2vecConfig) -> Start:
    """``start`` with the rows of n-grams, where ``vectors`` have them and the training does."""
    subwords = vectors.subwords
    if not config.maxn or subwords is None:
        return start
    asked = (config.minn, config.maxn, config.buckets)
    if (subwords.shortest, subwords.longest, subwords.buckets) != asked:
        raise DlkitError(
            f"{vectors.name} has n-grams of {subwords.shortest} to {subwords.longest} letters "
            f"in {subwords.buckets:,} buckets, the training {config.minn} to {config.maxn} in "
            f"{config.buckets:,}",
            hint=f"--minn {subwords.shortest} --maxn {subwords.longest} "
            f"--buckets {subwords.buckets}",
            code=USAGE,
        )
    rows = start.rows if subwords.own is None else subwords.own
    return replace(start, rows=rows, buckets=subwords.used, ngrams=subwords.vectors)


def arrange(
    start: Start, vocabulary: Vocabulary, buckets: npt.NDArray[np.int32], config: Word2vecConfig
) -> Generator[Record, None, tuple[npt.NDArray[np.float32], npt.NDArray[np.float32] | None]]:
    """Rows (V + B, D) and outputs (V, D) in the order of ``vocabulary``; NaN where none is known.

    Outputs are None where those of ``start`` do not fit.
    """
    places = {word: place for place, word in enumerate(start.words)}
    found = np.array([places.get(word, -1) for word in vocabulary.words])
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
