"""Rows of word vectors as they come from a file, gathered into one matrix."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from dlkit.errors import FAILED, DlkitError
from dlkit.records import Noted, Record, Warned

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.vectors.arrays import Labels
    from dlkit.vectors.detect import Named
    from dlkit.vectors.fasttextbin import Model

    Matrix = npt.NDArray[np.floating[Any]]

_AT_ONCE = 1 << 13  # rows moved at a time


class Options(NamedTuple):
    r"""What to read of a file, and how.

    Attributes:
        named: the format; None: it is recognised.
        dtype: of the matrix: float32, or float16 (values are rounded).
        restrict: only so many rows, the first ones.
        escape: words that are not UTF-8 keep their other bytes as ``\xNN``; else they are refused.

    """

    named: Named | None = None
    dtype: Literal["float32", "float16"] = "float32"
    restrict: int | None = None
    escape: bool = True


class Table(NamedTuple):
    """Words and their vectors.

    Attributes:
        label: the format that they were read from, for a person.
        words: V words in UTF-8, each once.
        matrix: (V, D) float32 or float16, finite.
        counts: how often each word stood in its text; None where the file does not say.
        escaped: how many words were not UTF-8.
        repeated: how many rows were left out because their word stood there before.
        model: what else a fastText model holds, mapped; its first V words are these.

    """

    label: str
    words: list[bytes]
    matrix: Matrix
    counts: list[int] | None
    escaped: int
    repeated: int
    model: Model | None = None


class Gathered:
    """Rows that come in parts.

    Where the number of rows is proven they go to their place at once, else memory grows with them.

    Args:
        name: what messages call the file.
        labels: the words, where they stand in a file of their own.
        dtype: float32 or float16.
        rows: how many will come; None if that is not proven.

    """

    def __init__(self, name: str, labels: Labels | None, dtype: str, rows: int | None) -> None:
        self.name = name
        self.words: list[bytes] = []
        self.counts: list[int] | None = None
        self.vanished = 0  # rows that became zeros by rounding
        self._labels = labels
        self._dtype = np.dtype(dtype)
        self._rows = rows
        self._matrix: Matrix | None = None
        self._parts: list[Matrix] = []
        self._filled = 0

    def __len__(self) -> int:
        return self._filled

    def add(
        self, words: list[bytes] | None, block: npt.NDArray[np.float32], *, most: int | None
    ) -> None:
        """Add rows (N, D), but not more than ``most`` altogether.

        Raises:
            DlkitError: a value is no finite number of the matrix's type, or a row has no word.

        """
        if most is not None:
            block = block[: most - self._filled]
        end = self._filled + len(block)
        if words is not None:
            self.words += words[: len(block)]
        elif self._labels is not None:
            self.words += self._labels.words[self._filled : end]
        if len(self.words) < end:
            raise self._disagree(f"more than {len(self.words):,}")
        part = self._converted(block)
        if self._rows is None:
            self._parts.append(part)
        else:
            if self._matrix is None:
                self._matrix = np.empty((self._rows, block.shape[1]), dtype=self._dtype)
            self._matrix[self._filled : end] = part
        self._filled = end

    def check_labels(self, most: int | None) -> None:
        """Raise DlkitError where there are more words than rows."""
        if self._labels is None:
            return
        if most is None and len(self._labels.words) != self._filled:
            raise self._disagree(f"{self._filled:,}")
        if self._labels.counts is not None:
            self.counts = self._labels.counts[: self._filled]

    def _disagree(self, rows: str) -> DlkitError:
        assert self._labels is not None
        return DlkitError(
            f"{self.name} has {rows} rows, and the file of its words has "
            f"{len(self._labels.words):,}",
            hint="the two files do not belong together, or one is cut off",
            code=FAILED,
        )

    def _converted(self, block: npt.NDArray[np.float32]) -> Matrix:
        finite = np.isfinite(block)
        if not finite.all():
            raise self._no_number(finite, "holds a value that is no finite float32")
        if self._dtype == np.float32:
            return block
        with np.errstate(over="ignore"):
            part = block.astype(self._dtype)
        finite = np.isfinite(part)
        if not finite.all():
            raise self._no_number(finite, "holds a value beyond those of float16 (±65,504)")
        self.vanished += int((block.any(axis=1) & ~part.any(axis=1)).sum())
        return part

    def _no_number(self, finite: npt.NDArray[np.bool_], what: str) -> DlkitError:
        row = self._filled + int(np.flatnonzero(~finite.all(axis=1))[0])
        word = self.words[row].decode("utf-8", "backslashreplace")
        return DlkitError(f"{self.name}: row {row + 1} ('{word}') {what}", code=FAILED)

    def matrix(self) -> Matrix:
        """All rows (V, D); the parts are freed as they are copied. Only once."""
        if self._matrix is None:
            parts, self._parts = self._parts[::-1], []
            self._matrix = np.empty((self._filled, parts[0].shape[1]), dtype=self._dtype)
            place = 0
            while parts:
                part = parts.pop()
                self._matrix[place : place + len(part)] = part
                place += len(part)
        matrix, self._matrix = self._matrix, None
        return matrix


def assembled(gathered: Gathered, label: str, *, escape: bool) -> Generator[Record, None, Table]:
    """Words and their rows, without those of words that stood there before.

    Raises:
        DlkitError: a word is not UTF-8, and ``escape`` is not set.

    """
    name = gathered.name
    words, bad = _utf8(gathered, escape=escape)
    if bad:
        yield Noted(f"{bad:,} words of {name} are not UTF-8: their bytes are written \\xNN in them")
    if gathered.vanished:
        yield Warned(f"{gathered.vanished:,} vectors of {name} are all zeros in float16")
    matrix, counts = gathered.matrix(), gathered.counts
    repeated = len(words) - len(set(words))
    if repeated:
        yield Noted(f"{repeated:,} words stand twice in {name}: the first vector is taken")
        first: dict[bytes, int] = {}
        for row, word in enumerate(words):
            first.setdefault(word, row)
        words, rows = list(first), list(first.values())
        counts = None if counts is None else [counts[row] for row in rows]
        matrix = _kept(matrix, np.array(rows))
    return Table(label, words, matrix, counts, bad, repeated)


def _kept(matrix: Matrix, rows: npt.NDArray[np.intp]) -> Matrix:
    """The ``rows`` of ``matrix``, which ascend, moved to its beginning: no second matrix."""
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        matrix[start : start + len(some)] = matrix[some]
    return matrix[: len(rows)]


def _utf8(gathered: Gathered, *, escape: bool) -> tuple[list[bytes], int]:
    r"""The words in UTF-8, other bytes as ``\xNN``; and how many words had such bytes."""
    words = gathered.words
    try:
        b"\n".join(words).decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return words, 0
    cleaned = [word.decode("utf-8", "backslashreplace").encode() for word in words]
    changed = [row for row in range(len(words)) if words[row] != cleaned[row]]
    if not escape:
        raise DlkitError(
            f"{gathered.name}: {len(changed):,} words are not UTF-8, the first is row "
            f"{changed[0] + 1}: {cleaned[changed[0]][:80].decode()!r}",
            hint="--lossy writes their bytes as \\xNN",
            code=FAILED,
        )
    return cleaned, len(changed)
