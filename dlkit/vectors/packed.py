"""Files that may be compressed, told from their first bytes: gzip, bzip2 and xz."""

from __future__ import annotations

import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, cast

from dlkit import signals
from dlkit.errors import FAILED, DlkitError

BUFFER: Final = 1 << 20  # bytes that are decompressed at a time
SUFFIXES: Final = (".gz", ".bz2", ".xz")
_MAGIC: Final = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz"}


class Opened(NamedTuple):
    """A file's bytes, decompressed, and how many there are; None where only the end tells."""

    stream: BinaryIO
    size: int | None


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """Open ``path``, a file or a pipe, and decompress it where its first bytes say so.

    Raises:
        DlkitError: it cannot be read, is a folder, or its compressed data are damaged.

    """
    kind = ""
    try:
        with _open(path) as file:
            status = os.fstat(file.fileno())
            if stat.S_ISDIR(status.st_mode):
                raise DlkitError(f"{path} is a folder, not a file of vectors", code=FAILED)
            head = file.peek(6)
            kind = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), "")
            if kind:
                raw = _decompressor(file, kind)
                yield Opened(cast("BinaryIO", io.BufferedReader(raw, BUFFER)), None)
            else:
                regular = stat.S_ISREG(status.st_mode)
                yield Opened(file, status.st_size if regular else None)
    except (EOFError, zlib.error) as problem:
        raise DlkitError(f"{path.name}: damaged {kind} data: {problem}", code=FAILED) from None
    except OSError as problem:
        if problem.errno is None:  # of gzip and bz2, which name no error of the system
            raise DlkitError(f"{path.name}: damaged {kind} data: {problem}", code=FAILED) from None
        raise DlkitError(
            f"{path} cannot be read: {problem.strerror or problem}", code=FAILED
        ) from None


class _Patient(io.RawIOBase):
    """A pipe or a device: a signal ends the waiting for what it gives."""

    def __init__(self, file: io.FileIO) -> None:
        super().__init__()
        self._file = file

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._file.fileno()

    def readinto(self, buffer: Any, /) -> int | None:
        with signals.waiting():
            return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


def _open(path: Path) -> io.BufferedReader:
    with signals.waiting():  # for the writer of a named pipe
        file = path.open("rb", buffering=0)
    regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    return io.BufferedReader(file if regular else _Patient(file))


def _decompressor(file: io.BufferedReader, kind: str) -> Any:
    """What decompresses ``file``; the library is loaded only now."""
    if kind == "gzip":
        import gzip

        return gzip.GzipFile(fileobj=file)
    if kind == "bzip2":
        import bz2

        return bz2.BZ2File(file)
    return _xz(file)


def _xz(file: BinaryIO) -> Any:
    import lzma

    class Reader(lzma.LZMAFile):
        """Raises what the other libraries raise for damaged data."""

        def readinto(self, buffer: Any) -> int:
            try:
                return super().readinto(buffer)
            except lzma.LZMAError as problem:
                raise EOFError(str(problem)) from None

    return Reader(file)


def plain_name(name: str) -> str:
    """``name`` without the suffix of its compression."""
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return name
