"""Counting and numbering words where numba is missing: a dictionary instead of a compiled table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dlkit.data.scan import LINE_END, LONGEST_WORD, WordTable, WordTooLongError


class PlainWordTable(WordTable):
    """A ``WordTable`` of Python objects: the same answers, some ten times slower.

    Args:
        blank_lines: whether a line without words is ended by a LINE_END, too.

    """

    def __init__(self, *, blank_lines: bool = False) -> None:
        self._ends_blank_lines = blank_lines
        self._numbers: dict[bytes, int] = {}
        self._words: list[bytes] = []
        self._seen: list[int] = []
        self._token_count = self._line_count = 0
        self._is_open = False

    def __len__(self) -> int:
        return len(self._words)

    @property
    def tokens(self) -> int:
        """Words counted so far, repetitions included."""
        return self._token_count

    @property
    def lines(self) -> int:
        """Lines with at least one word so far."""
        return self._line_count

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Occurrences of each word, (words,)."""
        return np.array(self._seen, np.int64)

    def word(self, number: int) -> bytes:
        """The UTF-8 bytes of a word."""
        return self._words[number]

    def scan(self, text: bytes) -> npt.NDArray[np.int32]:
        """Count the words of a block, as ``WordTable.scan``."""
        out: list[int] = []
        *whole, last = text.split(b"\n")
        for line in whole:
            self._add(line, text, out)
            if self._is_open or self._ends_blank_lines:
                out.append(LINE_END)
                self._line_count += 1
                self._is_open = False
        self._add(last, text, out)
        return np.array(out, np.int32)

    def _add(self, line: bytes, text: bytes, out: list[int]) -> None:
        for word in line.split():
            if len(word) > LONGEST_WORD:
                raise WordTooLongError(text.find(word))
            number = self._number(word)
            self._seen[number] += 1
            self._token_count += 1
            self._is_open = True
            out.append(number)

    def _number(self, word: bytes) -> int:
        number = self._numbers.setdefault(word, len(self._words))
        if number == len(self._words):
            self._words.append(word)
            self._seen.append(0)
        return number

    def enter(self, words: Sequence[bytes]) -> npt.NDArray[np.int32]:
        """Give each word a number, if it has none yet, and change no count."""
        for word in words:
            if len(word) > LONGEST_WORD:
                raise WordTooLongError(0)
        return np.array([self._number(word) for word in words], np.int32)

    def spell(self, ids: npt.NDArray[np.int32], *, is_open: bool = False) -> bytes:
        """The text that ids stand for, as ``WordTable.spell``."""
        parts: list[bytes] = []
        for number in ids.tolist():
            if number >= 0:
                parts += [b" "] * is_open + [self._words[number]]
            else:
                parts.append(b"\n")
            is_open = number >= 0
        return b"".join(parts)
