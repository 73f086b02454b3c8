"""A corpus' vocabulary by itself: counted as for training, written as lists of words."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, BinaryIO, Final

from dlkit.data.corpus import choose_words
from dlkit.data.counting import count_words

if TYPE_CHECKING:
    from dlkit.data.config import TextConfig
    from dlkit.data.sources import Source
    from dlkit.data.vocab import Vocabulary
    from dlkit.records import Record

_LINE_WORD: Final = "</s>"  # how word2vec.c spells a line end
_AT_A_TIME: Final = 4096  # lines


@dataclass(frozen=True, eq=False)
class Counts:
    """The words of a corpus: the frequent ones, and how many lines had any."""

    vocabulary: Vocabulary
    lines: int


def count_vocabulary(
    inputs: Sequence[str] | Sequence[Source],
    config: TextConfig,
    *,
    stdin: BinaryIO | None = None,
    stopping: Callable[[], None] = lambda: None,
) -> Generator[Record, None, Counts]:
    """Count words as ``encode`` does, and write nothing to disk.

    Args:
        inputs: paths, folders, ``-``, ``builtin:NAME``, hub ids.
        config: how to read, split and count.
        stdin: what ``-`` reads.
        stopping: called several times a second; raises to end the work.

    Raises:
        DlkitError: the input is unreadable, has no words, or has none that are frequent enough.

    """
    text = yield from count_words(inputs, config, spool=None, stdin=stdin, stopping=stopping)
    chosen = yield from choose_words(text, config)
    return Counts(chosen.vocabulary, text.table.lines)


def lines(counts: Counts) -> Iterator[str]:
    """The lines of a vocabulary file, ``word<TAB>count``, many at a time."""
    return _joined(line.decode() for line in counts.vocabulary.lines())


def c_lines(counts: Counts) -> Iterator[str]:
    """The lines of word2vec.c's vocabulary file, ``word count``, many at a time.

    The first word is the line end, which the C tool takes the first line for whatever it says; a
    word of the text that is spelt so is one to the C tool, too.
    """
    pairs = zip(counts.vocabulary.words, counts.vocabulary.counts.tolist(), strict=True)
    ends = counts.lines
    entries: list[str] = []
    for word, count in pairs:
        if word == _LINE_WORD:
            ends += count
        else:
            entries.append(f"{word} {count}\n")
    return _joined(chain([f"{_LINE_WORD} {ends}\n"], entries))


def _joined(each: Iterator[str]) -> Iterator[str]:
    while some := "".join(islice(each, _AT_A_TIME)):
        yield some
