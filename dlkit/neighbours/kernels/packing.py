"""Rows of bytes as kernels take them: interleaved words; and their squared lengths."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dlkit.jit import compiled

# Of so many columns a sum of squares is below 2^31.
CHUNK: Final = 32_768

_Bytes = npt.NDArray[np.uint8]
_Words = npt.NDArray[np.uint32]
_Int64s = npt.NDArray[np.int64]


@compiled()
def squared_lengths(rows: _Bytes) -> _Int64s:
    """The sum of squares of each row (N, D), as (N,) 64-bit integers."""
    found = np.empty(len(rows), np.int64)
    for number in range(len(rows)):
        total = np.int64(0)
        for start in range(0, rows.shape[1], CHUNK):
            part = np.int32(0)
            for value in rows[number, start : start + CHUNK]:
                part += np.int32(value) * np.int32(value)
            total += part
        found[number] = total
    return found


@compiled()
def pack(
    rows: _Bytes, first: int, lanes: int, columns: int, shift: int, line: _Bytes, out: _Words
) -> None:
    """Interleave ``lanes`` rows from ``first`` on; rows beyond the last are 0.

    Args:
        rows: (N, D).
        first: the first row.
        lanes: rows side by side.
        columns: in a word: 2 become 16-bit integers, 4 or 8 stay bytes.
        shift: flips this bit of each byte.
        line: room for one row in whole words.
        out: (words, lanes) words of ``line``, written.

    """
    width = rows.shape[1]
    units = max(1, columns // 4)  # of 32 bits in a word
    words = line.view(np.uint32)
    flip = np.uint32(shift * 0x01010101)
    step = 2 if columns == 2 else 1  # 16-bit integers, low half first
    for j in range(len(line)):
        line[j] = 0
    for lane in range(lanes):
        number = first + lane
        for j in range(width):
            line[step * j] = rows[number, j] if number < len(rows) else 0
        for word in range(len(words) // units):
            for unit in range(units):
                out[(word * lanes + lane) * units + unit] = words[word * units + unit] ^ flip
