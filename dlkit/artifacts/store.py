"""The store: one folder per task, one folder per artifact; what is in it, and where."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from dlkit.artifacts.folders import damaged
from dlkit.artifacts.folders import root as root  # the store's folder, for all who ask the store
from dlkit.artifacts.load import read_document
from dlkit.artifacts.names import (
    DOCUMENT,
    MANIFEST,
    check_name,
    fault,
)
from dlkit.artifacts.record import finished_by, finished_ns
from dlkit.errors import DlkitError

REPORTS: Final = "reports"  # later evaluations lie here; not a task
State = Literal["finished", "interrupted", "running", "damaged"]


@dataclass(frozen=True)
class ArtifactInfo:
    """What the store knows of an artifact or a run without verifying it.

    Attributes:
        task: the task's folder.
        name: the name in it.
        path: the folder: of the artifact, or of the run in ``.running``.
        state: finished, interrupted (a checkpoint waits), running, or damaged.
        kind: what artifact.json says it is; empty if there is none.
        finished_ns: when it was finished (for runs: the time of the checkpoint), ns since 1970.
        size: bytes of all files.
        shape: rows x dim of what it holds: words of word vectors, points of an index; empty for
            other kinds.
        problem: why it is damaged; empty otherwise.

    """

    task: str
    name: str
    path: Path
    state: State
    kind: str
    finished_ns: int
    size: int
    shape: str = ""
    problem: str = ""

    @property
    def reference(self) -> str:
        """``TASK/NAME``."""
        return f"{self.task}/{self.name}"


def list_artifacts(task: str | None = None) -> list[ArtifactInfo]:
    """Every artifact and run of the store (of one task), newest first."""
    found = []
    for folder in task_folders(task):
        found += [_info(path) for path in artifact_folders(folder)]
        for path in _folders(folder / ".running"):
            run = _run_info(folder, path)
            if run is not None:
                found.append(run)
    return sorted(found, key=lambda info: (-info.finished_ns, info.reference))


def has_task(task: str) -> bool:
    """Whether the store has a folder for ``task``."""
    return any(path.is_dir() for path in task_folders(task))


def completions(incomplete: str, *, kinds: Collection[str] = ()) -> list[str]:
    """What may stand for ``incomplete`` on a command line: plain names, TASK/NAME; for the shell.

    Args:
        incomplete: what was typed so far.
        kinds: only artifacts of these kinds; empty: every artifact and run.

    """
    there = [info for info in list_artifacts() if not kinds or info.kind in kinds]
    names = [info.name for info in there] + [info.reference for info in there]
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]


def list_interrupted(task: str | None = None) -> list[ArtifactInfo]:
    """The runs that can be resumed, newest first."""
    return [info for info in list_artifacts(task) if info.state == "interrupted"]


def reference_of(path: Path) -> str:
    """What a user types for the artifact at ``path``: TASK/NAME if it lies in the store."""
    inside = path.parent.parent == root() and not fault(path.name)
    return f"{path.parent.name}/{path.name}" if inside else str(path)


def _folders(path: Path) -> Iterator[Path]:
    """The folders in ``path`` whose names could be ours, by name."""
    with suppress(OSError), os.scandir(path) as scan:
        yield from sorted(Path(item.path) for item in scan if not fault(item.name))


def task_folders(task: str | None) -> list[Path]:
    """The folders of all tasks; of ``task`` alone, it may be missing then."""
    if task is not None:
        return [root() / check_name(task)] if task != REPORTS else []
    return [path for path in _folders(root()) if path.name != REPORTS and path.is_dir()]


def is_artifact(path: Path) -> bool:
    """Whether a folder has what only artifacts have, though it may be damaged."""
    return os.path.lexists(path / MANIFEST) or os.path.lexists(path / DOCUMENT)


def artifact_folders(task_folder: Path) -> list[Path]:
    """The artifacts in ``task_folder``, damaged ones too."""
    return [path for path in _folders(task_folder) if is_artifact(path)]


def _info(path: Path) -> ArtifactInfo:
    kind, shape, problem = "", "", ""
    try:
        document = read_document(path)
        kind = str(document.get("kind", ""))
        shape = _shape(document)
        if not os.path.lexists(path / MANIFEST):
            problem = damaged(path, "it has no MANIFEST").message
    except DlkitError as error:
        problem = error.message
    return ArtifactInfo(
        task=path.parent.name,
        name=path.name,
        path=path,
        state="damaged" if problem else "finished",
        kind=kind,
        finished_ns=finished_ns(path),
        size=size_of(path),
        shape=shape,
        problem=problem,
    )


def _shape(document: Mapping[str, Any]) -> str:
    for rows in ("words", "points"):
        number, dim = document.get(rows), document.get("dim")
        if isinstance(number, int) and isinstance(dim, int):
            return f"{number:,} {rows if number != 1 else rows[:-1]} x {dim}"
    return ""


def _run_info(task_folder: Path, path: Path) -> ArtifactInfo | None:
    """A run of ``.running``; None for the remains of one, which the next start sweeps."""
    from dlkit.artifacts import checkpoints, locks

    pointer = path / checkpoints.POINTER
    running = locks.alive(path)
    identity = locks.owner(path).get("run")
    done = identity is not None and finished_by(task_folder / path.name) == identity
    if not running and (done or not checkpoints.exists(path)):
        return None
    when = 0
    with suppress(OSError):
        when = (pointer if checkpoints.exists(path) else path).lstat().st_mtime_ns
    return ArtifactInfo(
        task=task_folder.name,
        name=path.name,
        path=path,
        state="running" if running else "interrupted",
        kind="",
        finished_ns=when,
        size=size_of(path),
    )


def size_of(path: Path) -> int:
    """Bytes of all regular files under ``path``; links are not followed."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with suppress(OSError):
                status = Path(folder, name).lstat()
                total += status.st_size if stat.S_ISREG(status.st_mode) else 0
    return total
