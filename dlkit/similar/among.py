"""The words that may be answers: ``--restrict``, ``--among``, ``--candidate``, ``--prefix``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dlkit.errors import FAILED, NOT_FOUND, USAGE, DlkitError
from dlkit.records import Noted, Warned
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
    prefixes: Sequence[str] = (),
) -> tuple[Candidates, list[Noted | Warned]]:
    """The candidates, and what is to be said of those that are not in the vocabulary as typed.

    Args:
        vectors: where answers come from.
        ranks: a range of frequency ranks; None: all.
        file: a file of words, of which alone answers are taken; None: of all, or of ``words``.
        words: more words of that kind.
        prefixes: what answers begin with, one of them; none: with anything.

    Raises:
        DlkitError: NOT_FOUND: no word is left; FAILED: the file cannot be read.

    """
    first, stop = (ranks.first - 1, ranks.last) if ranks else (0, None)
    if ranks and first >= len(vectors):
        raise DlkitError(
            f"--restrict {ranks.text}: {vectors.name} has only {len(vectors):,} words",
            code=NOT_FOUND,
        )
    notes: list[Noted | Warned] = []
    rows: npt.ArrayLike | None = None
    if prefixes:
        rows, told = _beginning(vectors, prefixes)
        notes += told
    listed: list[str] = []
    if file is not None or words:
        among = _words_in(Path(file)) if file is not None else []
        listed = list(dict.fromkeys([*among, *words]))
        found, missing = _listed(vectors, listed)
        rows = found if rows is None else np.intersect1d(rows, found)
        notes += missing
    made = Candidates(vectors, first=first, stop=stop, rows=rows)
    if len(made):
        return made, notes
    where = f"{vectors.name} with rank {ranks.text}" if ranks else vectors.name
    begins = " or ".join(f"'{prefix}'" for prefix in dict.fromkeys(prefixes))
    if not listed:
        raise DlkitError(f"no word of {where} begins with {begins}", code=NOT_FOUND)
    raise DlkitError(
        f"no word that may be an answer is in the vocabulary of {where}"
        f"{f' and begins with {begins}' if prefixes else ''}: {_first(listed)}",
        code=NOT_FOUND,
    )


def _beginning(
    vectors: WordVectors, prefixes: Sequence[str]
) -> tuple[npt.NDArray[np.intp], list[Noted | Warned]]:
    """The rows of words that begin with one of ``prefixes``, and what is to be said of these."""
    found: list[npt.NDArray[np.intp]] = []
    told: list[Noted | Warned] = []
    for prefix in dict.fromkeys(prefixes):
        rows, form = _starting(vectors, prefix)
        if form != compose(prefix):
            told.append(Noted(f"--prefix '{prefix}' is read as '{form}'"))
        if not len(rows):
            told.append(Warned(f"no word of {vectors.name} begins with '{prefix}'"))
        found.append(rows)
    return np.concatenate(found), told if any(map(len, found)) else []


def _starting(vectors: WordVectors, prefix: str) -> tuple[npt.NDArray[np.intp], str]:
    """The rows of words that begin with ``prefix`` or its form in the vocabulary, and which."""
    composed = compose(prefix)
    rows = vectors.lexicon.starting(prefix)
    if len(rows):
        return rows, composed
    spelt = vectors.normalise(prefix)
    # Stripped of punctuation it would be another prefix, perhaps that of every word.
    form = spelt if spelt.lower() == composed.lower() else composed
    return vectors.lexicon.starting(form), form


def _listed(vectors: WordVectors, listed: Sequence[str]) -> tuple[list[int], list[Warned]]:
    """The rows of ``listed`` words, and a warning of those that are not in the vocabulary."""
    rows = {word: vectors.row(word) for word in listed}
    unknown = [word for word, row in rows.items() if row is None]
    found = [row for row in rows.values() if row is not None]
    if not unknown or not found:
        return found, []
    are = "is" if len(unknown) == 1 else "are"
    return found, [
        Warned(
            f"{len(unknown):,} of the {len(listed):,} words that may be answers {are} not in the "
            f"vocabulary: {_first(unknown)}"
        )
    ]


def _first(words: Sequence[str]) -> str:
    return ", ".join(words[:_SHOWN]) + (", …" if len(words) > _SHOWN else "")


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
