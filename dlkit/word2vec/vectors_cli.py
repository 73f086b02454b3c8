"""What the verbs about word vectors share: which vectors, and where a picture of them goes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlkit import console
from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    from dlkit.vectors.store import WordVectors

# The libraries that multiply matrices read these when they are imported.
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def complete_vectors(incomplete: str) -> list[str]:
    """Names of artifacts with word vectors, for the shell."""
    from dlkit.artifacts.store import completions

    return completions(incomplete, kinds={"word-vectors"})


Source = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="NAME",
        help="Artifact with word vectors: NAME, TASK/NAME or a path [default: the newest].",
        autocompletion=complete_vectors,
    ),
]
File = Annotated[
    str | None,
    typer.Option(
        "--vectors",
        metavar="FILE",
        help="A file of another tool instead: word2vec text or binary, GloVe, fastText .vec, "
        "also .gz.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there already.")]


def limit_threads(threads: int) -> None:
    """Set how many threads matrices are multiplied by; before NumPy is imported."""
    for variable in _THREADS:
        os.environ[variable] = str(threads)


def opened(source: str | None, file: str | None, *, quiet: bool) -> tuple[WordVectors, Path | None]:
    """The word vectors of an artifact, with its folder, or of a file."""
    if file is not None:
        if source is not None:
            raise DlkitError("--from is for artifacts, --vectors for other files", code=USAGE)
        from dlkit.progress import follow
        from dlkit.vectors.formats import read_vectors

        return follow(read_vectors(Path(file)), quiet=quiet), None
    from dlkit.artifacts.finding import find
    from dlkit.vectors.store import open_vectors

    path = find(source, kinds={"word-vectors"})
    vectors = open_vectors(path, spelling=_spelling)
    if source is None and not quiet:
        console.note(f"using {vectors.name}: {len(vectors):,} words x {vectors.dim}")
    return vectors, path


def _spelling(settings: Mapping[str, Any]) -> Callable[[str], str]:
    """What spells a word as the corpus was; imported only for a word not found as typed."""

    def spell(word: str) -> str:
        from dlkit.data.normalise import Normaliser

        return Normaliser.from_dict(settings).word(word)

    return spell


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
