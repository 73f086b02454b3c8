"""The k least of a stream of candidates, by (key, index).

Candidates go into a buffer of more than k places. When it is full the k least are brought to its
front by quickselect, and the largest of these is the limit for what may still enter. Where keys
are cosines of integer rows, which a float cannot rank exactly, ``products`` and ``lengths`` do.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from dlkit.jit import compiled

_Floats = npt.NDArray[np.float64]
_Int32s = npt.NDArray[np.int32]
_Int64s = npt.NDArray[np.int64]

_SHORT: Final = 12  # so few are sorted by insertion
_LIMBS: Final = 6  # of 32 bits: room for a product of three 64-bit integers
# Keys -product / sqrt(length) have a relative error of three roundings.
CLOSE: Final = 1e-15
_DEEPEST: Final = 128  # parts that wait to be sorted: the larger ones, so log2 of any number


@compiled()
def compare_cosines(
    product: np.int64, length: np.int64, other_product: np.int64, other_length: np.int64
) -> int:
    """-1, 0 or 1: whether ``product / sqrt(length)`` is the larger, equal or the smaller.

    Lengths are squared and positive, products at least 0: product^2 * other_length is compared
    with other_product^2 * length, in integers of 192 bits.
    """
    numbers = np.zeros((2, _LIMBS), np.uint64)
    numbers[:, 0] = np.uint64(1)
    mask, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    for side in range(2):
        for step in range(3):
            if step < 2:
                factor = np.uint64(other_product if side else product)
            else:
                factor = np.uint64(length if side else other_length)
            # Each limb times the factor's low half, and the limb before times its high half.
            before, carry = np.uint64(0), np.uint64(0)
            for place in range(_LIMBS):
                limb = numbers[side, place]
                first, second = limb * (factor & mask), before * (factor >> half)
                total = (first & mask) + (second & mask) + (carry & mask)
                carry = (first >> half) + (second >> half) + (carry >> half) + (total >> half)
                numbers[side, place] = total & mask
                before = limb
    for place in range(_LIMBS - 1, -1, -1):
        if numbers[0, place] != numbers[1, place]:
            return -1 if numbers[0, place] > numbers[1, place] else 1
    return 0


@compiled()
def _before(
    key: float,
    index: int,
    product: int,
    other_key: float,
    other: int,
    other_product: int,
    lengths: _Int64s,
) -> bool:
    """Whether a candidate goes before another; ``lengths`` is empty where keys are exact."""
    if lengths.size and abs(key - other_key) <= CLOSE * abs(key):
        # Of lengths 0 the product is 0 too, and so is the key.
        length, other_length = max(lengths[index], 1), max(lengths[other], 1)
        if product != other_product or length != other_length:
            order = compare_cosines(product, length, other_product, other_length)
            if order != 0:
                return bool(order < 0)
        return index < other
    return key < other_key or (key == other_key and index < other)


@compiled()
def _swap(keys: _Floats, index: _Int32s, products: _Int64s, i: int, j: int) -> None:
    keys[i], keys[j] = keys[j], keys[i]
    index[i], index[j] = index[j], index[i]
    products[i], products[j] = products[j], products[i]


@compiled()
def _insertion(
    keys: _Floats, index: _Int32s, products: _Int64s, lengths: _Int64s, first: int, stop: int
) -> None:
    """Sort a short range."""
    for place in range(first + 1, stop):
        key, number, product = keys[place], index[place], products[place]
        hole = place
        while hole > first and _before(
            key, number, product, keys[hole - 1], index[hole - 1], products[hole - 1], lengths
        ):
            keys[hole], index[hole] = keys[hole - 1], index[hole - 1]
            products[hole] = products[hole - 1]
            hole -= 1
        keys[hole], index[hole], products[hole] = key, number, product


@compiled()
def _partition(
    keys: _Floats, index: _Int32s, products: _Int64s, lengths: _Int64s, first: int, stop: int
) -> int:
    """Split a range at a pivot; gives the pivot's place, what goes before it lies before it."""
    # The pivot: of three the one in the middle, as far as keys tell, put first.
    middle, last = (first + stop) // 2, stop - 1
    if (keys[first] < keys[middle]) == (keys[middle] <= keys[last]):
        _swap(keys, index, products, first, middle)
    elif (keys[first] < keys[last]) == (keys[last] < keys[middle]):
        _swap(keys, index, products, first, last)
    key, number, product = keys[first], index[first], products[first]
    low, high = first, stop
    while True:
        low += 1
        while low < stop and _before(
            keys[low], index[low], products[low], key, number, product, lengths
        ):
            low += 1
        high -= 1
        while _before(key, number, product, keys[high], index[high], products[high], lengths):
            high -= 1
        if low >= high:
            break
        _swap(keys, index, products, low, high)
    _swap(keys, index, products, first, high)
    return high


@compiled()
def least(
    keys: _Floats,
    index: _Int32s,
    products: _Int64s,
    lengths: _Int64s,
    count: int,
    k: int,
    ordered: int,
) -> None:
    """Bring the ``k`` least of the first ``count`` candidates to the front.

    They are sorted if ``ordered`` is 1; if not, the last of them is still the largest.
    """
    starts, stops = np.empty(_DEEPEST, np.int64), np.empty(_DEEPEST, np.int64)
    starts[0], stops[0], depth = 0, count, 1
    while depth:
        depth -= 1
        first, stop = starts[depth], stops[depth]
        while stop - first > _SHORT:
            middle = _partition(keys, index, products, lengths, first, stop)
            if not ordered:
                if middle == k - 1:
                    return
                if middle < k - 1:
                    first = middle + 1
                else:
                    stop = middle
                continue
            if middle + 1 >= k:
                stop = middle
                continue
            # The larger part waits, so that few wait at a time.
            if middle - first > stop - middle - 1:
                starts[depth], stops[depth] = first, middle
                first = middle + 1
            else:
                starts[depth], stops[depth] = middle + 1, stop
                stop = middle
            depth += 1
        _insertion(keys, index, products, lengths, first, stop)


class Buffers(NamedTuple):
    """The candidates of B queries.

    Attributes:
        keys: (B, room) of which the first ``filled`` count.
        points: (B, room) which they are.
        products: (B, room) their products with the query, where keys do not rank them.
        filled: (B,) candidates held.
        kth: (B,) the largest key of the ``k`` least when the buffer was last full; else infinite.

    """

    keys: _Floats
    points: _Int32s
    products: _Int64s
    filled: _Int64s
    kth: _Floats


@compiled()
def new_buffers(count: int, room: int) -> Buffers:
    """Empty buffers of ``count`` queries."""
    return Buffers(
        np.empty((count, room), np.float64),
        np.empty((count, room), np.int32),
        np.zeros((count, room), np.int64),
        np.zeros(count, np.int64),
        np.full(count, np.inf),
    )


@compiled()
def shrink(buffers: Buffers, row: int, lengths: _Int64s, k: int, ordered: int) -> None:
    """Keep the ``k`` least candidates of a query, which has as many."""
    least(buffers.keys[row], buffers.points[row], buffers.products[row], lengths,
          buffers.filled[row], k, ordered)  # fmt: skip
    buffers.filled[row] = k
    buffers.kth[row] = buffers.keys[row, k - 1]
