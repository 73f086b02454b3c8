"""Counting and joining pairs of neighbouring words in a stream of word numbers: the loops.

A candidate for a phrase is a key of two halves: the number of what it begins with, a word or a word
and connectors (a prefix), and the number of its last word. Tables are open-addressing hash tables
of rows (key, value); a value of 0 marks a free row. Import this module inside function bodies only.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dlkit.jit import compiled

RARE: Final = 0  # in no candidate: too rare for any phrase
USUAL: Final = 1
CONNECTOR: Final = 2

DONE: Final = 0
PAIRS_FULL: Final = 1
PREFIXES_FULL: Final = 2

# Places in the state that counting leaves for its next call.
POSITION: Final = 0
LEFT: Final = 1  # what the open candidate begins with, or -1
PAIRS: Final = 2  # entries of the table of pairs
PREFIXES: Final = 3  # entries of the table of prefixes

Bytes = npt.NDArray[np.uint8]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
UInt64s = npt.NDArray[np.uint64]


@compiled()
def _hash(key: np.uint64) -> np.uint64:
    # The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit depends on every bit.
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


@compiled()
def _key(left: int, right: int) -> np.uint64:
    return (np.uint64(left) << np.uint64(32)) | np.uint64(right)


@compiled()
def _slot(table: UInt64s, key: np.uint64, value: np.uint64) -> np.uint64:
    """The row of ``table`` (slots, 2) that has the key, or the free one (its second is 0)."""
    mask = np.uint64(table.shape[0] - 1)
    slot = value & mask
    while table[slot, 1] != 0 and table[slot, 0] != key:
        slot = (slot + np.uint64(1)) & mask
    return slot


@compiled()
def _prefix(prefixes: UInt64s, left: int, word: int, words: int) -> np.int64:
    """The number of ``left`` with the connector ``word`` behind it, or -1."""
    key = _key(left, word)
    slot = _slot(prefixes, key, _hash(key))
    return np.int64(prefixes[slot, 1]) - 1 + words if prefixes[slot, 1] != 0 else np.int64(-1)


@compiled()
def count(
    ids: Int32s,
    kinds: Bytes,
    pairs: UInt64s,
    most: int,
    low: np.uint64,
    high: np.uint64,
    prefixes: UInt64s,
    state: Int64s,
) -> int:
    """Count the pairs of ``ids`` whose hash's upper half is in low..high-1; why it ended."""
    left, n_pairs, n_prefixes = state[LEFT], state[PAIRS], state[PREFIXES]
    words = kinds.shape[0]
    i, status = state[POSITION], DONE
    while i < ids.shape[0]:
        word = ids[i]
        kind = kinds[word] if word >= 0 else RARE
        if kind == RARE:
            left = np.int64(-1)
        elif kind == CONNECTOR:
            if left >= 0:
                found = _prefix(prefixes, left, word, words)
                if found < 0:
                    if 2 * n_prefixes >= prefixes.shape[0]:
                        status = PREFIXES_FULL
                        break
                    key = _key(left, word)
                    slot = _slot(prefixes, key, _hash(key))
                    found = n_prefixes + words
                    n_prefixes += 1
                    prefixes[slot, 0], prefixes[slot, 1] = key, np.uint64(n_prefixes)
                left = found
        else:
            if left >= 0:
                key = _key(left, word)
                value = _hash(key)
                part = value >> np.uint64(32)
                if low <= part and part < high:
                    slot = _slot(pairs, key, value)
                    if pairs[slot, 1] == 0:
                        if n_pairs >= most:
                            status = PAIRS_FULL
                            break
                        pairs[slot, 0] = key
                        n_pairs += 1
                    pairs[slot, 1] += np.uint64(1)
            left = np.int64(word)
        i += 1
    state[POSITION], state[LEFT], state[PAIRS], state[PREFIXES] = i, left, n_pairs, n_prefixes
    return status


@compiled()
def refill(old: UInt64s, new: UInt64s, high: np.uint64) -> int:
    """Enter the entries of ``old`` whose hash's upper half is below ``high``; how many they are."""
    entered = 0
    for row in range(old.shape[0]):
        if old[row, 1] != 0:
            value = _hash(old[row, 0])
            if (value >> np.uint64(32)) < high:
                slot = _slot(new, old[row, 0], value)
                new[slot, 0], new[slot, 1] = old[row, 0], old[row, 1]
                entered += 1
    return entered


@compiled()
def join(
    ids: Int32s,
    kinds: Bytes,
    prefixes: UInt64s,
    joined: UInt64s,
    out: Int32s,
    final: int,
    state: Int64s,
) -> None:
    """Write ``ids`` with phrases for pairs; state: ids read, ids written, phrases written."""
    words = kinds.shape[0]
    start, left = 0, np.int64(-1)  # where the open candidate begins, and with what
    n = 0
    for i in range(ids.shape[0]):
        word = ids[i]
        kind = kinds[word] if word >= 0 else RARE
        if kind == CONNECTOR and left >= 0:
            left = _prefix(prefixes, left, word, words)
            if left >= 0:
                continue
        elif kind == USUAL:
            if left >= 0:
                key = _key(left, word)
                slot = _slot(joined, key, _hash(key))
                if joined[slot, 1] != 0:
                    out[n] = np.int32(joined[slot, 1] - np.uint64(1))
                    n += 1
                    state[2] += 1
                    left = np.int64(-1)
                    start = i + 1
                    continue
            while start < i:
                out[n] = ids[start]
                n += 1
                start += 1
            left = np.int64(word)
            continue
        while start <= i:
            out[n] = ids[start]
            n += 1
            start += 1
        left = np.int64(-1)
    if final == 1:
        while start < ids.shape[0]:
            out[n] = ids[start]
            n += 1
            start += 1
    state[0], state[1] = start, n


@compiled()
def tally(ids: Int32s, counts: Int64s) -> None:
    """Add the occurrences of each word, (words,), in ``ids``; LINE_ENDs count nothing."""
    for word in ids:
        if word >= 0:
            counts[word] += 1
