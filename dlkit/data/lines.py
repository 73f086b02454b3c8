"""Chunks of clean text regrouped into blocks of whole lines, in bounded memory.

A line longer than LONGEST_PIECE is cut. Where it is cut depends on its own characters only, never
on the chunks that it came in, so that the same text gives the same words from a file, a pipe or an
archive.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

from dlkit.data.normalise import compose

# More than the longest word allowed has bytes, so that a piece without a space is always too long.
LONGEST_PIECE: Final = 131_072  # characters

# Where text may be cut without a change of its words. None of these is part of what the Chinese
# segmenter reads as a word, and none composes with a character that follows it.
_PLACES: Final = {
    "whitespace": " ",
    "char": " 。，、！？；：,!?;:",
    "zh": ' 。，、！？；：“”（）《》「」…,!?;:()"',
}
_REACH: Final = 4  # characters that compose into one
_FLAG_HALVES: Final = "\U0001f1e6\U0001f1ff"  # the first and the last
_JOINED_MARKS: Final = "\u200c\u200d"


class Lines:
    """Regroups one source.

    Args:
        tokens: whitespace, char or zh; says where a long line may be cut.

    """

    def __init__(self, tokens: str) -> None:
        self._places = _PLACES[tokens]
        self._rest = ""

    def __call__(self, text: str, *, final: bool = False) -> Iterator[str]:
        """Blocks that are complete with this chunk: whole lines, or a piece of a long line.

        Args:
            text: clean text.
            final: no more text comes; what is left is a line.

        """
        rest = self._rest + text
        if final and rest and not rest.endswith("\n"):
            rest += "\n"
        start = 0
        while start < len(rest):
            limit = start + LONGEST_PIECE
            end = rest.rfind("\n", start, limit) + 1
            if not end:
                # One character more than a piece is needed, to see what a cut would part.
                if len(rest) <= limit:
                    break
                end = self._seam(rest, start, limit)
            yield rest[start:end]
            start = end
        self._rest = rest[start:]

    def _seam(self, text: str, start: int, limit: int) -> int:
        """Where to cut: behind the last good place of text[start:limit], else near its end."""
        end = max(text.rfind(place, start, limit) for place in self._places) + 1
        while end > start and not _parts(text, end):
            end = max(text.rfind(place, start, end - 1) for place in self._places) + 1
        if end > start:
            return end
        end = limit
        while end > max(start + 1, limit - 64) and not _parts(text, end):
            end -= 1
        return end


def _parts(text: str, place: int) -> bool:
    """Whether a cut before ``text[place]`` leaves the characters on both sides as they are."""
    before, after = text[place - 1], text[place]
    if before == " ":
        return True
    if after in _JOINED_MARKS or before == "\u200d" or unicodedata.category(after)[0] == "M":
        return False
    if "\U0001f3fb" <= after <= "\U0001f3ff":
        return False  # the skin tone of an emoji
    if _FLAG_HALVES[0] <= after <= _FLAG_HALVES[1]:
        first = place
        while first and _FLAG_HALVES[0] <= text[first - 1] <= _FLAG_HALVES[1]:
            first -= 1
        if (place - first) % 2:
            return False
    # Some letters compose too: the parts of a Hangul syllable.
    left, right = text[max(0, place - _REACH) : place], text[place : place + _REACH]
    return compose(left + right) == compose(left) + compose(right)
