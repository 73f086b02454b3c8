"""By which rules a test of word vectors is scored, and which row a word of it means.

Published accuracies follow the rules of the tool that made them, and the rules move them by several
points: how many words are candidates, whether case counts, what happens to unknown words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from dlkit.vectors.store import WordVectors

Case = Literal["fold", "keep"]
Unknown = Literal["skip", "wrong"]
CASES: Final = ("fold", "keep")
UNKNOWN: Final = ("skip", "wrong")


@dataclass(frozen=True, slots=True)
class Rules:
    """How questions are read and answers are judged.

    Attributes:
        restrict: only the so many most frequent words are known and are candidates; 0: all.
        case: fold: words that differ in case only are one, that of the first row; keep: they are
            different words.
        unknown: questions with an unknown word are skipped; or they are wrong, and a pair's cosine
            is 0.
        ascii_case: case is folded for a to z only, as C's ``toupper`` does.
        spelling: a word that is not found as typed is looked up as the corpus was spelt.
        variants: words that differ from an asked word in case only are no answers; otherwise only
            the three rows asked with are none.
        within: an answer is looked for among the first so many candidates that are not the three
            rows asked with; None: among all.
        above_zero: an answer's score must be above zero.
        longest: words of more bytes cannot be asked for; None: there is no limit.
        subwords: unknown words of pairs get vectors from their n-grams, where the vectors have
            such; of analogies they stay unknown.
        by_position: the first five sections are semantic, the others syntactic; otherwise those
            called ``gram…`` are syntactic, and without one there are no such totals.

    """

    restrict: int = 300_000
    case: Case = "fold"
    unknown: Unknown = "skip"
    ascii_case: bool = False
    spelling: bool = True
    variants: bool = True
    within: int | None = None
    above_zero: bool = False
    longest: int | None = None
    subwords: bool = False
    by_position: bool = False


# gensim: KeyedVectors.evaluate_word_analogies and evaluate_word_pairs of gensim 4.4.
# word2vec: compute-accuracy.c with the threshold of demo-word-accuracy.sh.
PRESETS: Final[Mapping[str, Rules]] = {
    "dlkit": Rules(),
    "gensim": Rules(spelling=False, within=5),
    "word2vec": Rules(
        restrict=30_000,
        ascii_case=True,
        spelling=False,
        variants=False,
        above_zero=True,
        longest=49,
        by_position=True,
    ),
}


class Lookup:
    """The words of ``vectors`` that ``rules`` let be known.

    Attributes:
        rows: R, how many rows of the matrix are candidates.
        respelt: words that were found as the corpus spells them only, and that spelling.

    """

    def __init__(self, vectors: WordVectors, rules: Rules) -> None:
        self.rules = rules
        self.rows = min(rules.restrict or len(vectors), len(vectors))
        self.respelt: dict[str, str] = {}
        self._vectors = vectors
        words = vectors.lexicon.plain.decode("utf-8", "backslashreplace").split("\n")
        self._first: dict[str, int] = {}
        self._others: dict[int, tuple[int, ...]] = {}
        for row in range(self.rows):
            if rules.longest is not None and len(words[row].encode()) > rules.longest:
                continue
            first = self._first.setdefault(self._folded(words[row]), row)
            if first != row:
                self._others[first] = (*self._others.get(first, ()), row)

    def row(self, word: str) -> int | None:
        """The row that ``word`` means, the first of those that differ in case; None: unknown."""
        row = self._first.get(self._folded(word))
        if row is None and self.rules.spelling:
            spelt = self._vectors.normalise(word)
            row = self._first.get(self._folded(spelt))
            if row is not None:
                self.respelt[word] = spelt
        return row

    def told(self) -> str:
        """The rules that move scores most, for a person."""
        rules = self.rules
        case = "case folded" if rules.case == "fold" else "case kept"
        unknown = "skipped" if rules.unknown == "skip" else "wrong"
        few = self.rows < len(self._vectors)
        words = f"the {self.rows:,} most frequent" if few else f"all {self.rows:,}"
        return f"{words} words, {case}, questions with unknown words {unknown}"

    def variants(self, row: int) -> tuple[int, ...]:
        """The rows, in order, of the word that ``row`` has first; ``row`` is among them."""
        return (row, *self._others.get(row, ()))

    def _folded(self, word: str) -> str:
        if self.rules.case == "keep":
            return word
        return word.translate(_ASCII_UPPER) if self.rules.ascii_case else word.upper()


_ASCII_UPPER: Final = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
