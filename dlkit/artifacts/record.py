"""run.json: what differs between two equal trainings: when and where they ran, by which versions.

Nothing in it is believed but the order of artifacts and whether a run has already become one.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from dlkit import __version__
from dlkit.artifacts.folders import open_folder, read_small
from dlkit.artifacts.names import DOCUMENT, MANIFEST
from dlkit.errors import DlkitError

RECORD: Final = "run.json"
_LARGEST: Final = 1 << 20  # bytes
# The libraries whose versions can change what a training gives.
_LIBRARIES: Final = ("numba", "numpy", "torch")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_NS: Final = 253_000_000_000 * 10**9  # in the year 9987; every time zone can show it


def describe() -> dict[str, Any]:
    """What every run.json says: ``finished`` (now, in UTC), ``host`` and ``versions``.

    Versions are told of the libraries that this process has loaded.
    """
    import platform
    from importlib import metadata

    versions = {"dlkit": __version__, "python": platform.python_version()}
    for library in _LIBRARIES:
        if library in sys.modules:
            with suppress(metadata.PackageNotFoundError):
                versions[library] = metadata.version(library)
    return {
        "finished": datetime.now(UTC).isoformat(timespec="microseconds"),
        "host": {
            "name": platform.node(),
            "system": platform.system(),
            "machine": platform.machine(),
            "cpus": os.cpu_count(),
        },
        "versions": versions,
    }


def finished_by(path: Path) -> str | None:
    """The identity of the run that made the artifact at ``path``; None if that is not known."""
    identity = read(path).get("run")
    return identity if isinstance(identity, str) else None


def finished_ns(path: Path) -> int:
    """When the artifact at ``path`` was finished, ns since 1970; 0 if unknown.

    As its run.json says, so that a copy is as old as what was copied; the time of its MANIFEST
    where run.json says nothing.
    """
    said = read(path).get("finished")
    if isinstance(said, str):
        # A time without a zone cannot be subtracted: TypeError.
        with suppress(ValueError, TypeError):
            microseconds = (datetime.fromisoformat(said) - _EPOCH) // timedelta(microseconds=1)
            return _bounded(microseconds * 1000)
    for name in (MANIFEST, DOCUMENT):
        with suppress(OSError):
            return _bounded((path / name).lstat().st_mtime_ns)
    return 0


def _bounded(ns: int) -> int:
    return max(0, min(ns, _LATEST_NS))


def read(path: Path) -> dict[str, Any]:
    """The run.json of the artifact at ``path``; empty if it cannot be read."""
    with suppress(DlkitError, ValueError, RecursionError), open_folder(path, path) as folder:
        found = json.loads(read_small(folder, path, RECORD, _LARGEST))
        return found if isinstance(found, dict) else {}
    return {}
