"""Which files were verified before, so that a second query need not hash 100 MB again.

One small file per verified file in a folder of the user cache that only the user can write. It
holds what changes when the file's content does: size, time of modification, time of the inode's
change (which, unlike the former, no program can set), and the hash that was found.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from dlkit.jit import private_folder, user_cache

WORTHWHILE: Final = 1 << 20  # bytes; smaller files are hashed faster than looked up
_MOST: Final = 2_000  # notes kept


def _place(status: os.stat_result, folder: Path, what: str) -> Path:
    return folder / f"{status.st_dev:x}-{status.st_ino:x}{what}"


def _note(status: os.stat_result, sha256: str) -> bytes:
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {sha256}\n".encode()


def _folder() -> Path | None:
    try:
        return private_folder(user_cache() / "verified")
    except RuntimeError:  # no home folder can be determined
        return None


def holds(status: os.stat_result, sha256: str, what: str = "") -> bool:
    """Whether the file with ``status`` was found to have the hash ``sha256`` and is unchanged.

    ``what`` names another fact that was found of that content, and is asked for instead.
    """
    folder = _folder()
    if folder is None:
        return False
    try:
        with _place(status, folder, what).open("rb") as file:
            return file.read(300) == _note(status, sha256)
    except OSError:
        return False


def remember(status: os.stat_result, sha256: str, what: str = "") -> None:
    """Note that the file with ``status`` has the hash ``sha256``; does nothing if it cannot."""
    folder = _folder()
    if folder is None:
        return
    temporary = folder / f".tmp-{os.urandom(8).hex()}"
    with suppress(OSError):
        try:
            temporary.write_bytes(_note(status, sha256))
            temporary.replace(_place(status, folder, what))
        except OSError:
            temporary.unlink(missing_ok=True)
        notes = list(folder.iterdir())
        if len(notes) > _MOST:
            notes.sort(key=lambda note: note.stat().st_mtime_ns)
            for note in notes[: _MOST // 2]:
                note.unlink(missing_ok=True)
