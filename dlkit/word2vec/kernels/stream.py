"""From a stream of ids to windows: subsampling, line ends, window sizes.

Every raw word at position p of the stream has one 64-bit draw that depends on nothing but the
seed, the epoch and p. It says whether the word is kept and how far its window reaches. What is
read is therefore the same however the stream is cut into chunks.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dlkit.word2vec.kernels.inline import inlined

# splitmix64 (Steele, Lea and Flood 2014, https://doi.org/10.1145/2714064.2660195)
GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
SECOND: Final = np.uint64(0x94D049BB133111EB)
LOW: Final = np.uint64(0xFFFFFFFF)
S27, S30, S31, S32 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32)


@inlined
def random_bits(key: Any, position: Any) -> Any:
    """The 64-bit draw number ``position`` of the sequence named by ``key`` (uint64)."""
    z = key + np.uint64(position) * GOLDEN
    z = (z ^ (z >> S30)) * FIRST
    z = (z ^ (z >> S27)) * SECOND
    return z ^ (z >> S31)


def keep_thresholds(counts: npt.NDArray[np.int64], *, sample: float) -> npt.NDArray[np.uint32]:
    """What a 32-bit draw must not exceed for a word to be kept.

    With f the count and t = sample * total count, the probability is sqrt(t/f) + t/f, at most 1,
    as in word2vec.c; ``sample`` 0 keeps everything.
    """
    largest = float(2**32 - 1)
    if sample == 0:
        return np.full(len(counts), largest, np.uint32)
    ratio = sample * float(counts.sum()) / np.maximum(counts, 1)
    return np.minimum((np.sqrt(ratio) + ratio) * 2.0**32, largest).astype(np.uint32)


@inlined
def read_words(
    ids: Any,
    start: Any,
    stop: Any,
    key: Any,
    keep: Any,
    window: Any,
    least: Any,
    words: Any,
    low: Any,
    high: Any,
    held: Any,
) -> Any:
    """Append the kept words of ``ids[start:stop]`` to ``words`` and note how far each one sees.

    The context of word i is ``low[i] .. high[i] - 1`` without i. It reaches ``least`` to
    ``window`` words to either side, each number as often as any other. ``held`` words stand in the
    buffers already; they belong to the line that goes on. Any id that names no word ends a line,
    so that no index is ever out of range. The window of a word at the end of an open line may
    reach beyond what was read.

    Returns (words held now, where the open line begins, raw words read).
    """
    vocabulary = np.uint32(len(keep))
    reaches = np.uint64(window - least + 1)
    begin = 0
    read = 0
    for position in range(start, stop):
        word = ids[position]
        if np.uint32(word) >= vocabulary:
            close_line(high, begin, held, window)
            begin = held
            continue
        bits = random_bits(key, position)
        reach = np.int64(((bits & LOW) * reaches) >> S32) + least
        words[held] = word
        low[held] = max(begin, held - reach)
        high[held] = held + reach + 1
        held += np.int64((bits >> S32) <= np.uint64(keep[word]))
        read += 1
    return held, begin, read


@inlined
def close_line(high: Any, begin: Any, end: Any, window: Any) -> None:
    """End the line ``begin .. end - 1``: no window of it reaches beyond."""
    for i in range(max(begin, end - window), end):
        high[i] = min(high[i], end)


@inlined
def keep_tail(
    words: Any, low: Any, high: Any, begin: Any, ready: Any, held: Any, window: Any
) -> Any:
    """Move to the front what later windows still need, once words before ``ready`` are trained.

    Returns (words held now, first word that is not trained yet).
    """
    first = max(begin, ready - window)
    for i in range(first, held):
        words[i - first] = words[i]
        low[i - first] = max(low[i] - first, 0)
        high[i - first] = high[i] - first
    return held - first, ready - first
