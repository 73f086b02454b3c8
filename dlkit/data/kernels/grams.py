"""Words of texts and their n-grams, hashed: the loops over bytes.

A text is UTF-8. Its words stand between ASCII white space; ASCII punctuation around a word is none
of it, every byte above 127 is. Import this module inside function bodies only.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dlkit.data.kernels.pairs import _hash
from dlkit.data.kernels.words import SEED, _mix
from dlkit.jit import compiled

PIECE_SEED: Final = SEED ^ 0x5BD1E9955BD1E995  # of pieces of words: those are no words
TIMES: Final = 0x9E3779B97F4A7C15  # 2^64 / golden ratio, odd: between the words of an n-gram

INSIDE: Final = 0
FRINGE: Final = 1
SPACE: Final = 2


def _kinds() -> npt.NDArray[np.uint8]:
    """(256,) what a byte is of a word, as ``Normaliser`` and ``str.split`` see it."""
    kinds = np.full(256, INSIDE, np.uint8)
    for byte in range(128):
        character = chr(byte)
        if character.isspace():
            kinds[byte] = SPACE
        elif not character.isalnum():
            kinds[byte] = FRINGE
    return kinds


KINDS: Final = _kinds()
_OPEN: Final = np.uint8(ord("<"))
_CLOSE: Final = np.uint8(ord(">"))

Bytes = npt.NDArray[np.uint8]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
UInt64s = npt.NDArray[np.uint64]


@compiled()
def words(
    data: Bytes,
    offsets: Int64s,
    kinds: Bytes,
    lowercase: int,
    hashes: UInt64s,
    starts: Int64s,
    stops: Int64s,
    counts: Int64s,
) -> int:
    """Find the words of each text, data[offsets[i]:offsets[i + 1]]; how many there are.

    ASCII letters of ``data`` are made small ones in place if ``lowercase``. Of each word its hash
    and where it lies are written, of each text how many words it has.
    """
    n = 0
    for text in range(offsets.shape[0] - 1):
        i, end, before = offsets[text], offsets[text + 1], n
        while i < end:
            if kinds[data[i]] == SPACE:
                i += 1
                continue
            first = i
            while i < end and kinds[data[i]] != SPACE:
                i += 1
            stop = i
            while first < stop and kinds[data[first]] == FRINGE:
                first += 1
            while stop > first and kinds[data[stop - 1]] == FRINGE:
                stop -= 1
            if first == stop:
                continue
            value = np.uint64(SEED)
            for k in range(first, stop):
                if lowercase == 1 and 65 <= data[k] <= 90:
                    data[k] += np.uint8(32)
                value = _mix(value, data[k])
            hashes[n] = value ^ (value >> np.uint64(29))
            starts[n], stops[n] = first, stop
            n += 1
        counts[text] = n - before
    return n


@compiled()
def _pieces(
    data: Bytes,
    start: int,
    stop: int,
    shortest: int,
    longest: int,
    whole: Bytes,
    points: Int64s,
    out: UInt64s,
    n: int,
) -> int:
    """Hash the n-grams of characters of ``<word>`` into out[n:]; the new n."""
    size = stop - start + 2
    whole[0], whole[size - 1] = _OPEN, _CLOSE
    characters = 0
    for k in range(size):
        if 0 < k < size - 1:
            whole[k] = data[start + k - 1]
        if (whole[k] & 0xC0) != 0x80:  # the first byte of a character
            points[characters] = k
            characters += 1
    points[characters] = size
    for length in range(shortest, longest + 1):
        for first in range(characters - length + 1):
            value = np.uint64(PIECE_SEED)
            for k in range(points[first], points[first + length]):
                value = _mix(value, whole[k])
            out[n] = value ^ (value >> np.uint64(29))
            n += 1
    return n


@compiled()
def room(counts: Int64s, fewest: int, most: int) -> int:
    """How many n-grams of words texts of ``counts`` words have."""
    total = 0
    for count in counts:
        for size in range(fewest, most + 1):
            total += max(0, count - size + 1)
    return total


@compiled()
def _largest(
    starts: Int64s,
    stops: Int64s,
    counts: Int64s,
    fewest: int,
    most: int,
    shortest: int,
    longest: int,
) -> tuple[int, int]:
    """The most n-grams that a text can have, and the bytes of the longest ``<word>``."""
    largest, widest, word = 0, 0, 0
    for count in counts:
        size = 0
        for length in range(fewest, most + 1):
            size += max(0, count - length + 1)
        for k in range(word, word + count):
            inside = stops[k] - starts[k] + 2
            widest = max(widest, inside)
            if longest > 0:
                size += inside * (longest - shortest + 1)
        word += count
        largest = max(largest, size)
    return largest, widest


@compiled()
def grams(
    data: Bytes,
    hashes: UInt64s,
    starts: Int64s,
    stops: Int64s,
    counts: Int64s,
    fewest: int,
    most: int,
    shortest: int,
    longest: int,
    buckets: np.uint64,
    values: Int32s,
    times: Int32s,
    sizes: Int64s,
) -> int:
    """Bucket the n-grams of each text: those that it has, ascending, and how often it has each.

    Args:
        data: as ``words`` left it.
        hashes: of the words, text after text.
        starts: where each begins.
        stops: where each ends.
        counts: words of each text.
        fewest: words of an n-gram.
        most: words of an n-gram; 0: none.
        shortest: characters of one.
        longest: characters of one; 0: none.
        buckets: how many n-grams are hashed into.
        values: the buckets; room for all n-grams.
        times: how often.
        sizes: different buckets of each text.

    Returns:
        How many values were written.

    """
    largest, widest = _largest(starts, stops, counts, fewest, most, shortest, longest)
    found = np.empty(largest, np.uint64)
    keys = np.empty(largest, np.int32)
    whole = np.empty(widest, np.uint8)
    points = np.empty(widest + 1, np.int64)
    written, word = 0, 0
    for text in range(counts.shape[0]):
        count = counts[text]
        n = 0
        if most > 0:
            for first in range(count):
                value = np.uint64(0)
                for length in range(1, min(most, count - first) + 1):
                    value = value * np.uint64(TIMES) + hashes[word + first + length - 1]
                    if length >= fewest:
                        found[n] = value
                        n += 1
        if longest > 0:
            for k in range(word, word + count):
                n = _pieces(data, starts[k], stops[k], shortest, longest, whole, points, found, n)
        for k in range(n):
            keys[k] = np.int32(_hash(found[k]) % buckets)
        own = keys[:n]
        own.sort()
        before = written
        for k in range(n):
            if written > before and values[written - 1] == own[k]:
                times[written - 1] += 1
            else:
                values[written] = own[k]
                times[written] = 1
                written += 1
        sizes[text] = written - before
        word += count
    return written


@compiled()
def weigh(
    found: Int32s,
    times: Int32s,
    starts: Int64s,
    places: Int32s,
    factors: npt.NDArray[np.float32],
    tf: npt.NDArray[np.float64],
    values: Int32s,
    weights: npt.NDArray[np.float32],
    offsets: Int64s,
) -> int:
    """Weigh the buckets of each text that have a place, and scale texts to length 1.

    Args:
        found: buckets, text after text.
        times: how often a text has each.
        starts: (N+1,) where each text begins in ``found``, and its end.
        places: of each bucket, or -1.
        factors: of each place.
        tf: of a bucket by how often a text has it.
        values: the places, with room for all of ``found``.
        weights: of each.
        offsets: (N+1,) where each text begins in ``values``, and its end.

    Returns:
        How many values were written.

    """
    n = 0
    for text in range(starts.shape[0] - 1):
        square, first = 0.0, n
        for k in range(starts[text], starts[text + 1]):
            place = places[found[k]]
            if place >= 0:
                weight = tf[times[k]] * np.float64(factors[place])
                square += weight * weight
                values[n] = place
                weights[n] = np.float32(weight)
                n += 1
        if square > 0.0:
            length = np.float32(np.sqrt(square))
            for k in range(first, n):
                weights[k] /= length
        offsets[text + 1] = n
    return n
