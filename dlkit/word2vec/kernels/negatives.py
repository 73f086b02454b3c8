"""The words that a window pushes away: a shuffled table read in order.

Reading a shuffled table of draws one after another costs no random number and no cache miss;
fastText does the same.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dlkit.word2vec.kernels.inline import inlined

POWER: Final = 0.75  # of a count if no other is asked for; Mikolov et al. 2013, section 2.2
SMALLEST: Final = 1 << 16
LARGEST: Final = 1 << 26
USUAL: Final = 1 << 22


def table_size(vocabulary: int) -> int:
    """Entries of the table: about 64 for each word, within reason."""
    wanted = 1 << max(vocabulary * 64 - 1, 0).bit_length()
    return max(min(wanted, USUAL), SMALLEST, min(vocabulary * 8, LARGEST))


def noise_mass(counts: npt.NDArray[np.int64], exponent: float = POWER) -> npt.NDArray[np.float64]:
    """(V,) the running sum of ``counts ** exponent``: the noise distribution, not scaled to 1.

    The exponent 0 draws all words alike, 1 as often as the text has them; one below 0 draws rare
    words more often than frequent ones.
    """
    mass: npt.NDArray[np.float64] = np.cumsum(counts.astype(np.float64) ** exponent)
    return mass


def negative_table(
    counts: npt.NDArray[np.int64], *, seed: int, exponent: float = POWER
) -> npt.NDArray[np.int32]:
    """A shuffled table where word w stands in proportion to ``counts[w] ** exponent``.

    How often a word occurs is within one of its exact share, so words whose share is below one
    entry may be absent.
    """
    size = table_size(len(counts))
    mass = noise_mass(counts, exponent)
    ends = np.rint(mass / mass[-1] * size).astype(np.int64)
    table = np.repeat(np.arange(len(counts), dtype=np.int32), np.diff(ends, prepend=0))
    np.random.default_rng(seed).shuffle(table)
    return table


def most_read(wanted: int) -> int:
    """The most entries of the table that ``draw_negatives`` reads for one window."""
    return 2 * wanted + 8


@inlined
def draw_negatives(
    table: Any,
    position: Any,
    centre: Any,
    wanted: Any,
    drawn: Any,
) -> Any:
    """Put up to ``wanted`` words other than ``centre`` and than one another into ``drawn``.

    Reads at most ``most_read(wanted)`` entries of ``table`` from ``position``; what clashes is
    passed over. Returns (words found, next position). ``drawn`` (int64) starts at index 1: index
    0 is the centre's place.
    """
    drawn[0] = centre
    found = 1
    stop = position + 2 * wanted + 8
    while found <= wanted and position < stop:
        word = np.int64(table[position])
        position += 1
        clash = False
        for i in range(found):
            clash |= drawn[i] == word
        drawn[found] = word  # overwritten by the next word if it clashes
        if not clash:
            found += 1
    return found - 1, position
