"""What kind of file of word vectors this is, told from its first bytes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, NamedTuple

from dlkit.errors import FAILED, DlkitError
from dlkit.vectors.packed import plain_name

Layout = Literal["text", "binary"]
Named = Literal["text", "binary", "fasttext", "glove", "numpy", "projector", "fasttext-bin"]
FASTTEXT = b"\xba\x16\x4f\x2f"  # begins a fastText model (.bin)

# A real vector has at most some thousands of values; a larger number is a damaged header.
MOST_VALUES = 65_536
LONGEST_LINE = 1 << 21  # bytes; 65,536 values of 32 digits
# What is looked at to tell one layout from another.
HEAD = 1 << 22

_FOREIGN = (
    (FASTTEXT, "a fastText model (.bin)"),
    (b"PK\x03\x04", "a zip archive (.npz, .pt or .zip)"),
    (b"\x89HDF", "an HDF5 file"),
    (b"PAR1", "a Parquet file"),
    (b"FiFu", "a finalfusion file"),
    (b"GGUF", "a GGUF model"),
    (b"BZh", "compressed twice, with bzip2 inside"),
    (b"\xfd7zXZ", "compressed twice, with xz inside"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"\x1f\x8b", "compressed twice, with gzip inside"),
    (b"%PDF", "a PDF document"),
    (b"version https://git-lfs", "a Git LFS pointer: the file itself was not fetched"),
    (b"SQLite format 3", "an SQLite database"),
)
_HINTS = {
    FASTTEXT: "--format fasttext-bin, or none",
    b"\x28\xb5\x2f\xfd": "decompress it first: unzstd FILE",
    b"version https://git-lfs": "git lfs pull",
}
_READABLE = (
    "word2vec text and binary, GloVe, fastText .vec and .bin, NumPy and projector files are read, "
    "all but fastText's .bin also with .gz .bz2 .xz"
)
_HEADER = re.compile(rb"\s*(\d{1,19})[ \t]+(\d{1,19})[ \t\r]*")
# Bytes that no text has and that a few float32 values nearly always do.
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")


class Found(NamedTuple):
    """The layout of a file of word vectors.

    Attributes:
        label: its name for a person.
        layout: text or binary.
        words: what the header says; None without one.
        dim: values a word.
        separator: what stands between the values of a text, one byte.
        start: bytes before the first row.

    """

    label: str
    layout: Layout
    words: int | None
    dim: int
    separator: bytes
    start: int


def refuse_foreign(head: bytes, name: str) -> None:
    """Raise DlkitError if ``head``, the first bytes of a file, are of a format not read here."""
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            raise DlkitError(f"{name} is {what}", hint=_HINTS.get(magic, _READABLE), code=FAILED)
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        raise DlkitError(
            f"{name} is a pickle, which can run any code and is never read",
            hint="where you trust it, save it again: gensim's save_word2vec_format",
            code=FAILED,
        )
    if head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= 100_000_000:
        raise DlkitError(
            f"{name} is a safetensors file, which holds no words",
            hint="give the artifact's name: dlkit similar --from NAME",
            code=FAILED,
        )


def detect(head: bytes, name: str, *, whole: bool, named: Named | None = None) -> Found:
    """What ``head``, the first bytes of a file, begins.

    Args:
        head: at most the first ``HEAD`` bytes, decompressed.
        name: what errors call the file.
        whole: ``head`` is the whole file.
        named: text, binary, fasttext or glove where the user said so; None: it is found out.

    Raises:
        DlkitError: it is no file of word vectors, or its header is impossible.

    """
    if not head.strip():
        raise DlkitError(f"{name} is empty", hint=_READABLE, code=FAILED)
    refuse_foreign(head, name)
    first, newline, rest = head.partition(b"\n")
    header = _HEADER.fullmatch(first) if newline or whole else None
    if named == "glove" or (header is None and named is None):
        return _without_header(head, name, whole=whole)
    if header is None:
        raise DlkitError(
            f"{name}: its first line is not how many words and how many values it holds",
            hint="without --format the format is recognised",
            code=FAILED,
        )
    words, dim = int(header[1]), int(header[2])
    if not words or not dim or dim > MOST_VALUES:
        raise DlkitError(
            f"{name}: its header says {words:,} words of {dim:,} values each; "
            f"possible are 1 word or more of 1 to {MOST_VALUES:,} values",
            code=FAILED,
        )
    start = len(first) + 1
    line = rest.partition(b"\n")[0]
    separator = _separator(line, dim)
    # A row of text ends with a number, even where it has too many or too few of them.
    last = line.rstrip(b" \t\r").replace(b"\t", b" ").rpartition(b" ")[2]
    looks = separator or (is_number(last) and not _BINARY.search(line))
    if named != "binary" and (looks or named is not None):
        fast = named == "fasttext" or (named is None and ".vec" in Path(name).suffixes)
        label = "fastText .vec" if fast else "word2vec text"
        return Found(label, "text", words, dim, separator or b" ", start)
    return Found("word2vec binary", "binary", words, dim, b" ", start)


def _without_header(head: bytes, name: str, *, whole: bool) -> Found:
    """GloVe's layout: rows from the first line on.

    A word may hold spaces, so that a line has more fields than values and a word: what most lines
    have tells how many values there are.
    """
    lines = head.split(b"\n")
    if not whole or not lines[-1].strip():
        lines.pop()  # cut off, or nothing
    lines = [line.rstrip(b" \t\r") for line in lines[:200]]
    for separator in (b" ", b"\t"):
        counts = [line.count(separator) for line in lines]
        dim = max(sorted(set(counts)), key=counts.count, default=0)
        if 0 < dim <= MOST_VALUES and any(_separator(line, dim) for line in lines[:3]):
            return Found("GloVe text, no header", "text", None, dim, separator, 0)
    raise DlkitError(f"{name} is no file of word vectors", hint=_READABLE, code=FAILED)


def _separator(line: bytes, dim: int) -> bytes:
    """What stands before each of the last ``dim`` values of ``line``; empty if it is no row."""
    line = line.rstrip(b" \t\r")
    for separator in (b" ", b"\t"):
        fields = line.rsplit(separator, dim)
        if len(fields) == dim + 1 and fields[0] and all(map(is_number, fields[1:])):
            return separator
    return b""


def is_table(head: bytes, name: str) -> bool:
    """Whether ``head`` begins a projector's table: ``.tsv``, and nothing but numbers and tabs."""
    first = head.partition(b"\n")[0].rstrip(b"\r")
    return plain_name(name).endswith(".tsv") and all(map(is_number, first.split(b"\t")))


def is_number(field: bytes) -> bool:
    """Whether ``field`` is a decimal number, infinity or NaN."""
    try:
        float(field)
    except ValueError:
        return False
    return b"_" not in field  # 1_000 is a number in Python alone
