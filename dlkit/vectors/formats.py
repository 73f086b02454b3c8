"""Files of word vectors made by other tools, read into words and a matrix.

The layouts, as the tools write them:

- word2vec text and fastText ``.vec``: a line ``V D``, then a line a word: the word and D decimal
  numbers between single spaces; the C tools put a space after the last number too.
- word2vec binary: a line ``V D``, then for each word its bytes, one space and D float32, little
  endian; the C tool ends each with a newline, gensim does not.
- GloVe: the rows of the text layout, without the first line.
- NumPy's ``.npy`` and the TensorBoard projector's TSV, with the words in a file beside (arrays.py).
- fastText's own ``.bin`` (fasttextbin.py): rows of words and of n-grams, from which vectors come.

A word of a text may hold spaces: the numbers are counted from the right. Nothing that a header
promises is believed before the size of the file proves it; where there is no size (``.gz``, pipes),
memory grows with what was read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from dlkit.errors import FAILED, USAGE, DlkitError, quoted
from dlkit.records import Noted, Record, Step
from dlkit.vectors import arrays
from dlkit.vectors.detect import (
    FASTTEXT,
    HEAD,
    Found,
    Named,
    detect,
    is_table,
    refuse_foreign,
)
from dlkit.vectors.lexicon import Lexicon
from dlkit.vectors.packed import Opened, opened
from dlkit.vectors.rows import READ, binary_rows, cut_off, text_rows
from dlkit.vectors.store import WordVectors
from dlkit.vectors.table import Gathered, Options, Table, assembled

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_SILENCE = 1.0  # seconds between two records of how far it is: short work needs none


class _Source(NamedTuple):
    """A file whose format is known, before its rows are read.

    Attributes:
        name: what messages call it.
        label: the format, for a person.
        words: how many rows it promises; None if it does not.
        proven: whether its size says that it can hold them.
        dim: values a row; 0 if only the first row tells.
        rows: words and vectors, some at a time; None for words that stand in another file.
        labels: the words and counts of that other file.

    """

    name: str
    label: str
    words: int | None
    proven: bool
    dim: int
    rows: Iterator[tuple[list[bytes] | None, npt.NDArray[np.float32]]]
    labels: arrays.Labels | None = None


def read_vectors(
    path: Path, options: Options | None = None
) -> Generator[Record, None, WordVectors]:
    r"""Read a file of word vectors whose format is told from its bytes.

    Yields what was found and how far it is; returns the vectors. Words that stand there twice
    keep their first vector; words that are not UTF-8 (the C tool cuts long words anywhere) keep
    their other bytes as ``\xNN``. Both are counted and said.

    Raises:
        DlkitError: as ``read_table``.

    """
    table = yield from read_table(path, options)
    return vectors_of(table, path.name)


def vectors_of(table: Table, name: str) -> WordVectors:
    """What was read of a file that messages call ``name``, as it is asked for."""
    if table.counts is None:
        lexicon = Lexicon.of(table.words)
    else:
        pairs = zip(table.words, table.counts, strict=True)
        lexicon = Lexicon(b"".join(b"%b\t%d\n" % pair for pair in pairs), end=b"\t")
    subwords = None if table.model is None else table.model.subwords(len(table.words))
    opener = None if subwords is None else lambda: subwords
    return WordVectors(name, lexicon, table.matrix, subwords=opener)


def read_table(path: Path, options: Options | None = None) -> Generator[Record, None, Table]:
    """Read a file of word vectors: its words, without those that come again, and their rows.

    Yields what was found and how far it is.

    Args:
        path: a file or a pipe, also compressed with gzip, bzip2 or xz.
        options: what to read, and how; see ``Options``.

    Raises:
        DlkitError: the file cannot be read, is of another format, is cut off or damaged, or holds
            values that are no finite number of the type asked for.

    """
    _refuse_no_file(path)
    options = options or Options()
    with opened(path) as file:
        head = _exactly(file.stream, HEAD)
        if options.named in (None, "fasttext-bin") and head.startswith(FASTTEXT):
            from dlkit.vectors.fasttexttable import read_fasttext

            return (yield from read_fasttext(file, path.name, options))
        return (yield from _read(_source(file, path, head, options.named), options))


def _refuse_no_file(path: Path) -> None:
    """Raise DlkitError where ``path`` is standard input or an artifact, and no file is there."""
    from dlkit.artifacts.finding import find

    given = str(path)
    # Of os.path: a name that no file can have is none, too.
    if os.path.exists(given) and not os.path.isdir(given):  # noqa: PTH110, PTH112
        return
    if given == "-":
        raise DlkitError(
            "vectors are read from a file, not from -",
            hint="write them to a file first: … > vectors.txt, then give vectors.txt",
            code=USAGE,
        )
    try:
        find(given, kinds={"word-vectors"})
    except (DlkitError, OSError, ValueError):
        return  # no artifact either: what is wrong with the file is said when it is opened
    raise DlkitError(
        f"{given} is an artifact, not a file of another tool",
        hint=f"--from {quoted(given)}",
        code=USAGE,
    )


def _source(file: Opened, path: Path, head: bytes, named: Named | None) -> _Source:
    """The format of ``file``, which is ``named`` or else recognised by its first bytes."""
    name = path.name
    if named == "fasttext-bin":
        raise DlkitError(f"{name} is no fastText model (.bin)", code=FAILED)
    if named in ("numpy", "projector"):
        refuse_foreign(head, name)
    if named == "numpy" or (named is None and head.startswith(arrays.MAGIC)):
        return _array(file, path, head)
    if named == "projector" or (named is None and is_table(head, name)):
        labels = arrays.read_labels(arrays.find_words(path, numpy=False), header=True)
        blocks = arrays.tsv_rows(_Rejoined(head, file.stream), name, at_once=READ)
        rows = ((None, block) for block in blocks)
        words = len(labels.words)
        return _Source(name, "projector TSV", words, proven=False, dim=0, rows=rows, labels=labels)
    found = detect(head, name, whole=len(head) < HEAD, named=named)
    if file.size is not None:
        _prove(found, file.size, name)
    reader = text_rows if found.layout == "text" else binary_rows
    pairs = reader(head[found.start :], file.stream, found, name)
    return _Source(name, found.label, found.words, file.size is not None, found.dim, pairs)


def _array(file: Opened, path: Path, head: bytes) -> _Source:
    stream = _Rejoined(head, file.stream)
    shape = arrays.npy_shape(stream, path.name)
    needed = stream.taken + shape.rows * shape.dim * shape.dtype.itemsize
    if file.size is not None and file.size < needed:
        raise DlkitError(
            f"{path.name}: its header says {shape.rows:,} x {shape.dim:,} {shape.dtype}, "
            f"{needed:,} bytes; the file has {file.size:,}",
            hint="the file is cut off or damaged: fetch it again",
            code=FAILED,
        )
    labels = arrays.read_labels(arrays.find_words(path, numpy=True), header=False)
    rows = ((None, block) for block in arrays.npy_rows(stream, shape, path.name, at_once=READ))
    label = f"NumPy array, {shape.dtype}"
    return _Source(path.name, label, shape.rows, file.size is not None, shape.dim, rows, labels)


def _read(source: _Source, options: Options) -> Generator[Record, None, Table]:
    name = source.name
    size = f"{source.words:,} x {source.dim}" if source.words else f"{source.dim} values a word"
    if not source.dim:
        size = f"{source.words:,} words"
    yield Noted(f"reading {name}: {source.label}, {size}")
    wanted = options.restrict
    if source.words is not None:
        wanted = min(source.words, options.restrict or source.words)
    gathered = Gathered(name, source.labels, options.dtype, wanted if source.proven else None)
    begun = told = time.monotonic()
    with closing(source.rows) as blocks:  # type: ignore[type-var]
        for words, block in blocks:
            gathered.add(words, block, most=options.restrict)
            now = time.monotonic()
            if now - told > _SILENCE:
                told = now
                done = len(gathered)
                yield Step(f"reading {name}", done, wanted, "words", done / (now - begun))
            if options.restrict is not None and len(gathered) >= options.restrict:
                break
    gathered.check_labels(options.restrict)
    if source.words is not None and wanted is not None and len(gathered) != wanted:
        raise cut_off(name, len(gathered), source.words)
    if not len(gathered):
        raise DlkitError(f"{name} has no words", code=FAILED)
    if source.words is not None and len(gathered) < source.words:
        yield Noted(f"the first {len(gathered):,} of {source.words:,} words are read")
    return (yield from assembled(gathered, source.label, escape=options.escape))


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


class _Rejoined:
    """A stream whose first bytes were read before: they come again, then the rest.

    Attributes:
        taken: bytes read so far.

    """

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head = memoryview(head)
        self._stream = stream
        self.taken = 0

    def read(self, size: int = READ, /) -> bytes:
        part, self._head = bytes(self._head[:size]), self._head[size:]  # the rest is a view
        if len(part) < size:
            part += _exactly(self._stream, size - len(part))
        self.taken += len(part)
        return part
