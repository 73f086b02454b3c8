"""Tests of word vectors: analogy questions, and pairs with people's scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["analogies", "pairs"]
KINDS: Final = ("analogies", "pairs")

Quadruple = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Analogies:
    """Questions a : b = c : d, of which d is asked for.

    Attributes:
        name: what messages call the test.
        sections: their names, in order; "" first if questions stand before the first of them.
        questions: N times (a, b, c, d).
        section_of: for each question the place of its section in ``sections``.
        malformed: lines that were left out.

    """

    name: str
    sections: tuple[str, ...]
    questions: tuple[Quadruple, ...]
    section_of: tuple[int, ...]
    malformed: int = 0


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of words and how alike people find them.

    Attributes:
        name: what messages call the test.
        pairs: N times two words.
        scores: N numbers, on any scale; more is more alike.
        malformed: lines that were left out.

    """

    name: str
    pairs: tuple[tuple[str, str], ...]
    scores: tuple[float, ...]
    malformed: int = 0


Test = Analogies | Pairs
