"""The words of a vocabulary, held as one text: a word is found without building a dictionary.

A dictionary of 100,000 words takes longer to build than one question takes to answer. A search
through the bytes of the vocabulary takes a fraction of a millisecond, so the dictionary is built
only when many words are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

# Looking up this many words by searching costs about as much as building the dictionary.
_SEARCHES = 64
_MOST_DIGITS = 19  # of a count: 2^63 - 1 has as many
_WORDS_AND_COUNTS = re.compile(rb"(?:[^\t\n]++\t[0-9]{1,%d}+\n)*+" % _MOST_DIGITS)


class Lexicon:
    r"""Words in row order, the most frequent first.

    Args:
        text: one line a row, UTF-8: the word, then ``end``, then anything, then a newline.
            It is not decoded as a whole: in a word that is read, bad bytes become ``\xNN``.
        end: what ends a word, one byte: a tab, or the newline itself.

    Raises:
        ValueError: a line has no word, or not one ``end``.

    """

    def __init__(self, text: bytes, *, end: bytes) -> None:
        if text and not text.endswith(b"\n"):
            raise ValueError("the last line has no end")
        characters = np.frombuffer(text, dtype=np.uint8)
        self._text = text
        self._end = end
        self._lines = np.flatnonzero(characters == ord("\n"))
        self._starts = np.concatenate(([0], self._lines[:-1] + 1))[: len(self._lines)]
        self._stops = np.flatnonzero(characters == ord(end))
        if (
            len(self._stops) != len(self._lines)
            or (self._stops <= self._starts).any()
            or (self._stops > self._lines).any()
        ):
            raise ValueError("not one word a line")
        self._searches = 0

    @classmethod
    def of(cls, words: Sequence[bytes]) -> Lexicon:
        """The lexicon of ``words`` in UTF-8, none of which is empty or holds a newline."""
        return cls(b"".join(word + b"\n" for word in words), end=b"\n")

    def first(self, count: int) -> Lexicon:
        """The lexicon of the ``count`` first words, or of all if there are no more."""
        if count >= len(self):
            return self
        return Lexicon(self._text[: self._lines[count - 1] + 1 if count else 0], end=self._end)

    def __len__(self) -> int:
        return len(self._lines)

    def word(self, row: int) -> str:
        """The word of ``row``."""
        return self._text[self._starts[row] : self._stops[row]].decode("utf-8", "backslashreplace")

    def row(self, word: str) -> int | None:
        """The row of ``word``, the first if it stands there twice; None if it is not there."""
        # An argument that is not UTF-8 arrives with surrogates, which no vocabulary word has.
        sought = word.encode("utf-8", "surrogatepass")
        if not sought or b"\n" in sought or self._end in sought:
            return None
        self._searches += 1
        if self._searches > _SEARCHES:
            return self._rows.get(sought)
        needle = b"\n" + sought + self._end
        if self._text.startswith(needle[1:]):
            return 0
        place = self._text.find(needle)
        return None if place < 0 else int(np.searchsorted(self._lines, place)) + 1

    def starting(self, prefix: str) -> npt.NDArray[np.intp]:
        """The rows of the words that begin with ``prefix``, ascending; of all words if empty."""
        sought = prefix.encode("utf-8", "surrogatepass")
        if b"\n" in sought or self._end in sought:
            return np.empty(0, dtype=np.intp)
        # No match reaches over the end of a word, which holds neither of the two.
        found = re.finditer(b"^" + re.escape(sought), self._text, re.MULTILINE)
        places = np.fromiter((match.start() for match in found), dtype=np.intp)
        # With MULTILINE a match of nothing also stands behind the last newline.
        return np.searchsorted(self._starts, places[places < len(self._text)])

    @cached_property
    def _rows(self) -> dict[bytes, int]:
        # Backwards, so that the first of equal words stays.
        words = self.plain.split(b"\n")[:-1]
        return {words[row]: row for row in range(len(words) - 1, -1, -1)}

    def fault(self) -> str:
        """What is wrong where the lines hold words and counts; empty if nothing is.

        A count is a whole number from 0 to 2^63 - 1 in ASCII digits; no word comes twice.
        """
        if not _WORDS_AND_COUNTS.fullmatch(self._text):
            return "a line is not a word, a tab and a count"
        digits = self._lines - self._stops - 1
        for row in np.flatnonzero(digits == _MOST_DIGITS):
            if int(self._text[self._stops[row] + 1 : self._lines[row]]) >= 1 << 63:
                return f"the count of line {row + 1} is larger than 2^63 - 1"
        words = self.plain.split(b"\n")[:-1]
        if len(set(words)) == len(words):
            return ""
        twice = min(range(len(words)), key=lambda row: self._rows[words[row]] == row)
        return f"line {twice + 1} has the word of line {self._rows[words[twice]] + 1} again"

    def counts(self) -> npt.NDArray[np.int64] | None:
        """(V,) how often each word was seen, what ``fault`` found right; None: it is not told."""
        if self._end == b"\n":
            return None
        ends = zip(self._stops + 1, self._lines, strict=True)
        return np.array([int(self._text[start:end]) for start, end in ends], dtype=np.int64)

    @cached_property
    def plain(self) -> bytes:
        """The words alone, one a line."""
        if self._end == b"\n":
            return self._text
        return re.sub(re.escape(self._end) + rb"[^\n]*", b"", self._text)
