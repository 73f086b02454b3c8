"""The answer of ``dlkit word2vec eval`` for one test, as rows of a table and as an object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from dlkit.vectors.evaluate import Tally
    from dlkit.vectors.pairs import PairScores
    from dlkit.vectors.rules import Lookup
    from dlkit.vectors.wordtests import Test

COLUMNS: Final = ("test", "section", "measure", "score", "correct", "total", "skipped", "cosine")

Row = tuple[object, ...]


def usable(scores: Sequence[Tally] | PairScores) -> bool:
    """Whether the words of at least one question are all known."""
    from dlkit.vectors.pairs import PairScores

    if isinstance(scores, PairScores):
        return scores.pairs > scores.unknown
    return scores[-1].total + scores[-1].skipped > scores[-1].unknown


def rows(test: Test, scores: Sequence[Tally] | PairScores) -> list[Row]:
    """The rows of one test, COLUMNS each; an empty cell where a measure has no such number."""
    from dlkit.vectors.pairs import PairScores

    if not isinstance(scores, PairScores):
        return [
            (
                test.name,
                tally.part,
                tally.method,
                tally.accuracy,
                tally.correct,
                tally.total,
                tally.skipped,
                tally.cosine,
            )
            for tally in scores
        ]
    skipped = scores.pairs - scores.used
    measures = {"spearman": scores.spearman, "pearson": scores.pearson}
    return [
        (test.name, "total", measure, score, None, scores.used, skipped, None)
        for measure, score in measures.items()
    ]


def value(
    test: Test,
    scores: Sequence[Tally] | PairScores,
    *,
    vectors: str,
    preset: str,
    lookup: Lookup,
) -> dict[str, Any]:
    """All that is known of one test's scores, for JSON."""
    from dlkit.vectors.pairs import PairScores

    rules = lookup.rules
    head: dict[str, Any] = {
        "test": test.name,
        "kind": "pairs" if isinstance(scores, PairScores) else "analogies",
        "vectors": vectors,
        "rules": {
            "preset": preset,
            "words": lookup.rows,
            "case": rules.case,
            "unknown": rules.unknown,
        },
        "malformed": test.malformed,
    }
    if isinstance(scores, PairScores):
        return head | {
            "pairs": scores.pairs,
            "used": scores.used,
            "unknown": scores.unknown,
            "unknown_percent": 100 * scores.unknown / scores.pairs,
            "composed": scores.composed,
            "spearman": scores.spearman,
            "pearson": scores.pearson,
        }
    total = scores[-1]
    asked = total.total + total.skipped
    return head | {
        "questions": asked,
        "unknown": total.unknown,
        "unknown_percent": 100 * total.unknown / asked,
        "scores": [{**asdict(tally), "accuracy": tally.accuracy} for tally in scores],
    }
