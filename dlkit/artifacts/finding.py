"""Which artifact a person means: by name, by path, or the newest."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from dlkit.artifacts.load import read_document
from dlkit.artifacts.names import looks_like_path, shown, split_reference
from dlkit.artifacts.record import finished_ns
from dlkit.artifacts.store import (
    ArtifactInfo,
    artifact_folders,
    is_artifact,
    list_artifacts,
    root,
    task_folders,
)
from dlkit.errors import NOT_FOUND, USAGE, DlkitError, quoted

# The command that makes an artifact of a kind, for hints.
_MAKERS: Final = {
    "classifier": "dlkit classify train DATA",
    "detector": "dlkit cnn detect train DATA",
    "image-classifier": "dlkit cnn train DATA",
    "image-embedder": "dlkit cnn search train DATA",
    "image-index": "dlkit cnn search index IMAGES",
    "index": "dlkit knn train DATA",
    "upscaler": "dlkit cnn upscale train DATA",
    "word-vectors": "dlkit word2vec train CORPUS",
}


def find(reference: str | None, *, kinds: Collection[str], task: str | None = None) -> Path:
    """The folder of a finished artifact; nothing of it is verified yet.

    Args:
        reference: NAME, TASK/NAME or a path; None: the newest artifact of ``kinds``.
        kinds: the kinds that will do; empty: any.
        task: look only among the artifacts of this task, unless ``reference`` says otherwise.

    Raises:
        DlkitError: (NOT_FOUND) there is none; (USAGE) it is of another kind or no folder, or the
            name fits several; (DAMAGED) what a candidate is cannot be read.

    """
    if reference is None:
        return _newest(kinds, task)
    path = locate(reference, kinds=kinds, task=task)
    if stat.S_ISREG(_mode(path)):
        raise _no_folder(reference, "a file", kinds)
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
        DlkitError: (NOT_FOUND) there is none; (USAGE) the name fits several artifacts, or it is a
            pipe.

    """
    reference = _without_slash(reference)
    if reference == "-":
        raise _no_folder(reference, "standard input", kinds)
    if looks_like_path(reference):
        path = Path(reference).expanduser()
    else:
        found = _named(reference, kinds, task)
        path = found if found is not None else Path(reference)
        if found is None and not is_artifact(path):
            raise _unknown(reference, _artifacts(), kinds, task)
    if not os.path.lexists(path):
        hint = _way_on(_artifacts(), kinds)
        raise DlkitError(f"{shown(reference)}: no such folder", hint=hint, code=NOT_FOUND)
    mode = _mode(path)
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):  # of a shell: <(command), /dev/stdin
        raise _no_folder(reference, "a pipe or device", kinds)
    return path.absolute()


def entry(reference: str) -> ArtifactInfo:
    """The artifact or run of the store that NAME, TASK/NAME or a path means, damaged or not.

    Raises:
        DlkitError: (NOT_FOUND) there is none; (USAGE) the name fits several.

    """
    reference = _without_slash(reference)
    there = list_artifacts()
    if looks_like_path(reference):
        path = Path(reference).expanduser().absolute()
        found = [info for info in there if info.path == path]
        if not found:
            what = f"{shown(reference)}: no artifact or run of {root()}"
            raise DlkitError(what, hint=_way_on(there, ()), code=NOT_FOUND)
        return found[0]
    task, name = split_reference(reference)
    found = [info for info in there if info.name == name and task in (None, info.task)]
    if not found:
        raise _unknown(reference, there, (), None)
    _refuse_several(reference, [info.reference for info in found])
    return found[0]


def _newest(kinds: Collection[str], task: str | None) -> Path:
    folders = [path for folder in task_folders(task) for path in artifact_folders(folder)]
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
        folder / name for folder in task_folders(given or task) if is_artifact(folder / name)
    ]
    if len(candidates) > 1 and kinds:
        fitting = [path for path in candidates if read_document(path).get("kind") in kinds]
        candidates = fitting or candidates
    _refuse_several(reference, [f"{path.parent.name}/{path.name}" for path in candidates])
    return candidates[0] if candidates else None


def _refuse_several(reference: str, references: Iterable[str]) -> None:
    several = list(dict.fromkeys(references))
    if len(several) > 1:
        raise DlkitError(
            f"{reference} is the name of {len(several)} artifacts",
            hint=f"say which: {', '.join(several)}",
            code=USAGE,
        )


def _mode(path: Path) -> int:
    """What kind of file ``path`` is, or leads to; 0 if that is not known."""
    with suppress(OSError):
        return path.stat().st_mode
    return 0


def _no_folder(reference: str, what: str, kinds: Collection[str]) -> DlkitError:
    """The error for ``reference``, which can be no artifact: text for another option, perhaps."""
    hint = _import_of(reference if what == "a file" else "-", kinds)
    hint = hint or _way_on(_artifacts(), kinds)
    message = f"{shown(reference)} is {what}, not the folder of an artifact"
    return DlkitError(message, hint=hint, code=USAGE)


def _import_of(file: str, kinds: Collection[str]) -> str:
    """The hint that a file or a pipe may become an artifact; empty where it can be none."""
    if kinds and "word-vectors" not in kinds:
        return ""
    command = f"dlkit word2vec import {quoted(shown(file))} --name NAME"
    return f"vectors of another tool become one by: {command}"


def _artifacts() -> list[ArtifactInfo]:
    """What ``locate`` can find: no runs."""
    return [info for info in list_artifacts() if info.state in ("finished", "damaged")]


def _unknown(
    reference: str, there: list[ArtifactInfo], kinds: Collection[str], task: str | None
) -> DlkitError:
    """The error for a name that nothing has; ``there`` is what could have been meant."""
    from difflib import get_close_matches

    given, name = split_reference(reference)
    # Of the names alone: all of a task's artifacts resemble each other by the task before them.
    ordered = sorted(there, key=lambda info: info.task == given)
    names = {info.name: info.reference for info in ordered}
    close = get_close_matches(name, names, 1)
    where = root() / (given or task or "")
    running = [folder / ".running" / name for folder in task_folders(given or task)]
    if any(path.is_dir() for path in running):
        return DlkitError(
            f"the run {reference} in {where} is not finished",
            hint="wait for it, or go on with it: --resume",
            code=NOT_FOUND,
        )
    hint = f"did you mean {names[close[0]]}?" if close else ""
    if not hint and stat.S_ISREG(_mode(Path(reference))):
        hint = _import_of(reference, kinds)
    hint = hint or _way_on(there, kinds)
    return DlkitError(f"no artifact {reference!r} in {where}", hint=hint, code=NOT_FOUND)


def _way_on(there: list[ArtifactInfo], kinds: Collection[str]) -> str:
    """The command that shows what there is, or where nothing is, the one that makes something."""
    return "dlkit artifacts list" if there else _maker(kinds)


def _without_slash(reference: str) -> str:
    """``reference`` without the slash that completing the name of a folder leaves at its end."""
    return reference.rstrip("/") or reference


def _maker(kinds: Collection[str]) -> str:
    """The commands that make an artifact of one of ``kinds``."""
    makers = [_MAKERS[kind] for kind in sorted(kinds or _MAKERS) if kind in _MAKERS]
    return ", or ".join(makers) if makers else "dlkit artifacts list"
