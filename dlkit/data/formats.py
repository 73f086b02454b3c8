"""Which format and compression a file has, by its name and by its first bytes."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

from dlkit.errors import DlkitError

HEAD: Final = 16  # bytes that the first look needs

CODECS: Final = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd"}
FORMATS: Final = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
    ".arrow": "arrow",
}


def by_name(name: str) -> tuple[str, str | None]:
    """The format (text, csv, tsv, json, parquet, arrow) and compression that a name promises."""
    path = PurePath(name)
    codec = CODECS.get(path.suffix.lower())
    if codec is not None:
        path = path.with_suffix("")
    return FORMATS.get(path.suffix.lower(), "text"), codec


def by_magic(head: bytes) -> str | None:
    """The compression that a file's first bytes show, if any."""
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"BZh") and head[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):
        return "bz2"
    if head.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    # A frame, or a skippable frame in front of one.
    if head.startswith(b"\x28\xb5\x2f\xfd") or head[1:4] == b"\x2a\x4d\x18":
        return "zstd"
    return None


def settle(name: str, head: bytes) -> tuple[str | None, str]:
    """The compression of a text-like file: what its first bytes show, checked against its name.

    Returns:
        The codec, or None, and what to tell the user ("" if nothing).

    Raises:
        DlkitError: the name promises a compression that the content does not have, or the content
            is a kind of file that holds no text.

    """
    promised = by_name(name)[1]
    found = by_magic(head)
    if promised and not found and head:
        raise DlkitError(
            f"{name} is not {promised} data, although its name says so",
            hint=f"if it is plain text: mv {name} {PurePath(name).with_suffix('')}",
        )
    for magic, what in _STRANGERS.items():
        if head.startswith(magic):
            raise DlkitError(f"{name} is {what}, not text")
    if found and found != promised:
        return found, f"{name} is {found} data; it is decompressed"
    return found, ""


def refuse_wide(name: str, head: bytes) -> None:
    """Refuse text that begins with the byte order mark of UTF-16 or UTF-32.

    Raises:
        DlkitError: it does.

    """
    for mark, encoding in _WIDE.items():
        if head.startswith(mark):
            raise DlkitError(
                f"{name} is {encoding.upper()} text, not UTF-8", hint=f"--encoding {encoding}"
            )


_STRANGERS: Final = {
    b"PK\x03\x04": "a ZIP archive",
    b"PAR1": "a Parquet file without the suffix .parquet",
    b"ARROW1\0\0": "an Arrow file without the suffix .arrow",
    b"\x89PNG\r\n\x1a\n": "a PNG image",
    b"%PDF-": "a PDF document",
    b"\x7fELF": "a program",
}
_WIDE: Final = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
