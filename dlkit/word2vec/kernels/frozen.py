# ruff: noqa: ARG001 - the signature of an overload is that of the function it implements
"""Rows of the inputs that are kept as they are while others learn.

The updates of a window change every context row that they are given an address of. So a word that
is kept is handed to them as a copy, made for that window from the row itself and forgotten after
it: within a window and between two, whoever reads the word reads the row as it was given. The row
is in no thread's private copies either, because nothing is ever added to it.

Which of the two a function works on is decided by type when it is compiled.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba.extending import overload

from dlkit.word2vec.kernels.inline import JIT_OPTIONS
from dlkit.word2vec.kernels.memory import aligned
from dlkit.word2vec.kernels.rows import copy_row, row_address


class Learning(NamedTuple):
    """Every row learns."""

    none: int  # a tuple of nothing has no type that numba tells apart


class Frozen(NamedTuple):
    """Rows that are kept, and a thread's copies of those that a window sees."""

    rows: Any  # (V or more,) uint8: 1 for a row that is kept
    words: Any  # (V,) uint8: 1 for a word of whose rows all are kept
    copies: Any  # (2 * window + 1, padded dim) float32: one for each context


def frozen_rows(rows: Any, words: Any, *, window: int, dim: int) -> Frozen:
    """Memory for one thread; ``dim`` is the padded one."""
    return Frozen(rows, words, aligned(2 * window + 1, dim))


def input_address(frozen: Any, inputs: Any, row: Any, times: Any) -> Any:
    """Where this thread reads a row of the inputs, and writes it if it learns (``row_address``)."""
    raise NotImplementedError


@overload(input_address, jit_options=JIT_OPTIONS)
def _input_address(frozen: Any, inputs: Any, row: Any, times: Any) -> Any:
    def learning(frozen: Any, inputs: Any, row: Any, times: Any) -> Any:
        return row_address(inputs, row, times)

    def kept(frozen: Any, inputs: Any, row: Any, times: Any) -> Any:
        if frozen.rows[row]:
            return inputs.shared.ctypes.data + row * (inputs.shared.shape[1] * 4)
        return row_address(inputs, row, times)

    return learning if frozen.instance_class is Learning else kept


def context_address(frozen: Any, word: Any, address: Any, number: Any) -> Any:
    """What a window may change as the vector of its context ``number``, which lies at ``address``.

    For a word that is kept a copy.
    """
    raise NotImplementedError


@overload(context_address, jit_options=JIT_OPTIONS)
def _context_address(frozen: Any, word: Any, address: Any, number: Any) -> Any:
    def learning(frozen: Any, word: Any, address: Any, number: Any) -> Any:
        return address

    def kept(frozen: Any, word: Any, address: Any, number: Any) -> Any:
        if not frozen.words[word]:
            return address
        row_bytes = frozen.copies.shape[1] * 4
        copy = frozen.copies.ctypes.data + number * row_bytes
        copy_row(copy, address, row_bytes)
        return copy

    return learning if frozen.instance_class is Learning else kept


def learns(frozen: Any, row: Any) -> Any:
    """Whether row number ``row`` of the inputs learns; compiled code only."""
    raise NotImplementedError


@overload(learns, jit_options=JIT_OPTIONS)
def _learns(frozen: Any, row: Any) -> Any:
    def learning(frozen: Any, row: Any) -> Any:
        return True

    def kept(frozen: Any, row: Any) -> Any:
        return frozen.rows[row] == 0

    return learning if frozen.instance_class is Learning else kept
