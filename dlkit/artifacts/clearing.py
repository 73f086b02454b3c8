"""What goes: the remains of killed processes, and what a user removes. Gone in one step.

A folder that goes is renamed to ``.tmp-…`` first and deleted after, so that nobody ever sees half
of it; a kill between the two leaves what the next start sweeps.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from dlkit.artifacts import checkpoints, locks
from dlkit.artifacts.locks import RUNNING
from dlkit.artifacts.record import finished_by
from dlkit.artifacts.writing import blamed, discard, sync_folder

TEMPORARY: Final = ".tmp-"


def sweep(task_folder: Path) -> list[Path]:
    """Set aside what killed processes left; returns the paths to discard after ``store_lock``."""
    doomed = []
    running = task_folder / RUNNING
    for path in task_folder.glob(f"{TEMPORARY}*"):
        owner = path.name.removeprefix(TEMPORARY).rpartition("-")[0]
        if not owner or not locks.alive(running / owner):
            doomed.append(path)
    for path in running.iterdir():
        if path.name.startswith(TEMPORARY):
            doomed.append(path)
        elif not path.name.startswith(".") and not locks.alive(path):
            identity = locks.owner(path).get("run")
            finished = identity is not None and finished_by(task_folder / path.name) == identity
            if finished or not checkpoints.exists(path):
                with suppress(OSError):
                    doomed.append(doom(path))
    return doomed


def temporary_name(name: str) -> str:
    """The name of a folder that belongs to the run ``name`` and is swept if that is dead."""
    return f"{TEMPORARY}{name}-{os.urandom(4).hex()}"


def doom(folder: Path) -> Path:
    """Rename a folder of the store to what is swept; in one step, under ``store_lock``."""
    doomed = folder.with_name(temporary_name(folder.name))
    return folder.rename(doomed)


def refuse_if_held(path: Path) -> None:
    """Do nothing if the run folder or artifact at ``path`` may go.

    Raises:
        DlkitError: (BUSY) a live process holds the run.

    """
    if path.parent.name == RUNNING and locks.alive(path):
        raise locks.busy(f"{path.parent.parent.name}/{path.name}", path)


def remove(path: Path) -> None:
    """Remove an artifact or an interrupted run of the store: gone in one step, deleted after it.

    Raises:
        DlkitError: (BUSY) a live process holds the run; the disk refused.

    """
    task_folder = path.parent.parent if path.parent.name == RUNNING else path.parent
    with locks.store_lock(task_folder), blamed(path, "remove"):
        refuse_if_held(path)
        doomed = doom(path)
        sync_folder(path.parent)
    discard(doomed)
