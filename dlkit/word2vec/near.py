"""The nearest words of many words at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dlkit.vectors.queries import Neighbour, Term
    from dlkit.vectors.store import WordVectors


def nearest_words(vectors: WordVectors, rows: Sequence[int], k: int) -> list[list[Neighbour]]:
    """For each of ``rows`` the ``k`` nearest words, nearest first; none for a vector of zeros.

    Raises:
        DlkitError: the vectors hold values that are no finite numbers.

    """
    from dlkit.vectors.queries import term_of

    distinct = list(dict.fromkeys(rows))
    terms = [term_of(vectors, row) for row in distinct]
    answers = dict(zip(distinct, nearest_terms(vectors, terms, k), strict=True))
    return [answers[row] for row in rows]


def nearest_terms(vectors: WordVectors, terms: Sequence[Term], k: int) -> list[list[Neighbour]]:
    """For each of ``terms`` the ``k`` nearest words other than itself, as ``nearest_words``."""
    from dlkit.vectors.candidates import Candidates
    from dlkit.vectors.queries import direction_of, nearest_each, questions_at_once
    from dlkit.vectors.store import TINY

    answers: list[list[Neighbour]] = [[] for _ in terms]
    directed = [place for place, each in enumerate(terms) if np.linalg.norm(each.vector) >= TINY]
    candidates, at_once = Candidates(vectors), questions_at_once(vectors)
    for start in range(0, len(directed), at_once):
        some = directed[start : start + at_once]
        questions = [[terms[place]] for place in some]
        directions = [direction_of(question) for question in questions]
        found = nearest_each(vectors, questions, directions, candidates, k=k)
        for place, answer in zip(some, found, strict=True):
            answers[place] = answer
    return answers
