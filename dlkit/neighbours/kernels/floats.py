"""Neighbours among rows of floats: bounds in float32, the answer in float64.

Rows are moved by a centre and scaled by a power of two (cosine: divided by their length), rounded
to float32 and compared in panels. The value of a pair is a lower bound of its distance (`bounds`).
A pair whose bound is below the k-th distance so far is computed from
the rows themselves, in float64, in one fixed order; by these distances pairs are ranked.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dlkit.jit import compiled
from dlkit.neighbours.kernels import machine
from dlkit.neighbours.kernels.bounds import (
    COSINE,
    L1,
    L2,
    LINF,
    MINKOWSKI,
    ROUNDED,
    TINY,
    relative_error,
)
from dlkit.neighbours.kernels.distances import distance, largest
from dlkit.neighbours.kernels.memory import aligned
from dlkit.neighbours.kernels.powers import Order, Work, minkowski, new_work
from dlkit.neighbours.kernels.selection import Buffers, new_buffers, shrink

_POINTS: Final = machine.POINTS
_ROWS: Final = machine.FLOAT_ROWS
_squares, _differences = machine.float_squares, machine.float_differences
_maxima = machine.float_maxima
_lowest_bit = machine.lowest_bit

_INFINITE: Final = np.float32(np.inf)

_Rows = npt.NDArray[np.floating]
_Floats = npt.NDArray[np.float64]
_Singles = npt.NDArray[np.float32]
_Int32s = npt.NDArray[np.int32]
_Int64s = npt.NDArray[np.int64]


@compiled()
def _magnitude(metric: int, line: _Singles, parts: _Floats) -> float:
    """The sum of magnitudes (L1), the largest (LINF) or the sum of squares of a row."""
    whole = len(line) // 8 * 8
    parts[:] = 0.0
    if metric == L1:
        for j in range(0, whole, 8):
            for part in range(8):
                parts[part] += abs(np.float64(line[j + part]))
        for j in range(whole, len(line)):
            parts[j - whole] += abs(np.float64(line[j]))
    elif metric == LINF:
        return float(np.abs(line).max())
    else:
        for j in range(0, whole, 8):
            for part in range(8):
                parts[part] += np.float64(line[j + part]) * np.float64(line[j + part])
        for j in range(whole, len(line)):
            parts[j - whole] += np.float64(line[j]) * np.float64(line[j])
    return float(parts.sum())


@compiled()
def pack(
    metric: int,
    rows: _Rows,
    first: int,
    lanes: int,
    centre: _Floats,
    scales: _Floats,
    out: _Singles,
    terms: _Singles,
) -> None:
    """Interleave ``lanes`` rows from ``first`` on, moved, scaled and rounded to float32.

    ``terms`` (lanes,): what each row adds to the lower bound of a distance. Rows beyond the last
    are 0.
    """
    width = rows.shape[1]
    error = relative_error(width)
    line = np.empty(width, np.float32)
    parts = np.zeros(8, np.float64)
    out[:] = 0.0
    terms[:] = 0.0
    for lane in range(min(lanes, len(rows) - first)):
        scale = scales[first + lane]
        row = rows[first + lane]
        for j in range(width):
            line[j] = np.float32((np.float64(row[j]) - centre[j]) * scale)
        for j in range(width):
            out[j * lanes + lane] = line[j]
        term = _magnitude(metric, line, parts)
        term = (term * -ROUNDED if metric in (L1, LINF) else term * (1 - error)) - width * TINY
        # The nearest float32 may lie above: go one down.
        terms[lane] = np.nextafter(np.float32(term), -_INFINITE)


@compiled()
def _meet(
    metric: int, group: int, panel: int, words: int, terms: int, point_terms: int, limits: int,
    values: int, masks: int,
) -> int:  # fmt: skip
    """The panel function of the metric; by itself, so that no loop is compiled for each of them."""
    if metric == L1:
        return int(_differences(group, panel, words, terms, point_terms, limits, values, masks))
    if metric == LINF:
        return int(_maxima(group, panel, words, terms, point_terms, limits, values, masks))
    return int(_squares(group, panel, words, terms, point_terms, limits, values, masks))


@compiled()
def limit_of(metric: int, key: float, error: float) -> np.float32:
    """The limit for lower bounds, when distances are to be below ``key``."""
    if metric == COSINE:
        key *= 2.0  # panels hold squared distances of unit rows
    elif metric in (L1, LINF):
        key *= 1 + 2 * error  # a sum of differences may be too large by its share `error`
    limit: np.float32 = np.nextafter(np.float32(key), _INFINITE)
    return limit


@compiled()
def _level(metric: int, key: float, order: Order) -> float:
    """What panels' distances are to be below, when distances are to be below ``key``."""
    if metric != MINKOWSKI:
        return key
    key *= order.stretch
    return key * key if order.value > 2 else key


@compiled()
def _enter(
    metric: int,
    bound: int,
    order: Order,
    work: Work,
    buffers: Buffers,
    limits: _Singles,
    k: int,
    error: float,
    first_row: int,
    rows: int,
    first: int,
    masks: _Int64s,
    values: _Singles,
    points: _Rows,
    queries: _Rows,
    point_scales: _Floats,
    query_scales: _Floats,
    point_groups: _Int64s,
    query_groups: _Int64s,
    parts: _Floats,
) -> None:
    """Offer the points of a panel that the masks name, with their distances."""
    there = (np.int64(1) << min(_POINTS, len(points) - first)) - 1
    keys, index, _, filled, kth = buffers
    room, lengths = keys.shape[1], np.empty(0, np.int64)
    for row in range(first_row, first_row + rows):
        mask = masks[row - first_row] & there
        place = (row - first_row) * _POINTS
        while mask:
            lane = _lowest_bit(mask)
            mask &= mask - 1
            point = first + lane
            # The limit may have fallen since the mask was made.
            if values[place + lane] >= limits[row]:
                continue
            if point_groups.size and point_groups[point] == query_groups[row]:
                continue
            if metric == MINKOWSKI:
                key = minkowski(points[point], queries[row], point_scales[point],
                                query_scales[row], order, kth[row], work)  # fmt: skip
            elif metric == LINF:
                key = largest(points[point], queries[row], point_scales[point],
                              query_scales[row], parts)  # fmt: skip
            else:
                key = distance(metric, points[point], queries[row], point_scales[point],
                               query_scales[row], parts)  # fmt: skip
            if key >= kth[row]:
                continue
            at = filled[row]
            keys[row, at], index[row, at] = key, point
            filled[row] = at + 1
            if at + 1 == room:
                shrink(buffers, row, lengths, k, np.int64(0))
                limits[row] = limit_of(bound, _level(metric, kth[row], order), error)


@compiled()
def block(
    metric: int,
    order: Order,
    points: _Rows,
    queries: _Rows,
    centre: _Floats,
    point_scales: _Floats,
    query_scales: _Floats,
    point_groups: _Int64s,
    query_groups: _Int64s,
    k: int,
    room: int,
    tile: int,
) -> tuple[_Floats, _Int32s]:
    """The ``k`` nearest points of each query.

    Args:
        metric: L2, L1, COSINE, LINF or MINKOWSKI.
        order: of MINKOWSKI.
        points: (N, D), finite.
        queries: (B, D), finite.
        centre: (D,) taken off all rows before they are scaled and rounded (COSINE: 0).
        point_scales: (N,) what rows are multiplied by, as in `distance`; nothing exceeds 2 then.
        query_scales: (B,).
        point_groups: (N,), or (0,): none.
        query_groups: (B,): a query's neighbours are of other groups than its own.
        k: at most the number of points that each query may have.
        room: candidates a query's buffer holds, more than ``k``.
        tile: panels packed at a time.

    Returns:
        (B, k) distances of scaled rows and (B, k) indices.

    """
    count, width = points.shape
    asked = len(queries)
    bound = metric  # what panels compute
    if metric == MINKOWSKI:
        bound = L2 if order.value > 2 else L1
    work = new_work(width)
    error = relative_error(width)
    groups = (asked + _ROWS - 1) // _ROWS
    group_size, panel_size = width * _ROWS, width * _POINTS
    packed_queries = aligned(4 * groups * group_size).view(np.float32)
    packed_points = aligned(4 * tile * panel_size).view(np.float32)
    point_terms = aligned(4 * tile * _POINTS).view(np.float32)
    values = np.empty(_ROWS * _POINTS, np.float32)
    masks = np.zeros(_ROWS, np.int64)
    parts = np.zeros(8, np.float64)
    query_terms = np.zeros(groups * _ROWS, np.float32)
    for group in range(groups):
        pack(bound, queries, group * _ROWS, np.int64(_ROWS), centre, query_scales,
             packed_queries[group * group_size : (group + 1) * group_size],
             query_terms[group * _ROWS : (group + 1) * _ROWS])  # fmt: skip
    limits = np.full(groups * _ROWS, -_INFINITE)
    limits[:asked] = _INFINITE
    buffers = new_buffers(asked, room)

    for tile_start in range(0, count, tile * _POINTS):
        panels = min(tile, (count - tile_start + _POINTS - 1) // _POINTS)
        for panel in range(panels):
            pack(bound, points, tile_start + panel * _POINTS, np.int64(_POINTS), centre,
                 point_scales, packed_points[panel * panel_size : (panel + 1) * panel_size],
                 point_terms[panel * _POINTS : (panel + 1) * _POINTS])  # fmt: skip
        for group in range(groups):
            at_group = packed_queries.ctypes.data + 4 * group * group_size
            terms = query_terms.ctypes.data + 4 * group * _ROWS
            limit = limits.ctypes.data + 4 * group * _ROWS
            for panel in range(panels):
                at_panel = packed_points.ctypes.data + 4 * panel * panel_size
                point_term = point_terms.ctypes.data + 4 * panel * _POINTS
                first = tile_start + panel * _POINTS
                found = _meet(bound, at_group, at_panel, width, terms, point_term, limit,
                              values.ctypes.data, masks.ctypes.data)  # fmt: skip
                if found:
                    first_row = group * _ROWS
                    _enter(metric, bound, order, work, buffers, limits, k, error, first_row,
                           min(_ROWS, asked - first_row), first, masks, values, points,
                           queries, point_scales, query_scales, point_groups, query_groups,
                           parts)  # fmt: skip
    for row in range(asked):
        shrink(buffers, row, np.empty(0, np.int64), k, np.int64(1))
    return buffers.keys[:, :k].copy(), buffers.points[:, :k].copy()
