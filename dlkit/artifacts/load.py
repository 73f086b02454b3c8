"""Open an artifact: trust first, then sizes, then hashes, and only then belief.

This module is on the start-up path of every query, so it imports little.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dlkit.artifacts import manifest, remembered
from dlkit.artifacts.folders import (
    damaged,
    foreign,
    head_of,
    open_file,
    open_folder,
    read_small,
    refuse_exposed_store,
    root,
    statuses,
)
from dlkit.artifacts.names import DOCUMENT, FIGURES, MANIFEST, check_file_name, shown

FORMAT: Final = 1  # of artifact.json; a larger number is from a newer dlkit
_OF_ONE_RUN: Final = frozenset(["run.json", "report.html"])
LARGEST_DOCUMENT: Final = 64_000_000  # bytes
_PIECE: Final = 1 << 20  # bytes hashed at a time


@dataclass(frozen=True)
class Artifact:
    """An artifact that was found to be what its manifest says.

    Attributes:
        path: its folder.
        document: what artifact.json holds.
        entries: size and SHA-256 of every file by name.

    """

    path: Path
    document: Mapping[str, Any]
    entries: Mapping[str, manifest.Entry]

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def file(self, name: str) -> Path:
        """The path of a file of the artifact.

        Raises:
            DlkitError: (DAMAGED) the artifact has no such file.

        """
        if name not in self.entries:
            raise damaged(self.path, f"the file {shown(name)} is missing")
        return self.path / name

    def read(self, name: str) -> bytes:
        """The content of a small file, compared with its hash once more."""
        self.file(name)
        with open_folder(self.path, self.path) as folder:
            return _read(folder, self.path, self.entries[name])


def open_artifact(path: Path, *, lazy: Collection[str] = (), verify: bool = False) -> Artifact:
    """Check an artifact completely and return it.

    Args:
        path: its folder.
        lazy: names of big files whose hash need not be computed again while the file is the one
            (device, inode, size, times of change) that was verified before.
        verify: compute the hash of every file, whatever was verified before.

    Raises:
        DlkitError: (DAMAGED) links, special or world-writable files, a store that everybody may
            write, files missing or too many, a size or hash that is not the manifest's, an
            artifact.json that cannot be read or is of a newer dlkit; (NOT_FOUND) there is no such
            folder.

    """
    _refuse_exposed(path)
    with open_folder(path, path) as folder:
        entries = _entries(folder, path)
        if DOCUMENT not in entries:
            raise damaged(path, f"{DOCUMENT} is missing")
        if entries[DOCUMENT].size > LARGEST_DOCUMENT:
            raise damaged(path / DOCUMENT, f"larger than {LARGEST_DOCUMENT:,} bytes")
        document = parse(_read(folder, path, entries[DOCUMENT]), path / DOCUMENT)
        for name, entry in entries.items():
            if name != DOCUMENT:
                _check(folder, path, entry, lazy=name in lazy and not verify)
    return Artifact(path, document, entries)


def digest_of(artifact: Artifact) -> str:
    """SHA-256 over the files that two equal trainings share, as lines of a manifest.

    run.json, figures, report.html and MANIFEST tell of one run and are left out.
    """
    shared = [
        entry
        for entry in artifact.entries.values()
        if entry.name not in _OF_ONE_RUN and not entry.name.startswith(f"{FIGURES}/")
    ]
    return hashlib.sha256(manifest.encode(shared)).hexdigest()


def verify_folder(path: Path) -> dict[str, manifest.Entry]:
    """Check every file of a folder that has a MANIFEST (a checkpoint); its entries by name.

    Raises:
        DlkitError: as ``open_artifact``.

    """
    with open_folder(path, path) as folder:
        entries = _entries(folder, path)
        for entry in entries.values():
            _check(folder, path, entry, lazy=False)
    return entries


def read_document(path: Path) -> dict[str, Any]:
    """What the artifact.json in the folder ``path`` says, before anything is verified.

    Raises:
        DlkitError: (DAMAGED) it cannot be read.

    """
    _refuse_exposed(path)
    with open_folder(path, path) as folder:
        return parse(read_small(folder, path, DOCUMENT, LARGEST_DOCUMENT), path / DOCUMENT)


def _refuse_exposed(path: Path) -> None:
    """Refuse an artifact of the store where everybody may exchange it for another."""
    task_folder = path.absolute().parent
    try:
        inside = task_folder.parent.samefile(root())
    except OSError:  # there is no store
        return
    if inside:
        refuse_exposed_store(task_folder)


def parse(data: bytes, where: Path) -> dict[str, Any]:
    """Read a JSON document of ours, strictly, and check its format version.

    Raises:
        DlkitError: (DAMAGED) it is no JSON object, has a key twice, NaN, or a newer format.

    """

    def refuse(constant: str) -> Any:
        raise ValueError(f"{constant} is not JSON")

    try:
        document = json.loads(
            data.decode("utf-8"), object_pairs_hook=without_duplicates, parse_constant=refuse
        )
    except (ValueError, RecursionError) as error:
        raise damaged(where, f"not a JSON document: {error}") from error
    version = document.get("format") if isinstance(document, dict) else None
    if type(version) is not int or version < 1:
        raise damaged(where, "it has no format version")
    if version > FORMAT:
        raise damaged(
            where,
            f"made by a newer dlkit (format {version}; this one reads up to {FORMAT})",
            "pip install --upgrade dlkit",
        )
    return document  # type: ignore[no-any-return]


def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """For ``json.loads``: an object, or ValueError if it has a key twice."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key appears twice")
    return made


def _entries(folder: int, path: Path) -> dict[str, manifest.Entry]:
    """The manifest, after names, kinds and sizes of all files were compared with it."""
    found = statuses(folder, path)
    if MANIFEST not in found:
        raise damaged(path, "it has no MANIFEST: not an artifact, or not a whole one")
    data = read_small(folder, path, MANIFEST, manifest.LARGEST)
    entries = manifest.decode(data, where=shown(str(path / MANIFEST)))
    for name in sorted(found.keys() - entries.keys() - {MANIFEST}):
        raise damaged(path, f"the file {shown(name)} is not in its MANIFEST")
    for name, entry in entries.items():
        if name not in found:
            raise damaged(path, f"the file {shown(name)} is missing")
        if found[name].st_size != entry.size:
            head = head_of(folder, path, name)
            what, hint = foreign(head)
            size = f"it has {found[name].st_size:,} bytes instead of {entry.size:,}"
            raise damaged(path / name, f"{what}; {size}" if what else size, hint)
    return entries


def _read(folder: int, path: Path, entry: manifest.Entry) -> bytes:
    """A whole file in memory, its size and hash as in the manifest."""
    data = read_small(folder, path, check_file_name(entry.name), entry.size)
    if len(data) != entry.size or hashlib.sha256(data).hexdigest() != entry.sha256:
        raise _changed(path / entry.name, data[:64])
    return data


def _changed(path: Path, head: bytes) -> Exception:
    what, hint = foreign(head)
    return damaged(path, what or "its content is not what was saved (SHA-256 differs)", hint)


def _check(folder: int, path: Path, entry: manifest.Entry, *, lazy: bool) -> None:
    """Compare a file of any size with the manifest; ``lazy``: believe an earlier comparison."""
    descriptor = open_file(folder, path, entry.name)
    try:
        before = os.fstat(descriptor)
        if lazy and before.st_size == entry.size and remembered.holds(before, entry.sha256):
            return
        digest = hashlib.sha256()
        buffer = bytearray(_PIECE)
        view = memoryview(buffer)
        size = 0
        with open(descriptor, "rb", buffering=0, closefd=False) as file:
            try:
                while count := file.readinto(buffer):
                    digest.update(view[:count])
                    size += count
            except OSError as error:
                raise damaged(path / entry.name, f"cannot be read: {error.strerror}") from error
        if size != entry.size or digest.hexdigest() != entry.sha256:
            raise _changed(path / entry.name, head_of(folder, path, entry.name))
        after = os.fstat(descriptor)
        if size > remembered.WORTHWHILE and after.st_ctime_ns == before.st_ctime_ns:
            remembered.remember(after, entry.sha256)
    finally:
        os.close(descriptor)
