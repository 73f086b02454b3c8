"""The n-grams of a vocabulary as rows of the input matrix, below the words' own rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dlkit.word2vec.trainer import NGrams

if TYPE_CHECKING:
    from dlkit.word2vec.config import Word2vecConfig


def ngram_rows(
    words: list[str], config: Word2vecConfig
) -> tuple[NGrams | None, npt.NDArray[np.int32]]:
    """The rows of each word, and the bucket of each row from V on, (B,) in ascending order.

    Only buckets that some word uses have a row. None and no bucket where ``config`` has no n-grams.
    """
    if not config.maxn:
        return None, np.zeros(0, np.int32)
    from dlkit.word2vec.kernels.ngrams import buckets

    starts, found = buckets(
        words, shortest=config.minn, longest=config.maxn, buckets=config.buckets
    )
    used, inverse = np.unique(found, return_inverse=True)
    own = np.arange(len(words))
    offsets = starts + np.arange(len(words) + 1)
    rows = np.insert(inverse + len(words), starts[:-1], own)
    return NGrams(offsets, rows.astype(np.int32), len(used)), used.astype(np.int32)
