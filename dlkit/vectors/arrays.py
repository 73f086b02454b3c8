"""Vectors in one file, their words in another: NumPy's ``.npy``, the TensorBoard projector's TSV.

- ``NAME.npy``, a matrix (V, D) of floating-point numbers; ``NAME.vocab.txt``, a line a row: the
  word, or the word, a tab and its count. NumPy's format:
  https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
- ``NAME.tsv``, a line a row: D decimal numbers between tabs; ``NAME.metadata.tsv``, a line a row:
  the word. Where lines have several columns the first line names them: the word stands in the
  column ``word``, else in the first, and its count in ``count``, if there is one. The projector:
  https://www.tensorflow.org/tensorboard/tensorboard_projector_plugin
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tokenize import TokenError
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from dlkit.errors import FAILED, DlkitError
from dlkit.vectors import decimals
from dlkit.vectors.detect import LONGEST_LINE, MOST_VALUES
from dlkit.vectors.packed import opened, plain_name

if TYPE_CHECKING:
    import numpy.typing as npt

MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 10_000
# What NumPy's reader of headers was seen to raise; it reads Python literals.
_BAD_HEADER = (
    ValueError, KeyError, TypeError, SyntaxError, TokenError, RecursionError, MemoryError
)  # fmt: skip
_LARGEST_COUNT = (1 << 63) - 1


class Readable(Protocol):
    """What rows are read from."""

    def read(self, size: int = ..., /) -> bytes:
        """At most ``size`` bytes; none at the end."""


class Labels(NamedTuple):
    """The words of V rows, and their counts if the file has them."""

    words: list[bytes]
    counts: list[int] | None


class Shape(NamedTuple):
    """Of a ``.npy``: rows, values a row, and the type of a value."""

    rows: int
    dim: int
    dtype: np.dtype[np.floating]


def words_file(path: Path, *, numpy: bool) -> Path:
    """The file beside ``path`` that is to hold its words."""
    stem = Path(plain_name(path.name)).stem
    return path.with_name(stem + (".vocab.txt" if numpy else ".metadata.tsv"))


def find_words(path: Path, *, numpy: bool) -> Path:
    """The file beside ``path`` that holds its words, also under the names that others give it.

    Raises:
        DlkitError: there is none.

    """
    wanted = words_file(path, numpy=numpy)
    stem = Path(plain_name(path.name)).stem
    names = [wanted.name]
    if not numpy:
        ends = ("tensors", "tensor", "vectors")
        names += [f"{stem.removesuffix(end)}metadata.tsv" for end in ends if stem.endswith(end)]
    for name in names:
        if path.with_name(name).exists():
            return path.with_name(name)
    what = "a NumPy array" if numpy else "a projector's table"
    raise DlkitError(
        f"{path.name} is {what}, which holds no words, and there is no {wanted.name} beside it",
        hint=f"write the words of its rows to {wanted.name}, one a line",
        code=FAILED,
    )


def read_labels(path: Path, *, header: bool) -> Labels:
    """The words of the file ``path``; ``header``: where lines have tabs the first names columns.

    Raises:
        DlkitError: it cannot be read, or a line has no word or a count that is none.

    """
    with opened(path) as (stream, _):
        lines = stream.read().removesuffix(b"\n").split(b"\n")
    lines = [line.removesuffix(b"\r") for line in lines]
    word, count, first = 0, 1, 1
    columns = lines[0].split(b"\t")
    if len(columns) == 1:
        count = -1
    elif header:
        word = columns.index(b"word") if b"word" in columns else 0
        count = columns.index(b"count") if b"count" in columns else -1
        lines, first = lines[1:], 2
    rows = [line.split(b"\t") for line in lines]
    for number, row in enumerate(rows, first):
        if len(row) != len(columns) or not row[word]:
            raise DlkitError(
                f"{path.name}: line {number} has {len(row)} columns and the word "
                f"{row[min(word, len(row) - 1)][:40].decode('utf-8', 'backslashreplace')!r}; "
                f"line 1 has {len(columns)} columns",
                code=FAILED,
            )
    if count < 0:
        return Labels([row[word] for row in rows], None)
    digits = [row[count] for row in rows]
    counts = [int(each) if each.isdigit() and len(each) < 20 else -1 for each in digits]
    for number, each in enumerate(counts, first):
        if not 0 <= each <= _LARGEST_COUNT:
            shown = digits[number - first][:40].decode("utf-8", "backslashreplace")
            raise DlkitError(
                f"{path.name}: line {number}: the count is {shown!r}, not a whole number from 0 "
                "to 2^63 - 1",
                code=FAILED,
            )
    return Labels([row[word] for row in rows], counts)


def npy_shape(stream: Readable, name: str) -> Shape:
    """What the header of a ``.npy`` says; ``stream`` stands at the first value then.

    Raises:
        DlkitError: it is no header, or not of a matrix of floating-point numbers in rows.

    """
    form = np.lib.format
    try:
        version = form.read_magic(stream)
        read = {(1, 0): form.read_array_header_1_0, (2, 0): form.read_array_header_2_0}[version]
        shape, fortran, dtype = read(stream, max_header_size=_LONGEST_HEADER)
    except _BAD_HEADER as problem:
        why = str(problem).partition("\n")[0] or type(problem).__name__
        raise DlkitError(f"{name}: no header of a NumPy array: {why}", code=FAILED) from None
    if len(shape) != 2 or dtype.kind != "f" or not (shape[0] and 0 < shape[1] <= MOST_VALUES):
        raise DlkitError(
            f"{name}: an array of {' x '.join(map(str, shape))} {dtype}; word vectors are a matrix "
            f"of floating-point numbers, 1 to {MOST_VALUES:,} a row",
            code=FAILED,
        )
    if fortran and 1 not in shape:
        raise DlkitError(
            f"{name}: its columns, not its rows, lie together (Fortran order)",
            hint="save numpy.ascontiguousarray(matrix)",
            code=FAILED,
        )
    return Shape(int(shape[0]), int(shape[1]), dtype)


def npy_rows(
    stream: Readable, shape: Shape, name: str, *, at_once: int
) -> Iterator[npt.NDArray[np.float32]]:
    """The rows of a ``.npy``, some at a time, (N, D) float32; float64 is rounded."""
    width = shape.dim * shape.dtype.itemsize
    done = 0
    while done < shape.rows:
        wanted = min(shape.rows - done, max(1, at_once // width))
        data = stream.read(wanted * width)
        if len(data) < wanted * width:
            raise DlkitError(
                f"{name} ends after {done + len(data) // width:,} of its {shape.rows:,} rows",
                hint="the file is cut off: fetch it again",
                code=FAILED,
            )
        block = np.frombuffer(data, dtype=shape.dtype).reshape(wanted, shape.dim)
        with np.errstate(over="ignore"):  # what is beyond float32 becomes inf, and is found
            yield block.astype(np.float32)
        done += wanted
    if stream.read(1):
        raise DlkitError(f"{name} has more bytes than its {shape.rows:,} rows", code=FAILED)


def tsv_rows(stream: Readable, name: str, *, at_once: int) -> Iterator[npt.NDArray[np.float32]]:
    """The rows of a projector's table, some at a time, (N, D) float32.

    Raises:
        DlkitError: a line has other than as many numbers as the first, or what is no number.

    """
    rest = b""
    row = dim = 0
    while True:
        more = stream.read(at_once)
        text, newline, rest = (rest + more).rpartition(b"\n") if more else (rest, b"", b"")
        if not newline and len(rest) > LONGEST_LINE:
            raise DlkitError(f"{name}: row {row + 1} has no end", code=FAILED)
        lines = [line.rstrip(b"\r") for line in text.split(b"\n")] if newline or text else []
        if lines:
            dim = dim or lines[0].count(b"\t") + 1
            yield _numbers(lines, dim, name, row)
            row += len(lines)
        if not more:
            return


def _numbers(lines: list[bytes], dim: int, name: str, before: int) -> npt.NDArray[np.float32]:
    """The numbers (N, D) of N lines; ``before`` rows came before them."""
    for number, line in enumerate(lines, before + 1):
        found = line.count(b"\t") + 1
        if found != dim or dim > MOST_VALUES:
            raise DlkitError(
                f"{name}: row {number} has {found:,} numbers, not {min(dim, MOST_VALUES):,}: "
                f"{line[:60].decode('utf-8', 'backslashreplace')!r}",
                code=FAILED,
            )
    try:
        values = decimals.parse(b"\t".join(lines), b"\t")
    except ValueError as problem:
        raise DlkitError(
            f"{name}: rows {before + 1:,} to {before + len(lines):,}: {problem}", code=FAILED
        ) from None
    with np.errstate(over="ignore"):
        return values.astype(np.float32).reshape(len(lines), dim)
