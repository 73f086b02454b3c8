"""From a stream of ids to windows, in numpy: what the PyTorch trainer computes on.

The same words are kept and the same windows drawn as by the compiled kernels: every raw word at
position p has one 64-bit draw that depends on the seed, the epoch and p alone (``kernels.stream``).
So a piece of the stream can be read at any time without what came before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from dlkit.word2vec.kernels import stream

if TYPE_CHECKING:
    from dlkit.word2vec.trainer import NGrams

Ids = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Draws = npt.NDArray[np.uint64]

GOLDEN: Final = stream.GOLDEN
# How often the most frequent word may stand in a batch, on average: its gradients are all taken
# at one point, so that many of them teach it less than as many steps would.
REPEATS: Final = 4
BATCHES_PER_RUN: Final = 500  # the learning rate has at least so many steps


class Piece(NamedTuple):
    """The kept words of a stretch of the stream, with those that its windows reach.

    Arrays are (n,) over kept words in stream order. ``low .. high - 1`` without i is the window
    of word i: the words that it sees when it is the centre. Those of margin words may be cut.
    ``first .. last - 1`` are the words of the stretch itself.
    """

    words: Ids
    low: Longs
    high: Longs
    positions: Longs  # of the words in the stream
    first: int
    last: int
    read: Longs  # raw words from the start of the stretch up to and with word i


def draws(key: np.uint64, positions: Longs | Draws) -> Draws:
    """The 64-bit draws at ``positions`` of the sequence ``key``: splitmix64 on arrays."""
    z: Draws = key + positions.astype(np.uint64) * GOLDEN
    z = (z ^ (z >> stream.S30)) * stream.FIRST
    z = (z ^ (z >> stream.S27)) * stream.SECOND
    return z ^ (z >> stream.S31)


def read_piece(
    ids: Ids,
    start: int,
    stop: int,
    *,
    key: np.uint64,
    keep: npt.NDArray[np.uint32],
    window: int,
    fixed: bool = False,
) -> Piece:
    """The words of ``ids[start:stop]`` that are kept, and their windows.

    Args:
        ids: (N,) the stream, -1 ends a line.
        start: where the stretch begins.
        stop: where it ends.
        key: names the epoch's draws.
        keep: (V,) what a 32-bit draw must not exceed for a word to be kept.
        window: most words to either side.
        fixed: each word has the whole window, else it draws its own from 1 up.

    """
    # A word of the stretch sees words up to ``window`` away, and they are seen by words that far.
    left = _reach(ids, start, -1, key=key, keep=keep, window=window)
    right = _reach(ids, stop, 1, key=key, keep=keep, window=window)
    part = ids[left:right]
    positions, bits = kept(part, left, key=key, keep=keep)
    lines = np.cumsum(part < 0)[positions - left]
    words = np.ascontiguousarray(part[positions - left])
    least = window if fixed else 1
    drawn = ((bits & stream.LOW) * np.uint64(window - least + 1)) >> stream.S32
    reach = drawn.astype(np.int64) + least
    places = np.arange(len(words))
    low = np.maximum(places - reach, np.searchsorted(lines, lines, "left"))
    high = np.minimum(places + reach + 1, np.searchsorted(lines, lines, "right"))
    first, last = np.searchsorted(positions, (start, stop))
    seen = np.cumsum(part >= 0)
    before = int(seen[start - left - 1]) if start > left else 0
    read = seen[positions - left] - before
    return Piece(words, low, high, positions, int(first), int(last), read)


def kept(
    part: Ids, left: int, *, key: np.uint64, keep: npt.NDArray[np.uint32]
) -> tuple[Longs, Draws]:
    """Positions and draws of the words of ``part``, which begins at ``left``, that are kept."""
    places = np.flatnonzero(part >= 0)
    bits = draws(key, places + left)
    stays = (bits >> stream.S32) <= keep[part[places]]
    return places[stays] + left, bits[stays]


def _reach(
    ids: Ids,
    position: int,
    direction: int,
    *,
    key: np.uint64,
    keep: npt.NDArray[np.uint32],
    window: int,
) -> int:
    """How far from ``position`` a window may see: ``window`` kept words, or the line's end."""
    step = 4 * window
    while True:
        far = min(max(position + direction * step, 0), len(ids))
        start, stop = min(far, position), max(far, position)
        part = ids[start:stop]
        ended = bool((part < 0).any()) or far in (0, len(ids))
        if ended or len(kept(part, start, key=key, keep=keep)[0]) >= window:
            return far
        step *= 2


def length(
    counts: Longs,
    keep: npt.NDArray[np.uint32],
    *,
    epochs: int,
    most: int,
    ngrams: NGrams | None = None,
) -> int:
    """Positions of a batch: as many as sums of gradients at one point allow, at most ``most``.

    Args:
        counts: (V,) how often each word occurs.
        keep: (V,) what a 32-bit draw must not exceed for a word to be kept.
        epochs: passes over the stream.
        most: the largest answer.
        ngrams: rows that words are means of; where they share rows, one moves with the other.

    """
    kept = counts * ((keep.astype(np.float64) + 1) / 2.0**32)
    total = float(kept.sum())
    moved = kept
    if ngrams is not None:
        lengths = np.diff(ngrams.offsets)
        pulled = np.bincount(ngrams.rows, np.repeat(kept, lengths))
        moved = np.add.reduceat(pulled[ngrams.rows], ngrams.offsets[:-1]) / lengths
    repeated = REPEATS * total / float(moved.max())
    return max(int(min(repeated, total * epochs / BATCHES_PER_RUN, float(most))), 1)


class Negatives:
    """Draws of words by a power of their counts, each named by its place in the stream.

    Args:
        counts: (V,) how often each word occurs.
        negative: noise words of a pair.
        shared: words drawn for a whole batch, each of which stands for ``negative / shared``.
        exponent: of the counts.

    """

    def __init__(
        self, counts: Longs, *, negative: int, shared: int, exponent: float = 0.75
    ) -> None:
        from dlkit.word2vec.kernels.negatives import most_read, noise_mass

        mass = noise_mass(counts, exponent)
        self._ends = mass / mass[-1]
        share = np.diff(self._ends, prepend=0.0)
        self._shared = shared
        # Words other than the centre: their draws are as many as if the centre had been drawn
        # again whenever it came up; but where it nearly always does, the compiled kernels give up
        # after so many draws, or the few words left would weigh without bound. A lone word has no
        # other.
        wanted = min(negative, len(counts) - 1)
        others = np.maximum(1.0 - share, max(wanted, 1) / most_read(wanted))
        self.weights = np.where(share < 1.0, wanted / shared / others, 0.0).astype(np.float32)
        """(V,) what one shared draw counts in a pair whose centre is that word."""

    def draw(self, key: np.uint64, position: int) -> Longs:
        """(shared,) words for the batch that begins at ``position`` of the stream."""
        first = np.uint64(position) * np.uint64(self._shared)
        bits = draws(key, first + np.arange(self._shared, dtype=np.uint64))
        share = (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53
        picked = np.searchsorted(self._ends, share, "right")
        return np.minimum(picked, len(self._ends) - 1)
