"""Checkpoints of a run: the old one or the new one is there, never a mixture and never none.

    <run folder>/checkpoint.json      which of the folders counts, and the SHA-256 of its MANIFEST
    <run folder>/checkpoint-<n>/      document.json, the run's own files, MANIFEST

A new checkpoint is written completely into a folder of its own before checkpoint.json is replaced
in one step; then the old folder goes. A kill leaves at most one folder that counts for nothing,
which the next save removes.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from dlkit.artifacts.folders import damaged, open_folder, read_small
from dlkit.artifacts.load import parse, verify_folder
from dlkit.artifacts.manifest import encode
from dlkit.artifacts.writing import (
    Content,
    blamed,
    discard,
    dump_json,
    write_file_atomically,
    write_folder,
)
from dlkit.errors import DlkitError

POINTER: Final = "checkpoint.json"
_DOCUMENT: Final = "document.json"
_FOLDER: Final = re.compile(r"checkpoint-([1-9][0-9]{0,17})", re.ASCII)


def exists(folder: Path) -> bool:
    """Whether the run folder ``folder`` holds a checkpoint."""
    return os.path.lexists(folder / POINTER)


def save(folder: Path, files: Mapping[str, Content], document: Mapping[str, Any]) -> None:
    """Replace the checkpoint of the run folder ``folder``.

    Args:
        folder: the run folder.
        files: content by name, as for an artifact.
        document: what is small: settings, positions, scores; JSON values.

    Raises:
        DlkitError: the disk refused; the old checkpoint is as it was.

    """
    with blamed(folder, "save a checkpoint in"):
        matches = (_FOLDER.fullmatch(path.name) for path in folder.iterdir())
        numbers = {int(match[1]): match[0] for match in matches if match}
        # Strays go first, they take room; but only where it is known which folder counts.
        with suppress(DlkitError):
            current = _pointer(folder)[0] if exists(folder) else ""
            for name in numbers.values():
                if name != current:
                    discard(folder / name)
        for stray in folder.glob(f".tmp-{POINTER}-*"):
            discard(stray)
    new = f"checkpoint-{max(numbers, default=0) + 1}"
    inner = dump_json({"format": 1, "document": document}, name=_DOCUMENT)
    entries = write_folder(folder / new, {**files, _DOCUMENT: inner})
    manifest = hashlib.sha256(encode(entries)).hexdigest()
    pointer = {"format": 1, "folder": new, "manifest": manifest}
    write_file_atomically(folder / POINTER, dump_json(pointer, name=POINTER))
    for name in numbers.values():
        discard(folder / name)


def load(folder: Path) -> tuple[dict[str, Any], Path]:
    """The document of a run folder's checkpoint and the folder of its files, verified by hashes.

    Raises:
        DlkitError: (DAMAGED) there is none, or it is not what was saved.

    """
    name, manifest = _pointer(folder)
    path = folder / name
    found = hashlib.sha256(encode(verify_folder(path).values())).hexdigest()
    if found != manifest:
        raise damaged(path, f"its MANIFEST is not the one that {POINTER} names", _hint(folder))
    with open_folder(path, path) as descriptor:
        document = parse(read_small(descriptor, path, _DOCUMENT, 1 << 30), path / _DOCUMENT)
    return document["document"], path


def _pointer(folder: Path) -> tuple[str, str]:
    """The folder that counts, and the hash of its MANIFEST."""
    path = folder / POINTER
    with open_folder(folder, folder) as descriptor:
        data = read_small(descriptor, folder, POINTER, 10_000)
    pointer = parse(data, path)
    name, manifest = pointer.get("folder"), pointer.get("manifest")
    if not isinstance(name, str) or not _FOLDER.fullmatch(name) or not isinstance(manifest, str):
        raise damaged(path, "not what dlkit wrote", _hint(folder))
    return name, manifest


def _hint(folder: Path) -> str:
    return f"begin anew: dlkit artifacts remove {folder.parent.parent.name}/{folder.name}"
