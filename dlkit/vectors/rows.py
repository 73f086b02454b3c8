"""The rows of files of word vectors, text or binary, some megabytes at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from dlkit.errors import FAILED, DlkitError
from dlkit.vectors import decimals
from dlkit.vectors.detect import LONGEST_LINE, Found, is_number

if TYPE_CHECKING:
    import numpy.typing as npt

    Block = tuple[list[bytes], npt.NDArray[np.float32]]

READ = 1 << 23  # bytes at a time
_LONGEST_WORD = 1 << 16  # bytes


def text_rows(head: bytes, stream: BinaryIO, found: Found, name: str) -> Iterator[Block]:
    """The rows of a text, some megabytes at a time."""
    rest = head
    row = 0
    while True:
        more = stream.read(READ)
        text, newline, rest = (rest + more).rpartition(b"\n") if more else (rest, b"", b"")
        if not newline and more and len(rest) > LONGEST_LINE:
            raise DlkitError(f"{name}: row {row + 1} has no end", code=FAILED)
        # Empty lines are wrong between rows and harmless at the end of the file.
        lines = text.split(b"\n") if newline or text else []
        while not more and lines and not lines[-1].strip():
            lines.pop()
        if found.words is not None and row + len(lines) > found.words:
            if any(line.strip() for line in [*lines[found.words - row :], rest]):
                raise DlkitError(
                    f"{name} has more rows than the {found.words:,} words that its header promises",
                    code=FAILED,
                )
            lines = lines[: found.words - row]
        if lines:
            yield _parsed(lines, found, name, row)
            row += len(lines)
        if not more:
            return


def _parsed(lines: list[bytes], found: Found, name: str, before: int) -> Block:
    """Words and vectors (N, D) of N lines; ``before`` rows came before them."""
    words: list[bytes] = []
    tails: list[bytes] = []
    for line in lines:
        line = line.rstrip(b" \t\r")
        word, _, tail = line.partition(found.separator)
        if tail.count(found.separator) != found.dim - 1:
            word, tail = _split(line, found, name, before + len(words))
        words.append(word)
        tails.append(tail)
    try:
        values = decimals.parse(found.separator.join(tails), found.separator)
    except ValueError:
        values = np.empty(0)
    if len(values) != len(lines) * found.dim or b"" in words:
        for number, (line, word) in enumerate(zip(lines, words, strict=True), before):
            _split(line.rstrip(b" \t\r"), found, name, number)
            if not word:
                raise DlkitError(f"{name}: row {number + 1} has no word", code=FAILED)
        raise DlkitError(
            f"{name}: rows {before + 1} to {before + len(lines)} hold what is no number",
            code=FAILED,
        )
    with np.errstate(over="ignore"):  # what is beyond float32 becomes inf, and is found
        return words, values.astype(np.float32).reshape(len(lines), found.dim)


def _split(line: bytes, found: Found, name: str, before: int) -> tuple[bytes, bytes]:
    """The word of a row, which may hold spaces, and its ``dim`` numbers, counted from the right."""
    fields = line.rsplit(found.separator, found.dim)
    numbers = 0
    while numbers < len(fields) and is_number(fields[-1 - numbers]):
        numbers += 1
    if len(fields) == found.dim + 1 and numbers >= found.dim:
        return fields[0], found.separator.join(fields[1:])
    raise DlkitError(
        f"{name}: row {before + 1} has {numbers} numbers after its word, not "
        f"{found.dim}: {line[:60].decode('utf-8', 'backslashreplace')!r}",
        code=FAILED,
    )


def binary_rows(head: bytes, stream: BinaryIO, found: Found, name: str) -> Iterator[Block]:
    """The rows of a binary file, some megabytes at a time."""
    assert found.words is not None
    width = 4 * found.dim
    data = head
    row = 0
    while True:
        words: list[bytes] = []
        vectors: list[bytes] = []
        place = 0
        while row + len(words) < found.words:
            space = data.find(b" ", place, place + _LONGEST_WORD)
            if space < 0 or space + 1 + width > len(data):
                break
            # The newline that ends a row of the C tool stands before the next word.
            word = data[place:space].lstrip(b"\n")
            if not word or b"\n" in word:
                raise DlkitError(
                    f"{name}: row {row + len(words) + 1} has no word where one should be",
                    hint="the file is damaged, or its header gives the wrong number of values",
                    code=FAILED,
                )
            words.append(word)
            vectors.append(data[space + 1 : space + 1 + width])
            place = space + 1 + width
        if words:
            values = np.frombuffer(b"".join(vectors), dtype="<f4").reshape(-1, found.dim)
            yield words, values.astype(np.float32, copy=False)
            row += len(words)
        more = stream.read(max(READ, width))
        data = data[place:] + more
        if row == found.words:
            if data.strip(b"\r\n"):
                raise DlkitError(
                    f"{name} has more bytes than the {row:,} words that its header promises",
                    hint="the file is damaged, or its header gives the wrong number of values",
                    code=FAILED,
                )
            return
        if not more:
            raise cut_off(name, row, found.words)
        if b" " not in data[:_LONGEST_WORD] and len(data) >= _LONGEST_WORD:
            raise DlkitError(f"{name}: the word of row {row + 1} has no end", code=FAILED)


def cut_off(name: str, rows: int, promised: int) -> DlkitError:
    """The error for a file that ends too early."""
    return DlkitError(
        f"{name} ends after {rows:,} of the {promised:,} words that its header promises",
        hint="the file is cut off: fetch it again",
        code=FAILED,
    )
