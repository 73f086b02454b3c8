"""Files that are on the disk when the call returns: written, hashed, flushed, put in place.

A file appears under its final name whole or not at all, whatever moment the process is killed at
and whatever the disk answers.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, cast

from dlkit.artifacts.manifest import MOST_FILES, Entry, encode
from dlkit.artifacts.names import FIGURES, MANIFEST, check_file_name
from dlkit.errors import DlkitError

Content = bytes | Callable[[BinaryIO], None]

# A link cannot be made: another disk, a system without links, too many of them, not our file.
_NO_LINK: Final = frozenset(
    [errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS]
)
_PIECE: Final = 4 << 20  # bytes hashed while they are still in the processor's cache
_HINTS: Final = {
    errno.ENOSPC: "free some space on that disk, or set DLKIT_HOME to another one",
    errno.EDQUOT: "your quota on that disk is used up; set DLKIT_HOME to another one",
    errno.EROFS: "set DLKIT_HOME to a folder that can be written",
    errno.EACCES: "set DLKIT_HOME to a folder that you may write",
    errno.EPERM: "set DLKIT_HOME to a folder that you may write",
    errno.EFBIG: "the limit on file sizes (ulimit -f) or the file system's own is reached",
}


class Taken(NamedTuple):
    """A file of another artifact that is taken over as it is.

    Attributes:
        path: where it lies.
        entry: what the manifest says of it, which it was found to be.

    """

    path: Path
    entry: Entry


class _HashedFile(io.RawIOBase):
    """A file open for writing that counts and hashes what has reached the system."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.descriptor = descriptor
        self.size = 0
        self.digest = hashlib.sha256()
        self.abandoned = False  # what is still buffered has nowhere to go

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.descriptor

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")[:_PIECE]
        if self.abandoned:
            return len(view)
        written = os.write(self.descriptor, view)
        if written == 0 and len(view):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self.digest.update(view[:written])
        self.size += written
        return written


@contextmanager
def blamed(path: Path, doing: str = "write") -> Iterator[None]:
    """Turn an OSError of the body into a DlkitError that names ``path`` and the system's reason."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise DlkitError(
            f"cannot {doing} {path}: {reason}", hint=_HINTS.get(error.errno or 0, "")
        ) from error


def write_file(path: Path, content: Content) -> Entry:
    """Write a new file and flush it to the disk; its size and SHA-256 are of what was written.

    Raises:
        OSError: it exists already, or the disk refused a write, the flush or the close.

    """
    descriptor = os.open(
        path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o664
    )
    try:
        raw = _HashedFile(descriptor)
        stream = io.BufferedWriter(raw, 1 << 16)
        try:
            if isinstance(content, bytes):
                stream.write(content)
            else:
                content(cast("BinaryIO", stream))
            stream.flush()
        finally:
            # The buffer's destructor must not write again what a full disk has refused.
            raw.abandoned = True
            stream.detach()
        os.fsync(descriptor)
    except BaseException:
        with suppress(OSError):
            os.close(descriptor)
        raise
    os.close(descriptor)  # may report a late error; it is the caller's like any other
    return Entry(path.name, raw.size, raw.digest.hexdigest())


def take_file(path: Path, taken: Taken) -> Entry:
    """Make ``taken`` a file of another folder, too: by a hard link, else by a copy.

    Raises:
        OSError: as ``write_file``, or a copy is not what the manifest says.

    """
    try:
        os.link(taken.path, path, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        with taken.path.open("rb") as source:
            entry = write_file(path, lambda stream: shutil.copyfileobj(source, stream, _PIECE))
        if entry[1:] != taken.entry[1:]:
            raise OSError(errno.EIO, f"{taken.path} is not what its MANIFEST says") from error
        return entry
    return taken.entry._replace(name=path.name)


def sync_folder(path: Path) -> None:
    """Flush a folder's list of names to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems
            raise
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Make ``path`` and its missing parents, and flush the names of the new ones."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        if path == path.parent:
            break
        path = path.parent
    for folder in reversed(missing):
        with suppress(FileExistsError):
            folder.mkdir(0o775)
        sync_folder(folder.parent)


def write_file_atomically(path: Path, content: Content) -> Entry:
    """Write ``path``, replacing what was there: a reader sees the old file or the new one.

    Raises:
        DlkitError: the disk refused; the old file is as it was.

    """
    with blamed(path):
        temporary = path.with_name(f".tmp-{path.name}-{os.urandom(4).hex()}")
        try:
            entry = write_file(temporary, content)
            temporary.rename(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(path.parent)
    return entry._replace(name=path.name)


def write_folder(folder: Path, files: Mapping[str, Content | Taken]) -> list[Entry]:
    """Make ``folder`` with ``files`` and, last, the MANIFEST of them; all flushed.

    Raises:
        DlkitError: the disk refused; the folder is gone again.

    """
    if len(files) > MOST_FILES:
        raise DlkitError(f"{folder}: {len(files):,} files; {MOST_FILES:,} are allowed")
    entries = []
    try:
        with blamed(folder):
            folder.mkdir(0o775)
        if any(name.startswith(f"{FIGURES}/") for name in files):
            with blamed(folder / FIGURES):
                (folder / FIGURES).mkdir(0o775)
        for name in sorted(files):
            path = folder / check_file_name(name)
            with blamed(path):
                content = files[name]
                made = (
                    take_file(path, content)
                    if isinstance(content, Taken)
                    else write_file(path, content)
                )
                entries.append(made._replace(name=name))
        with blamed(folder / MANIFEST):
            if (folder / FIGURES).is_dir():
                sync_folder(folder / FIGURES)
            write_file(folder / MANIFEST, encode(entries))
            sync_folder(folder)
    except BaseException:
        discard(folder)
        raise
    return entries


def discard(path: Path) -> None:
    """Remove a file, link or folder of ours as far as possible; what stays is swept later."""
    with suppress(OSError):
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
        else:
            shutil.rmtree(path, ignore_errors=True)


def dump_json(document: Mapping[str, Any], *, name: str) -> bytes:
    """JSON that is the same bytes for the same values: sorted keys, UTF-8, one value a line.

    Raises:
        DlkitError: a number is NaN or infinite, which JSON has no word for.

    """
    try:
        text = json.dumps(document, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=2)
    except ValueError as error:
        raise DlkitError(f"{name}: {error}") from error
    # Half a surrogate pair (a file name that is not UTF-8) becomes its JSON escape, \udcXX.
    return (text + "\n").encode("utf-8", "backslashreplace")
