"""The compiled kernels of n-grams, called: a block of texts to their buckets.

Import this module inside function bodies only: its loops are compiled.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dlkit.data.gram_counts import Counted, Rules
from dlkit.data.kernels import grams as kernels


def count(rules: Rules, texts: Sequence[bytes]) -> Counted:
    """Count the n-grams of texts.

    Args:
        rules: which.
        texts: UTF-8, words between ASCII white space; only ASCII letters are made small here.

    Returns:
        The counts; ``offsets`` (N,) are how many each text has.

    """
    data = np.frombuffer(bytearray(b"".join(texts)), np.uint8)
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(text) for text in texts], out=offsets[1:])
    most = (len(data) + len(texts)) // 2 + 1  # a word has a byte, and one behind it but the last
    hashes = np.empty(most, np.uint64)
    starts, stops = np.empty(most, np.int64), np.empty(most, np.int64)
    counts = np.empty(len(texts), np.int64)
    words = kernels.words(
        data, offsets, kernels.KINDS, int(rules.lowercase), hashes, starts, stops, counts
    )
    least, longest = rules.words or (1, 0)
    short, wide = rules.characters or (1, 0)
    size = kernels.room(counts, least, longest)
    size += (int((stops - starts)[:words].sum()) + 2 * words) * max(0, wide - short + 1)
    values, times = np.empty(size, np.int32), np.empty(size, np.int32)
    sizes = np.empty(len(texts), np.int64)
    written = kernels.grams(
        data, hashes, starts, stops, counts, least, longest, short, wide,
        np.uint64(rules.buckets), values, times, sizes,
    )  # fmt: skip
    return Counted(values[:written].copy(), times[:written].copy(), sizes)


def weigh(
    counted: Counted,
    places: npt.NDArray[np.int32],
    factors: npt.NDArray[np.float32],
    tf: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Values, weights and offsets of texts of length 1; see ``ngrams.Ngrams.weighed``.

    Args:
        counted: of N texts.
        places: (buckets,) each bucket's place, or -1.
        factors: (V,) what each place counts.
        tf: what a bucket counts that stands 0, 1, 2, … times in a text.

    """
    values = np.empty(len(counted.values), np.int32)
    weights = np.empty(len(counted.values), np.float32)
    offsets = np.zeros(len(counted.offsets), np.int64)
    written = kernels.weigh(
        counted.values, counted.times, counted.offsets, places, factors, tf, values, weights,
        offsets,
    )  # fmt: skip
    return values[:written], weights[:written], offsets
