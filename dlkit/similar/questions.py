"""From words with signs to questions, from arguments and from lines."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from dlkit.errors import USAGE, DlkitError
from dlkit.similar.arguments import STDIN, UNSIGNED, with_sign
from dlkit.similar.values import weighted

Kind = Literal["nearest", "pair", "sets", "rank", "closer", "odd"]

# The option that asks each kind of question about several words together.
OPTIONS: Mapping[Kind, str] = {
    "pair": "--pair",
    "sets": "--sets",
    "rank": "--rank",
    "closer": "--closer-than",
    "odd": "--odd-one-out",
}

# What limits or orders answers, and which kinds of question have answers of that sort.
_LIMITS: Mapping[str, tuple[Kind, ...]] = {
    "-k": ("nearest", "closer"),
    "--restrict": ("nearest", "rank", "closer"),
    "--among": ("nearest", "rank", "closer"),
    "--candidate": ("nearest", "rank", "closer"),
    "--prefix": ("nearest", "rank", "closer"),
    "--min-score": ("nearest", "closer"),
    "--method": ("nearest",),
    "--expressions": ("nearest",),
}

_READ = 1 << 16  # bytes at a time
LONGEST_LINE = 1 << 16  # bytes


class Question(NamedTuple):
    """One question.

    Attributes:
        text: as it was asked.
        words: the words of it.
        weights: what each of them is multiplied by, minus words by -1; empty: each by 1.
        line: its line of standard input, from 1; 0 for an argument.
        first: so many of the words are the first of two sets.

    """

    text: str
    words: tuple[str, ...]
    weights: tuple[float, ...] = ()
    line: int = 0
    first: int = 0


class Unreadable(NamedTuple):
    """A line that is no question, and why."""

    text: str
    line: int
    reason: str


def kind_of(flags: Mapping[Kind, bool], given: Sequence[str]) -> Kind:
    """What is asked.

    Args:
        flags: for each kind but "nearest" whether its option was given.
        given: the names of other options that were given.

    Raises:
        DlkitError: USAGE: two kinds at once, or an option that has no meaning for the kind.

    """
    asked = [kind for kind, flag in flags.items() if flag]
    if len(asked) > 1:
        raise DlkitError(
            f"{OPTIONS[asked[0]]} and {OPTIONS[asked[1]]} exclude each other", code=USAGE
        )
    kind = asked[0] if asked else "nearest"
    for name in given:
        if kind not in _LIMITS[name]:
            raise DlkitError(f"{name} has no meaning with {OPTIONS[kind]}", code=USAGE)
    return kind


def from_arguments(words: Sequence[str], kind: Kind) -> list[Question]:
    """The questions that ``words``, each with its sign, ask.

    As soon as one of them is signed they are one expression; else each is a question of its own.

    Raises:
        DlkitError: USAGE: words too many or too few, empty, or with signs where none can be.

    """
    if any(len(word) < 2 for word in words):
        raise DlkitError("a word is empty", code=USAGE)
    if kind != "nearest":
        if any(word[0] != UNSIGNED for word in words):
            raise DlkitError(
                "signs have no meaning here; write a word that begins with one as --word=-x",
                code=USAGE,
            )
        return [_whole(tuple(word[1:] for word in words), kind)]
    if all(word[0] == UNSIGNED for word in words):
        return [Question(word[1:], (word[1:],)) for word in words]
    return [_expression(words)]


def _expression(words: Sequence[str], line: int = 0) -> Question:
    """One question of words with signs, of which a signed one may have a weight: ``+0.5*x``."""
    text = " ".join(word.removeprefix(UNSIGNED) for word in words)
    parts = [(word[1:], 1.0) if word[0] == UNSIGNED else weighted(word[1:]) for word in words]
    signs = [-1.0 if word[0] == "-" else 1.0 for word in words]
    weights = tuple(sign * weight for sign, (_, weight) in zip(signs, parts, strict=True))
    return Question(text, tuple(word for word, _ in parts), weights, line)


def _whole(words: tuple[str, ...], kind: Kind, line: int = 0) -> Question:
    """The question about all of ``words``, or of two sets of words, together."""
    option = OPTIONS[kind]
    if kind == "odd":
        if len(words) < 3:
            raise DlkitError(f"{option} needs 3 words or more, not {len(words)}", code=USAGE)
    elif len(words) != 2:
        what = "sets, each one argument," if kind == "sets" else "words,"
        raise DlkitError(f"{option} compares two {what} not {len(words)}", code=USAGE)
    text = " ".join(words)
    if kind != "sets":
        return Question(text, words, (), line)
    # On a line tabs stand between the sets already.
    first, second = (tuple(each.split()) if line else words_of(each) for each in words)
    if not first or not second:
        raise DlkitError("a set has no words", code=USAGE)
    return Question(text, first + second, (), line, len(first))


def from_line(
    number: int, content: bytes, kind: Kind, *, expressions: bool
) -> Question | Unreadable:
    """The question that a line of standard input asks, or why it asks none.

    Args:
        number: the line's number, from 1.
        content: the line without its newline.
        kind: what is asked. Several words stand between tabs, else between spaces; of two sets
            each one's words between spaces, and a tab between the sets.
        expressions: signs have a meaning: ``a -b +c``; else the line is one literal word.

    """
    if len(content) > LONGEST_LINE:
        start = content[:40].decode("utf-8", "backslashreplace") + "…"
        return Unreadable(start, number, f"longer than {LONGEST_LINE:,} bytes")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as problem:
        shown = content.decode("utf-8", "backslashreplace")
        return Unreadable(shown, number, f"not UTF-8 at byte {problem.start + 1}")
    text = (text.removeprefix("\ufeff") if number == 1 else text).strip()
    if not text:
        return Unreadable("", number, "empty")
    if kind != "nearest":
        try:
            words = tuple(text.split("\t")) if kind == "sets" else words_of(text)
            return _whole(words, kind, number)
        except DlkitError as problem:
            return Unreadable(text, number, problem.message)
    if not expressions:
        return Question(text, (text,), (), number)
    return _expression([with_sign(word) for word in text.split()], number)


def words_of(text: str) -> tuple[str, ...]:
    """The words of a line about several: between tabs if it has any, else between spaces."""
    return tuple(word for word in text.split("\t" if "\t" in text else None) if word)


def lines(descriptor: int) -> Iterator[list[tuple[int, bytes]]]:
    """The lines of ``descriptor`` as they come: all that are there, then all that came meanwhile.

    Yields lists of a line's number, from 1, and its bytes without the newline; of a line longer
    than LONGEST_LINE only what is over that limit by one byte or more, so that memory is bounded.
    """
    rest = b""
    number = 0
    while True:
        data = os.read(descriptor, _READ)
        if not data:
            if rest:
                yield [(number + 1, rest)]
            return
        *complete, rest = (rest + data).split(b"\n")
        rest = rest[: LONGEST_LINE + 1]
        if complete:
            yield [(number + place, line) for place, line in enumerate(complete, 1)]
            number += len(complete)


def wants_stdin(words: Sequence[str]) -> bool:
    """Whether the questions come from standard input.

    Raises:
        DlkitError: USAGE: there are no words at all, or words beside ``-``.

    """
    if not words:
        raise DlkitError(
            "no word is given",
            hint="dlkit similar 早餐; a lone - reads words from stdin",
            code=USAGE,
        )
    if STDIN not in words:
        return False
    if len(words) > 1:
        raise DlkitError(
            "a lone - reads the words from stdin, so no word can stand beside it", code=USAGE
        )
    return True
