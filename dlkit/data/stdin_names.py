"""Names of files on standard input, a line each, as ``find`` and ``ls`` write them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO, Final

from dlkit.data.queries import named_by
from dlkit.errors import DlkitError

_PIECE: Final = 1 << 16  # bytes
_LONGEST: Final = 1 << 16  # bytes of a name


def names_on(stdin: BinaryIO | None) -> Iterator[list[str]] | None:
    """The names that stdin holds, those together that have come together; None: it holds others.

    It holds names if its first line names a file, a folder or a pattern of files.

    Args:
        stdin: nothing of it is taken away where it holds no names.

    """
    peek = getattr(stdin, "peek", None)
    if stdin is None or peek is None:
        return None
    first = peek(1)[:_LONGEST].partition(b"\n")[0]
    if not first or b"\0" in first or not named_by(_name(first)):
        return None
    return _names(stdin)


def _names(stdin: BinaryIO) -> Iterator[list[str]]:
    """Whole lines, as they come.

    Raises:
        DlkitError: a line is no name, or names stdin.

    """
    rest, number = b"", 0
    read = getattr(stdin, "read1", stdin.read)
    while piece := read(_PIECE):
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > _LONGEST:
            raise DlkitError(f"standard input: line {number + len(lines) + 1:,} is no name")
        number += len(lines)
        yield [_checked(line) for line in lines if line.strip()]
    if rest.strip():
        yield [_checked(rest)]


def _checked(line: bytes) -> str:
    name = _name(line)
    if name == "-" or "\0" in name:
        raise DlkitError("standard input: a line is no name of a file", hint="a name a line")
    return name


def _name(line: bytes) -> str:
    return os.fsdecode(line.removesuffix(b"\r"))
