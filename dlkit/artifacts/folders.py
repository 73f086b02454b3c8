"""Folders and files that somebody else may have made: opened with distrust, never followed away.

Everything is opened relative to the descriptor of its folder, so that a folder exchanged meanwhile
cannot lead elsewhere.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dlkit.artifacts.manifest import MOST_FILES, RESTORE
from dlkit.artifacts.names import FIGURES, shown
from dlkit.errors import DAMAGED, NOT_FOUND, DlkitError

_PIECE: Final = 1 << 20  # bytes read at a time


def damaged(path: Path, what: str, hint: str = "") -> DlkitError:
    """The error for an artifact (or a file of one) that cannot be believed."""
    return DlkitError(f"{shown(str(path))}: {what}", hint=hint or RESTORE, code=DAMAGED)


def foreign(head: bytes) -> tuple[str, str]:
    """What a file that begins with ``head`` is instead of ours, and a hint; empty if unknown."""
    if head.startswith(b"version https://git-lfs"):
        return "a git-LFS pointer, not the file itself", "git lfs pull"
    # A safetensors header of 640 bytes begins like a pickle too, but with zeros after it.
    pickled = head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")) or (pickled and any(head[3:8])):
        what = "a pickle or zip file (.pt, .pkl); dlkit never reads pickles"
        return what, "convert it to safetensors where you trust it"
    return "", ""


def root() -> Path:
    """The store: ``$DLKIT_HOME``, else ``./artifacts``; it may not exist."""
    home = os.environ.get("DLKIT_HOME", "")
    return Path(home).expanduser().absolute() if home else Path("artifacts").absolute()


def refuse_exposed_store(task_folder: Path) -> None:
    """Do nothing if ``task_folder`` and the store around it are safe, or do not exist.

    Raises:
        DlkitError: (DAMAGED) everybody may exchange what lies in one of them: it is
            world-writable without the sticky bit that /tmp has.

    """
    for folder in (task_folder.parent, task_folder):
        try:
            status = folder.stat()
        except OSError:
            continue
        if not status.st_mode & stat.S_ISVTX:
            _refuse_world_writable(folder, status)


@contextmanager
def open_folder(path: Path, shown_path: Path, *, inside: int | None = None) -> Iterator[int]:
    """A descriptor of a folder that is no link and not world-writable.

    Args:
        path: the folder; relative to the descriptor ``inside`` if that is given.
        shown_path: what messages call it.
        inside: the descriptor of its parent.

    Raises:
        DlkitError: (DAMAGED) it cannot be trusted; (NOT_FOUND) there is none.

    """
    try:
        status = os.stat(path, dir_fd=inside, follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            raise damaged(
                shown_path,
                "a symbolic link; artifacts are only read where they lie",
                f"give the folder itself: {shown(os.path.realpath(shown_path))}",
            )
        if not stat.S_ISDIR(status.st_mode):
            raise damaged(shown_path, "not the folder of an artifact")
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, dir_fd=inside)
    except OSError as error:
        raise _unreadable(shown_path, error) from error
    try:
        _refuse_world_writable(shown_path, os.fstat(descriptor))
        yield descriptor
    finally:
        os.close(descriptor)


def _unreadable(path: Path, error: OSError) -> DlkitError:
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
        return DlkitError(
            f"{shown(str(path))}: no such artifact", hint="dlkit artifacts list", code=NOT_FOUND
        )
    return damaged(path, f"cannot be read: {error.strerror}")


def _refuse_world_writable(path: Path, status: os.stat_result) -> None:
    if status.st_mode & stat.S_IWOTH:
        raise damaged(
            path,
            "everybody may write it, so it cannot be trusted",
            f"if you know who wrote it: chmod o-w {shown(str(path))}",
        )


def statuses(folder: int, path: Path, *, nested: bool = False) -> dict[str, os.stat_result]:
    """Every file of a folder by name (``figures/NAME`` for those in figures).

    Raises:
        DlkitError: (DAMAGED) one is a link, special or world-writable; or there are too many.

    """
    found: dict[str, os.stat_result] = {}
    with os.scandir(folder) as scan:
        names = [item.name for item, _ in zip(scan, range(MOST_FILES + 2), strict=False)]
    if len(names) > MOST_FILES + 1:  # and the MANIFEST itself
        raise damaged(path, f"it has more than {MOST_FILES:,} files")
    for name in names:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode) and name == FIGURES and not nested:
            with open_folder(Path(name), path / name, inside=folder) as inner:
                for each, its_status in statuses(inner, path / name, nested=True).items():
                    found[f"{FIGURES}/{each}"] = its_status
            continue
        if not stat.S_ISREG(status.st_mode):
            raise damaged(path / shown(name), _kind(status.st_mode))
        _refuse_world_writable(path / name, status)
        found[name] = status
    return found


def _kind(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "a symbolic link, which no artifact contains"
    if stat.S_ISDIR(mode):
        return "a folder that no artifact contains"
    return "not a regular file"


def open_file(folder: int, path: Path, name: str) -> int:
    """Open a file for reading, not following links and not waiting for a pipe's writer.

    Raises:
        DlkitError: (DAMAGED) it is missing, cannot be read, or is not a regular file.

    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise damaged(path / name, "not a regular file")
        descriptor = os.open(name, flags, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise damaged(path, f"the file {shown(name)} is missing") from error
        raise damaged(path / name, f"cannot be read: {error.strerror}") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise damaged(path / name, "not a regular file")
    return descriptor


def read_small(folder: int, path: Path, name: str, largest: int) -> bytes:
    """A file of at most ``largest`` bytes of the folder ``folder`` (``path`` in messages).

    Raises:
        DlkitError: (DAMAGED) it is missing, not a regular file, world-writable or too large.

    """
    descriptor = open_file(folder, path, name)
    try:
        status = os.fstat(descriptor)
        _refuse_world_writable(path / name, status)
        if status.st_size > largest:
            raise damaged(path / name, f"larger than {largest:,} bytes")
        return _exactly(descriptor, status.st_size, path / name)
    finally:
        os.close(descriptor)


def _exactly(descriptor: int, size: int, path: Path) -> bytes:
    pieces = []
    while size:
        try:
            piece = os.read(descriptor, min(size, _PIECE))
        except OSError as error:
            raise damaged(path, f"cannot be read: {error.strerror}") from error
        if not piece:
            raise damaged(path, "it became shorter while it was read")
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def head_of(folder: int, path: Path, name: str) -> bytes:
    """The first bytes of a file, to tell what it is instead of ours."""
    descriptor = open_file(folder, path, name)
    try:
        return os.read(descriptor, 64)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
