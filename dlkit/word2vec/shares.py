"""Training without locks: each thread has a part of the stream, and all share the matrices.

Threads read and write the same rows (Niu et al. 2011, https://arxiv.org/abs/1106.5730), but for the
most frequent ones, of which each has private copies that it merges after every piece.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dlkit.word2vec.kernels.lanes import Lanes


class Shares:
    """The parts of one epoch, one for each thread, which calls ``work``.

    Args:
        lanes: what is trained; one for each thread.
        train_piece: the compiled kernel.
        key: of the epoch's random draws.
        rate: the learning rate now; asked for every piece.
        stopping: whether to stop before the next piece.

    """

    def __init__(
        self,
        lanes: Lanes,
        train_piece: Callable[..., None],
        key: np.uint64,
        *,
        rate: Callable[[], float],
        stopping: Callable[[], bool],
    ) -> None:
        self._lanes, self._train_piece, self._key = lanes, train_piece, key
        self._rate, self._stopping = rate, stopping
        self._failed = False

    def work(self, thread: int) -> None:
        """Train on the part of one thread; ends early where another fails."""
        try:
            self._train(thread)
        except BaseException:
            self._failed = True
            raise

    def _train(self, thread: int) -> None:
        from dlkit.word2vec.kernels import rows

        lanes = self._lanes
        views = [lanes.each[thread].inputs, lanes.each[thread].outputs] if len(lanes) > 1 else []
        for view in views:
            rows.take_rows(view)
        left = 1
        while left and not self._stopping() and not self._failed:
            lr = self._rate()
            left = lanes.step(thread, self._train_piece, self._key, lr)
            for view in views:
                rows.merge_rows(view, len(lanes), np.float32(lr))
