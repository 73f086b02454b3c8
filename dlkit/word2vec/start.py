"""Vectors that a training begins with: an artifact to go on from, or another tool's file."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from dlkit.config.resolve import resolve
from dlkit.errors import USAGE, DlkitError
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


def read_start(config: Word2vecConfig) -> Generator[Record, None, Start | None]:
    """What ``config`` says to begin with, if anything.

    Raises:
        DlkitError: there is no such artifact or file, it is damaged, or of another dimension.

    """
    if config.continued is not None:
        start = _of_artifact(Path(config.continued), config)
    elif config.initial is not None:
        from dlkit.vectors.formats import read_vectors

        vectors = yield from read_vectors(Path(config.initial))
        start = _of(vectors)
    else:
        return None
    if start.rows.shape[1] != config.dim:
        raise DlkitError(
            f"{start.name} has vectors of {start.rows.shape[1]} numbers, the training of "
            f"{config.dim}",
            hint=f"--dim {start.rows.shape[1]}",
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
        start = replace(start, rows=read_tensors(path / ROWS)["rows"])
    if config.maxn and (subwords := vectors.subwords) is not None:
        asked = (config.minn, config.maxn, config.buckets)
        if (subwords.shortest, subwords.longest, subwords.buckets) != asked:
            raise DlkitError(
                f"{vectors.name} has n-grams of {subwords.shortest} to {subwords.longest} letters "
                f"in {subwords.buckets:,} buckets, the training {config.minn} to {config.maxn} in "
                f"{config.buckets:,}",
                hint=f"--minn {subwords.shortest} --maxn {subwords.longest}",
                code=USAGE,
            )
        start = replace(start, buckets=subwords.used, ngrams=subwords.vectors)
    return start


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
