"""The words that may be answers: ``--restrict``, ``--among``, ``--candidate``, ``--prefix``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dlkit.errors import FAILED, NOT_FOUND, USAGE, DlkitError
from dlkit.vectors.candidates import Candidates
from dlkit.vectors.store import compose

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.similar.values import Ranks
    from dlkit.vectors.store import WordVectors

_SHOWN = 5


def candidates(
    vectors: WordVectors,
    ranks: Ranks | None,
    file: str | None,
    words: Sequence[str],
    prefix: str | None = None,
) -> tuple[Candidates, list[str]]:
    """The candidates, and notes of what was asked for and is not in the vocabulary as typed.

    Args:
        vectors: where answers come from.
        ranks: a range of frequency ranks; None: all.
        file: a file of words, of which alone answers are taken; None: of all, or of ``words``.
        words: more words of that kind.
        prefix: what answers begin with; None: with anything.

    Raises:
        DlkitError: NOT_FOUND: no word is left; FAILED: the file cannot be read.

    """
    first, stop = (ranks.first - 1, ranks.last) if ranks else (0, None)
    if ranks and first >= len(vectors):
        raise DlkitError(
            f"--restrict {ranks.text}: {vectors.name} has only {len(vectors):,} words",
            code=NOT_FOUND,
        )
    notes: list[str] = []
    rows: npt.ArrayLike | None = None
    if prefix is not None:
        rows, note = _beginning(vectors, prefix)
        notes += note
    listed: list[str] = []
    if file is not None or words:
        among = _words_in(Path(file)) if file is not None else []
        listed = list(dict.fromkeys([*among, *words]))
        found, note = _listed(vectors, listed)
        rows = found if rows is None else np.intersect1d(rows, found)
        notes += note
    made = Candidates(vectors, first=first, stop=stop, rows=rows)
    if len(made):
        return made, notes
    where = f"{vectors.name} with rank {ranks.text}" if ranks else vectors.name
    if not listed:
        raise DlkitError(f"no word of {where} begins with '{prefix}'", code=NOT_FOUND)
    begins = f" and begins with '{prefix}'" if prefix is not None else ""
    raise DlkitError(
        f"none of the {len(listed):,} words that may be answers is in the vocabulary of "
        f"{where}{begins}",
        code=NOT_FOUND,
    )


def _beginning(vectors: WordVectors, prefix: str) -> tuple[npt.NDArray[np.intp], list[str]]:
    """The rows of words that begin with ``prefix``, else with its form in the vocabulary."""
    rows = vectors.lexicon.starting(prefix)
    if len(rows):
        return rows, []
    composed, spelt = compose(prefix), vectors.normalise(prefix)
    # Stripped of punctuation it would be another prefix, perhaps that of every word.
    form = spelt if spelt.lower() == composed.lower() else composed
    notes = [] if form == composed else [f"--prefix '{prefix}' is read as '{form}'"]
    return vectors.lexicon.starting(form), notes


def _listed(vectors: WordVectors, listed: Sequence[str]) -> tuple[list[int], list[str]]:
    """The rows of ``listed`` words, and a note of those that are not in the vocabulary."""
    rows = {word: vectors.row(word) for word in listed}
    unknown = [word for word, row in rows.items() if row is None]
    found = [row for row in rows.values() if row is not None]
    if not unknown or not found:
        return found, []
    shown = ", ".join(unknown[:_SHOWN]) + (", …" if len(unknown) > _SHOWN else "")
    return found, [
        f"{len(unknown):,} of the {len(listed):,} words that may be answers are not in the "
        f"vocabulary: {shown}"
    ]


def _words_in(path: Path) -> list[str]:
    """The words of a file, one a line; what stands after a tab (a count) is no part of a word."""
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise DlkitError(
            f"--among {path} cannot be read: {problem.strerror or problem}", code=FAILED
        ) from None
    words = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            word = line.decode("utf-8").partition("\t")[0].strip()
        except UnicodeDecodeError as problem:
            raise DlkitError(
                f"--among {path}: line {number} is not UTF-8 at byte {problem.start + 1}",
                code=FAILED,
            ) from None
        if word:
            words.append(word)
    if not words:
        raise DlkitError(f"--among {path} has no words", code=USAGE)
    return words
