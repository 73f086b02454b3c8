"""Counting, numbering and writing the words of UTF-8 text: the loops over bytes.

The text that arrives here is clean: words stand between single bytes 0x20 (space) and 0x0A (line
end). A table's entry holds the upper half of a word's hash and its number + 1; words are compared
byte by byte before they are held equal. Import this module inside function bodies only.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dlkit.jit import compiled

LINE_END: Final = -1
LONGEST_WORD: Final = 65_536  # bytes of UTF-8

SEED: Final = 14695981039346656037  # FNV's offset basis
DONE: Final = 0
TABLE_FULL: Final = 1
ARENA_FULL: Final = 2
TOO_LONG: Final = 3

# Places in the state that a scan leaves for the next one.
WORDS: Final = 0  # different words so far
POSITION: Final = 1  # first byte not yet done with
EMITTED: Final = 2  # ids written to the output
OPEN: Final = 3  # 1 while the line has words but no line end yet
TOKENS: Final = 4  # words so far
LINES: Final = 5  # line ends so far

Bytes = npt.NDArray[np.uint8]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
UInt64s = npt.NDArray[np.uint64]


@compiled()
def _mix(value: np.uint64, byte: np.uint8) -> np.uint64:
    # FNV-1a with a second bit high in the multiplier, so that the upper half mixes early.
    return (value ^ np.uint64(byte)) * np.uint64(0x20000100000001B3)


@compiled()
def _find(
    entries: UInt64s,
    starts: Int64s,
    arena: Bytes,
    data: Bytes,
    first: int,
    size: int,
    value: np.uint64,
) -> tuple[np.uint64, np.int64]:
    """The place of a word, or of the free entry where it belongs, and its number or -1."""
    mask = np.uint64(entries.shape[0] - 1)
    upper = np.uint64(0xFFFFFFFF00000000)
    place = value & mask
    while entries[place] != 0:
        entry = entries[place]
        if ((entry ^ value) & upper) == 0:
            word = np.int64(entry & np.uint64(0xFFFFFFFF)) - 1
            begin = starts[word]
            if starts[word + 1] - begin == size:
                k = 0
                while k < size and arena[begin + k] == data[first + k]:
                    k += 1
                if k == size:
                    return place, word
        place = (place + np.uint64(1)) & mask
    return place, np.int64(-1)


@compiled()
def _obstacle(words: int, size: int, starts: Int64s, arena: Bytes, counts: Int64s) -> int:
    """Why a new word cannot be entered, or 0."""
    if size > LONGEST_WORD:
        return TOO_LONG
    if words >= counts.shape[0]:
        return TABLE_FULL
    if starts[words] + size > arena.shape[0]:
        return ARENA_FULL
    return DONE


@compiled()
def scan(
    data: Bytes,
    stop: int,
    entries: UInt64s,
    starts: Int64s,
    arena: Bytes,
    counts: Int64s,
    out: Int32s,
    state: Int64s,
    blank_lines: int,
) -> int:
    """Count words from state[POSITION] on; returns why it ended (the counts stay right)."""
    i, emitted, is_open, status = state[POSITION], state[EMITTED], state[OPEN], DONE
    words, before = state[WORDS], state[EMITTED]
    ends = 0
    while i < stop:
        if data[i] <= 32:
            if data[i] == 10 and is_open | blank_lines == 1:
                out[emitted] = LINE_END
                emitted += 1
                ends += 1
                is_open = 0
            i += 1
            continue
        first = i
        value = np.uint64(SEED)
        while i < stop and data[i] > 32:
            value = _mix(value, data[i])
            i += 1
        value ^= value >> np.uint64(29)
        size = i - first
        place, word = _find(entries, starts, arena, data, first, size, value)
        if word < 0:
            status = _obstacle(words, size, starts, arena, counts)
            if status != DONE:
                i = first
                break
            word = words
            begin = starts[word]
            for k in range(size):
                arena[begin + k] = data[first + k]
            words += 1
            starts[words] = begin + size
            counts[word] = 0
            entries[place] = (value & np.uint64(0xFFFFFFFF00000000)) | np.uint64(words)
        counts[word] += 1
        out[emitted] = word
        emitted += 1
        is_open = 1
    state[WORDS], state[POSITION], state[EMITTED], state[OPEN] = words, i, emitted, is_open
    state[LINES] += ends
    state[TOKENS] += emitted - before - ends
    return status


@compiled()
def refill(entries: UInt64s, starts: Int64s, arena: Bytes, words: int) -> None:
    """Enter all words into an empty table."""
    mask = np.uint64(entries.shape[0] - 1)
    for word in range(words):
        value = np.uint64(SEED)
        for k in range(starts[word], starts[word + 1]):
            value = _mix(value, arena[k])
        value ^= value >> np.uint64(29)
        place = value & mask
        while entries[place] != 0:
            place = (place + np.uint64(1)) & mask
        entries[place] = (value & np.uint64(0xFFFFFFFF00000000)) | np.uint64(word + 1)


@compiled()
def spell(ids: Int32s, starts: Int64s, arena: Bytes, out: Bytes, is_open: int) -> int:
    """Write the words that ids stand for; how many bytes were written."""
    n = 0
    for word in ids:
        if word < 0:
            out[n] = 10
            n += 1
            is_open = 0
            continue
        if is_open == 1:
            out[n] = 32
            n += 1
        for k in range(starts[word], starts[word + 1]):
            out[n] = arena[k]
            n += 1
        is_open = 1
    return n
