"""What the commands that ask word vectors share: which vectors, and threads for their products."""

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
        help="A file of another tool instead: word2vec text or binary, GloVe, fastText .vec or "
        ".bin, also .gz.",
    ),
]


def limit_threads(threads: int, *, override: bool = True) -> None:
    """Set how many threads matrices are multiplied by; before NumPy is imported.

    Args:
        threads: how many.
        override: also where the user's environment says another number.

    """
    for variable in _THREADS:
        if override or variable not in os.environ:
            os.environ[variable] = str(threads)


def opened(
    source: str | None,
    file: str | None,
    spelling: Callable[[Mapping[str, Any]], Callable[[str], str]],
    *,
    quiet: bool,
    verify: bool = False,
) -> tuple[WordVectors, Path | None]:
    """The word vectors of an artifact, with its folder, or of a file.

    Args:
        source: the artifact; None: the newest.
        file: a file of another tool instead.
        spelling: as ``open_vectors`` takes it.
        quiet: do not say which artifact was taken.
        verify: hash all of the artifact again.

    Raises:
        DlkitError: there is none, it is damaged, or both are named.

    """
    if file is not None:
        if source is not None or verify:
            other = "--from" if source is not None else "--verify"
            raise DlkitError(f"{other} is for artifacts, --vectors for other files", code=USAGE)
        from dlkit.progress import follow
        from dlkit.vectors.formats import read_vectors

        return follow(read_vectors(Path(file)), quiet=quiet), None
    from dlkit.artifacts.finding import find
    from dlkit.vectors.store import open_vectors

    path = find(source, kinds={"word-vectors"})
    vectors = open_vectors(path, verify=verify, spelling=spelling)
    if source is None and not quiet:
        console.note(f"using {vectors.name}: {len(vectors):,} words x {vectors.dim}")
    return vectors, path
