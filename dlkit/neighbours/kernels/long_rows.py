"""Rows of more bytes than 32 bits can sum: in 64 bits, a chunk of columns at a time."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dlkit.jit import compiled
from dlkit.neighbours.kernels import machine
from dlkit.neighbours.kernels.bounds import L1, L2

_POINTS: Final = machine.POINTS
_products, _differences = machine.products, machine.differences

_Words = npt.NDArray[np.uint32]
_Int64s = npt.NDArray[np.int64]


@compiled()
def long_sums(
    metric: int,
    group: int,
    panel: int,
    rows: int,
    words: int,
    chunk: int,
    word_bytes: int,
    values: _Words,
    zeros: _Words,
    masks: _Int64s,
    sums: _Int64s,
) -> None:
    """The sums of a group with a panel in 64 bits, ``chunk`` words at a time."""
    terms, out, mask = zeros.ctypes.data, values.ctypes.data, masks.ctypes.data
    sums[:] = 0
    for start in range(0, words, chunk):
        at_group = group + start * rows * word_bytes
        at_panel = panel + start * _POINTS * word_bytes
        some = min(chunk, words - start)
        if metric == L1:
            _differences(at_group, at_panel, some, terms, terms, terms, out, mask)
        else:
            _products(at_group, at_panel, some, terms, terms, terms, out, mask)
        for place in range(len(sums)):
            sums[place] += np.int32(values[place])  # signed


@compiled()
def long_values(
    metric: int, sums: _Int64s, first_row: int, rows: int, terms: _Int64s, lengths: _Int64s,
    first: int, lanes: int,
) -> None:  # fmt: skip
    """Turn 64-bit sums into values, as the panel functions do in 32 bits."""
    if metric == L1:
        return
    for row in range(rows):
        for lane in range(lanes):
            place = row * _POINTS + lane
            if metric == L2:
                sums[place] = terms[first_row + row] + lengths[first + lane] - 2 * sums[place]
            else:
                sums[place] += terms[first_row + row]
