"""The buckets of all n-grams of many words by fastText's hash (see ``vectors.subwords``).

Compiled; without numba those of ``vectors.composing``, some words at a time.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dlkit.jit import compiled, has_numba
from dlkit.vectors.composing import buckets_of_words
from dlkit.vectors.subwords import LINE_END

OFFSET: Final = np.uint32(2166136261)
PRIME: Final = np.uint32(16777619)
_WORDS_AT_ONCE: Final = 1 << 15  # without numba: some ten MB


@compiled()
def _hash(text: Any, words: Any, starts: Any, shortest: Any, longest: Any, out: Any) -> None:
    """Fill ``out`` with the 32-bit hashes of each word's n-grams, by start, then by length."""
    for word in range(len(words) - 1):
        place = starts[word]
        first, end = words[word], words[word + 1]
        for start in range(first, end):
            if text[start] & 0xC0 == 0x80:  # inside a code point
                continue
            value = OFFSET
            length = 0
            position = start
            while position < end and length < longest:
                byte = np.uint32(text[position])
                value ^= byte | np.uint32(0xFFFFFF00) if byte & np.uint32(0x80) else byte
                value = np.uint32(value * PRIME)
                position += 1
                if position < end and text[position] & 0xC0 == 0x80:
                    continue
                length += 1
                edge = length == 1 and (start == first or position == end)
                if length >= shortest and not edge:
                    out[place] = value
                    place += 1


def buckets(
    words: list[str], *, shortest: int, longest: int, buckets: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The buckets of the n-grams of every word, one after another, and where each word's begin.

    Args:
        words: V words, none empty; ``</s>`` has no n-grams.
        shortest: code points of an n-gram of ``<word>``, at least.
        longest: and at most.
        buckets: the number of buckets.

    Returns:
        (V + 1,) int64 offsets and the buckets, 0 to ``buckets`` - 1.

    """
    if not has_numba():
        return _in_numpy(words, shortest=shortest, longest=longest, buckets=buckets)
    encoded = [b"" if word == LINE_END else f"<{word}>".encode() for word in words]
    text = np.frombuffer(b"".join(encoded), np.uint8)
    places = np.zeros(len(words) + 1, np.int64)
    np.cumsum([len(each) for each in encoded], out=places[1:])
    letters = np.fromiter(map(len, words), np.int64, len(words)) + 2
    letters[np.diff(places) == 0] = 0
    number = np.zeros(len(words), np.int64)
    for length in range(shortest, longest + 1):
        number += np.maximum(letters - length + 1, 0)
    if shortest == 1:
        number[letters > 0] -= 2  # "<" and ">" alone are none
    starts = np.zeros(len(words) + 1, np.int64)
    np.cumsum(number, out=starts[1:])
    hashes = np.zeros(starts[-1], np.uint32)
    _hash(text, places, starts, shortest, longest, hashes)
    return starts, (hashes % np.uint32(buckets)).astype(np.int64)


def _in_numpy(
    words: list[str], *, shortest: int, longest: int, buckets: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """As ``buckets``."""
    starts, parts = np.zeros(len(words) + 1, np.int64), [np.zeros(0, np.int64)]
    for first in range(0, len(words), _WORDS_AT_ONCE):
        some = [word.encode() for word in words[first : first + _WORDS_AT_ONCE]]
        owners, found = buckets_of_words(some, shortest=shortest, longest=longest, buckets=buckets)
        starts[first + 1 : first + 1 + len(some)] = np.bincount(owners, minlength=len(some))
        parts.append(found)
    return np.cumsum(starts), np.concatenate(parts)
