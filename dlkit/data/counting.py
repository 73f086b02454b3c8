"""The first pass over a text: every source read once, every word counted and numbered.

Words are numbered in order of first appearance; their numbers can be spooled to disk, so that
later passes need not read, segment and normalise the text again. Memory holds the vocabulary and
one block of text.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from dlkit.data.clean import Cleaner
from dlkit.data.lines import Lines
from dlkit.data.normalise import Normaliser
from dlkit.data.numbering import cannot_write
from dlkit.data.reading import Reading, findings, read
from dlkit.data.segment import SAMPLE, choose, segmenter
from dlkit.data.sources import Source, locate
from dlkit.errors import DlkitError
from dlkit.jit import has_numba
from dlkit.records import Noted, Record, Step

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dlkit.data.config import TextConfig
    from dlkit.data.scan import WordTable

_PULSE: Final = 0.2  # seconds between progress records


@dataclass(frozen=True, eq=False)
class Counted:
    """A text whose words are counted.

    Attributes:
        table: the words with their numbers and counts.
        tokens: whitespace, char or zh.
        normaliser: how words are spelt.
        sources: what was read.

    """

    table: WordTable
    tokens: str
    normaliser: Normaliser
    sources: tuple[Source, ...]


@dataclass
class _Pass:
    """What the pass keeps between its parts."""

    sources: list[Source]
    config: TextConfig
    reading: Reading
    stdin: BinaryIO | None
    total: float | None
    spool: Path | None
    found: Counter[str] = field(default_factory=Counter)
    tokens: str = ""
    needed: float | None = None  # bytes that the spool will have, by what it has so far


@dataclass(frozen=True, slots=True)
class _Chunk:
    source: str
    text: str
    final: bool


def count_words(
    inputs: Sequence[str] | Sequence[Source],
    config: TextConfig,
    *,
    spool: Path | None,
    stdin: BinaryIO | None = None,
    stopping: Callable[[], None] = lambda: None,
    blank_lines: bool = False,
    known: Sequence[bytes] = (),
) -> Generator[Record, None, Counted]:
    """Read a text and count its words.

    Args:
        inputs: paths, folders, ``-``, ``builtin:NAME``, hub ids; or what ``locate`` made of them.
        config: how to read and split; not which words are frequent enough.
        spool: a file for the words' numbers (int32 little-endian) with LINE_END after each line;
            None: the words are counted only.
        stdin: what ``-`` reads.
        stopping: called several times a second; raises to end the work.
        blank_lines: whether a line without words has a LINE_END, too.
        known: words that get the first numbers, whether they occur or not.

    Yields:
        Progress, what was chosen, and what may hurt.

    Raises:
        DlkitError: the input is unreadable, or has no words; or the folder is full.

    """
    sources = [each for each in inputs if isinstance(each, Source)]
    sources = sources or locate([str(each) for each in inputs], config, stdin=stdin)
    sizes = [source.size for source in sources]
    total = None if None in sizes else float(sum(size or 0 for size in sizes))
    work = _Pass(sources, config, Reading(stopping=stopping), stdin, total, spool)
    table = yield from _count(work, known, blank_lines=blank_lines)
    yield from findings(work.found + work.reading.tally, config.encoding)
    if not table.tokens:
        names = ", ".join(source.name for source in sources[:3])
        more = len(sources) - 3
        raise DlkitError(f"no words in {names}" + (f" and {more:,} more" if more > 0 else ""))
    return Counted(table, work.tokens, normaliser_of(config), tuple(sources))


def normaliser_of(config: TextConfig) -> Normaliser:
    """How ``config`` spells words."""
    return Normaliser(lowercase=config.lowercase, drop_punctuation=config.drop_punctuation)


def _count(
    work: _Pass, known: Sequence[bytes], *, blank_lines: bool
) -> Generator[Record, None, WordTable]:
    """All text through the word table, word numbers into the spool."""
    from dlkit.data.scan import WordTable

    config = work.config
    normaliser = normaliser_of(config)
    chunks = _chunks(work)
    work.tokens = config.tokens
    if config.tokens == "auto":
        work.tokens, chunks = yield from _choose(chunks)
    segment = segmenter(work.tokens)
    if has_numba():
        table = WordTable(blank_lines=blank_lines)
    else:
        from dlkit.data.plain import PlainWordTable

        yield Noted("numba is not installed: plain Python counts the words, several times slower")
        table = PlainWordTable(blank_lines=blank_lines)
    table.enter(known)
    started = told = time.monotonic()
    lines = Lines(work.tokens)
    before = 1  # the number of the block's first line
    try:
        with work.spool.open("wb") if work.spool is not None else nullcontext() as spool:
            for chunk in chunks:
                if not isinstance(chunk, _Chunk):
                    yield chunk
                    continue
                for block in lines(chunk.text, final=chunk.final):
                    work.reading.stopping()
                    text = normaliser.strip(segment(normaliser.fold(block))).encode()
                    ids = _scan(table, text, chunk.source, before)
                    if spool is not None:
                        spool.write(ids.astype("<i4", copy=False).data)
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
        if work.spool is None:
            raise
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
