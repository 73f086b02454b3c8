"""A text corpus as numbers: read once, counted, encoded to word ids on disk.

The first pass reads every source once and spools word numbers in order of first appearance; the
second turns them into final ids (by falling count), drops rare words and takes the held-out blocks
out. Memory holds the vocabulary and one block of text.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt

from dlkit.data.counting import Counted, count_words, normaliser_of
from dlkit.data.fixed import FixedWords, counts_of, read_words
from dlkit.data.numbering import frequent_words, write_ids
from dlkit.data.wording import counted
from dlkit.records import Noted, Record, Warned

if TYPE_CHECKING:
    from dlkit.data.config import TextConfig
    from dlkit.data.normalise import Normaliser
    from dlkit.data.sources import Source
    from dlkit.data.vocab import Vocabulary


@dataclass(frozen=True, eq=False)
class Corpus:
    """An encoded corpus.

    Attributes:
        ids_path: the training stream: word ids, int32 little-endian, LINE_END (-1) after each line.
        held_out: the tokens set aside, coded alike, (h,) int32.
        vocabulary: the words that the ids stand for.
        words: training tokens in ids_path, line ends not counted.
        raw_words: tokens read, before rare words were dropped.
        lines: lines with at least one word, as read.
        ids_sha256: of the training stream followed by the held-out stream.
        tokens: whitespace, char or zh.
        normaliser: how words are spelt.
        sources: what was read, absolute, for a recipe.

    """

    ids_path: Path
    held_out: npt.NDArray[np.int32]
    vocabulary: Vocabulary
    words: int
    raw_words: int
    lines: int
    ids_sha256: str
    tokens: str
    normaliser: Normaliser
    sources: tuple[str, ...] = ()

    def ids(self) -> npt.NDArray[np.int32]:
        """The training stream, (n,) int32, mapped read-only."""
        if not self.ids_path.stat().st_size:
            return np.empty(0, np.int32)
        return np.memmap(self.ids_path, np.dtype("<i4"), mode="r")


def encode(
    inputs: Sequence[str] | Sequence[Source],
    config: TextConfig,
    *,
    folder: Path,
    stdin: BinaryIO | None = None,
    stopping: Callable[[], None] = lambda: None,
    held_out: bool = True,
    grown: Grown | None = None,
) -> Generator[Record, None, Corpus]:
    """Read a corpus and encode it.

    Args:
        inputs: paths, folders, ``-``, ``builtin:NAME``, hub ids; or what ``locate`` made of them.
        config: how to read, split and count.
        folder: an existing folder for the encoded corpus and the spool.
        stdin: what ``-`` reads.
        stopping: called several times a second; raises to end the work.
        held_out: whether to set blocks aside for a held-out loss.
        grown: words that stay in the vocabulary besides those that the text has often enough.

    Yields:
        Progress, what was chosen, and what may hurt.

    Raises:
        DlkitError: the input is unreadable, has no words, or has none that are frequent enough;
            or the folder is full.

    """
    spool = folder / "ids.spool"
    fixed = None
    if config.vocabulary is not None:
        fixed = yield from read_words(config.vocabulary, normaliser_of(config))
    try:
        text = yield from count_words(
            inputs,
            config,
            spool=spool,
            stdin=stdin,
            stopping=stopping,
            known=[word.encode() for word in (fixed or grown or _NONE).words],
        )
        chosen = yield from choose_words(text, config, fixed, grown)
        written = yield from write_ids(
            spool,
            folder / "ids.bin",
            chosen.numbers,
            chosen.tokens,
            stopping=stopping,
            held_out=held_out,
        )
    finally:
        spool.unlink(missing_ok=True)
    return Corpus(
        ids_path=folder / "ids.bin",
        held_out=written.held_out,
        vocabulary=chosen.vocabulary,
        words=chosen.tokens - int(np.count_nonzero(written.held_out >= 0)),
        raw_words=text.table.tokens,
        lines=text.table.lines,
        ids_sha256=written.sha256,
        tokens=text.tokens,
        normaliser=text.normaliser,
        sources=tuple(dict.fromkeys(source.absolute() for source in text.sources)),
    )


@dataclass(frozen=True, eq=False)
class Grown:
    """The words of a vocabulary that a new text is added to.

    Attributes:
        words: they stay, whether the text has them or not, even where ``max_vocab`` is less.
        counts: what each counted before, (words,) int64; added to what it counts in the text.
        again: the text is the one that was counted last: it is not added.

    """

    words: Sequence[str]
    counts: npt.NDArray[np.int64]
    again: bool = False


_NONE = Grown((), np.zeros(0, np.int64))


@dataclass(frozen=True, eq=False)
class Chosen:
    """The words of a text that stay.

    Attributes:
        vocabulary: these words.
        numbers: the final id of each counted word, -1 for a dropped one, (words,) int32.
        tokens: how many words of the text stay.

    """

    vocabulary: Vocabulary
    numbers: npt.NDArray[np.int32]
    tokens: int


def choose_words(
    text: Counted,
    config: TextConfig,
    fixed: FixedWords | None = None,
    grown: Grown | None = None,
) -> Generator[Record, None, Chosen]:
    """Choose the words that stay: the frequent ones, or those of a file, or those of before, too.

    Raises:
        DlkitError: no word is frequent enough, or the text has none of the file's.

    """
    table = text.table
    counts = None
    if fixed is not None:
        counts = yield from counts_of(fixed, table, min_count=config.min_count)
    elif grown is not None:
        counts = table.counts.copy()
        old = counts[: len(grown.words)]
        total = np.maximum(old, grown.counts) if grown.again else old + grown.counts
        # They stay even where --min-count was raised.
        np.maximum(total, config.min_count, out=old)
    vocabulary, numbers = frequent_words(
        table,
        min_count=config.min_count,
        max_vocab=config.max_vocab,
        counts=counts,
        kept=0 if grown is None else len(grown.words),
    )
    tokens = int(table.counts[numbers >= 0].sum())
    if grown is not None and not grown.again:
        left = (numbers < 0) & (table.counts >= config.min_count)
        if gone := int(np.count_nonzero(left)):
            yield Warned(
                f"--max-vocab {config.max_vocab:,} leaves out {counted(gone, 'new word')} that "
                f"--min-count would take; the {counted(len(grown.words), 'word')} of before stay"
            )
    if dropped := int(np.count_nonzero((numbers < 0) & (table.counts > 0))):
        noun = "rarer one" if fixed is None else "other one"
        share = 100 * (1 - tokens / table.tokens)
        yield Noted(
            f"{counted(len(vocabulary), 'word')} kept, {counted(dropped, noun)} dropped "
            f"({share:.2f} % of the text)"
        )
    return Chosen(vocabulary, numbers, tokens)
