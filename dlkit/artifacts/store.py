"""The store: one folder per task, one folder per artifact; what is in it, and where."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from dlkit.artifacts.folders import open_folder, read_small
from dlkit.artifacts.load import DOCUMENT, read_document
from dlkit.artifacts.names import (
    MANIFEST,
    check_name,
    fault,
    looks_like_path,
    shown,
    split_reference,
)
from dlkit.errors import NOT_FOUND, USAGE, DlkitError

REPORTS: Final = "reports"  # later evaluations lie here; not a task
State = Literal["finished", "interrupted", "running", "damaged"]

# The command that makes an artifact of a kind, for hints.
_MAKERS: Final = {"word-vectors": "dlkit word2vec train CORPUS"}


@dataclass(frozen=True)
class ArtifactInfo:
    """What the store knows of an artifact or a run without verifying it.

    Attributes:
        task: the task's folder.
        name: the name in it.
        path: the folder: of the artifact, or of the run in ``.running``.
        state: finished, interrupted (a checkpoint waits), running, or damaged.
        kind: what artifact.json says it is; empty if there is none.
        finished_ns: time of the MANIFEST (of the checkpoint for runs), ns since 1970.
        size: bytes of all files.
        problem: why it is damaged; empty otherwise.

    """

    task: str
    name: str
    path: Path
    state: State
    kind: str
    finished_ns: int
    size: int
    problem: str = ""

    @property
    def reference(self) -> str:
        """``TASK/NAME``."""
        return f"{self.task}/{self.name}"


def root() -> Path:
    """The store: ``$DLKIT_HOME``, else ``./artifacts``; it may not exist."""
    home = os.environ.get("DLKIT_HOME", "")
    return Path(home).expanduser().absolute() if home else Path("artifacts").absolute()


def list_artifacts(task: str | None = None) -> list[ArtifactInfo]:
    """Every artifact and run of the store (of one task), newest first."""
    found = []
    for folder in _task_folders(task):
        found += [_info(path) for path in _artifact_folders(folder)]
        for path in _folders(folder / ".running"):
            run = _run_info(folder, path)
            if run is not None:
                found.append(run)
    return sorted(found, key=lambda info: (-info.finished_ns, info.reference))


def list_interrupted(task: str | None = None) -> list[ArtifactInfo]:
    """The runs that can be resumed, newest first."""
    return [info for info in list_artifacts(task) if info.state == "interrupted"]


def find(reference: str | None, *, kinds: Collection[str], task: str | None = None) -> Path:
    """The folder of a finished artifact; nothing of it is verified yet.

    Args:
        reference: NAME, TASK/NAME or a path; None: the newest artifact of ``kinds``.
        kinds: the kinds that will do; empty: any.
        task: look only among the artifacts of this task, unless ``reference`` says otherwise.

    Raises:
        DlkitError: (NOT_FOUND) there is none; (USAGE) it is of another kind, or the name fits
            several; (DAMAGED) what a candidate is cannot be read.

    """
    if reference is None:
        return _newest(kinds, task)
    path = locate(reference, kinds=kinds, task=task)
    kind = read_document(path).get("kind")
    if kinds and kind not in kinds:
        raise DlkitError(
            f"{shown(reference)} holds {shown(str(kind))}, not {' or '.join(sorted(kinds))}",
            hint=_maker(kinds),
            code=USAGE,
        )
    return path


def locate(reference: str, *, kinds: Collection[str] = (), task: str | None = None) -> Path:
    """The folder that NAME, TASK/NAME or a path means, whatever is in it; see ``find``.

    Raises:
        DlkitError: (NOT_FOUND) there is none; (USAGE) the name fits several artifacts.

    """
    if looks_like_path(reference):
        path = Path(reference).expanduser()
    else:
        found = _named(reference, kinds, task)
        path = found if found is not None else Path(reference)
        if found is None and not _is_artifact(path):
            raise _unknown(reference, kinds, task)
    if not os.path.lexists(path):
        raise DlkitError(
            f"{shown(reference)}: no such folder", hint="dlkit artifacts list", code=NOT_FOUND
        )
    return path.absolute()


def reference_of(path: Path) -> str:
    """What a user types for the artifact at ``path``: TASK/NAME if it lies in the store."""
    inside = path.parent.parent == root() and not fault(path.name)
    return f"{path.parent.name}/{path.name}" if inside else str(path)


def finished_by(path: Path) -> str | None:
    """The identity of the run that made the artifact at ``path``; None if that is not known."""
    with suppress(DlkitError, ValueError, RecursionError), open_folder(path, path) as folder:
        record = json.loads(read_small(folder, path, "run.json", 1 << 20))
        identity = record.get("run") if isinstance(record, dict) else None
        return identity if isinstance(identity, str) else None
    return None


def _newest(kinds: Collection[str], task: str | None) -> Path:
    folders = [path for folder in _task_folders(task) for path in _artifact_folders(folder)]
    # The newest is looked at first: one small file is read where it is of the right kind.
    for path in sorted(folders, key=lambda path: (-finished_ns(path), str(path))):
        if not kinds or read_document(path).get("kind") in kinds:
            return path
    what = " or ".join(sorted(kinds)) or "artifact"
    raise DlkitError(f"no {what} in {root()}", hint=_maker(kinds), code=NOT_FOUND)


def _named(reference: str, kinds: Collection[str], task: str | None) -> Path | None:
    """The artifact that NAME or TASK/NAME means, or None."""
    given, name = split_reference(reference)
    candidates = [
        folder / name for folder in _task_folders(given or task) if _is_artifact(folder / name)
    ]
    if len(candidates) > 1 and kinds:
        fitting = [path for path in candidates if read_document(path).get("kind") in kinds]
        candidates = fitting or candidates
    if len(candidates) > 1:
        references = [f"{path.parent.name}/{path.name}" for path in candidates]
        raise DlkitError(
            f"{reference} is the name of {len(references)} artifacts",
            hint=f"say which: {', '.join(references)}",
            code=USAGE,
        )
    return candidates[0] if candidates else None


def _unknown(reference: str, kinds: Collection[str], task: str | None) -> DlkitError:
    from difflib import get_close_matches

    given, name = split_reference(reference)
    everything = [path for folder in _task_folders(None) for path in _artifact_folders(folder)]
    names = {path.name: f"{path.parent.name}/{path.name}" for path in everything}
    names |= {each: each for each in names.values()}
    close = get_close_matches(reference, names, 1) or get_close_matches(name, names, 1)
    where = root() / (given or task or "")
    running = [folder / ".running" / name for folder in _task_folders(given or task)]
    if any(path.is_dir() for path in running):
        return DlkitError(
            f"the run {reference} in {where} is not finished",
            hint="wait for it, or go on with it: --resume",
            code=NOT_FOUND,
        )
    hint = f"did you mean {names[close[0]]}?" if close else _maker(kinds)
    return DlkitError(f"no artifact {reference!r} in {where}", hint=hint, code=NOT_FOUND)


def _maker(kinds: Collection[str]) -> str:
    """The command that makes an artifact of one of ``kinds``."""
    makers = [_MAKERS[kind] for kind in sorted(kinds or _MAKERS) if kind in _MAKERS]
    return makers[0] if makers else "dlkit artifacts list"


def finished_ns(path: Path) -> int:
    """When an artifact was finished: the time of its MANIFEST, ns since 1970; 0 if unknown."""
    for name in (MANIFEST, DOCUMENT):
        with suppress(OSError):
            return (path / name).lstat().st_mtime_ns
    return 0


def _folders(path: Path) -> Iterator[Path]:
    """The folders in ``path`` whose names could be ours, by name."""
    with suppress(OSError), os.scandir(path) as scan:
        yield from sorted(Path(item.path) for item in scan if not fault(item.name))


def _task_folders(task: str | None) -> list[Path]:
    if task is not None:
        return [root() / check_name(task)]
    return [path for path in _folders(root()) if path.name != REPORTS and path.is_dir()]


def _is_artifact(path: Path) -> bool:
    """Whether a folder has what only artifacts have, though it may be damaged."""
    return os.path.lexists(path / MANIFEST) or os.path.lexists(path / DOCUMENT)


def _artifact_folders(task_folder: Path) -> list[Path]:
    return [path for path in _folders(task_folder) if _is_artifact(path)]


def _info(path: Path) -> ArtifactInfo:
    kind, problem = "", ""
    try:
        kind = str(read_document(path).get("kind", ""))
        if not os.path.lexists(path / MANIFEST):
            problem = "it has no MANIFEST"
    except DlkitError as error:
        problem = error.message
    return ArtifactInfo(
        task=path.parent.name,
        name=path.name,
        path=path,
        state="damaged" if problem else "finished",
        kind=kind,
        finished_ns=finished_ns(path),
        size=_size(path),
        problem=problem,
    )


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
        size=_size(path),
    )


def _size(path: Path) -> int:
    """Bytes of all regular files under ``path``; links are not followed."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with suppress(OSError):
                status = Path(folder, name).lstat()
                total += status.st_size if stat.S_ISREG(status.st_mode) else 0
    return total
