"""What is found out about an artifact later: files beside it, since an artifact never changes.

They lie in ``$ROOT/reports/<task>/<name>/<verb>-<n>/``, unless a user names another place.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from itertools import count
from pathlib import Path

from dlkit.artifacts.clearing import temporary_name
from dlkit.artifacts.names import check_name, name_from
from dlkit.artifacts.store import REPORTS, root
from dlkit.artifacts.writing import (
    Content,
    blamed,
    discard,
    make_folder,
    sync_folder,
    write_folder,
)
from dlkit.errors import DlkitError


def write_report(task: str, name: str, verb: str, files: Mapping[str, Content]) -> Path:
    """Write ``files`` and their MANIFEST into a new folder, the next ``<verb>-<n>``; return it.

    Args:
        task: whose report it is: the task of an artifact, or ``vectors`` for another tool's file.
        name: of the artifact; characters that no folder's name may have become dashes.
        verb: the command that reports.
        files: content by file name.

    Raises:
        DlkitError: the disk refused; nothing of the report is there then.

    """
    parent = report_parent(task, name)
    with blamed(parent):
        make_folder(parent)
    temporary = parent / temporary_name(check_name(verb))
    write_folder(temporary, files)
    try:
        with blamed(parent):
            for number in count(1):
                folder = parent / f"{verb}-{number}"
                try:
                    temporary.rename(folder)
                except OSError as error:  # what is there already is no empty folder
                    if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                        raise
                else:
                    break
            sync_folder(parent)
    except BaseException:
        discard(temporary)
        raise
    return folder


def report_parent(task: str, name: str) -> Path:
    """Where the reports about ``task``/``name`` lie; the folder may not exist."""
    return root() / REPORTS / name_from(task, fallback="other") / name_from(name, fallback="other")


def check_report(task: str, name: str) -> None:
    """Do nothing if a report about ``task``/``name`` can be written, as far as can be told before.

    Raises:
        DlkitError: its folder cannot be made.

    """
    folder = report_parent(task, name)
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    effective = os.access in os.supports_effective_ids  # not on every system
    writable = os.access(folder, os.W_OK | os.X_OK, effective_ids=effective)
    if not folder.is_dir() or not writable:
        raise DlkitError(
            f"the report cannot be written in {folder}",
            hint="name a file that you may write, or set DLKIT_HOME to a folder that you may",
        )
