"""Who is at work in a store: locks that die with their process.

``<task>/.running/.lock`` is held for moments, around every change of what is reserved;
``<task>/.running/<name>/lock`` is held as long as a run lives. Both are flock(2) locks, which the
system releases when a process ends, however it ends, so that no lock can be stale.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from dlkit.artifacts.writing import blamed, make_folder
from dlkit.errors import BUSY, DlkitError

RUNNING: Final = ".running"
LOCK: Final = "lock"
OWNER: Final = "owner.json"
PATIENCE: Final = 20.0  # seconds; changes of the store take milliseconds

_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


@contextmanager
def store_lock(task_folder: Path, *, patience: float = PATIENCE) -> Iterator[None]:
    """Keep every other process from changing what is reserved under ``task_folder``.

    Raises:
        DlkitError: (BUSY) another process held it for ``patience`` seconds;
            the folder cannot be written.

    """
    running = task_folder / RUNNING
    with blamed(running):
        make_folder(running)
        descriptor = os.open(running / ".lock", _FLAGS, 0o664)
    try:
        with blamed(running / ".lock", "lock"):
            _wait(descriptor, running / ".lock", patience)
        yield
    finally:
        release(descriptor)


def _wait(descriptor: int, path: Path, patience: float) -> None:
    end = time.monotonic() + patience
    while not _taken(descriptor):
        if time.monotonic() > end:
            raise DlkitError(
                f"{path} is held by a process that does not go on",
                hint=f"find it with: fuser -v {path}",
                code=BUSY,
            )
        time.sleep(0.002)


def take(folder: Path) -> int | None:
    """Lock the run folder ``folder`` for the life of this process; None if another holds it.

    Returns the descriptor whose closing releases the lock. Call it under ``store_lock``.
    """
    with blamed(folder / LOCK):
        descriptor = os.open(folder / LOCK, _FLAGS, 0o664)
    # Somebody who looks whether the run is alive holds the lock for microseconds.
    for _ in range(20):
        if _taken(descriptor):
            return descriptor
        time.sleep(0.001)
    release(descriptor)
    return None


def release(descriptor: int) -> None:
    """Let go of a lock. Nothing was written through it, so that nothing can be lost."""
    with suppress(OSError):
        os.close(descriptor)


def alive(folder: Path) -> bool:
    """Whether a live process holds the run folder ``folder``."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        return not _taken(descriptor, fcntl.LOCK_SH)
    finally:
        release(descriptor)


def _taken(descriptor: int, how: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def boot_id() -> str:
    """What tells this start of the machine from others; empty where there is no such thing."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def this_process() -> dict[str, Any]:
    """Who this process is, for owner.json; ``started`` in seconds since 1970."""
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "boot": boot_id(),
        "started": int(time.time()),
    }


def owner(folder: Path) -> dict[str, Any]:
    """What the owner.json of a run folder says; empty if it says nothing."""
    try:
        with (folder / OWNER).open("rb") as file:
            found = json.loads(file.read(10_000))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def busy(reference: str, folder: Path) -> DlkitError:
    """The error for a run that another live process holds."""
    who = owner(folder)
    pid = who.get("pid", "?")
    elsewhere = "" if who.get("host") == socket.gethostname() else f" on {who.get('host', '?')}"
    return DlkitError(
        f"the run {reference} is held by process {pid}{elsewhere}",
        hint=f"wait for it, end it (kill -INT {pid}), or choose another --name",
        code=BUSY,
    )
