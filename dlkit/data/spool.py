"""Standard input as a file: kept as long as the process lives, of the format that it looks like."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path, PosixPath
from typing import BinaryIO, Final

from dlkit.data.raw import CHUNK, Meter, RawReader
from dlkit.errors import USAGE, DlkitError

_HEAD: Final = 1 << 16  # bytes that the format is told from
_MAGIC: Final = {b"PAR1": ".parquet", b"ARROW1": ".arrow", b"PK\x03\x04": ".npz"}


class SpooledPath(PosixPath):
    """The path of what came from standard input, which people know as ``-``."""

    def __str__(self) -> str:
        return "-"

    def __fspath__(self) -> str:
        return super().__str__()

    @property
    def parent(self) -> Path:  # type: ignore[override]
        """What paths in its cells are relative to: where the command runs."""
        return Path()


def spooled(stdin: BinaryIO | None) -> Path:
    """Everything that standard input gives, in a file of the user alone that is gone at exit.

    Raises:
        DlkitError: it is closed, a terminal, or empty, or there is no room for it.

    """
    if stdin is None:
        raise DlkitError("there is no standard input to read", code=USAGE)
    if stdin.isatty():
        raise DlkitError("standard input is a terminal", hint="pipe a table into it", code=USAGE)
    raw = RawReader(stdin, name="standard input", meter=Meter(), stopping=lambda: None)
    head = raw.peek(_HEAD)
    if not head.strip():
        raise DlkitError("standard input is empty")
    folder = tempfile.mkdtemp(prefix="dlkit-")  # of mode 0700
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = os.path.join(folder, f"stdin{suffix_of(head)}")  # noqa: PTH118 - a path of its own kind
    try:
        with Path(path).open("xb") as file:
            while data := raw.read(CHUNK):
                file.write(data)
    except OSError as error:
        raise DlkitError(
            f"no room for standard input in {tempfile.gettempdir()}: {error.strerror}",
            hint="TMPDIR on another disk",
        ) from error
    return SpooledPath(path)


def suffix_of(head: bytes) -> str:
    """The suffix of the format that the first bytes of a table look like."""
    for magic, suffix in _MAGIC.items():
        if head.startswith(magic):
            return suffix
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] == b"[":
        return ".json"
    if text[:1] == b"{":
        return ".jsonl"
    line = text.partition(b"\n")[0]
    return ".tsv" if b"\t" in line and b"," not in line else ".csv"
