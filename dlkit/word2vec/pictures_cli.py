"""Where a picture of word vectors goes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dlkit import console
    from dlkit.vectors.store import WordVectors


class Target:
    """Where a picture goes: a file that the user names, or a new folder of reports."""

    def __init__(self, named: str | None, *, force: bool) -> None:
        from dlkit.artifacts.placing import check_places

        self._stdout = named == "-"
        self._path = None if named is None or self._stdout else Path(named).expanduser()
        self._force = force
        if self._path is not None:
            check_places([self._path], force=force)

    def check(self, vectors: WordVectors, file: str | None) -> None:
        """Raise DlkitError where the report could not be written, before the work begins."""
        from dlkit.artifacts.reports import check_report

        if self._path is None and not self._stdout:
            check_report(*_subject(vectors, file))

    def write(
        self,
        verb: str,
        files: Mapping[str, bytes],
        vectors: WordVectors,
        file: str | None,
        output: console.Output,
    ) -> str:
        """Write the one of ``files`` and return where it is."""
        from dlkit.artifacts.placing import placed
        from dlkit.artifacts.reports import write_report

        ((name, content),) = files.items()
        if self._stdout:
            output.text(content.decode())
            return "-"
        if self._path is None:
            return str(write_report(*_subject(vectors, file), verb, files) / name)
        with placed([self._path], force=self._force) as (stream,):
            stream.write(content)
        return str(self._path)


def _subject(vectors: WordVectors, file: str | None) -> tuple[str, str]:
    """Task and name under which a report about ``vectors`` lies."""
    if file is not None:
        return "vectors", vectors.name
    task, _, name = vectors.name.rpartition("/")
    return task, name
