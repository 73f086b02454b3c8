"""The words that may be answers, from ``--restrict``, ``--among`` and ``--candidate``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dlkit.errors import FAILED, NOT_FOUND, USAGE, DlkitError
from dlkit.vectors.candidates import Candidates

if TYPE_CHECKING:
    from dlkit.similar.values import Ranks
    from dlkit.vectors.store import WordVectors

_SHOWN = 5


def candidates(
    vectors: WordVectors, ranks: Ranks | None, file: str | None, words: Sequence[str]
) -> tuple[Candidates, str]:
    """The candidates, and a note of those listed words that are not in the vocabulary.

    Args:
        vectors: where answers come from.
        ranks: a range of frequency ranks; None: all.
        file: a file of words, of which alone answers are taken; None: of all, or of ``words``.
        words: more words of that kind.

    Raises:
        DlkitError: NOT_FOUND: no word is left; FAILED: the file cannot be read.

    """
    first, stop = (ranks.first - 1, ranks.last) if ranks else (0, None)
    if ranks and first >= len(vectors):
        raise DlkitError(
            f"--restrict {ranks.text}: {vectors.name} has only {len(vectors):,} words",
            code=NOT_FOUND,
        )
    if file is None and not words:
        return Candidates(vectors, first=first, stop=stop), ""
    listed = list(dict.fromkeys([*(_words_in(Path(file)) if file is not None else []), *words]))
    rows = {word: vectors.row(word) for word in listed}
    unknown = [word for word, row in rows.items() if row is None]
    made = Candidates(
        vectors, first=first, stop=stop, rows=[row for row in rows.values() if row is not None]
    )
    if not len(made):
        where = f" with rank {ranks.text}" if ranks else ""
        raise DlkitError(
            f"none of the {len(listed):,} words that may be answers is in the vocabulary of "
            f"{vectors.name}{where}",
            code=NOT_FOUND,
        )
    if not unknown:
        return made, ""
    shown = ", ".join(unknown[:_SHOWN]) + (", …" if len(unknown) > _SHOWN else "")
    return made, (
        f"{len(unknown):,} of the {len(listed):,} words that may be answers are not in the "
        f"vocabulary: {shown}"
    )


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
