"""Answers to questions, each one answered or refused, in the order in which they were asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from dlkit.errors import NOT_FOUND, DlkitError
from dlkit.similar.arguments import SHORT_ELSEWHERE
from dlkit.similar.questions import Kind, Question, Unreadable, words_of
from dlkit.vectors import queries
from dlkit.vectors.store import UnknownWordError, compose

if TYPE_CHECKING:
    from dlkit.vectors.store import WordVectors

COLUMNS: Mapping[Kind, tuple[str, ...]] = {
    "nearest": ("query", "word", "similarity"),
    "pair": ("first", "second", "similarity"),
    "odd": ("query", "odd"),
}


class Answer(NamedTuple):
    """What a question was answered: rows for a table or a pipe, and an object for JSON.

    ``respelt`` holds each word that was answered under another spelling, and that spelling.
    """

    text: str
    rows: list[tuple[object, ...]]
    value: dict[str, Any]
    respelt: tuple[tuple[str, str], ...] = ()


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
            refused[place] = _refusal(each, problem, each.text)
    found = queries.nearest_each(vectors, questions, directions, k=k, restrict=restrict)
    answers = zip(questions, found, strict=True)
    for place, each in enumerate(asked):
        if place in refused:
            yield refused[place]
            continue
        question, neighbours = next(answers)
        value = {
            "query": each.text,
            "neighbors": [
                {"word": neighbour.word, "similarity": neighbour.similarity}
                for neighbour in neighbours
            ],
        }
        lines: list[tuple[object, ...]] = [(each.text, *neighbour) for neighbour in neighbours]
        yield Answer(each.text, lines, value, _respelt(vectors, each, question))


def _resolved(vectors: WordVectors, asked: Question | Unreadable) -> queries.Question:
    """The rows that a question asks for."""
    if isinstance(asked, Unreadable):
        raise DlkitError(asked.reason, code=NOT_FOUND)
    plus = tuple(vectors.find(word) for word in asked.plus)
    return queries.Question(plus, tuple(_taken_away(vectors, word, asked) for word in asked.minus))


def _taken_away(vectors: WordVectors, word: str, asked: Question) -> int:
    """The row of a minus word; where it is unknown, it may have been meant as an option."""
    try:
        return vectors.find(word)
    except UnknownWordError as problem:
        option = SHORT_ELSEWHERE.get(word)
        if option is not None and not asked.line:
            problem.hint = f"-{word} is a minus word here; the option is {option}"
        raise


def _respelt(
    vectors: WordVectors, asked: Question | Unreadable, found: queries.Question
) -> tuple[tuple[str, str], ...]:
    """The words of ``asked`` that were found under another spelling, and that spelling.

    Another composition of the same characters is none: nobody could see the difference.
    """
    assert isinstance(asked, Question)
    words = zip((*asked.plus, *asked.minus), (*found.plus, *found.minus), strict=True)
    pairs = ((word, vectors.word(row)) for word, row in words)
    return tuple((word, other) for word, other in pairs if other not in (word, compose(word)))


def _about_all(vectors: WordVectors, asked: Question | Unreadable, kind: Kind) -> Answer | Refusal:
    """The answer about all words of a question together."""
    try:
        found = _resolved(vectors, asked)
    except DlkitError as problem:
        words = asked.plus if isinstance(asked, Question) else words_of(asked.text)
        return _refusal(asked, problem, list(words))
    assert isinstance(asked, Question)
    respelt = _respelt(vectors, asked, found)
    query = list(asked.plus)
    if kind == "pair":
        similarity = queries.pair(vectors, *found.plus)
        value = {"query": query, "similarity": similarity}
        return Answer(asked.text, [(*query, similarity)], value, respelt)
    odd = query[queries.odd_one_out(vectors, found.plus)]
    return Answer(asked.text, [(asked.text, odd)], {"query": query, "odd": odd}, respelt)


def _refusal(asked: Question | Unreadable, problem: DlkitError, query: str | list[str]) -> Refusal:
    """The refusal of ``asked``; ``query`` is what JSON calls it, as in an answer."""
    suggestions = problem.suggestions if isinstance(problem, UnknownWordError) else []
    value: dict[str, Any] = {
        "query": query,
        "error": problem.message,
        "suggestions": suggestions,
    }
    if asked.line:
        value["line"] = asked.line
        problem = DlkitError(
            f"line {asked.line}: {problem.message}", hint=problem.hint, code=problem.code
        )
    return Refusal(problem, value)
