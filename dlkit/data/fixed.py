"""A vocabulary that the user gives: exactly these words, with or without their counts.

What word2vec.c reads (``-read-vocab``) and writes (``-save-vocab``), what ``dlkit word2vec
vocabulary`` writes, an artifact's vocab.txt, or a plain list of words.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from dlkit.data.decode import utf8
from dlkit.data.wording import counted, shown
from dlkit.errors import DlkitError
from dlkit.records import Noted, Record, Warned

if TYPE_CHECKING:
    from dlkit.data.normalise import Normaliser
    from dlkit.data.scan import WordTable

_LINE_WORD: Final = "</s>"  # what word2vec.c counts line ends as, always in its first line
_MOST: Final = 2**63 - 1


@dataclass(frozen=True, eq=False)
class FixedWords:
    """The words of a file.

    Attributes:
        name: the file, as messages call it.
        words: different words in the file's order, spelt as the text is.
        counts: their counts, (words,) int64; None where the file has none.

    """

    name: str
    words: list[str]
    counts: npt.NDArray[np.int64] | None


def read_words(file: str, normaliser: Normaliser) -> Generator[Record, None, FixedWords]:
    """Read a vocabulary file: on each line a word, or a word, a space or tab, and its count.

    Raises:
        DlkitError: it cannot be read, is not UTF-8 or has no words; a line has more than these, or
            a count that is none; some lines have counts and others not; a word comes twice.

    """
    name = shown(file)
    lines = [
        (number, line)
        for number, line in enumerate(_text(file, name).split("\n"), 1)
        if line.split()
    ]
    if lines and _is_line_end(lines[0][1]):
        yield Noted(f"{name}: {_LINE_WORD} is word2vec.c's line end and left out")
        del lines[0]
    if not lines:
        raise DlkitError(f"{name} has no words")
    words: dict[str, int] = {}  # and the line that each stands in
    counts: list[int] = []
    for number, line in lines:
        place = f"{name}: line {number:,}"
        spelt, *rest = line.split()
        if len(rest) > 1:
            raise DlkitError(f"{place} is not a word and its count: {shown(line.strip())}")
        word = _word(spelt, normaliser, place)
        if word in words:
            again = f"{place} has {shown(word)} again, after line {words[word]:,}"
            raise DlkitError(again + ("" if word == spelt else f" (as the text spells {spelt})"))
        if words and bool(rest) is not bool(counts):
            have = "has a count" if rest else "has no count"
            raise DlkitError(f"{place} {have}, unlike line {lines[0][0]:,}")
        words[word] = number
        counts += [_count(text, place) for text in rest]
    if sum(counts) > _MOST:
        raise DlkitError(f"{name}: the counts add up to more than {_MOST:,}")
    return FixedWords(name, list(words), np.array(counts, np.int64) if counts else None)


def _is_line_end(line: str) -> bool:
    """Whether a line is the first that word2vec.c writes; a tab would make it a word of ours."""
    return line.split()[0] == _LINE_WORD and " " in line and "\t" not in line


def _word(spelt: str, normaliser: Normaliser, place: str) -> str:
    from dlkit.data.scan import LONGEST_WORD

    word = normaliser.word(spelt)
    if not word:
        raise DlkitError(f"{place}: nothing of {shown(spelt)} is left without punctuation")
    if len(word.encode()) > LONGEST_WORD:
        raise DlkitError(f"{place} has a word of more than {LONGEST_WORD:,} bytes")
    return word


def _text(file: str, name: str) -> str:
    # As the shell does; a Path would make the home folder of ./~name.
    path = Path(os.path.expanduser(file))  # noqa: PTH111
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DlkitError(f"cannot read the vocabulary {name}: {error.strerror or error}") from error
    except ValueError as error:
        raise DlkitError(f"cannot read the vocabulary {name}: {error}") from error
    return utf8(data, name)


def _count(text: str, place: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= _MOST):
        raise DlkitError(f"{place}: {shown(text)!r} is not a count from 0 to {_MOST:,}")
    return int(text)


def counts_of(
    fixed: FixedWords, table: WordTable, *, min_count: int
) -> Generator[Record, None, npt.NDArray[np.int64]]:
    """The counts that decide about the words of a text, (words of the table,) int64.

    Words outside the file count nothing. Those of the file count what the file says, as in
    word2vec.c, else what they count in the text.

    Args:
        fixed: the file's words; they have the first numbers of the table.
        table: the counted text.
        min_count: what a word needs to stay.

    Raises:
        DlkitError: the text has none of the words.

    """
    found = table.counts[: len(fixed.words)]
    missing = int(np.count_nonzero(found == 0))
    if missing == len(fixed.words):
        raise DlkitError(f"the text has none of the {counted(missing, 'word')} of {fixed.name}")
    counts = np.zeros(len(table), np.int64)
    counts[: len(found)] = found if fixed.counts is None else fixed.counts
    source = "the text" if fixed.counts is None else fixed.name
    few = int(np.count_nonzero(counts[: len(found)] < min_count))
    words = counted(len(fixed.words), "word")
    yield Noted(
        f"{words} in {fixed.name}, counted in {source}"
        + (f"; {few:,} left out: they count less than {min_count} (--min-count)" if few else "")
    )
    idle = int(np.count_nonzero((found == 0) & (counts[: len(found)] >= min_count)))
    if idle:
        yield Warned(
            f"the text lacks {idle:,} of the {words} of {fixed.name}: they keep the vectors that "
            "training begins with, but for what they get as noise"
        )
    return counts
