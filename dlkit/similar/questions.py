"""From words with signs to questions, from arguments and from lines."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from dlkit.errors import USAGE, DlkitError
from dlkit.similar.arguments import STDIN, UNSIGNED

Kind = Literal["nearest", "pair", "odd"]

_READ = 1 << 16  # bytes at a time
LONGEST_LINE = 1 << 16  # bytes

LEAST_WORDS = {"nearest": 1, "pair": 2, "odd": 3}


class Question(NamedTuple):
    """One question.

    Attributes:
        text: as it was asked.
        plus: the words asked for; those of a pair, or of which one is the odd one out.
        minus: the words taken away.
        line: its line of standard input, from 1; 0 for an argument.

    """

    text: str
    plus: tuple[str, ...]
    minus: tuple[str, ...] = ()
    line: int = 0


class Unreadable(NamedTuple):
    """A line that is no question, and why."""

    text: str
    line: int
    reason: str


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
    text = " ".join(word.removeprefix(UNSIGNED) for word in words)
    minus = tuple(word[1:] for word in words if word[0] == "-")
    return Question(text, tuple(word[1:] for word in words if word[0] != "-"), minus, line)


def _whole(words: tuple[str, ...], kind: Kind, line: int = 0) -> Question:
    """The question about all of ``words`` together."""
    if kind == "pair" and len(words) != 2:
        raise DlkitError(f"--pair compares two words, not {len(words)}", code=USAGE)
    if len(words) < LEAST_WORDS[kind]:
        raise DlkitError(f"--odd-one-out needs 3 words or more, not {len(words)}", code=USAGE)
    return Question(" ".join(words), words, (), line)


def from_line(
    number: int, content: bytes, kind: Kind, *, expressions: bool
) -> Question | Unreadable:
    """The question that a line of standard input asks, or why it asks none.

    Args:
        number: the line's number, from 1.
        content: the line without its newline.
        kind: what is asked; pairs and odd ones out are words between tabs, else between spaces.
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
            return _whole(words_of(text), kind, number)
        except DlkitError as problem:
            return Unreadable(text, number, problem.message)
    if not expressions:
        return Question(text, (text,), (), number)
    signed = [
        word if word[0] in "+-" and len(word) > 1 else UNSIGNED + word for word in text.split()
    ]
    return _expression(signed, number)


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
