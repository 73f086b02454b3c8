"""Counting and numbering words in UTF-8 text: an open-addressing hash table over raw bytes (numba).

The text that arrives here is clean: words stand between single bytes 0x20 (space) and 0x0A (line
end). A table's entry holds the upper half of a word's hash and its number + 1; words are compared
byte by byte before they are held equal. Import this module inside function bodies only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from dlkit.jit import compiled

LINE_END: Final = -1
LONGEST_WORD: Final = 65_536  # bytes of UTF-8

_Item = TypeVar("_Item", bound=np.generic)
_Bytes = npt.NDArray[np.uint8]
_Int32s = npt.NDArray[np.int32]
_Int64s = npt.NDArray[np.int64]
_UInt64s = npt.NDArray[np.uint64]

_AT_A_TIME: Final = 1 << 16  # words that are entered together
_SEED: Final = 14695981039346656037  # FNV's offset basis
_DONE: Final = 0
_TABLE_FULL: Final = 1
_ARENA_FULL: Final = 2
_TOO_LONG: Final = 3

# Places in the state that a scan leaves for the next one.
_WORDS: Final = 0  # different words so far
_POSITION: Final = 1  # first byte not yet done with
_EMITTED: Final = 2  # ids written to the output
_OPEN: Final = 3  # 1 while the line has words but no line end yet
_TOKENS: Final = 4  # words so far
_LINES: Final = 5  # line ends so far


class WordTooLongError(Exception):
    """A word is longer than LONGEST_WORD; ``position`` is where it starts in the block."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


@compiled()
def _mix(value: np.uint64, byte: np.uint8) -> np.uint64:
    # FNV-1a with a second bit high in the multiplier, so that the upper half mixes early.
    return (value ^ np.uint64(byte)) * np.uint64(0x20000100000001B3)


@compiled()
def _find(
    entries: _UInt64s,
    starts: _Int64s,
    arena: _Bytes,
    data: _Bytes,
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
def _obstacle(words: int, size: int, starts: _Int64s, arena: _Bytes, counts: _Int64s) -> int:
    """Why a new word cannot be entered, or 0."""
    if size > LONGEST_WORD:
        return _TOO_LONG
    if words >= counts.shape[0]:
        return _TABLE_FULL
    if starts[words] + size > arena.shape[0]:
        return _ARENA_FULL
    return _DONE


@compiled()
def _scan(
    data: _Bytes,
    stop: int,
    entries: _UInt64s,
    starts: _Int64s,
    arena: _Bytes,
    counts: _Int64s,
    out: _Int32s,
    state: _Int64s,
    blank_lines: int,
) -> int:
    """Count words from state[_POSITION] on; returns why it ended (the counts stay right)."""
    i, emitted, is_open, status = state[_POSITION], state[_EMITTED], state[_OPEN], _DONE
    words, before = state[_WORDS], state[_EMITTED]
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
        value = np.uint64(_SEED)
        while i < stop and data[i] > 32:
            value = _mix(value, data[i])
            i += 1
        value ^= value >> np.uint64(29)
        size = i - first
        place, word = _find(entries, starts, arena, data, first, size, value)
        if word < 0:
            status = _obstacle(words, size, starts, arena, counts)
            if status != _DONE:
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
    state[_WORDS], state[_POSITION], state[_EMITTED], state[_OPEN] = words, i, emitted, is_open
    state[_LINES] += ends
    state[_TOKENS] += emitted - before - ends
    return status


@compiled()
def _refill(entries: _UInt64s, starts: _Int64s, arena: _Bytes, words: int) -> None:
    """Enter all words into an empty table."""
    mask = np.uint64(entries.shape[0] - 1)
    for word in range(words):
        value = np.uint64(_SEED)
        for k in range(starts[word], starts[word + 1]):
            value = _mix(value, arena[k])
        value ^= value >> np.uint64(29)
        place = value & mask
        while entries[place] != 0:
            place = (place + np.uint64(1)) & mask
        entries[place] = (value & np.uint64(0xFFFFFFFF00000000)) | np.uint64(word + 1)


@compiled()
def _spell(ids: _Int32s, starts: _Int64s, arena: _Bytes, out: _Bytes, is_open: int) -> int:
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


class WordTable:
    """The words of a growing text, numbered in order of first appearance, with their counts.

    Args:
        slots: places of the table at first, a power of two; it doubles when it is full.
        arena: bytes for words at first; more than doubles when it is full.
        blank_lines: whether a line without words is ended by a LINE_END, too.

    """

    def __init__(
        self, *, slots: int = 1 << 17, arena: int = 1 << 20, blank_lines: bool = False
    ) -> None:
        self._blank_lines = int(blank_lines)
        self._entries: _UInt64s = np.zeros(slots, np.uint64)
        self._starts: _Int64s = np.zeros(slots // 2 + 1, np.int64)
        self._counts: _Int64s = np.zeros(slots // 2, np.int64)
        self._arena: _Bytes = np.empty(arena, np.uint8)
        self._out = np.empty(0, np.int32)
        self._state = np.zeros(6, np.int64)

    def __len__(self) -> int:
        return int(self._state[_WORDS])

    @property
    def tokens(self) -> int:
        """Words counted so far, repetitions included."""
        return int(self._state[_TOKENS])

    @property
    def lines(self) -> int:
        """Lines with at least one word so far."""
        return int(self._state[_LINES])

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Occurrences of each word, (words,)."""
        return self._counts[: len(self)]

    def word(self, number: int) -> bytes:
        """The UTF-8 bytes of a word."""
        return self._arena[self._starts[number] : self._starts[number + 1]].tobytes()

    def scan(self, text: bytes) -> npt.NDArray[np.int32]:
        """Count the words of a block; its last word ends with the block, its last line need not.

        Returns:
            The words' numbers with LINE_END after each line that has words, (n,) int32; the array
            is overwritten by the next call.

        Raises:
            WordTooLongError: a word has more than LONGEST_WORD bytes.

        """
        data = np.frombuffer(text, np.uint8)
        if len(self._out) < len(text) + 2:
            self._out = np.empty(len(text) + 2, np.int32)
        state = self._state
        state[_POSITION] = state[_EMITTED] = 0
        while status := _scan(
            data,
            len(text),
            self._entries,
            self._starts,
            self._arena,
            self._counts,
            self._out,
            state,
            self._blank_lines,
        ):
            if status == _TOO_LONG:
                raise WordTooLongError(int(state[_POSITION]))
            if status == _TABLE_FULL:
                self._grow()
            else:
                self._arena = _extended(self._arena, 2 * len(self._arena) + LONGEST_WORD)
        return self._out[: state[_EMITTED]]

    def enter(self, words: Sequence[bytes]) -> npt.NDArray[np.int32]:
        """Give each word a number, if it has none yet, and change no count.

        Args:
            words: without white space.

        Returns:
            The words' numbers, (words,) int32.

        Raises:
            WordTooLongError: a word has more than LONGEST_WORD bytes.

        """
        kept = self._state[[_OPEN, _TOKENS, _LINES]]
        numbers = np.empty(len(words), np.int32)
        for start in range(0, len(words), _AT_A_TIME):
            some = words[start : start + _AT_A_TIME]
            numbers[start : start + len(some)] = self.scan(b" ".join(some))
        np.subtract.at(self._counts, numbers, 1)
        self._state[[_OPEN, _TOKENS, _LINES]] = kept
        return numbers

    def spell(self, ids: npt.NDArray[np.int32], *, is_open: bool = False) -> bytes:
        """The text that ids stand for: a space between words, LINE_END as a line end.

        Args:
            ids: numbers and LINE_ENDs, (n,) int32.
            is_open: whether they go on with a line that has words already.

        """
        starts = self._starts
        sizes = np.where(ids < 0, 0, starts[ids + 1] - starts[ids])
        out = np.empty(int(sizes.sum()) + len(ids), np.uint8)
        return out[: _spell(ids, starts, self._arena, out, int(is_open))].tobytes()

    def _grow(self) -> None:
        self._entries = np.zeros(2 * len(self._entries), np.uint64)
        self._starts = _extended(self._starts, len(self._entries) // 2 + 1)
        self._counts = _extended(self._counts, len(self._entries) // 2)
        _refill(self._entries, self._starts, self._arena, len(self))


def _extended(array: npt.NDArray[_Item], size: int) -> npt.NDArray[_Item]:
    """A longer array that begins with this one."""
    longer = np.zeros(size, array.dtype)
    longer[: len(array)] = array
    return longer
