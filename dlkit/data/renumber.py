"""First-appearance word numbers turned into final ids, with blocks of tokens set aside (numba).

Import this module inside function bodies only.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dlkit.data.scan import LINE_END
from dlkit.jit import compiled

_Int32s = npt.NDArray[np.int32]
_Int64s = npt.NDArray[np.int64]


@compiled()
def _end_line(out: _Int32s, written: int, is_open: int) -> int:
    """Write a line end unless the stream has one there already; how much is written then."""
    if is_open == 0:
        return written
    out[written] = LINE_END
    return written + 1


@compiled()
def _renumber(
    ids: _Int32s,
    numbers: _Int32s,
    train: _Int32s,
    held: _Int32s,
    state: _Int64s,
    block: int,
    blocks: int,
    every: int,
    chosen: int,
) -> None:
    """Write final ids to the stream that each token belongs to."""
    token, train_open, held_open = state[0], state[1], state[2]
    n_train, n_held = 0, 0
    for i in range(ids.shape[0]):
        if ids[i] < 0:  # at most one of the streams has an open line
            n_held = _end_line(held, n_held, held_open)
            n_train = _end_line(train, n_train, train_open)
            held_open = train_open = 0
            continue
        number = numbers[ids[i]]
        if number < 0:
            continue
        place = token // block
        if every > 0 and place < blocks and place % every == chosen:
            n_train = _end_line(train, n_train, train_open)
            held[n_held] = number
            n_held += 1
            train_open, held_open = 0, 1
            if token % block == block - 1:
                n_held = _end_line(held, n_held, held_open)
                held_open = 0
        else:
            train[n_train] = number
            n_train += 1
            train_open = 1
        token += 1
    state[0], state[1], state[2], state[3], state[4] = token, train_open, held_open, n_train, n_held


class Renumberer:
    """Turns first-appearance numbers into final ids and sets blocks of tokens aside.

    Args:
        numbers: the final id of each word, -1 for a dropped one, (words,) int32.
        block: tokens in a held-out block.
        blocks: whole blocks in the stream.
        every: hold out one block in this many; 0 holds out none.
        chosen: which of them.

    """

    def __init__(
        self, numbers: npt.NDArray[np.int32], *, block: int, blocks: int, every: int, chosen: int
    ) -> None:
        self._numbers = numbers
        self._plan = (block, blocks, every, chosen)
        self._state = np.zeros(5, np.int64)

    def __call__(
        self, ids: npt.NDArray[np.int32]
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """The next part of the training stream and of the held-out stream, int32."""
        train = np.empty(2 * len(ids) + 2, np.int32)
        held = np.empty(2 * len(ids) + 2, np.int32)
        _renumber(ids, self._numbers, train, held, self._state, *self._plan)
        return train[: self._state[3]], held[: self._state[4]]
