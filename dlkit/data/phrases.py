"""Phrases joined to single words: a text read once, its pairs counted, the text written anew.

The text is spooled to disk as word numbers; every pass counts the pairs of the words that the last
one left and joins what scores high enough. Memory holds the words, a bounded table of pairs, and
the phrases.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import count as numbers_from
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from dlkit.data.collocations import Phrase, Rules, scores
from dlkit.data.counting import Counted, count_words
from dlkit.data.fixed import read_words
from dlkit.data.wording import counted, shown
from dlkit.errors import DlkitError
from dlkit.jit import has_numba
from dlkit.records import Noted, Record, Step, Warned

if TYPE_CHECKING:
    from dlkit.data.config import TextConfig
    from dlkit.data.normalise import Normaliser
    from dlkit.data.pairs import Joiner, Pairs
    from dlkit.data.scan import WordTable
    from dlkit.data.sources import Source

_AT_A_TIME: Final = 1 << 20  # ids
_PULSE: Final = 0.2  # seconds between progress records

_Int32s = npt.NDArray[np.int32]
_Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Rewritten:
    """What joining phrases has done.

    Attributes:
        phrases: those of every pass by falling score, pass by pass.
        lines: lines of the text, blank ones included.
        words: of the text as it was.
        joined: phrases written in the places of words, over all passes.

    """

    phrases: list[Phrase]
    lines: int
    words: int
    joined: int


@dataclass
class _Work:
    """What the passes hand on: the words, the file of their numbers, and how often each occurs."""

    table: WordTable
    spool: Path
    counts: _Int64s
    connectors: _Int32s
    stopping: Callable[[], None]


@dataclass(frozen=True, eq=False)
class _Found:
    """The phrases of a pass, by falling score: keys of pairs, the words they become, and facts."""

    pairs: Pairs
    keys: npt.NDArray[np.uint64]
    numbers: _Int32s
    phrases: list[Phrase]


def join_phrases(
    inputs: Sequence[str] | Sequence[Source],
    config: TextConfig,
    rules: Rules,
    *,
    write: Callable[[bytes], object] | None,
    stdin: BinaryIO | None = None,
    stopping: Callable[[], None] = lambda: None,
) -> Generator[Record, None, Rewritten]:
    """Find the phrases of a text and write the text with each as one word, line for line.

    Args:
        inputs: paths, folders, ``-``, ``builtin:NAME``, hub ids; or what ``locate`` made of them.
        config: how to read and split; every word stays, however rare.
        rules: what makes a phrase.
        write: takes the new text, UTF-8, part by part; None: only the phrases are wanted.
        stdin: what ``-`` reads.
        stopping: called several times a second; raises to end the work.

    Raises:
        DlkitError: the input is unreadable or has no words, the disk of the temporary folder is
            full, or a phrase is longer than any word may be; numba is missing.

    """
    if not has_numba():
        raise DlkitError("counting pairs of words needs numba", hint="pip install numba")
    with tempfile.TemporaryDirectory(prefix="dlkit-", ignore_cleanup_errors=True) as folder:
        spool = Path(folder) / "ids.0"
        text = yield from count_words(
            inputs, config, spool=spool, stdin=stdin, stopping=stopping, blank_lines=True
        )
        if text.tokens != "whitespace" and write is not None:
            yield Noted(
                "words stand between spaces now: read the new text with --tokens whitespace"
            )
        words, lines = text.table.tokens, text.table.lines
        connectors = yield from _connectors(text, rules.connectors)
        work = _Work(text.table, spool, text.table.counts.copy(), connectors, stopping)
        phrases: list[Phrase] = []
        joined = 0
        for number, threshold in enumerate(rules.thresholds, 1):
            found = yield from _find(work, rules, threshold, number)
            phrases += found.phrases
            last = number == len(rules.thresholds)
            if last and write is None:
                break
            joiner = found.pairs.joiner(found.keys, found.numbers)
            yield from _rewrite(
                work, joiner, Path(folder) / f"ids.{number}", write if last else None
            )
            joined += joiner.phrases
            yield Noted(
                f"pass {number}: {counted(len(found.phrases), 'phrase')} above {threshold:g}, "
                f"joined {counted(joiner.phrases, 'time')}"
            )
        return Rewritten(phrases, lines, words, joined)


def read_connectors(file: str, normaliser: Normaliser) -> tuple[str, ...]:
    """The words of a file, one a line, spelt as the text is.

    Raises:
        DlkitError: it cannot be read, is not UTF-8, has no words, or a word twice.

    """
    reading = read_words(file, normaliser)
    while True:
        try:
            next(reading)
        except StopIteration as end:
            return tuple(end.value.words)


def _connectors(text: Counted, words: Sequence[str]) -> Generator[Record, None, _Int32s]:
    before = len(text.table)
    numbers = text.table.enter([word.encode() for word in words])
    if missing := int(np.count_nonzero(numbers >= before)):
        yield Warned(f"the text lacks {missing:,} of {counted(len(words), 'connector')}")
    return numbers


def _find(
    work: _Work, rules: Rules, threshold: float, number: int
) -> Generator[Record, None, _Found]:
    """Count the pairs and choose those above the threshold."""
    from dlkit.data.kernels.pairs import CONNECTOR, RARE, USUAL
    from dlkit.data.pairs import Pairs
    from dlkit.data.scan import WordTooLongError

    counts, words = work.counts, int(work.counts.sum())
    kinds = np.where(counts >= rules.least, USUAL, RARE).astype(np.uint8)
    kinds[work.connectors] = CONNECTOR
    pairs = Pairs(kinds, most=rules.max_pairs)
    kept: list[tuple[npt.NDArray[np.uint64], _Int64s, npt.NDArray[np.float64]]] = []
    for reading in numbers_from(1):
        yield from _count(work, pairs, f"pairs, pass {number}", reading)
        keys, together, more = pairs.take(rules.least)
        first, last = pairs.ends(keys)
        score = scores(rules, together, counts[first], counts[last], words=words)
        high = score > threshold
        kept.append((keys[high], together[high], score[high]))
        if not more:
            break
        if reading == 1:
            yield Noted(
                f"more than {rules.max_pairs:,} different pairs: the words are read several times "
                "(--max-pairs)"
            )
    keys, together, score = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    parts = pairs.parts(keys)
    spelt = {word: work.table.word(word) for part in parts for word in part}
    joiner = rules.joiner.encode()
    texts = [joiner.join(spelt[word] for word in part) for part in parts]
    order = sorted(range(len(texts)), key=lambda place: (-score[place], texts[place]))
    try:
        new = work.table.enter([texts[place] for place in order])
    except WordTooLongError as error:
        raise DlkitError("a phrase is longer than the longest word may be, 65,536 bytes") from error
    phrases = [
        Phrase(
            texts[place].decode(),
            float(score[place]),
            int(together[place]),
            spelt[parts[place][0]].decode(),
            int(counts[parts[place][0]]),
            spelt[parts[place][-1]].decode(),
            int(counts[parts[place][-1]]),
            number,
        )
        for place in order
    ]
    return _Found(pairs, keys[order], new, phrases)


def _count(work: _Work, pairs: Pairs, phase: str, reading: int) -> Generator[Record, None, None]:
    phase = phase if reading == 1 else f"{phase}, reading {reading}"
    for step, ids in _parts(work, phase):
        if ids is not None:
            pairs.count(ids)
        if step is not None:
            yield step


def _rewrite(
    work: _Work, joiner: Joiner, path: Path, write: Callable[[bytes], object] | None
) -> Generator[Record, None, None]:
    """Join the phrases: the text to ``write``, or the numbers to ``path`` for the next pass."""
    from dlkit.data.kernels.pairs import tally

    work.counts = np.zeros(len(work.table), np.int64)
    is_open = False

    def put(ids: _Int32s, spool: BinaryIO | None) -> None:
        nonlocal is_open
        if spool is None:
            assert write is not None
            write(work.table.spell(ids, is_open=is_open))
        else:
            tally(ids, work.counts)
            try:
                spool.write(ids.astype("<i4", copy=False).data)
            except OSError as error:
                raise _no_room(path, error) from error
        if len(ids):
            is_open = bool(ids[-1] >= 0)

    opened = path.open("wb") if write is None else None
    try:
        for step, ids in _parts(work, "joining"):
            if ids is not None:
                put(joiner(ids, final=False), opened)
            if step is not None:
                yield step
        put(joiner(np.empty(0, np.int32), final=True), opened)
    finally:
        if opened is not None:
            opened.close()
    work.spool.unlink()
    work.spool = path


def _no_room(path: Path, error: OSError) -> DlkitError:
    return DlkitError(
        f"cannot write to {shown(path.parent)} while joining: {error.strerror or error}",
        hint="a pass takes up to 4 bytes a word; TMPDIR=FOLDER puts the files elsewhere",
    )


def _parts(work: _Work, phase: str) -> Iterator[tuple[Step | None, _Int32s | None]]:
    """The word numbers part by part, and what there is to tell."""
    total = float(work.spool.stat().st_size)
    started = told = time.monotonic()
    with work.spool.open("rb") as spool:
        while len(ids := np.fromfile(spool, "<i4", _AT_A_TIME)):
            work.stopping()
            yield None, ids
            if (now := time.monotonic()) - told >= _PULSE:
                told, done = now, float(spool.tell())
                yield Step(phase, done, total, "bytes", done / (now - started)), None
