"""Answers to questions, each one answered or refused, in the order in which they were asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from dlkit.errors import NOT_FOUND, DlkitError
from dlkit.similar.arguments import SHORT_ELSEWHERE
from dlkit.similar.questions import Kind, Question, Unreadable, words_of
from dlkit.similar.values import Method, weighted
from dlkit.vectors import queries
from dlkit.vectors.store import UnknownWordError, compose

if TYPE_CHECKING:
    from dlkit.vectors.candidates import Candidates
    from dlkit.vectors.store import WordVectors

COLUMNS: Mapping[Kind, tuple[str, ...]] = {
    "nearest": ("query", "word", "similarity"),
    "pair": ("first", "second", "similarity"),
    "sets": ("first", "second", "similarity"),
    "rank": ("first", "second", "rank", "similarity"),
    "closer": ("first", "second", "word", "similarity"),
    "odd": ("query", "odd"),
}
# So many columns tell the question, which on a terminal is the title of its answer.
TITLE: Mapping[Kind, int] = {"nearest": 1, "closer": 2, "odd": 1}


class How(NamedTuple):
    """How questions are answered.

    Attributes:
        kind: what is asked.
        candidates: the words that may be answers.
        k: neighbours of each question; None: all.
        least: the least score of an answer.
        method: what makes one score of an expression: a sum, or a product of cosines (3CosMul).
        subwords: answer unknown words from their n-grams.

    """

    kind: Kind
    candidates: Candidates
    k: int | None = 10
    least: float | None = None
    method: Method = "add"
    subwords: bool = True


class Answer(NamedTuple):
    """What a question was answered: rows for a table or a pipe, and an object for JSON.

    ``notes`` tell of words that were answered otherwise than typed.
    """

    text: str
    rows: list[tuple[object, ...]]
    value: dict[str, Any]
    notes: tuple[str, ...] = ()


class Refusal(NamedTuple):
    """A question that has no answer, and why."""

    problem: DlkitError
    value: dict[str, Any]


def columns_of(how: How) -> tuple[str, ...]:
    """The names of the columns; a product of cosines is no similarity but a score."""
    return tuple(_score(how) if name == "similarity" else name for name in COLUMNS[how.kind])


def _score(how: How) -> str:
    return "score" if how.method == "mul" else "similarity"


def answer(
    vectors: WordVectors, asked: Sequence[Question | Unreadable], how: How
) -> Iterator[Answer | Refusal]:
    """One answer or refusal for each of ``asked``, in order."""
    most = 1 if how.method == "mul" else queries.questions_at_once(vectors)
    if how.kind != "nearest":
        for question in asked:
            yield _about_all(vectors, question, how)
        return
    for start in range(0, len(asked), most):
        yield from _nearest(vectors, asked[start : start + most], how)


def _nearest(
    vectors: WordVectors, asked: Sequence[Question | Unreadable], how: How
) -> Iterator[Answer | Refusal]:
    refused: dict[int, Refusal] = {}
    questions: list[tuple[queries.Term, ...]] = []
    directions = []
    found: list[list[queries.Neighbour]] = []
    for place, each in enumerate(asked):
        try:
            question = _resolved(vectors, each, how)
            if how.method == "mul":
                from dlkit.vectors.cosmul import nearest_by_product

                found.append(
                    nearest_by_product(vectors, question, how.candidates, k=how.k, least=how.least)
                )
            else:
                directions.append(queries.direction_of(question))
            questions.append(question)
        except DlkitError as problem:
            refused[place] = _refusal(each, problem, how)
    if how.method == "add":
        found = queries.nearest_each(
            vectors, questions, directions, how.candidates, k=how.k, least=how.least
        )
    answers = zip(questions, found, strict=True)
    for place, each in enumerate(asked):
        if place in refused:
            yield refused[place]
            continue
        question, neighbours = next(answers)
        rows: list[tuple[object, ...]] = [(each.text, *neighbour) for neighbour in neighbours]
        value = {"neighbors": _objects(neighbours, how)}
        yield _answered(each, question, rows, value, how)


def _objects(neighbours: Sequence[queries.Neighbour], how: How) -> list[dict[str, object]]:
    score = _score(how)
    return [{"word": each.word, score: each.similarity} for each in neighbours]


def _about_all(vectors: WordVectors, asked: Question | Unreadable, how: How) -> Answer | Refusal:
    """The answer about all words of a question together."""
    try:
        terms = _resolved(vectors, asked, how)
        assert isinstance(asked, Question)
        value, ends = _compared(vectors, asked, terms, how)
    except DlkitError as problem:
        return _refusal(asked, problem, how)
    names: tuple[str, ...] = (asked.text,)
    if how.kind != "odd":
        first = asked.first or 1
        names = (" ".join(asked.words[:first]), " ".join(asked.words[first:]))
    return _answered(asked, terms, [(*names, *end) for end in ends], value, how)


def _compared(
    vectors: WordVectors, asked: Question, terms: tuple[queries.Term, ...], how: How
) -> tuple[dict[str, Any], list[tuple[object, ...]]]:
    """What JSON gets beside the query, and the rows after the columns of the question."""
    if how.kind == "odd":
        odd = asked.words[queries.odd_one_out(terms)]
        return {"odd": odd}, [(odd,)]
    if how.kind == "sets":
        similarity = queries.between_sets(terms[: asked.first], terms[asked.first :])
        return {"similarity": similarity}, [(similarity,)]
    similarity = queries.pair(*terms)
    if how.kind == "pair":
        return {"similarity": similarity}, [(similarity,)]
    if how.kind == "rank":
        rank = queries.rank(vectors, terms[0], similarity, how.candidates)
        return {"rank": rank, "similarity": similarity}, [(rank, similarity)]
    closer = queries.closer_than(vectors, terms[0], similarity, how.candidates)
    kept = [each for each in closer if how.least is None or each.similarity >= how.least]
    kept = kept[: how.k]
    return {"similarity": similarity, "closer": _objects(kept, how)}, list(kept)


def _resolved(
    vectors: WordVectors, asked: Question | Unreadable, how: How
) -> tuple[queries.Term, ...]:
    """The terms of a question."""
    if isinstance(asked, Unreadable):
        raise DlkitError(asked.reason, code=NOT_FOUND)
    weights = asked.weights or (1.0,) * len(asked.words)
    try:
        return tuple(
            queries.term_of_word(vectors, word, weight, subwords=how.subwords)
            for word, weight in zip(asked.words, weights, strict=True)
        )
    except UnknownWordError as problem:
        _explain(problem, asked)
        raise


def _explain(problem: UnknownWordError, asked: Question) -> None:
    """Give another hint where an unknown word was meant as an option, or with a weight."""
    word, weights = problem.word, dict(zip(asked.words, asked.weights, strict=False))
    option = SHORT_ELSEWHERE.get(word)
    if option is not None and weights.get(word, 1) < 0 and not asked.line:
        problem.hint = f"-{word} is a minus word here; the option is {option}"
    elif weighted(word)[0] != word:
        problem.hint = f"a weight needs a sign: +{word}"


def _answered(
    asked: Question | Unreadable,
    terms: Sequence[queries.Term],
    rows: list[tuple[object, ...]],
    value: Mapping[str, Any],
    how: How,
) -> Answer:
    """The answer with its query, and with notes of words that were not taken as typed."""
    assert isinstance(asked, Question)
    notes = []
    unseen = []
    for word, weight in zip(asked.words, asked.weights, strict=False):
        option = SHORT_ELSEWHERE.get(word)
        if option is not None and weight == -1 and not asked.line:
            notes.append(f"-{word} is a minus word here; the option is {option}")
    for word, term in zip(asked.words, terms, strict=True):
        # Another composition of the same characters is none: nobody could see the difference.
        same = term.word in (word, compose(word))
        if term.row is None:
            unseen.append(word)
            whose = "its n-grams" if same else f"the n-grams of '{term.word}'"
            notes.append(f"'{word}' is not in the vocabulary: answered from {whose}")
        elif not same:
            notes.append(f"'{word}' is read as '{term.word}'")
    whole = {"query": _query(asked, how.kind), **value}
    if unseen:
        whole["from_ngrams"] = unseen
    return Answer(asked.text, rows, whole, tuple(notes))


def _query(asked: Question | Unreadable, kind: Kind) -> str | list[str] | list[list[str]]:
    """What JSON calls the question, in one shape for answers and refusals."""
    if kind == "nearest":
        return asked.text
    if isinstance(asked, Question):
        words = list(asked.words)
        return [words[: asked.first], words[asked.first :]] if kind == "sets" else words
    if kind == "sets":
        return [part.split() for part in asked.text.split("\t") if part]
    return list(words_of(asked.text))


def _refusal(asked: Question | Unreadable, problem: DlkitError, how: How) -> Refusal:
    suggestions = problem.suggestions if isinstance(problem, UnknownWordError) else []
    value: dict[str, Any] = {
        "query": _query(asked, how.kind),
        "error": problem.message,
        "suggestions": suggestions,
    }
    if asked.line:
        value["line"] = asked.line
        problem = DlkitError(
            f"line {asked.line}: {problem.message}", hint=problem.hint, code=problem.code
        )
    return Refusal(problem, value)
