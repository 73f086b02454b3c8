"""Word vectors written as other tools read them.

- text and fasttext: a line ``V D``, then a line a word: the word and D numbers between single
  spaces. No space stands after the last number: gensim, fastText and whoever splits at spaces read
  this; with the C tool's last space the latter see one number too many.
- glove: the same without the first line.
- binary: a line ``V D``, then for each word its bytes, a space, D float32 (little endian), and a
  newline, as word2vec.c writes it; its own readers and gensim skip the newline.
- numpy and projector: vectors in one file, words in another; see arrays.py.
- fasttext-bin: fastText's own model, which holds more; see fasttextwrite.py.

Numbers of a text have the fewest digits that read back as the same float32.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Final, get_args

import numpy as np

from dlkit.errors import FAILED, DlkitError
from dlkit.vectors import digits
from dlkit.vectors.detect import Named

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.vectors.lexicon import Lexicon

    Matrix = npt.NDArray[np.floating[Any]]

FORMATS: Final = get_args(Named)
LAYOUTS: Final = tuple(each for each in FORMATS if each != "fasttext-bin")  # vectors alone
TEXTS: Final = ("text", "fasttext", "glove")
IN_TWO: Final = ("numpy", "projector")  # words in a file of their own
# The suffixes of which it is plain what they mean.
SUFFIXES: Final = {
    ".txt": "text",
    ".vec": "fasttext",
    ".bin": "binary",
    ".npy": "numpy",
    ".tsv": "projector",
}
_VALUES_AT_ONCE: Final = 1 << 14  # their arrays stay in the cache
# What ends a word for a reader: white space of C's isspace, and NUL, which ends a C string.
_ENDS_IN_ROWS: Final = re.compile(rb"[\x00\t\x0b\x0c\r ]")
_ENDS_IN_LINES: Final = re.compile(rb"[\x00\t\r]")
_ENDS_IN_MODELS: Final = re.compile(rb"\x00")
_NAMES: Final = {
    0: "NUL",
    9: "a tab",
    11: "a vertical tab",
    12: "a form feed",
    13: "a carriage return",
}
# White space to Python's str.split, but to no reader that takes bytes.
_UNICODE_SPACES: Final = re.compile(
    "[\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
)
_LONGEST_IN_C: Final = 49  # bytes; distance.c gives a word 50 with its NUL


def check_words(lexicon: Lexicon, layout: Named) -> list[str]:
    """Look whether a reader of ``layout`` gets every word back; what it should be told of others.

    Raises:
        DlkitError: a word holds what ends a word.

    """
    plain = lexicon.plain
    ends = _ENDS_IN_MODELS if layout == "fasttext-bin" else _ENDS_IN_ROWS
    found = (_ENDS_IN_LINES if layout in IN_TWO else ends).search(plain)
    if found:
        row = plain.count(b"\n", 0, found.start())
        what = _NAMES.get(found[0][0], "a space")
        spaces = layout not in IN_TWO and found[0] == b" "
        raise DlkitError(
            f"word {lexicon.word(row)!r} (row {row + 1}) holds {what}, which no reader of "
            f"{layout} files could tell from the end of the word",
            hint="--to numpy keeps words with spaces" if spaces else "leave that word out",
            code=FAILED,
        )
    told = []
    if layout in TEXTS:
        text = plain.decode("utf-8", "backslashreplace")
        wide = 0 if text.isascii() else _distinct_lines(text)
        if wide:
            told.append(
                f"{wide:,} words hold Unicode spaces: gensim and C read them; what splits lines by "
                "Python's str.split() does not"
            )
    if layout == "binary":
        lengths = np.diff(np.flatnonzero(np.frombuffer(plain, np.uint8) == 10), prepend=-1) - 1
        long = int((lengths > _LONGEST_IN_C).sum())
        if long:
            told.append(
                f"{long:,} words have {_LONGEST_IN_C + 1} bytes or more: gensim reads them, "
                "word2vec's distance.c runs them together with the next"
            )
    return told


def _distinct_lines(text: str) -> int:
    """How many lines of ``text`` hold Unicode spaces."""
    if not _UNICODE_SPACES.search(text):
        return 0
    return sum(_UNICODE_SPACES.search(line) is not None for line in text.split("\n"))


def write_vectors(
    stream: BinaryIO,
    layout: Named,
    words: Sequence[bytes],
    matrix: Matrix,
    *,
    dtype: str = "float32",
) -> Iterator[int]:
    """Write V words and their vectors in ``layout``; of numpy and projector the vectors alone.

    Yields how many rows are written, now and then; memory does not grow with V.

    Args:
        stream: where to.
        layout: the format.
        words: V words in UTF-8.
        matrix: (V, D), finite.
        dtype: of a NumPy array: float32, or float16 (values are rounded).

    Raises:
        DlkitError: a value is beyond those of ``dtype``.

    """
    assert layout in LAYOUTS
    count, dim = matrix.shape
    if layout == "numpy":
        header = {"descr": np.dtype(dtype).newbyteorder("<").str, "fortran_order": False}
        np.lib.format.write_array_header_1_0(stream, {**header, "shape": (count, dim)})
    elif layout in ("text", "fasttext", "binary"):
        stream.write(b"%d %d\n" % (count, dim))
    at_once = max(1, _VALUES_AT_ONCE // dim)
    for start in range(0, count, at_once):
        block = matrix[start : start + at_once].astype(np.float32)
        names = words[start : start + len(block)]
        if layout == "numpy":
            stream.write(_as_type(block, dtype, start).data)
        elif layout == "binary":
            raw = block.astype("<f4", copy=False).tobytes()
            width = 4 * dim
            parts = (raw[place : place + width] for place in range(0, len(raw), width))
            stream.write(b"".join(b"%b %b\n" % each for each in zip(names, parts, strict=True)))
        elif layout == "projector":
            stream.write(digits.lines(block, b"\t"))
        else:
            rows = digits.lines(block).splitlines(keepends=True)
            stream.write(b"".join(b"%b %b" % each for each in zip(names, rows, strict=True)))
        yield start + len(block)


def _as_type(block: npt.NDArray[np.float32], dtype: str, before: int) -> npt.NDArray[Any]:
    """``block`` (N, D) as ``dtype``, little endian; ``before`` rows came before."""
    with np.errstate(over="ignore"):
        changed = block.astype(np.dtype(dtype).newbyteorder("<"))
    finite = np.isfinite(changed).all(axis=1)
    if not finite.all():
        raise DlkitError(
            f"row {before + int(np.argmin(finite)) + 1} holds a value beyond those of {dtype}",
            hint="--dtype float32",
            code=FAILED,
        )
    return np.ascontiguousarray(changed)


def words_text(layout: Named, words: Sequence[bytes], counts: Sequence[int] | None) -> bytes:
    """The file of words that lies beside the vectors of ``layout``, numpy or projector.

    The projector skips lines that look empty, so that its file always has a second column: the
    count, or where that is not known the row, from 1.
    """
    if layout == "projector":
        head = b"word\trow\n" if counts is None else b"word\tcount\n"
        second = counts if counts is not None else range(1, len(words) + 1)
        return head + b"".join(b"%b\t%d\n" % each for each in zip(words, second, strict=True))
    if counts is None:
        return b"".join(b"%b\n" % word for word in words)
    return b"".join(b"%b\t%d\n" % each for each in zip(words, counts, strict=True))
