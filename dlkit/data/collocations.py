"""Which neighbouring words are phrases: the scores of collocations.

Mikolov, Sutskever, Chen, Corrado and Dean 2013, "Distributed Representations of Words and Phrases
and their Compositionality", section 4, https://arxiv.org/abs/1310.4546; Bouma 2009, "Normalized
(Pointwise) Mutual Information in Collocation Extraction".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from dlkit.errors import USAGE, DlkitError

Score = Literal["paper", "npmi"]

SCORES: Final = ("paper", "npmi")
THRESHOLDS: Final = {"paper": 100.0, "npmi": 0.5}  # word2phrase.c's, and one that suits
MAX_PAIRS: Final = 20_000_000  # half a gigabyte

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rules:
    """What makes a phrase.

    Attributes:
        score: paper or npmi.
        thresholds: what a score must exceed, for each pass.
        min_count: paper: the discount delta, so that pairs seen no more often never join; npmi:
            pairs seen less often never join.
        joiner: what stands between the words of a phrase.
        connectors: words that may stand inside a phrase and neither begin nor end one.
        max_pairs: different pairs held in memory at once; more take more readings of the words.

    """

    score: Score = "paper"
    thresholds: tuple[float, ...] = (THRESHOLDS["paper"],)
    min_count: int = 5
    joiner: str = "_"
    connectors: tuple[str, ...] = ()
    max_pairs: int = MAX_PAIRS

    @property
    def least(self) -> int:
        """How often a pair, and so each of its words, must occur in any phrase."""
        return self.min_count + 1 if self.score == "paper" else max(1, self.min_count)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A pair that joins: its text, score and count, its outer words and theirs, and its pass."""

    text: str
    score: float
    count: int
    first: str
    first_count: int
    last: str
    last_count: int
    number: int


def rules(
    *,
    score: str | None = None,
    threshold: str | None = None,
    passes: int | None = None,
    min_count: int = 5,
    joiner: str = "_",
    connectors: tuple[str, ...] = (),
    max_pairs: int = MAX_PAIRS,
) -> Rules:
    """The rules that options describe.

    Args:
        score: paper (None) or npmi.
        threshold: one number for all passes, or one for each, with commas between.
        passes: how many; None: one for each threshold.
        min_count: of pairs, at least 0.
        joiner: without white space and control characters.
        connectors: as in Rules.
        max_pairs: at least 1.

    Raises:
        DlkitError: usage: a value that does not fit.

    """
    if score not in (None, *SCORES):
        raise DlkitError(
            f"--score: unknown score {score!r}", hint=f"use {' or '.join(SCORES)}", code=USAGE
        )
    kind: Score = "npmi" if score == "npmi" else "paper"
    thresholds = _thresholds(kind, threshold, passes)
    if min_count < 0:
        raise DlkitError(f"--min-count: must be at least 0, not {min_count}", code=USAGE)
    if max_pairs < 1:
        raise DlkitError(f"--max-pairs: must be at least 1, not {max_pairs}", code=USAGE)
    if not all(map(str.isprintable, joiner)) or joiner.split() != [joiner][: len(joiner)]:
        raise DlkitError(f"--joiner: {joiner!r} would part words, not join them", code=USAGE)
    return Rules(kind, thresholds, min_count, joiner, connectors, max_pairs)


def _thresholds(score: Score, text: str | None, passes: int | None) -> tuple[float, ...]:
    if passes is not None and not 1 <= passes <= 100:
        raise DlkitError(f"--passes: must be from 1 to 100, not {passes}", code=USAGE)
    if text is None:
        return (THRESHOLDS[score],) * (passes or 1)
    low, high = (0.0, math.inf) if score == "paper" else (-1.0, 1.0)
    values = []
    for part in text.split(","):
        try:
            value = float(part)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and low <= value <= high):
            limits = "0 or more" if score == "paper" else "from -1 to 1"
            raise DlkitError(
                f"--threshold: must be {limits} for the score {score}, not {part.strip()}",
                code=USAGE,
            )
        values.append(value)
    if passes is not None and len(values) not in (1, passes):
        raise DlkitError(
            f"--threshold: {len(values)} values for --passes {passes}",
            hint="give one for all passes, or one for each",
            code=USAGE,
        )
    return tuple(values) if len(values) > 1 else tuple(values) * (passes or 1)


def scores(rules: Rules, count: _Ints, first: _Ints, last: _Ints, *, words: int) -> _Floats:
    """The scores of pairs, (n,) float64.

    Args:
        rules: says which score.
        count: how often each pair occurs, (n,).
        first: how often its first word does, (n,).
        last: how often its last word does, (n,).
        words: the words of the text.

    """
    if rules.score == "npmi":
        together = count / words
        expected = (first / words) * (last / words)
        found: _Floats = np.log(together / expected) / -np.log(together)
        return found
    # The paper's formula times the words of the text, as in word2phrase.c: so a threshold means the
    # same in texts of any length.
    both = first.astype(np.float64) * last
    return np.asarray((count - rules.min_count) / both * words, np.float64)
