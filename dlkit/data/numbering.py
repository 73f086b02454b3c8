"""The second pass over a corpus: final word ids, rare words dropped, held-out blocks set aside."""

from __future__ import annotations

import errno
import hashlib
import shutil
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from dlkit.data.vocab import Vocabulary
from dlkit.data.wording import counted, shown
from dlkit.errors import DlkitError
from dlkit.records import Record, Step

if TYPE_CHECKING:
    from dlkit.data.scan import WordTable

HELD_OUT_BLOCK: Final = 512  # tokens
FEWEST_BLOCKS: Final = 50  # a shorter corpus has nothing to spare
HELD_OUT_EVERY: Final = 200  # blocks; of a long corpus at most half a per cent is held out
HELD_OUT_MOST: Final = 200  # blocks; 100 thousand tokens measure a loss well enough
_AT_A_TIME: Final = 1 << 20  # ids
_PULSE: Final = 0.2  # seconds between progress records


@dataclass(frozen=True, eq=False)
class Written:
    """What the second pass leaves: the held-out ids, (h,) int32, and the digest of all ids."""

    held_out: npt.NDArray[np.int32]
    sha256: str


def frequent_words(
    table: WordTable,
    *,
    min_count: int,
    max_vocab: int | None,
    counts: npt.NDArray[np.int64] | None = None,
    kept: int = 0,
) -> tuple[Vocabulary, npt.NDArray[np.int32]]:
    """The words that stay, and the final id of every counted word (-1: dropped), (words,) int32.

    Args:
        table: the counted words.
        min_count: what a word needs to stay.
        max_vocab: how many stay at most, the most frequent.
        counts: what each word counts, where that is not what the table says, (words,).
        kept: so many first words of the table stay even where they are more than ``max_vocab``;
            others get the places that they leave.

    Raises:
        DlkitError: no word is frequent enough.

    """
    counts = table.counts if counts is None else counts
    frequent = np.flatnonzero(counts >= min_count)
    if not len(frequent):
        top = int(counts.argmax())
        word, count = table.word(top).decode(), int(counts[top])
        word = word if len(word) <= 40 else word[:40] + "…"
        raise DlkitError(
            f"no word occurs {min_count:,} times; the most frequent, {word!r}, occurs "
            f"{counted(count, 'time')}",
            hint=f"--min-count {count}",
        )
    entries = [(-int(counts[number]), table.word(int(number)), int(number)) for number in frequent]
    entries.sort()
    if max_vocab is not None and len(entries) > max_vocab:
        new = [entry for entry in entries if entry[2] >= kept]
        last = new[max(0, max_vocab - (len(entries) - len(new))) :]
        out = {number for _, _, number in last}
        entries = [entry for entry in entries if entry[2] not in out]
    order = np.array([number for _, _, number in entries], np.int64)
    numbers = np.full(len(counts), -1, np.int32)
    numbers[order] = np.arange(len(order), dtype=np.int32)
    return Vocabulary([word.decode() for _, word, _ in entries], counts[order]), numbers


def held_out_every(blocks: int) -> int:
    """Of how many blocks one is held out; 0 if none is."""
    return max(HELD_OUT_EVERY, blocks // HELD_OUT_MOST) if blocks >= FEWEST_BLOCKS else 0


def write_ids(
    spool: Path,
    path: Path,
    numbers: npt.NDArray[np.int32],
    tokens: int,
    *,
    stopping: Callable[[], None],
    held_out: bool,
) -> Generator[Record, None, Written]:
    """Write the training stream to ``path``.

    Args:
        spool: word numbers in order of first appearance, with line ends.
        path: the file to write.
        numbers: the final id of each number, -1 for a dropped word.
        tokens: how many ids will stay.
        stopping: called several times a second.
        held_out: whether to set blocks aside.

    Raises:
        DlkitError: the folder is full.

    """
    from dlkit.data.renumber import Renumberer

    blocks = tokens // HELD_OUT_BLOCK
    renumber = Renumberer(
        numbers,
        block=HELD_OUT_BLOCK,
        blocks=blocks,
        every=held_out_every(blocks) if held_out else 0,
        chosen=FEWEST_BLOCKS - 1,  # so that the shortest corpus that has held-out text has a block
    )
    digest = hashlib.sha256()
    held: list[npt.NDArray[np.int32]] = [np.empty(0, np.int32)]
    started = told = time.monotonic()
    total = spool.stat().st_size
    try:
        with spool.open("rb") as reader, path.open("wb") as writer:
            while len(ids := np.fromfile(reader, "<i4", _AT_A_TIME)):
                stopping()
                train, aside = renumber(ids)
                data = train.astype("<i4", copy=False).data
                digest.update(data)
                writer.write(data)
                held.append(aside.copy())
                if (now := time.monotonic()) - told >= _PULSE:
                    told, done = now, float(reader.tell())
                    yield Step("encoding", done, float(total), "bytes", done / (now - started))
    except OSError as error:
        raise cannot_write(path, error, number=2, needed=total) from error
    held_ids = np.concatenate(held)
    digest.update(held_ids.astype("<i4", copy=False).data)
    return Written(held_ids, digest.hexdigest())


def cannot_write(path: Path, error: OSError, *, number: int, needed: float | None) -> DlkitError:
    """The error for a folder that the encoded corpus does not fit in.

    Args:
        path: the file that was being written.
        error: the system's.
        number: of the pass, 1 or 2.
        needed: bytes that this pass writes in all, as far as that is known.

    """
    folder = path.parent
    task = "counting" if number == 1 else "encoding"
    reason = error.strerror or str(error)
    message = f"cannot write to {shown(folder)} while {task} words (pass {number} of 2): {reason}"
    if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DlkitError(message)
    facts = [f"about {counted(int(needed), 'byte')} needed"] if needed is not None else []
    with suppress(OSError):
        facts.append(f"{counted(path.stat().st_size, 'byte')} written")
        facts.append(f"{counted(shutil.disk_usage(folder).free, 'byte')} free")
    if error.errno == errno.EFBIG:
        return DlkitError(f"{message}: {', '.join(facts)}", hint="raise the limit: ulimit -f")
    takes = "4 bytes a word, and pass 2 as much again" if number == 1 else "up to 4 bytes a word"
    return DlkitError(
        f"{message}: {', '.join(facts)}",
        hint=f"free some space there: pass {number} takes {takes}",
    )
