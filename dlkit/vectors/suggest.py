"""Words that may have been meant by one that is not in the vocabulary."""

from __future__ import annotations

import unicodedata
from difflib import SequenceMatcher
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.vectors.lexicon import Lexicon

# Longer than this, nothing is a mistyped word.
_LONGEST = 64
# Comparing two spellings takes some microseconds; so many of the closest are compared.
_COMPARED = 300
# The share of equal characters that difflib asks of a close match is 0.6; short words need more.
_CLOSE = 0.65

# Scripts whose characters carry meaning of their own: Han, kana, Hangul.
_MEANINGFUL = (
    (0x2E80, 0x2FDF),
    (0x3005, 0x3007),
    (0x3040, 0x30FF),
    (0x3400, 0x9FFF),
    (0xAC00, 0xD7AF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


class Suggester:
    """Finds words of ``lexicon`` that resemble another word."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._text = lexicon.plain.decode("utf-8", "backslashreplace").lower()

    def suggest(self, word: str, count: int) -> list[str]:
        """At most ``count`` words, the likeliest first.

        First come other forms of the same word: in other case or width. Then, for a word with Han
        characters, kana or Hangul, the words that share most of them; else words spelt alike.
        Equals stand in order of frequency.
        """
        if not word or len(word) > _LONGEST or "\n" in word:
            return []
        found = dict.fromkeys(self._forms(word))
        lowered = word.lower()
        characters = {character for character in lowered if _meaningful(character)}
        rows = self._sharing(characters) if characters else self._spelt(lowered, count)
        for row in rows:
            if len(found) >= count:
                break
            found[row] = None
        return [self._lexicon.word(row) for row in found][:count]

    def _forms(self, word: str) -> list[int]:
        """Rows that hold ``word`` in other case, width or composition."""
        rows: list[int] = []
        for form in dict.fromkeys((word.lower(), unicodedata.normalize("NFKC", word).lower())):
            if self._text.startswith(form + "\n"):
                rows.append(0)
            place = self._text.find(f"\n{form}\n")
            while place >= 0:
                rows.append(int(np.searchsorted(self._ends, place)) + 1)
                place = self._text.find(f"\n{form}\n", place + 1)
        return rows

    def _sharing(self, characters: set[str]) -> list[int]:
        """Rows that hold one of ``characters`` or more; those that hold most of them first."""
        shared = np.zeros(len(self._lexicon), dtype=np.int8)
        for character in characters:
            places = np.flatnonzero(self._codes == ord(character))
            shared[np.unique(np.searchsorted(self._ends, places))] += 1
        rows = np.flatnonzero(shared)
        return [int(row) for row in rows[np.argsort(-shared[rows], kind="stable")]]

    def _spelt(self, word: str, count: int) -> list[int]:
        """Rows of words spelt like ``word``, the closest first."""
        wanted = np.bitwise_or.reduce(_bits(np.array([ord(each) for each in word])))
        lengths = np.diff(self._ends, prepend=-1) - 1
        most = max(1, len(word) // 3)  # letters too many or too few
        rows = np.flatnonzero(np.abs(lengths - len(word)) <= most)
        differing = np.bitwise_count(self._letters[rows] ^ wanted)
        close = differing <= 2 * most
        rows, differing = rows[close], differing[close]
        rows = rows[np.argsort(differing, kind="stable")][:_COMPARED]
        matcher = SequenceMatcher(autojunk=False)
        matcher.set_seq2(word)
        scored = []
        for row in rows:
            matcher.set_seq1(self._lexicon.word(int(row)).lower())
            if matcher.quick_ratio() >= _CLOSE and (ratio := matcher.ratio()) >= _CLOSE:
                scored.append((-ratio, int(row)))
        return [row for _, row in sorted(scored)[:count]]

    @cached_property
    def _codes(self) -> npt.NDArray[np.uint32]:
        """The code points of the lower-cased words, newlines between them."""
        return np.frombuffer(self._text.encode("utf-32-le"), dtype="<u4")

    @cached_property
    def _ends(self) -> npt.NDArray[np.intp]:
        """(V,) the place in ``_codes`` where each word ends."""
        return np.flatnonzero(self._codes == ord("\n"))

    @cached_property
    def _letters(self) -> npt.NDArray[np.uint64]:
        """(V,) for each word the set of its letters, one bit a letter (modulo 64)."""
        starts = np.concatenate(([0], self._ends[:-1] + 1))
        bits = _bits(self._codes)
        bits[self._ends] = 0
        return np.bitwise_or.reduceat(bits, starts)


def _bits(codes: npt.NDArray[np.integer]) -> npt.NDArray[np.uint64]:
    return np.uint64(1) << (codes.astype(np.uint64) & np.uint64(63))


def _meaningful(character: str) -> bool:
    code = ord(character)
    return any(first <= code <= last for first, last in _MEANINGFUL)
