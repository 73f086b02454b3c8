"""The nearest words of many words at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dlkit.vectors.queries import Neighbour
    from dlkit.vectors.store import WordVectors


def nearest_words(vectors: WordVectors, rows: Sequence[int], k: int) -> list[list[Neighbour]]:
    """For each of ``rows`` the ``k`` nearest words, nearest first; none for a vector of zeros.

    Raises:
        DlkitError: the vectors hold values that are no finite numbers.

    """
    from dlkit.vectors.candidates import Candidates
    from dlkit.vectors.queries import direction_of, nearest_each, questions_at_once, term_of

    answers: dict[int, list[Neighbour]] = {}
    directed = [row for row in dict.fromkeys(rows) if vectors.scales[row]]
    candidates, at_once = Candidates(vectors), questions_at_once(vectors)
    for start in range(0, len(directed), at_once):
        some = directed[start : start + at_once]
        questions = [[term_of(vectors, row)] for row in some]
        directions = [direction_of(question) for question in questions]
        found = nearest_each(vectors, questions, directions, candidates, k=k)
        answers.update(zip(some, found, strict=True))
    return [answers.get(row, []) for row in rows]
