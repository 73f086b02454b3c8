"""Bytes as they lie on disk or come through a pipe: opened without hanging, read exactly once.

Nothing is mapped into memory, so that a file that is cut while it is read cannot kill the process.
"""

from __future__ import annotations

import os
import select
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from dlkit import signals
from dlkit.errors import DlkitError

CHUNK: Final = 262_144  # bytes; a tenth of a second of Chinese segmentation
_PATIENCE: Final = 5.0  # seconds for a named pipe's writer to come
_PULSE: Final = 0.1  # seconds between looks at whether to stop


def standard_input() -> BinaryIO | None:
    """The bytes of standard input; None where it is closed."""
    return sys.stdin.buffer if sys.stdin is not None else None


@dataclass
class Meter:
    """How many bytes of the input, as it lies on disk, have been read."""

    done: int = 0


class RawReader:
    """A readable file of bytes, as the decompressors of the standard library and pyarrow ask for.

    Waiting for a pipe ends when ``stopping`` raises.
    """

    closed = False  # pyarrow asks

    def __init__(
        self, file: BinaryIO | int, *, name: str, meter: Meter, stopping: Callable[[], None]
    ) -> None:
        self._file = file
        self._name = name
        self._meter = meter
        self._stopping = stopping
        self._ahead = b""
        self._waits = False
        self._writer_seen = True
        try:
            self._descriptor = file if isinstance(file, int) else file.fileno()
        except (OSError, ValueError):
            self._descriptor = -1  # bytes in memory
        else:
            mode = os.fstat(self._descriptor).st_mode
            self._waits = not stat.S_ISREG(mode)
            self._writer_seen = not (stat.S_ISFIFO(mode) and isinstance(file, int))

    def peek(self, size: int) -> bytes:
        """The next bytes, up to ``size`` of them, still to be read."""
        while len(self._ahead) < size:
            more = self._take(CHUNK)
            if not more:
                break
            self._ahead += more
        return self._ahead[:size]

    def read(self, size: int = CHUNK) -> bytes:
        """Up to ``size`` bytes; none at the end."""
        size = CHUNK if size is None or size < 0 else size
        if self._ahead:
            data, self._ahead = self._ahead[:size], self._ahead[size:]
        else:
            data = self._take(size)
        self._meter.done += len(data)
        return data

    def readable(self) -> bool:
        """Always."""
        return True

    def close(self) -> None:
        """Nothing: who opened the file closes it."""

    def _take(self, size: int) -> bytes:
        try:
            if self._waits:
                return self._wait_and_take(size)
            if isinstance(self._file, int):
                return os.read(self._file, size)
            return self._file.read(size)
        except OSError as error:
            message = f"cannot read {self._name}: {error.strerror or error}"
            raise DlkitError(message) from error

    def _wait_and_take(self, size: int) -> bytes:
        started = time.monotonic()
        while True:
            self._stopping()
            poll = select.poll()
            poll.register(self._descriptor, select.POLLIN)
            with signals.waiting():
                ready = poll.poll(1000 * _PULSE)
            if not ready and self._writer_seen:
                continue
            try:
                data = os.read(self._descriptor, size)
            except BlockingIOError:  # a writer is there, and has nothing to say yet
                self._writer_seen = True
                continue
            if data or self._writer_seen:
                self._writer_seen = True
                return data
            if time.monotonic() - started > _PATIENCE:
                raise DlkitError(
                    f"nothing writes into the named pipe {self._name}",
                    hint="start its writer first, or give the file itself",
                )
            time.sleep(_PULSE / 2)


@contextmanager
def open_file(path: Path, name: str) -> Iterator[tuple[int, os.stat_result]]:
    """Open a regular file or a named pipe, without waiting for the pipe's writer.

    Yields:
        The descriptor and the file's state.

    Raises:
        DlkitError: it cannot be opened, or is neither.

    """
    try:
        check_kind(path.stat(), name)
        # The state is looked at again behind the open: the path may have changed in between.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        raise unreadable(name, error) from error
    try:
        status = os.fstat(descriptor)
        check_kind(status, name)
        yield descriptor, status
    finally:
        os.close(descriptor)


def check_kind(status: os.stat_result, name: str) -> None:
    """Refuse what is neither a regular file nor a pipe.

    Raises:
        DlkitError: a folder, a device or a socket.

    """
    if stat.S_ISREG(status.st_mode) or stat.S_ISFIFO(status.st_mode):
        return
    if stat.S_ISDIR(status.st_mode):
        raise DlkitError(f"{name} is a folder, not a file")
    kind = "socket" if stat.S_ISSOCK(status.st_mode) else "device"
    raise DlkitError(f"{name} is a {kind}, not a file", hint="pipe into `-` what it should give")


def unreadable(name: str, error: OSError | ValueError) -> DlkitError:
    """The error for a path that cannot be opened, with the system's reason."""
    if isinstance(error, FileNotFoundError):
        return DlkitError(f"no such file: {name}")
    reason = getattr(error, "strerror", None) or str(error)
    return DlkitError(f"cannot read {name}: {reason}")


def changed(before: os.stat_result, after: os.stat_result) -> bool:
    """Whether a regular file was written to between two looks at it."""
    return stat.S_ISREG(before.st_mode) and (
        (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)
    )


def is_regular(status: os.stat_result) -> bool:
    """Whether this is the state of a regular file."""
    return stat.S_ISREG(status.st_mode)


def inflating(raw: RawReader, codec: str) -> Any:
    """A reader of what ``codec`` (gzip, bz2, xz, zstd) packed into ``raw``."""
    if codec == "gzip":
        import gzip

        return gzip.GzipFile(fileobj=raw)  # type: ignore[call-overload]
    if codec == "bz2":
        import bz2

        return bz2.BZ2File(raw)  # type: ignore[call-overload]
    if codec == "xz":
        import lzma

        return lzma.LZMAFile(raw)  # type: ignore[arg-type]
    import pyarrow

    return pyarrow.CompressedInputStream(pyarrow.PythonFile(raw, mode="r"), "zstd")
