"""Neighbours among rows of bytes, exact in integers.

A tile of points is packed into panels that stay in the second cache; each group of queries of the
block meets each panel once, and what lies below a query's limit goes to its buffer. Squared
distances are xx - 2xy + yy modulo 2^32, which is exact to 66,051 columns; longer rows are summed
in chunks to 64 bits. Sums of |x - y|^p are taken from a table, of the pairs that the squared
distance leaves.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dlkit.jit import compiled
from dlkit.neighbours.kernels import machine
from dlkit.neighbours.kernels.bounds import COSINE, L1, L2, LINF, MINKOWSKI
from dlkit.neighbours.kernels.long_rows import long_sums, long_values
from dlkit.neighbours.kernels.memory import aligned
from dlkit.neighbours.kernels.packing import pack, squared_lengths
from dlkit.neighbours.kernels.powers import Order, power_sum
from dlkit.neighbours.kernels.selection import CLOSE, Buffers, new_buffers, shrink

# 255 * 255 * 66,051 is the largest below 2^32 - 1.
LONGEST: Final = 66_051

_POINTS: Final = machine.POINTS
_SHIFT: Final = machine.SHIFT
_SHORTS: Final = machine.SHORTS
_PRODUCT_ROWS: Final = machine.PRODUCT_ROWS
_PRODUCT_COLUMNS: Final = machine.PRODUCT_COLUMNS
_DIFFERENCE_ROWS: Final = machine.DIFFERENCE_ROWS
_DIFFERENCE_COLUMNS: Final = machine.DIFFERENCE_COLUMNS
_MAXIMUM_COLUMNS: Final = machine.MAXIMUM_COLUMNS
_squares, _cosines = machine.squares, machine.cosines
_differences, _maxima, _lowest_bit = machine.differences, machine.maxima, machine.lowest_bit

_MOST: Final = 0xFFFFFFFF  # above all values
_NOTHING: Final = np.float32(np.inf)  # a cosine's limit that nothing passes
_SLACK: Final = np.float32(1 - 8 * 2.0**-24)  # four roundings of float32, twice

_Bytes = npt.NDArray[np.uint8]
_Floats = npt.NDArray[np.float64]
_Words = npt.NDArray[np.uint32]
_Int32s = npt.NDArray[np.int32]
_Int64s = npt.NDArray[np.int64]


@compiled()
def _meet(
    metric: int, group: int, panel: int, words: int, terms: int, point_terms: int, limits: int,
    values: int, masks: int,
) -> int:  # fmt: skip
    """The panel function of the metric; by itself, so that no loop is compiled for each of them."""
    if metric == L2:
        return int(_squares(group, panel, words, terms, point_terms, limits, values, masks))
    if metric == L1:
        return int(_differences(group, panel, words, terms, point_terms, limits, values, masks))
    if metric == LINF:
        return int(_maxima(group, panel, words, terms, point_terms, limits, values, masks))
    return int(_cosines(group, panel, words, terms, point_terms, limits, values, masks))


@compiled()
def _query_terms(metric: int, queries: _Bytes, squares: _Int64s) -> _Int64s:
    """What each query adds to a value: for products the shift of the points is taken back."""
    terms = np.zeros(len(queries), np.int64)
    if metric in (L1, LINF):
        return terms
    for row in range(len(queries)):
        total = np.int64(0)
        if _SHIFT:
            for value in queries[row]:
                total += value
        terms[row] = _SHIFT * total if metric == COSINE else squares[row] - 2 * _SHIFT * total
    return terms


@compiled()
def _first_limits(metric: int, asked: int, rows: int) -> _Words:
    """Limits (rows,) that let all values pass, and none of those rows that are no query."""
    limits = np.zeros(rows, np.uint32)
    cosines = limits.view(np.float32)
    for row in range(rows):
        if metric == COSINE:
            cosines[row] = np.float32(-1.0) if row < asked else _NOTHING
        elif row < asked:
            limits[row] = _MOST
    return limits


@compiled()
def _enter(
    metric: int,
    order: Order,
    points: _Bytes,
    queries: _Bytes,
    buffers: Buffers,
    limits: _Words,
    k: int,
    first_row: int,
    rows: int,
    first: int,
    masks: _Int64s,
    values: _Words,
    sums: _Int64s,
    lengths: _Int64s,
    point_groups: _Int64s,
    query_groups: _Int64s,
) -> None:
    """Offer the points of a panel that the masks name; long rows: all of them, by ``sums``."""
    lanes = min(_POINTS, len(lengths) - first)
    there = (np.int64(1) << lanes) - 1
    keys, index, products, filled, kth = buffers
    room = keys.shape[1]
    for row in range(first_row, first_row + rows):
        mask = there if sums.size else masks[row - first_row] & there
        place = (row - first_row) * _POINTS
        while mask:
            lane = _lowest_bit(mask)
            mask &= mask - 1
            point = first + lane
            if point_groups.size and point_groups[point] == query_groups[row]:
                continue
            value = sums[place + lane] if sums.size else np.int64(values[place + lane])
            if metric == MINKOWSKI:
                value = power_sum(order.table, points[point], queries[row], kth[row])
            key = np.float64(value)
            if metric == COSINE:
                # The length of zeros is 0, and so is the product.
                key = -key / np.sqrt(np.float64(max(lengths[point], 1)))
                if key > kth[row] * (1 - CLOSE):  # negative: a little above it
                    continue
            elif key >= kth[row]:  # the limit may have fallen; of equal ones the first stays
                continue
            at = filled[row]
            keys[row, at], index[row, at], products[row, at] = key, point, value
            filled[row] = at + 1
            if at + 1 < room:
                continue
            shrink(buffers, row, lengths if metric == COSINE else lengths[:0], k, np.int64(0))
            if metric == COSINE:
                limits.view(np.float32)[row] = np.float32(-kth[row]) * _SLACK
            elif metric == MINKOWSKI:
                # What is nearer has a squared L2 distance of at most this.
                square = (kth[row] ** (1 / order.value) * order.stretch) ** 2
                limits[row] = np.uint32(min(square + 1, _MOST))
            else:
                limits[row] = np.uint32(min(kth[row], _MOST))


@compiled()
def block(
    metric: int,
    order: Order,
    points: _Bytes,
    queries: _Bytes,
    lengths: _Int64s,
    point_terms: _Words,
    point_groups: _Int64s,
    query_groups: _Int64s,
    k: int,
    room: int,
    tile: int,
    longest: int,
    chunk: int,
) -> tuple[_Floats, _Int32s, _Int64s]:
    """The ``k`` nearest points of each query.

    Args:
        metric: L2, L1, COSINE, LINF or MINKOWSKI.
        order: of MINKOWSKI, whole, with a table.
        points: (N, D).
        queries: (B, D).
        lengths: (N,) squared lengths of the points.
        point_terms: (N rounded up to panels,) what each point adds to a value: L2 and
            MINKOWSKI its squared length modulo 2^32, COSINE the inverse of its length as the bits
            of a float.
        point_groups: (N,), or (0,): none.
        query_groups: (B,): a query's neighbours are of other groups than its own.
        k: at most the number of points that each query may have.
        room: candidates a query's buffer holds, more than ``k``.
        tile: panels packed at a time.
        longest: columns summed in 32 bits at once, at most LONGEST.
        chunk: of longer rows so many columns are summed in 32 bits, the rest in 64; a multiple of
            8 and at most `packing.CHUNK`.

    Returns:
        (B, k) keys: squared distances, distances, negative products over the points' lengths,
        sums of powers;
        (B, k) indices; (B, k) products (COSINE; else (B, 0)).

    """
    count, width = points.shape
    asked = len(queries)
    # Of a constant numba would compile each function anew that takes it: these are none.
    lanes = np.int64(_POINTS)
    bound = L2 if metric == MINKOWSKI else metric  # what panels compute
    rows = _DIFFERENCE_ROWS if bound == L1 else _PRODUCT_ROWS
    columns, shift = _PRODUCT_COLUMNS, _SHIFT
    if bound in (L1, LINF):
        columns, shift = _DIFFERENCE_COLUMNS if bound == L1 else _MAXIMUM_COLUMNS, 0
    word_bytes = max(4, columns)
    words = (width + columns - 1) // columns
    long = width > longest and bound != LINF

    groups = (asked + rows - 1) // rows
    group_bytes, panel_bytes = words * rows * word_bytes, words * _POINTS * word_bytes
    packed_queries = aligned(groups * group_bytes).view(np.uint32)
    packed_points = aligned(tile * panel_bytes).view(np.uint32)
    line = aligned(words * word_bytes)
    values = np.zeros(rows * _POINTS, np.uint32)
    zeros = np.zeros(rows * _POINTS, np.uint32)
    masks = np.zeros(rows, np.int64)
    sums = np.zeros(rows * _POINTS if long else 0, np.int64)
    for group in range(groups):
        start = group * group_bytes // 4
        pack(queries, group * rows, rows, columns, np.int64(0), line,
             packed_queries[start : start + group_bytes // 4])  # fmt: skip
    wide_terms = _query_terms(bound, queries, squared_lengths(queries))
    query_terms = np.zeros(groups * rows, np.uint32)
    for row in range(asked):
        query_terms[row] = np.uint32(wide_terms[row] & _MOST)
    limits = _first_limits(bound, asked, groups * rows)
    buffers = new_buffers(asked, room)
    found = np.int64(1)

    for tile_start in range(0, count, tile * _POINTS):
        panels = min(tile, (count - tile_start + _POINTS - 1) // _POINTS)
        for panel in range(panels):
            start = panel * panel_bytes // 4
            pack(points, tile_start + panel * _POINTS, lanes, columns, shift, line,
                 packed_points[start : start + panel_bytes // 4])  # fmt: skip
        for group in range(groups):
            first_row = group * rows
            some = min(rows, asked - first_row)
            at_group = packed_queries.ctypes.data + group * group_bytes
            terms = query_terms.ctypes.data + first_row * 4
            limit = limits.ctypes.data + first_row * 4
            for panel in range(panels):
                at_panel = packed_points.ctypes.data + panel * panel_bytes
                first = tile_start + panel * _POINTS
                point_term = point_terms.ctypes.data + first * 4
                if long:
                    long_sums(bound, at_group, at_panel, rows, words, chunk // columns,
                               word_bytes, values, zeros, masks, sums)  # fmt: skip
                    long_values(bound, sums, first_row, some, wide_terms, lengths, first,
                                 min(_POINTS, count - first))  # fmt: skip
                else:
                    found = _meet(bound, at_group, at_panel, words, terms, point_term, limit,
                                  values.ctypes.data, masks.ctypes.data)  # fmt: skip
                if found:
                    _enter(metric, order, points, queries, buffers, limits, k, first_row, some,
                           first, masks, values, sums, lengths, point_groups,
                           query_groups)  # fmt: skip
    for row in range(asked):
        shrink(buffers, row, lengths if metric == COSINE else lengths[:0], k, np.int64(1))
    some = k if metric == COSINE else 0
    return (
        buffers.keys[:, :k].copy(),
        buffers.points[:, :k].copy(),
        buffers.products[:, :some].copy(),
    )
