"""Text normalisation, the same for a corpus and for the queries that are asked of it later.

Canonical composition (NFC, Unicode Standard Annex 15) always; lower case and the stripping of outer
punctuation where asked for. Standard library only: ``similar`` imports this at start.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

# Characters that are NFC_Quick_Check=Yes with combining class 0, in the blocks that make up most
# text. Text of these alone is in NFC whatever their order, and a search for any other is ten times
# faster than unicodedata.is_normalized on Chinese.
_PERHAPS_NOT_COMPOSED = re.compile(
    "[^\x00-\u02ff\u0388-\u03ff\u0400-\u0482\u2002-\u2100\u2190-\u2328\u3001-\u3029"
    "\u3041-\u3098\u309b-\u30ff\u3400-\u9fff\uac00-\ud7a3\uff01-\uffef]"
)
_FRINGE = r"(?:[^\w\s]|_)"  # neither letter, digit nor space
_LEADING = re.compile(rf"(?<!\S){_FRINGE}++")
_TRAILING = re.compile(rf"(?<![^\w\s])(?<!_){_FRINGE}++(?!\S)")
_JOINERS = "\u200c\u200d"
_WHITESPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Normaliser:
    """Text as a model's vocabulary spells it.

    Attributes:
        lowercase: fold to lower case with ``str.lower``.
        drop_punctuation: strip punctuation and symbols around words; those inside stay
            (don't, state-of-the-art), and words of nothing else vanish.

    """

    lowercase: bool = False
    drop_punctuation: bool = False

    def __call__(self, text: str) -> str:
        """Normalise text whose words stand between white space."""
        return self.strip(self.fold(text))

    def fold(self, text: str) -> str:
        """Compose (NFC) and lower the case, without a look at word boundaries."""
        text = compose(text)
        if self.lowercase:
            # Lowering can leave a sequence that composes again.
            text = compose(text.lower())
        return text

    def strip(self, text: str) -> str:
        """Strip outer punctuation from words between white space, if asked for."""
        if not self.drop_punctuation:
            return text
        text = _LEADING.sub("", text)
        if text.isascii():
            return _TRAILING.sub("", text)
        return _TRAILING.sub(_keep_marks, text)

    def word(self, query: str) -> str:
        """One query word in the vocabulary's spelling, without white space around it."""
        return _WHITESPACE.sub(" ", self(query)).strip()

    def to_dict(self) -> dict[str, bool]:
        """The settings, for artifact.json."""
        return {"lowercase": self.lowercase, "drop_punctuation": self.drop_punctuation}

    @classmethod
    def from_dict(cls, settings: Mapping[str, object]) -> Normaliser:
        """The normaliser that ``to_dict`` described; other keys are not looked at."""
        return cls(
            lowercase=bool(settings.get("lowercase", False)),
            drop_punctuation=bool(settings.get("drop_punctuation", False)),
        )


def compose(text: str) -> str:
    """Canonical composition (NFC); cheap where the text, or most of its lines, are composed."""
    if text.isascii() or _PERHAPS_NOT_COMPOSED.search(text) is None:
        return text
    return "\n".join(
        unicodedata.normalize("NFC", line) if _PERHAPS_NOT_COMPOSED.search(line) else line
        for line in text.split("\n")
    )


def _keep_marks(match: re.Match[str]) -> str:
    """What of a run after the last letter belongs to that letter: vowel signs, accents, joiners."""
    run = match.group()
    end = 0
    while end < len(run) and (run[end] in _JOINERS or unicodedata.category(run[end])[0] == "M"):
        end += 1
    return run[:end]


@cache
def mark_class() -> str:
    """The inside of a regular expression's class of all combining marks (categories Mn, Mc, Me)."""
    ranges: list[list[int]] = []
    for start, stop in ((0x300, 0x20000), (0xE0100, 0xE01F0)):
        for point in range(start, stop):
            if unicodedata.category(chr(point))[0] != "M":
                continue
            if ranges and ranges[-1][1] == point - 1:
                ranges[-1][1] = point
            else:
                ranges.append([point, point])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
