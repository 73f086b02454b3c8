"""A text corpus as numbers: read once, counted, encoded to word ids on disk.

The first pass reads every source once and spools word numbers in order of first appearance; the
second turns them into final ids (by falling count), drops rare words and takes the held-out blocks
out. Memory holds the vocabulary and one block of text.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from dlkit.data.clean import Cleaner
from dlkit.data.lines import Lines
from dlkit.data.normalise import Normaliser
from dlkit.data.numbering import cannot_write, frequent_words, write_ids
from dlkit.data.reading import Reading, findings, read
from dlkit.data.segment import SAMPLE, choose, segmenter
from dlkit.data.sources import Source, locate
from dlkit.data.wording import counted
from dlkit.errors import DlkitError
from dlkit.records import Noted, Record, Step

if TYPE_CHECKING:
    from dlkit.data.config import TextConfig
    from dlkit.data.scan import WordTable
    from dlkit.data.vocab import Vocabulary

_PULSE: Final = 0.2  # seconds between progress records


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


@dataclass
class _Pass:
    """What the first pass keeps between its parts."""

    sources: list[Source]
    config: TextConfig
    reading: Reading
    stdin: BinaryIO | None
    total: float | None
    spool: Path
    found: Counter[str] = field(default_factory=Counter)
    tokens: str = ""
    needed: float | None = None  # bytes that the spool will have, by what it has so far


@dataclass(frozen=True, slots=True)
class _Chunk:
    source: str
    text: str
    final: bool


def encode(
    inputs: Sequence[str] | Sequence[Source],
    config: TextConfig,
    *,
    folder: Path,
    stdin: BinaryIO | None = None,
    stopping: Callable[[], None] = lambda: None,
    held_out: bool = True,
) -> Generator[Record, None, Corpus]:
    """Read a corpus and encode it.

    Args:
        inputs: paths, folders, ``-``, ``builtin:NAME``, hub ids; or what ``locate`` made of them.
        config: how to read, split and count.
        folder: an existing folder for the encoded corpus and the spool.
        stdin: what ``-`` reads.
        stopping: called several times a second; raises to end the work.
        held_out: whether to set blocks aside for a held-out loss.

    Yields:
        Progress, what was chosen, and what may hurt.

    Raises:
        DlkitError: the input is unreadable, has no words, or has none that are frequent enough;
            or the folder is full.

    """
    sources = _located(inputs, config, stdin)
    sizes = [source.size for source in sources]
    total = None if None in sizes else float(sum(size or 0 for size in sizes))
    work = _Pass(sources, config, Reading(stopping=stopping), stdin, total, folder / "ids.spool")
    try:
        table = yield from _count(work)
        yield from findings(work.found + work.reading.tally, work.config.encoding)
        return (yield from _second_pass(work, table, folder, held_out=held_out))
    finally:
        work.spool.unlink(missing_ok=True)


def _located(
    inputs: Sequence[str] | Sequence[Source], config: TextConfig, stdin: BinaryIO | None
) -> list[Source]:
    found = [each for each in inputs if isinstance(each, Source)]
    return found or locate([str(each) for each in inputs], config, stdin=stdin)


def _count(work: _Pass) -> Generator[Record, None, WordTable]:
    """The first pass: all text through the word table, word numbers into the spool."""
    from dlkit.data.scan import WordTable

    config = work.config
    normaliser = _normaliser(config)
    chunks = _chunks(work)
    work.tokens = config.tokens
    if config.tokens == "auto":
        work.tokens, chunks = yield from _choose(chunks)
    segment = segmenter(work.tokens)
    table = WordTable()
    started = told = time.monotonic()
    lines = Lines(work.tokens)
    before = 1  # the number of the block's first line
    try:
        with work.spool.open("wb") as spool:
            for chunk in chunks:
                if not isinstance(chunk, _Chunk):
                    yield chunk
                    continue
                for block in lines(chunk.text, final=chunk.final):
                    work.reading.stopping()
                    text = normaliser.strip(segment(normaliser.fold(block))).encode()
                    _spool(spool, _scan(table, text, chunk.source, before))
                    before += block.count("\n")
                if chunk.final:
                    before = 1
                if work.total and (done := work.reading.meter.done):
                    work.needed = 4 * (table.tokens + table.lines) * work.total / done
                now = time.monotonic()
                if now - told >= _PULSE:
                    told = now
                    yield _step(work, table, now - started)
    except OSError as error:
        raise cannot_write(work.spool, error, number=1, needed=work.needed) from error
    yield _step(work, table, time.monotonic() - started)
    return table


def _scan(table: WordTable, text: bytes, source: str, line: int) -> npt.NDArray[np.int32]:
    from dlkit.data.scan import LONGEST_WORD, WordTooLongError

    try:
        return table.scan(text)
    except WordTooLongError as error:
        line += text.count(b"\n", 0, error.position)
        raise DlkitError(
            f"{source}: line {line:,} has a word of more than {LONGEST_WORD:,} bytes",
            hint="is it text? Text without spaces needs --tokens char (or zh)",
        ) from error


def _spool(spool: BinaryIO, ids: npt.NDArray[np.int32]) -> None:
    spool.write(ids.astype("<i4", copy=False).data)


def _step(work: _Pass, table: WordTable, seconds: float) -> Step:
    done = float(work.reading.meter.done)
    rate = done / seconds if seconds > 0 else 0.0
    return Step("reading", done, work.total, "bytes", rate, {"words": table.tokens})


def _chunks(work: _Pass) -> Iterator[_Chunk | Record]:
    """Clean text of all sources in order; each source's last chunk is marked."""
    for source in work.sources:
        cleaner = Cleaner(work.found)
        for part in read(source, work.config, work.reading, stdin=work.stdin):
            if isinstance(part, str):
                yield _Chunk(source.name, cleaner(part), final=False)
            else:
                yield part
        yield _Chunk(source.name, cleaner("", final=True), final=True)


def _choose(
    chunks: Iterator[_Chunk | Record],
) -> Generator[Record, None, tuple[str, Iterator[_Chunk | Record]]]:
    """Choose the tokens from the first SAMPLE characters, and give the chunks back whole."""
    ahead: deque[_Chunk] = deque()
    parts: list[str] = []
    size = 0
    for chunk in chunks:
        if not isinstance(chunk, _Chunk):
            yield chunk
            continue
        ahead.append(chunk)
        text = chunk.text
        if chunk.final and parts and not (parts[-1] + text).endswith("\n"):
            text += "\n"
        if text:
            parts.append(text)
            size += len(text)
        if size >= SAMPLE:
            break
    sample = "".join(parts)[:SAMPLE]
    tokens, why = choose(sample)
    if not sample.isspace() and sample:
        yield Noted(f"tokens: {tokens} ({why})")

    def again() -> Iterator[_Chunk | Record]:
        while ahead:
            yield ahead.popleft()
        yield from chunks

    return tokens, again()


def _second_pass(
    work: _Pass, table: WordTable, folder: Path, *, held_out: bool
) -> Generator[Record, None, Corpus]:
    config = work.config
    if not len(table):
        names = ", ".join(source.name for source in work.sources[:3])
        more = len(work.sources) - 3
        raise DlkitError(f"no words in {names}" + (f" and {more:,} more" if more > 0 else ""))
    vocabulary, numbers = frequent_words(
        table, min_count=config.min_count, max_vocab=config.max_vocab
    )
    kept = int(vocabulary.counts.sum())
    if dropped := len(table) - len(vocabulary):
        share = 100 * (1 - kept / table.tokens)
        yield Noted(
            f"{counted(len(vocabulary), 'word')} kept, {counted(dropped, 'rarer one')} dropped "
            f"({share:.2f} % of the text)"
        )
    written = yield from write_ids(
        work.spool,
        folder / "ids.bin",
        numbers,
        kept,
        stopping=work.reading.stopping,
        held_out=held_out,
    )
    return Corpus(
        ids_path=folder / "ids.bin",
        held_out=written.held_out,
        vocabulary=vocabulary,
        words=kept - int(np.count_nonzero(written.held_out >= 0)),
        raw_words=table.tokens,
        lines=table.lines,
        ids_sha256=written.sha256,
        tokens=work.tokens,
        normaliser=_normaliser(config),
        sources=tuple(dict.fromkeys(source.absolute() for source in work.sources)),
    )


def _normaliser(config: TextConfig) -> Normaliser:
    return Normaliser(lowercase=config.lowercase, drop_punctuation=config.drop_punctuation)
