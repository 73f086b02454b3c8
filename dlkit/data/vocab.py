"""A vocabulary: words by falling frequency, with their counts, and the file that holds them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dlkit.errors import DAMAGED, DlkitError


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Words and how often each occurs; a word's place is its id.

    Attributes:
        words: different words without white space, by falling count, ties by their UTF-8 bytes.
        counts: occurrences, (words,) int64.

    """

    words: list[str]
    counts: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.words)

    def lines(self) -> Iterator[bytes]:
        """The vocabulary file's lines, ``word<TAB>count<LF>`` in UTF-8."""
        for word, count in zip(self.words, self.counts.tolist(), strict=True):
            yield f"{word}\t{count}\n".encode()

    def write(self, path: Path) -> None:
        """Write the vocabulary file."""
        with path.open("wb") as file:
            file.writelines(self.lines())

    @classmethod
    def read(cls, path: Path) -> Vocabulary:
        """Read a vocabulary file and believe nothing.

        Raises:
            DlkitError: (DAMAGED) the file cannot be read, is not UTF-8, or a line is not a word, a
                tab and a count from 0 to 2^63 - 1, or a word comes twice.

        """
        try:
            data = path.read_bytes()
            text = data.decode("utf-8")
        except OSError as error:
            message = f"cannot read the vocabulary {path}: {error.strerror}"
            raise DlkitError(message, code=DAMAGED) from error
        except UnicodeDecodeError as error:
            message = f"the vocabulary {path} is not UTF-8 at byte {error.start}"
            raise DlkitError(message, code=DAMAGED) from error
        lines = text.split("\n")
        if lines.pop():
            raise DlkitError(f"the vocabulary {path} ends within a line", code=DAMAGED)
        words: list[str] = []
        counts = np.zeros(len(lines), np.int64)
        for number, line in enumerate(lines):
            word, tab, count = line.partition("\t")
            if not word or not tab or not _is_count(count):
                place = f"line {number + 1} of the vocabulary {path}"
                raise DlkitError(f"{place} is not a word, a tab and a count", code=DAMAGED)
            words.append(word)
            counts[number] = int(count)
        if len(set(words)) != len(words):
            seen: set[str] = set()
            twice = next(word for word in words if word in seen or seen.add(word))  # type: ignore[func-returns-value]
            raise DlkitError(f"the vocabulary {path} has {twice!r} twice", code=DAMAGED)
        return cls(words, counts)


def _is_count(text: str) -> bool:
    """Whether text is a count from 0 to 2^63 - 1 in plain ASCII digits."""
    return text.isascii() and text.isdigit() and len(text) <= 19 and int(text) < 2**63
