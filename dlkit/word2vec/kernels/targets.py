"""What a window predicts: the output rows and labels of a centre word.

``Negatives``: the centre itself with label 1 and drawn noise words with label 0 (Mikolov et al.
2013, https://arxiv.org/abs/1310.4546, section 2.2). ``Paths``: the inner nodes on the centre's path
in a Huffman tree, each with the label of the branch that the path takes (section 2.1).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba.extending import overload

from dlkit.word2vec.kernels.blocks import BLOCK
from dlkit.word2vec.kernels.inline import JIT_OPTIONS, inlined
from dlkit.word2vec.kernels.negatives import draw_negatives
from dlkit.word2vec.kernels.rows import announce, prefetch_row, row_address

# Places in a lane's cursor that only these functions use.
TABLE = 2  # next entry of the table of negatives
ROUNDS = 7  # how often the table of negatives was begun again
POOL = 8  # first entry of the stretch of the table that is read now
PASSES = 9  # how often it was read

# A stretch of the table of negatives and how often it is read. With 3 seeds on 17 million words 1
# pass, 4 of 1024 entries, 4 and 8 of 256 came out alike (skip-gram: SimLex-999 0.303 to 0.306,
# WordSim-353 0.627 to 0.629, analogies 0.247 to 0.254).
POOL_BYTES = 400_000  # of rows: less than half of a usual second-level cache
POOL_LEAST, POOL_MOST = 256, 1024  # entries
POOL_PASSES = 4

# Rows before this one are in a cache at any moment: every path begins with them.
NEAR_ROOT = 64


class Negatives(NamedTuple):
    """Noise words in a shuffled table that is read in order, stretch by stretch.

    Each stretch is read several times before the next: its rows then wait in a near cache, where
    those of fresh draws would come from memory, which takes longer than all arithmetic of a window.
    """

    table: Any  # (N,) int32
    drawn: int  # noise words of a window
    pool: int  # entries of a stretch
    passes: int  # how often each is read


class Paths(NamedTuple):
    """The Huffman tree's paths from the root to each word, one after another."""

    offsets: Any  # (V + 1,) int64: where each word's path begins
    nodes: Any  # (P,) int32: inner nodes, the root is 0 and frequent ones come first
    blocks: Any  # (V + 1,) int64: where each word's blocks of six nodes begin
    labels: Any  # (B,) uint8: six bits for each block, 1 where the branch with code 0 is taken


def paths(
    offsets: npt.NDArray[np.int64], points: npt.NDArray[np.int32], codes: npt.NDArray[np.uint8]
) -> Paths:
    """Paths for the kernels from those of ``huffman.build``."""
    lengths = np.diff(offsets)
    blocks = np.zeros(len(offsets), np.int64)
    np.cumsum(-(-lengths // BLOCK), out=blocks[1:])
    place = np.arange(len(points)) - np.repeat(offsets[:-1], lengths)
    labels = np.zeros(blocks[-1], np.uint8)
    bits = (1 - codes) << (place % BLOCK).astype(np.uint8)
    np.bitwise_or.at(labels, np.repeat(blocks[:-1], lengths) + place // BLOCK, bits)
    return Paths(offsets, points, blocks, labels)


def negatives(
    table: npt.NDArray[np.int32], drawn: int, row_bytes: int, *, copied: bool = False
) -> Negatives:
    """Noise words from ``table`` (see ``negatives.negative_table``), ``drawn`` for each window.

    ``copied``: for rows that are copied when they are touched, where a shorter stretch saves much
    of the copying.
    """
    if copied:
        return Negatives(table, drawn, 2 * POOL_LEAST, POOL_PASSES)
    pool = min(max(POOL_BYTES // row_bytes, POOL_LEAST), POOL_MOST)
    return Negatives(table, drawn, pool, POOL_PASSES)


def longest(targets: Negatives | Paths) -> int:
    """The most outputs that one window has."""
    if isinstance(targets, Negatives):
        return targets.drawn + 1
    return int(np.diff(targets.offsets).max())


def write_targets(targets: Any, lane: Any, word: Any, side: Any) -> Any:
    """Write the outputs of ``word`` to side ``side`` of ``lane``; compiled code only.

    Fills ``lane.addresses[side]`` with row addresses and ``lane.labels[side]`` with labels, pads
    both to whole blocks, asks for the rows ahead of their use and returns how many are real.
    """
    raise NotImplementedError


@overload(write_targets, jit_options=JIT_OPTIONS)
def _write_targets(targets: Any, lane: Any, word: Any, side: Any) -> Any:
    def write_negatives(targets: Any, lane: Any, word: Any, side: Any) -> Any:
        cursor = lane.cursor
        position = cursor[TABLE]
        if position >= cursor[POOL] + targets.pool:
            position = next_pass(targets, cursor)
        found, cursor[TABLE] = draw_negatives(
            targets.table, position, word, targets.drawn, lane.drawn
        )
        row_bytes = lane.outputs.shared.shape[1] * 4
        for i in range(found + 1):
            address = row_address(lane.outputs, lane.drawn[i], 1)
            lane.addresses[side, i] = address
            prefetch_row(address, row_bytes)
        for i in range(cursor[TABLE], min(cursor[TABLE] + targets.drawn, len(targets.table))):
            announce(lane.outputs, np.int64(targets.table[i]))
        pad_targets(lane, side, found + 1)
        return found + 1

    def write_path(targets: Any, lane: Any, word: Any, side: Any) -> Any:
        row_bytes = lane.outputs.shared.shape[1] * 4
        start = targets.offsets[word]
        count = targets.offsets[word + 1] - start
        for i in range(count):
            node = np.int64(targets.nodes[start + i])
            address = row_address(lane.outputs, node, 1)
            lane.addresses[side, i] = address
            if node >= NEAR_ROOT:
                prefetch_row(address, row_bytes)
        first = targets.blocks[word]
        for block in range(targets.blocks[word + 1] - first):
            lane.labels[side, block] = targets.labels[first + block]
        pad_targets(lane, side, count)
        return count

    return write_negatives if targets.instance_class is Negatives else write_path


def announce_targets(targets: Any, lane: Any, word: Any) -> None:
    """Ask for the rows that ``word``, a few words ahead, will predict; compiled code only."""
    raise NotImplementedError


@overload(announce_targets, jit_options=JIT_OPTIONS)
def _announce_targets(targets: Any, lane: Any, word: Any) -> Any:
    def announce_word(targets: Any, lane: Any, word: Any) -> None:
        announce(lane.outputs, word)

    def announce_path(targets: Any, lane: Any, word: Any) -> None:
        for i in range(targets.offsets[word], targets.offsets[word + 1]):
            if targets.nodes[i] >= NEAR_ROOT:
                announce(lane.outputs, np.int64(targets.nodes[i]))

    return announce_word if targets.instance_class is Negatives else announce_path


@inlined
def next_pass(targets: Any, cursor: Any) -> Any:
    """Where to read on when a stretch of the table of negatives is at its end."""
    cursor[PASSES] += 1
    if cursor[PASSES] >= targets.passes:
        cursor[PASSES] = 0
        cursor[POOL] += targets.pool
        if cursor[POOL] + targets.pool + 2 * targets.drawn + 8 > len(targets.table):
            # Start again at another place, so that the table's groups differ between rounds.
            cursor[ROUNDS] += 1
            cursor[POOL] = cursor[ROUNDS] * 389 & 1023
    # So does each pass over a stretch.
    return cursor[POOL] + cursor[PASSES]


@inlined
def pad_targets(lane: Any, side: Any, count: Any) -> None:
    """Point what is left of the last block to the row of zeros."""
    for i in range(count, (count + BLOCK - 1) // BLOCK * BLOCK):
        lane.addresses[side, i] = lane.zeros.ctypes.data
