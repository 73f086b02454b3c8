"""The arguments of ``dlkit similar``, where a dash is a minus.

Words and options share the command line: ``国王 -男人 +女人 -k 5 --json``. All options but ``-k``
are long, so every other token of two or more characters that begins with one dash is a minus word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dlkit.errors import USAGE, DlkitError

STDIN = "-"
# The sign that a word without one gets, so that "=-x" is the word "-x" and "-x" is minus x.
UNSIGNED = "="

# What other tools call an option of ours, and what to type here.
_ELSEWHERE = dict.fromkeys(("--topn", "--top-n", "--topk", "--top-k", "--top", "--k"), "-k N")
# Short options elsewhere, minus words here.
SHORT_ELSEWHERE = {"h": "--help", "q": "--quiet"}

_K = re.compile(r"-k([0-9]+)")


class Option(NamedTuple):
    """What a declared option takes.

    Attributes:
        parameter: the name of the function's parameter.
        flag: it takes no value.
        many: it may be given again.

    """

    parameter: str
    flag: bool = False
    many: bool = False


class Arguments(NamedTuple):
    """What was typed.

    Attributes:
        words: in order, each with its sign before it: ``+``, ``-`` or UNSIGNED; or STDIN.
        values: for each parameter that was given its value; a list where it may be given again.
        help: ``--help`` was among the options.

    """

    words: list[str]
    values: dict[str, object]
    help: bool = False


def read(tokens: Sequence[str], options: Mapping[str, Option]) -> Arguments:
    """Tell words from options.

    Args:
        tokens: the command line after ``similar``.
        options: by the name that is typed, ``-k`` or ``--name``.

    Raises:
        DlkitError: USAGE: an option that is not declared, lacks its value or takes none.

    """
    words: list[str] = []
    values: dict[str, object] = {}
    rest = iter(tokens)
    for each in rest:
        if each == "--":
            words += [UNSIGNED + word for word in rest]
        elif each == STDIN:
            words.append(STDIN)
        elif each == "-k" or each.startswith("--"):
            name, assigned, value = each.partition("=")
            if name == "--help":
                return Arguments(words, values, help=True)
            option = _declared(name, options)
            if option.flag:
                if assigned:
                    raise DlkitError(f"{name} takes no value", code=USAGE)
                values[option.parameter] = True
                continue
            if not assigned:
                value = next(rest, "")
                if not value:
                    raise DlkitError(f"{name} needs a value", code=USAGE)
            _put(values, option, value)
        elif glued := _K.fullmatch(each):
            _put(values, options["-k"], glued[1])
        else:
            words.append(with_sign(each))
    return Arguments(words, values)


def with_sign(word: str) -> str:
    """``word`` with its sign, which is UNSIGNED if it has none; a lone sign is a word."""
    return word if word[:1] in ("+", "-") and len(word) > 1 else UNSIGNED + word


def _declared(name: str, options: Mapping[str, Option]) -> Option:
    if name in options:
        return options[name]
    if name in _ELSEWHERE:
        raise DlkitError(f"there is no option {name}", hint=_ELSEWHERE[name], code=USAGE)
    from difflib import get_close_matches

    close = get_close_matches(name, options, n=1)
    hint = f"did you mean {close[0]}?" if close else "dlkit similar --help"
    raise DlkitError(f"there is no option {name}", hint=hint, code=USAGE)


def _put(values: dict[str, object], option: Option, value: str) -> None:
    if option.many:
        several = values.setdefault(option.parameter, [])
        assert isinstance(several, list)
        several.append(value)
    else:
        values[option.parameter] = value
