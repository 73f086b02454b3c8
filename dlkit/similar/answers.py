"""Answers to questions, each one answered or refused, in the order in which they were asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from dlkit.errors import NOT_FOUND, DlkitError
from dlkit.similar.questions import Kind, Question, Unreadable
from dlkit.vectors import queries
from dlkit.vectors.store import UnknownWordError

if TYPE_CHECKING:
    from dlkit.vectors.store import WordVectors

COLUMNS: Mapping[Kind, tuple[str, ...]] = {
    "nearest": ("query", "word", "similarity"),
    "pair": ("first", "second", "similarity"),
    "odd": ("query", "odd"),
}


class Answer(NamedTuple):
    """What a question was answered: rows for a table or a pipe, and an object for JSON."""

    text: str
    rows: list[tuple[object, ...]]
    value: dict[str, Any]


class Refusal(NamedTuple):
    """A question that has no answer, and why."""

    problem: DlkitError
    value: dict[str, Any]


def answer(
    vectors: WordVectors,
    asked: Sequence[Question | Unreadable],
    kind: Kind,
    *,
    k: int,
    restrict: int | None,
) -> Iterator[Answer | Refusal]:
    """One answer or refusal for each of ``asked``, in order."""
    if kind != "nearest":
        for question in asked:
            yield _about_all(vectors, question, kind)
        return
    most = queries.questions_at_once(vectors)
    for start in range(0, len(asked), most):
        yield from _nearest(vectors, asked[start : start + most], k, restrict)


def _nearest(
    vectors: WordVectors,
    asked: Sequence[Question | Unreadable],
    k: int,
    restrict: int | None,
) -> Iterator[Answer | Refusal]:
    refused: dict[int, Refusal] = {}
    questions: list[queries.Question] = []
    directions = []
    for place, each in enumerate(asked):
        try:
            question = _resolved(vectors, each)
            directions.append(queries.direction_of(vectors, question))
            questions.append(question)
        except DlkitError as problem:
            refused[place] = _refusal(each, problem)
    found = queries.nearest_each(vectors, questions, directions, k=k, restrict=restrict)
    answers = iter(found)
    for place, each in enumerate(asked):
        if place in refused:
            yield refused[place]
            continue
        neighbours = next(answers)
        value = {
            "query": each.text,
            "neighbors": [
                {"word": neighbour.word, "similarity": neighbour.similarity}
                for neighbour in neighbours
            ],
        }
        yield Answer(each.text, [(each.text, *neighbour) for neighbour in neighbours], value)


def _resolved(vectors: WordVectors, asked: Question | Unreadable) -> queries.Question:
    """The rows that a question asks for."""
    if isinstance(asked, Unreadable):
        raise DlkitError(asked.reason, code=NOT_FOUND)
    plus = tuple(vectors.find(word) for word in asked.plus)
    return queries.Question(plus, tuple(vectors.find(word) for word in asked.minus))


def _about_all(vectors: WordVectors, asked: Question | Unreadable, kind: Kind) -> Answer | Refusal:
    """The answer about all words of a question together."""
    try:
        rows = _resolved(vectors, asked).plus
    except DlkitError as problem:
        return _refusal(asked, problem)
    assert isinstance(asked, Question)
    words = list(asked.plus)
    if kind == "pair":
        similarity = queries.pair(vectors, *rows)
        value = {"query": words, "similarity": similarity}
        return Answer(asked.text, [(*words, similarity)], value)
    odd = words[queries.odd_one_out(vectors, rows)]
    return Answer(asked.text, [(asked.text, odd)], {"query": words, "odd": odd})


def _refusal(asked: Question | Unreadable, problem: DlkitError) -> Refusal:
    suggestions = problem.suggestions if isinstance(problem, UnknownWordError) else []
    value: dict[str, Any] = {
        "query": asked.text,
        "error": problem.message,
        "suggestions": suggestions,
    }
    if asked.line:
        value["line"] = asked.line
        problem = DlkitError(
            f"line {asked.line}: {problem.message}", hint=problem.hint, code=problem.code
        )
    return Refusal(problem, value)
