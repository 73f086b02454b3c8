"""Scores of word vectors on tests that were read before, by section and in total."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from dlkit.records import Noted, Record
from dlkit.vectors.analogies import AnalogyScores, score_analogies
from dlkit.vectors.pairs import PairScores, score_pairs
from dlkit.vectors.rules import PRESETS, Lookup, Rules
from dlkit.vectors.wordtests import Analogies, Pairs, Test

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.vectors.offsets import Method
    from dlkit.vectors.store import WordVectors

Level = Literal["section", "group", "total"]

_SEMANTIC_SECTIONS: Final = 5  # of the file that word2vec comes with
_SYNTACTIC: Final = "gram"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many questions of a part of a test were answered right.

    Attributes:
        part: a section's name; semantic, syntactic or total.
        level: section, group (of sections) or total.
        method: add or mul.
        correct: answered right.
        total: that count; with skipped ones all.
        skipped: with an unknown word, not counted in ``total``.
        unknown: with an unknown word, counted or not.
        cosine: mean cosine of b - a + c with d where the answer was right; None if none was.

    """

    part: str
    level: Level
    method: Method
    correct: int
    total: int
    skipped: int
    unknown: int
    cosine: float | None

    @property
    def accuracy(self) -> float | None:
        """The share of right answers; None without a question."""
        return self.correct / self.total if self.total else None


def evaluate(
    vectors: WordVectors,
    test: Test,
    lookup: Lookup,
    *,
    methods: Sequence[Method] = ("add",),
) -> Generator[Record, None, list[Tally] | PairScores]:
    """The scores of one test; yields how far it is.

    Args:
        vectors: (V, D).
        test: questions or pairs.
        lookup: of the same vectors; one serves many tests.
        methods: by which analogies are answered.

    Raises:
        DlkitError: the vectors hold values that are no finite numbers.

    """
    before = len(lookup.respelt)
    if isinstance(test, Pairs):
        pairs = score_pairs(vectors, test, lookup)
        if pairs.composed:
            what = "1 pair has" if pairs.composed == 1 else f"{pairs.composed:,} pairs have"
            yield Noted(f"{test.name}: {what} a word whose vector is that of its n-grams")
        result: list[Tally] | PairScores = pairs
    else:
        scores = yield from score_analogies(vectors, test, lookup, methods)
        result = tallies(test, scores, lookup.rules)
    respelt = list(lookup.respelt.items())[before:]
    if respelt:
        word, spelling = respelt[0]
        what = "1 word is" if len(respelt) == 1 else f"{len(respelt):,} words are"
        yield Noted(
            f"{test.name}: {what} read as the corpus spells, such as '{word}' as '{spelling}'"
        )
    return result


def score(
    vectors: WordVectors, tests: Sequence[Test], *, rules: Rules = PRESETS["dlkit"]
) -> dict[str, float]:
    """For each test one number, by the name of its file without folder and ending.

    It is the share of analogies that 3CosAdd answers right, or Spearman's correlation of pairs.
    Tests without a known question are left out.

    Raises:
        DlkitError: the vectors hold values that are no finite numbers.

    """
    lookup = Lookup(vectors, rules)
    scores: dict[str, float] = {}
    for test in tests:
        if isinstance(test, Pairs):
            value = score_pairs(vectors, test, lookup).spearman
        else:
            value = _finished(vectors, test, lookup)[-1].accuracy
        if value is not None:
            name = PurePath(test.name).name.split(".")[0]
            # Two files of one name are told apart by their whole paths.
            scores[test.name if name in scores else name] = value
    return scores


def _finished(vectors: WordVectors, test: Analogies, lookup: Lookup) -> list[Tally]:
    work = score_analogies(vectors, test, lookup)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return tallies(test, end.value, lookup.rules)


def tallies(test: Analogies, scores: AnalogyScores, rules: Rules) -> list[Tally]:
    """For each method the sections in order, semantic and syntactic if there are, and the total."""
    section_of = np.array(test.section_of, dtype=np.intp)
    parts: list[tuple[str, Level, npt.NDArray[np.bool_]]] = [
        (name, "section", section_of == place) for place, name in enumerate(test.sections)
    ]
    groups = _groups(test.sections, rules)
    for name, sections in groups.items():
        parts.append((name, "group", np.isin(section_of, sections)))
    parts.append(("total", "total", np.ones(len(section_of), dtype=bool)))
    return [_tally(scores, method, *part, rules=rules) for method in scores.right for part in parts]


def _groups(sections: Sequence[str], rules: Rules) -> Mapping[str, list[int]]:
    """Which sections are semantic and which syntactic; nothing where the names do not tell."""
    places = range(len(sections))
    if rules.by_position:
        # Questions before the first section count as semantic, too.
        unnamed = int(sections[:1] == ("",))
        syntactic = [place for place in places if place >= _SEMANTIC_SECTIONS + unnamed]
    else:
        syntactic = [place for place in places if sections[place].startswith(_SYNTACTIC)]
        if not syntactic:
            return {}
    semantic = [place for place in places if place not in syntactic]
    return {"semantic": semantic, "syntactic": syntactic}


def _tally(
    scores: AnalogyScores,
    method: Method,
    part: str,
    level: Level,
    inside: npt.NDArray[np.bool_],
    *,
    rules: Rules,
) -> Tally:
    right = scores.right[method] & inside
    correct, unknown = int(right.sum()), int((inside & ~scores.known).sum())
    skipped = unknown if rules.unknown == "skip" else 0
    return Tally(
        part,
        level,
        method,
        correct=correct,
        total=int(inside.sum()) - skipped,
        skipped=skipped,
        unknown=unknown,
        cosine=float(scores.cosines[right].mean()) if correct else None,
    )
