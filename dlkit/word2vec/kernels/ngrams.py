"""The buckets of all n-grams of many words by fastText's hash (see ``vectors.subwords``).

Compiled; without numba all n-grams are hashed side by side in numpy, a byte of each at a time.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dlkit.jit import compiled, has_numba

OFFSET: Final = np.uint32(2166136261)
PRIME: Final = np.uint32(16777619)


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


def _hash_in_numpy(
    text: npt.NDArray[np.uint8],
    words: npt.NDArray[np.int64],
    number: npt.NDArray[np.int64],
    shortest: int,
    longest: int,
    out: npt.NDArray[np.uint32],
) -> None:
    """As ``_hash``; ``number``: how many n-grams begin at each code point of ``text``."""
    starts = np.flatnonzero(text & 0xC0 != 0x80)
    ends = np.repeat(words[1:], np.diff(words))[starts]
    # Where the n-gram of one letter would be written that begins there; "<" alone is none.
    first = np.cumsum(number) - number - (shortest - 1)
    first[np.isin(starts, words[:-1])] -= shortest == 1
    values = np.full(len(starts), OFFSET)
    going, at = np.arange(len(starts)), starts.copy()
    for length in range(1, longest + 1):
        inside = going
        while len(inside):  # the bytes of the next code point
            byte = text[at[inside]].astype(np.uint32)
            values[inside] ^= np.where(byte & 0x80, byte | np.uint32(0xFFFFFF00), byte)
            values[inside] *= PRIME
            at[inside] += 1
            inside = inside[at[inside] < ends[inside]]
            inside = inside[text[at[inside]] & 0xC0 == 0x80]
        if length >= shortest:
            some = going[number[going] > 0]
            if length == 1:  # neither "<" nor ">" alone
                some = some[~np.isin(starts[some], words[:-1])]
            out[first[some] + length - 1] = values[some]
        going = going[at[going] < ends[going]]


def buckets(
    words: list[str], *, shortest: int, longest: int, buckets: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The buckets of the n-grams of every word, one after another, and where each word's begin.

    Args:
        words: V words, none empty.
        shortest: code points of an n-gram of ``<word>``, at least.
        longest: and at most.
        buckets: the number of buckets.

    Returns:
        (V + 1,) int64 offsets and the buckets, 0 to ``buckets`` - 1.

    """
    encoded = [f"<{word}>".encode() for word in words]
    text = np.frombuffer(b"".join(encoded), np.uint8)
    places = np.zeros(len(words) + 1, np.int64)
    np.cumsum([len(each) for each in encoded], out=places[1:])
    letters = np.fromiter(map(len, words), np.int64, len(words)) + 2
    number = np.zeros(len(words), np.int64)
    for length in range(shortest, longest + 1):
        number += np.maximum(letters - length + 1, 0)
    if shortest == 1:
        number -= 2  # "<" and ">" alone are none
    starts = np.zeros(len(words) + 1, np.int64)
    np.cumsum(number, out=starts[1:])
    hashes = np.zeros(starts[-1], np.uint32)
    if has_numba():
        _hash(text, places, starts, shortest, longest, hashes)
    else:
        # Of each code point: the letters from there to the end of its word, itself the first.
        left = np.repeat(np.cumsum(letters), letters) - np.arange(letters.sum())
        begun = np.maximum(np.minimum(left, longest) - shortest + 1, 0)
        if shortest == 1:
            begun[[*(np.cumsum(letters) - letters), *(np.cumsum(letters) - 1)]] -= 1
        _hash_in_numpy(text, places, begun, shortest, longest, hashes)
    return starts, (hashes % np.uint32(buckets)).astype(np.int64)
