"""Words made of character n-grams (Bojanowski et al. 2017, https://arxiv.org/abs/1607.04606).

The input vector of a word is the mean of its own row and the rows of its n-grams. fastText adds
the rows up anew in every window. Here a word's vector is composed once, when the word comes into
sight of a window; windows train the composed vector, and when the word goes out of sight its change
is added to every row that it was made of. As the mean of rows that all move by a change moves by
that change, this differs from fastText only where words in sight share rows.

Where some of a word's rows are kept (see ``frozen``), those that learn get as much more of the
change as makes the mean move by it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba.extending import overload

from dlkit import llvm
from dlkit.jit import compiled
from dlkit.word2vec.kernels import vector as v
from dlkit.word2vec.kernels.frozen import input_address, learns
from dlkit.word2vec.kernels.inline import JIT_OPTIONS
from dlkit.word2vec.kernels.memory import Floats, aligned
from dlkit.word2vec.kernels.rows import add_row, announce, copy_row, prefetch_row


class Whole(NamedTuple):
    """Words that are one row each."""

    none: int  # a tuple of nothing has no type that numba tells apart


class Grams(NamedTuple):
    """Words that are means of rows, and the vectors of the words in sight."""

    offsets: Any  # (V + 1,) int64: where the rows of each word begin
    rows: Any  # (G,) int32: its own row first, then its n-grams'
    composed: Any  # (S, D) float32: word i of the buffer in row i % S
    base: Any  # (S, D) float32: what it was when it came into sight


def grams(offsets: Any, rows: Any, *, window: int, dim: int) -> Grams:
    """Memory for one thread; ``dim`` is the padded one."""
    sight = 2 * window + 2
    return Grams(offsets, rows, aligned(sight, dim), aligned(sight, dim))


def _scale(b: Any, operands: list[Any]) -> None:
    """Scale a row: address to read and change, address of a copy, factor, bytes."""
    place, copy, factor, row_bytes = operands

    def slice_of_row(offset: Any) -> None:
        value = b.fmul(v.load(b, b.add(place, offset)), v.broadcast(b, factor))
        v.store(b, value, b.add(place, offset))
        v.store(b, value, b.add(copy, offset))

    llvm.loop(b, row_bytes, slice_of_row, step=v.VECTOR_BYTES)


def _subtract(b: Any, operands: list[Any]) -> None:
    """Turn a row into another's difference to it: address to change, address to read, bytes."""
    target, source, row_bytes = operands

    def slice_of_rows(offset: Any) -> None:
        place = b.add(target, offset)
        v.store(b, b.fsub(v.load(b, b.add(source, offset)), v.load(b, place)), place)

    llvm.loop(b, row_bytes, slice_of_rows, step=v.VECTOR_BYTES)


scale_row = v.operation(_scale, v.ADDRESS, v.ADDRESS, v.SCALAR, v.COUNT)
subtract_row = v.operation(_subtract, v.ADDRESS, v.ADDRESS, v.COUNT)


def come_in_sight(grams: Any, frozen: Any, inputs: Any, words: Any, place: Any, times: Any) -> Any:
    """Prepare the vector of word number ``place`` in the buffer ``words``; returns its address.

    ``times``: how many windows will use it, about.
    """
    raise NotImplementedError


@overload(come_in_sight, jit_options=JIT_OPTIONS)
def _come_in_sight(grams: Any, frozen: Any, inputs: Any, words: Any, place: Any, times: Any) -> Any:
    def whole(grams: Any, frozen: Any, inputs: Any, words: Any, place: Any, times: Any) -> Any:
        if place + 2 < len(words):  # beyond what was read lies some word of before
            announce(inputs, np.int64(words[place + 2]))
        address = input_address(frozen, inputs, np.int64(words[place]), times)
        prefetch_row(address, inputs.shared.shape[1] * 4)
        return address

    def compose(grams: Any, frozen: Any, inputs: Any, words: Any, place: Any, times: Any) -> Any:
        row_bytes = grams.composed.shape[1] * 4
        slot = place % grams.composed.shape[0]
        target = grams.composed.ctypes.data + slot * row_bytes
        word = np.int64(words[place])
        start, stop = grams.offsets[word], grams.offsets[word + 1]
        own = input_address(frozen, inputs, np.int64(grams.rows[start]), times)
        copy_row(target, own, row_bytes)
        for i in range(start + 1, stop):
            row = input_address(frozen, inputs, np.int64(grams.rows[i]), times)
            add_row(target, row, row_bytes)
        share = np.float32(1) / np.float32(stop - start)
        scale_row(target, grams.base.ctypes.data + slot * row_bytes, share, row_bytes)
        return target

    return whole if grams.instance_class is Whole else compose


def go_out_of_sight(grams: Any, frozen: Any, inputs: Any, words: Any, place: Any) -> None:
    """Hand what word number ``place`` has learnt to the rows that it is made of."""
    raise NotImplementedError


@overload(go_out_of_sight, jit_options=JIT_OPTIONS)
def _go_out_of_sight(grams: Any, frozen: Any, inputs: Any, words: Any, place: Any) -> Any:
    def whole(grams: Any, frozen: Any, inputs: Any, words: Any, place: Any) -> None:
        pass

    def spread(grams: Any, frozen: Any, inputs: Any, words: Any, place: Any) -> None:
        row_bytes = grams.composed.shape[1] * 4
        slot = place % grams.composed.shape[0]
        change = grams.base.ctypes.data + slot * row_bytes
        subtract_row(change, grams.composed.ctypes.data + slot * row_bytes, row_bytes)
        word = np.int64(words[place])
        start, stop = grams.offsets[word], grams.offsets[word + 1]
        learning: Any = 0
        for i in range(start, stop):
            learning += np.int64(learns(frozen, np.int64(grams.rows[i])))
        if learning < stop - start:
            share = np.float32(stop - start) / np.float32(max(learning, 1))
            scale_row(change, change, share, row_bytes)
        for i in range(start, stop):
            row = np.int64(grams.rows[i])
            if learns(frozen, row):
                add_row(input_address(frozen, inputs, row, 0), change, row_bytes)

    return whole if grams.instance_class is Whole else spread


@compiled(_nrt=False, no_cfunc_wrapper=True)
def _compose(matrix: Any, offsets: Any, rows: Any, composed: Any) -> None:
    for word in range(composed.shape[0]):
        start, stop = offsets[word], offsets[word + 1]
        for i in range(start, stop):
            for k in range(composed.shape[1]):
                composed[word, k] += matrix[rows[i], k]
        for k in range(composed.shape[1]):
            composed[word, k] /= np.float32(stop - start)


def compose(matrix: Floats, offsets: Any, rows: Any) -> Floats:
    """(V, D) vectors of words that are means of rows of ``matrix`` (R, D)."""
    composed = np.zeros((len(offsets) - 1, matrix.shape[1]), np.float32)
    _compose(matrix, offsets, rows, composed)
    return composed
