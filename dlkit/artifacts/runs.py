"""A run: the name it holds, the folder it works in, and the moment it becomes an artifact."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from dlkit.artifacts import checkpoints, locks, remembered
from dlkit.artifacts.clearing import doom, sweep, temporary_name
from dlkit.artifacts.folders import refuse_exposed_store, root
from dlkit.artifacts.load import FORMAT
from dlkit.artifacts.locks import OWNER, RUNNING
from dlkit.artifacts.names import DOCUMENT, check_name, name_from, numbered, shown
from dlkit.artifacts.record import RECORD, describe
from dlkit.artifacts.writing import (
    Content,
    Taken,
    blamed,
    discard,
    dump_json,
    sync_folder,
    write_file_atomically,
    write_folder,
)
from dlkit.errors import NOT_FOUND, DlkitError

_PATIENCE_OF_COMMIT: Final = 600.0  # seconds; hours of work may hang on it


class Run:
    """A reserved name and a folder to work in; made by ``reserve`` and ``resume``.

    Attributes:
        task: the task, the name of the store's folder.
        name: the reserved name.
        folder: where the run keeps what it needs while it lives; checkpoints lie here.

    """

    def __init__(self, task_folder: Path, name: str, lock: int, identity: str) -> None:
        self.task = task_folder.name
        self.name = name
        self.folder = task_folder / RUNNING / name
        self._task_folder = task_folder
        self._lock = lock
        self._identity = identity
        self._kept = False
        self._committed = False

    @property
    def reference(self) -> str:
        """``TASK/NAME``, as a user types it."""
        return f"{self.task}/{self.name}"

    def keep(self) -> None:
        """Leave the folder behind when the run ends; swept later unless it has a checkpoint."""
        self._kept = True

    def save_checkpoint(self, files: Mapping[str, Content], document: Mapping[str, Any]) -> None:
        """Replace the run's checkpoint; see ``checkpoints.save``."""
        checkpoints.save(self.folder, files, document)

    def load_checkpoint(self) -> tuple[dict[str, Any], Path]:
        """The checkpoint's document and the folder of its files; see ``checkpoints.load``."""
        return checkpoints.load(self.folder)

    def commit(
        self,
        document: Mapping[str, Any],
        files: Mapping[str, Content | Taken],
        *,
        kind: str | None = None,
        record: Mapping[str, Any] | None = None,
    ) -> Path:
        """Make the artifact, whole and on the disk; then the run's folder goes.

        Args:
            document: reproducible facts for artifact.json; format, task and kind are added.
            files: every other file by name: bytes, a function that writes them to a stream, or a
                file of another artifact, which is taken over.
            kind: what the artifact is, for example "word-vectors"; None: ``document`` says it.
            record: what differs from run to run (seconds, rates, resumptions), for run.json;
                the time, host and versions are added.

        Returns:
            The artifact's folder: the reserved name, or if somebody else put something there
            meanwhile, the next free number.

        Raises:
            DlkitError: the disk refused. Nothing half written is left.

        """
        facts = {"format": FORMAT, "task": self.task, "kind": kind or document["kind"]}
        assert all(document.get(key, value) == value for key, value in facts.items()), document
        told = {**describe(), **(record or {}), "run": self._identity}
        content: dict[str, Content | Taken] = {
            **files,
            DOCUMENT: dump_json({**document, **facts}, name=DOCUMENT),
            RECORD: dump_json(told, name=RECORD),
        }
        temporary = self._task_folder / temporary_name(self.name)
        try:
            entries = write_folder(temporary, content)
            with locks.store_lock(self._task_folder, patience=_PATIENCE_OF_COMMIT):
                path = self._place(temporary)
        except BaseException:
            discard(temporary)
            raise
        self._committed = True
        with blamed(path, "flush the folder of"):
            sync_folder(self._task_folder)
            sync_folder(self._task_folder.parent)
        for entry in entries:
            if entry.size > remembered.WORTHWHILE:
                with suppress(OSError):
                    remembered.remember((path / entry.name).stat(), entry.sha256)
        self.close()
        return path

    def _place(self, temporary: Path) -> Path:
        """Give the finished folder its name; nothing is ever overwritten."""
        for name in numbered(self.name):
            path = self._task_folder / name
            reserved = name != self.name and os.path.lexists(self._task_folder / RUNNING / name)
            if not reserved and not os.path.lexists(path):
                with blamed(path):
                    temporary.rename(path)
                return path
        raise AssertionError

    def close(self) -> None:
        """End the run: release the name, and remove the folder unless there is a reason to stay."""
        if self._lock < 0:
            return
        stays = not self._committed and (self._kept or checkpoints.exists(self.folder))
        doomed = None
        # What cannot be removed now is swept at the next start.
        with suppress(OSError, DlkitError):
            if not stays:
                with locks.store_lock(self._task_folder):
                    doomed = doom(self.folder)
        locks.release(self._lock)
        self._lock = -1
        if doomed is not None:
            discard(doomed)


@contextmanager
def reserve(task: str, name: str | None = None, *, default: str) -> Iterator[Run]:
    """Hold a free name for a new run while the body runs.

    Args:
        task: the task's name.
        name: the name asked for; None: the first free one of ``default``, ``default-2`` …
        default: any text (a file's stem); made a valid name.

    A name is taken by an artifact, or by an interrupted run that holds a checkpoint; then the
    next number is used. When the body ends without ``commit``, the folder goes unless it holds a
    checkpoint or ``keep`` was called.

    Raises:
        DlkitError: (BUSY) a live process holds ``name``; (USAGE) it is no valid name; the store
            cannot be written; (DAMAGED) everybody may write it.

    """
    task_folder = root() / check_name(task)
    refuse_exposed_store(task_folder)
    wanted = check_name(name) if name is not None else name_from(default, fallback=task)
    with locks.store_lock(task_folder):
        doomed = sweep(task_folder)
        run = _claim(task_folder, wanted, named=name is not None)
    yield from _lifetime(run, doomed)


@contextmanager
def resume(task: str, name: str | None = None) -> Iterator[Run]:
    """Hold an interrupted run with its checkpoint again: ``name``, or the newest of the task.

    When the body ends without ``commit``, the checkpoint stays.

    Raises:
        DlkitError: (NOT_FOUND) there is none; (BUSY) a live process holds it; (DAMAGED) everybody
            may write the store.

    """
    task_folder = root() / check_name(task)
    refuse_exposed_store(task_folder)
    if name is not None:
        check_name(name)
    if not (task_folder / RUNNING).is_dir():
        raise _nothing_to_resume(task, name, [])
    with locks.store_lock(task_folder):
        doomed = sweep(task_folder)
        run = _reclaim(task_folder, name)
    yield from _lifetime(run, doomed)


def _lifetime(run: Run, doomed: list[Path]) -> Iterator[Run]:
    try:
        for path in doomed:
            discard(path)
        yield run
    finally:
        run.close()


def _claim(task_folder: Path, wanted: str, *, named: bool) -> Run:
    for name in numbered(wanted):
        if os.path.lexists(task_folder / name):
            continue
        folder = task_folder / RUNNING / name
        if os.path.lexists(folder):
            if named and name == wanted and locks.alive(folder):
                raise locks.busy(f"{task_folder.name}/{name}", folder)
            continue
        with blamed(folder, "make"):
            folder.mkdir(0o775)
        try:
            lock = locks.take(folder)
            if lock is None:  # only a stranger to this protocol could hold it
                raise locks.busy(f"{task_folder.name}/{name}", folder)
            return _owned(task_folder, name, lock, os.urandom(8).hex())
        except BaseException:
            discard(folder)
            raise
    raise AssertionError


def _reclaim(task_folder: Path, name: str | None) -> Run:
    folders = [
        path
        for path in (task_folder / RUNNING).iterdir()
        if not path.name.startswith(".") and checkpoints.exists(path)
    ]
    folders.sort(key=lambda path: (path / checkpoints.POINTER).lstat().st_mtime_ns, reverse=True)
    if name is not None and (task_folder / RUNNING / name / locks.LOCK).exists():
        candidates = [task_folder / RUNNING / name]
    else:
        candidates = [path for path in folders if name is None]
    for folder in candidates:
        lock = locks.take(folder)
        if lock is not None:
            identity = locks.owner(folder).get("run")
            identity = identity if isinstance(identity, str) else os.urandom(8).hex()
            return _owned(task_folder, folder.name, lock, identity)
    if candidates:
        raise locks.busy(f"{task_folder.name}/{candidates[0].name}", candidates[0])
    raise _nothing_to_resume(task_folder.name, name, [path.name for path in folders])


def _owned(task_folder: Path, name: str, lock: int, identity: str) -> Run:
    """The run of a folder just locked, after its owner.json says who holds it."""
    try:
        owner = dump_json({**locks.this_process(), "run": identity}, name=OWNER)
        write_file_atomically(task_folder / RUNNING / name / OWNER, owner)
    except BaseException:
        locks.release(lock)
        raise
    return Run(task_folder, name, lock, identity)


def _nothing_to_resume(task: str, name: str | None, others: list[str]) -> DlkitError:
    from difflib import get_close_matches

    if name is None:
        what = f"no interrupted run of {task} holds a checkpoint"
    else:
        what = f"no interrupted run {task}/{shown(name)} holds a checkpoint"
    close = get_close_matches(name or "", others, 1) or others[:1]
    hint = f"did you mean {close[0]}?" if close else "dlkit artifacts list shows what there is"
    return DlkitError(what, hint=hint, code=NOT_FOUND)
