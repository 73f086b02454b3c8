"""Files of word vectors made by other tools: word2vec text and binary, GloVe, fastText ``.vec``.

The layouts, as the tools write them:

- word2vec text and fastText ``.vec``: a line ``V D``, then a line a word: the word and D decimal
  numbers between single spaces; the C tools put a space after the last number too.
- word2vec binary: a line ``V D``, then for each word its bytes, one space and D float32, little
  endian; the C tool ends each with a newline, gensim does not.
- GloVe: the rows of the text layout, without the first line.

A word of a text may hold spaces: the numbers are counted from the right. Nothing that a header
promises is believed before the size of the file proves it; where there is no size (``.gz``, pipes),
memory grows with what was read.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import time
import zlib
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from dlkit.errors import FAILED, DlkitError
from dlkit.records import Noted, Record, Step
from dlkit.vectors.detect import HEAD, Found, detect
from dlkit.vectors.lexicon import Lexicon
from dlkit.vectors.rows import READ, binary_rows, cut_off, text_rows
from dlkit.vectors.store import WordVectors

if TYPE_CHECKING:
    import numpy.typing as npt

_SILENCE = 1.0  # seconds between two records of how far it is: short work needs none


def read_vectors(path: Path) -> Generator[Record, None, WordVectors]:
    r"""Read a file of word vectors whose format is told from its bytes.

    Yields what was found and how far it is; returns the vectors. Words that stand there twice
    keep their first vector; words that are not UTF-8 (the C tool cuts long words anywhere) keep
    their other bytes as ``\xNN``. Both are counted and said.

    Raises:
        DlkitError: the file cannot be read, is of another format, is cut off or damaged, or holds
            values that are no finite float32.

    """
    name = path.name
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if stat.S_ISDIR(status.st_mode):
                raise DlkitError(f"{path} is a folder, not a file of vectors", code=FAILED)
            size = status.st_size if stat.S_ISREG(status.st_mode) else None
            stream: BinaryIO = file
            if file.peek(2)[:2] == b"\x1f\x8b":
                stream, size = io.BufferedReader(gzip.GzipFile(fileobj=file), READ), None
            return (yield from _read(stream, name, size))
    except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
        raise DlkitError(f"{name}: damaged gzip data: {problem}", code=FAILED) from None
    except OSError as problem:
        raise DlkitError(
            f"{path} cannot be read: {problem.strerror or problem}", code=FAILED
        ) from None


def _read(stream: BinaryIO, name: str, size: int | None) -> Generator[Record, None, WordVectors]:
    head = _exactly(stream, HEAD)
    found = detect(head, name, whole=len(head) < HEAD)
    if size is not None:
        _prove(found, size, name)
    shape = f"{found.words:,} x {found.dim}" if found.words else f"{found.dim} values a word"
    yield Noted(f"reading {name}: {found.label}, {shape}")
    rows = text_rows if found.layout == "text" else binary_rows
    blocks = rows(head[found.start :], stream, found, name)
    words: list[bytes] = []
    matrix = _Matrix(found.words if size is not None else None, found.dim)
    begun = told = time.monotonic()
    for part_words, part in blocks:
        if not np.isfinite(part).all():
            place = int(np.flatnonzero(~np.isfinite(part).all(axis=1))[0])
            word = part_words[place].decode("utf-8", "backslashreplace")
            raise DlkitError(
                f"{name}: row {len(words) + place + 1} ('{word}') holds a value that is no "
                "finite float32",
                code=FAILED,
            )
        words += part_words
        matrix.add(part)
        now = time.monotonic()
        if now - told > _SILENCE:
            told = now
            yield Step(
                f"reading {name}", len(words), found.words, "words", len(words) / (now - begun)
            )
    if found.words is not None and len(words) != found.words:
        raise cut_off(name, len(words), found.words)
    if not words:
        raise DlkitError(f"{name} has no words", code=FAILED)
    return (yield from _assembled(name, words, matrix.whole()))


def _prove(found: Found, size: int, name: str) -> None:
    """Raise DlkitError where a file of ``size`` bytes is too short for what its header says."""
    if found.words is None:
        return
    # A row of text: a word, and a space and a digit for each value; then a newline, but the last.
    row = 2 * found.dim + 2 if found.layout == "text" else 4 * found.dim + 2
    needed = found.start + found.words * row - 1
    if size < needed:
        raise DlkitError(
            f"{name}: its header says {found.words:,} words of {found.dim:,} values, which take "
            f"{needed:,} bytes or more; the file has {size:,}",
            hint="the file is cut off or damaged: fetch it again",
            code=FAILED,
        )


def _exactly(stream: BinaryIO, size: int) -> bytes:
    """``size`` bytes of ``stream``, fewer only at its end."""
    parts: list[bytes] = []
    left = size
    while left and (part := stream.read(min(left, READ))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


class _Matrix:
    """Rows that come in parts.

    Where the number of rows is proven they go to their place at once, else memory grows with them.
    """

    def __init__(self, rows: int | None, dim: int) -> None:
        self._matrix = np.empty((rows or 0, dim), dtype=np.float32)
        self._parts: list[npt.NDArray[np.float32]] | None = [] if rows is None else None
        self._filled = 0

    def add(self, part: npt.NDArray[np.float32]) -> None:
        if self._parts is not None:
            self._parts.append(part)
        else:
            self._matrix[self._filled : self._filled + len(part)] = part
        self._filled += len(part)

    def whole(self) -> npt.NDArray[np.float32]:
        if self._parts is not None:
            parts, self._parts = self._parts[::-1], None
            self._matrix = np.empty((self._filled, self._matrix.shape[1]), dtype=np.float32)
            self._filled = 0
            while parts:  # each is freed when it is copied
                self.add(parts.pop())
        return self._matrix


def _assembled(
    name: str, words: list[bytes], matrix: npt.NDArray[np.float32]
) -> Generator[Record, None, WordVectors]:
    """Words and their rows, without those of words that stood there before."""
    words, bad = _utf8(words)
    first: dict[bytes, int] = {}
    for row, word in enumerate(words):
        first.setdefault(word, row)
    if bad:
        yield Noted(f"{bad:,} words of {name} are not UTF-8: their bytes are written \\xNN in them")
    if len(first) < len(words):
        yield Noted(
            f"{len(words) - len(first):,} words stand twice in {name}: the first vector is taken"
        )
        matrix = matrix[list(first.values())]
    return WordVectors(name, Lexicon.of(list(first)), matrix)


def _utf8(words: list[bytes]) -> tuple[list[bytes], int]:
    r"""``words`` in UTF-8, other bytes as ``\xNN``; and how many words had such bytes."""
    try:
        b"\n".join(words).decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return words, 0
    cleaned = [word.decode("utf-8", "backslashreplace").encode() for word in words]
    return cleaned, sum(old != new for old, new in zip(words, cleaned, strict=True))
