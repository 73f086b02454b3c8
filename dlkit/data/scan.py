"""Counting and numbering words in UTF-8 text: a table that grows with the text.

Import this module inside function bodies only: its loops are compiled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from dlkit.data.kernels import words as kernels
from dlkit.data.kernels.words import EMITTED, LINES, OPEN, POSITION, TOKENS, WORDS
from dlkit.data.kernels.words import LINE_END as LINE_END  # for all who read what is scanned
from dlkit.data.kernels.words import LONGEST_WORD as LONGEST_WORD

_Item = TypeVar("_Item", bound=np.generic)
_AT_A_TIME: Final = 1 << 16  # words that are entered together


class WordTooLongError(Exception):
    """A word is longer than LONGEST_WORD; ``position`` is where it starts in the block."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


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
        self._entries: kernels.UInt64s = np.zeros(slots, np.uint64)
        self._starts: kernels.Int64s = np.zeros(slots // 2 + 1, np.int64)
        self._counts: kernels.Int64s = np.zeros(slots // 2, np.int64)
        self._arena: kernels.Bytes = np.empty(arena, np.uint8)
        self._out = np.empty(0, np.int32)
        self._state = np.zeros(6, np.int64)

    def __len__(self) -> int:
        return int(self._state[WORDS])

    @property
    def tokens(self) -> int:
        """Words counted so far, repetitions included."""
        return int(self._state[TOKENS])

    @property
    def lines(self) -> int:
        """Lines with at least one word so far."""
        return int(self._state[LINES])

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
        state[POSITION] = state[EMITTED] = 0
        while status := kernels.scan(
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
            if status == kernels.TOO_LONG:
                raise WordTooLongError(int(state[POSITION]))
            if status == kernels.TABLE_FULL:
                self._grow()
            else:
                self._arena = _extended(self._arena, 2 * len(self._arena) + LONGEST_WORD)
        return self._out[: state[EMITTED]]

    def enter(self, words: Sequence[bytes]) -> npt.NDArray[np.int32]:
        """Give each word a number, if it has none yet, and change no count.

        Args:
            words: without white space.

        Returns:
            The words' numbers, (words,) int32.

        Raises:
            WordTooLongError: a word has more than LONGEST_WORD bytes.

        """
        kept = self._state[[OPEN, TOKENS, LINES]]
        numbers = np.empty(len(words), np.int32)
        for start in range(0, len(words), _AT_A_TIME):
            some = words[start : start + _AT_A_TIME]
            numbers[start : start + len(some)] = self.scan(b" ".join(some))
        np.subtract.at(self._counts, numbers, 1)
        self._state[[OPEN, TOKENS, LINES]] = kept
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
        return out[: kernels.spell(ids, starts, self._arena, out, int(is_open))].tobytes()

    def _grow(self) -> None:
        self._entries = np.zeros(2 * len(self._entries), np.uint64)
        self._starts = _extended(self._starts, len(self._entries) // 2 + 1)
        self._counts = _extended(self._counts, len(self._entries) // 2)
        kernels.refill(self._entries, self._starts, self._arena, len(self))


def _extended(array: npt.NDArray[_Item], size: int) -> npt.NDArray[_Item]:
    """A longer array that begins with this one."""
    longer = np.zeros(size, array.dtype)
    longer[: len(array)] = array
    return longer
