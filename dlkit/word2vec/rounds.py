"""Training in rounds, with the same bits for any number of threads.

In a round every lane trains the next piece of its part of the stream on its own copies of the rows
that it touches, while nobody writes to the shared matrices. Then the changes of all lanes are added
in the order of the lanes. Which thread does the work of which lane makes no difference.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from dlkit.word2vec.kernels.lanes import Lanes


class Rounds:
    """The rounds of one epoch, shared by threads that each call ``work``.

    Args:
        lanes: what is trained, with copied rows.
        train_piece: the compiled kernel.
        key: of the epoch's random draws.
        rate: the learning rate now; asked once a round.
        stopping: whether to stop before the next round.
        threads: how many threads will call ``work``.

    """

    def __init__(
        self,
        lanes: Lanes,
        train_piece: Callable[..., None],
        key: np.uint64,
        *,
        rate: Callable[[], float],
        stopping: Callable[[], bool],
        threads: int,
    ) -> None:
        from dlkit.word2vec.kernels import rows

        self._lanes, self._train_piece, self._key = lanes, train_piece, key
        self._rate, self._stopping, self._threads = rate, stopping, threads
        self._lr: float | None = None
        self._inputs: tuple[Any, ...] = tuple(lane.inputs for lane in lanes.each)
        self._outputs: tuple[Any, ...] = tuple(lane.outputs for lane in lanes.each)
        self._ways = np.empty(rows.WAYS, np.float32)
        self._begun = threading.Barrier(threads, self._begin)
        self._trained = threading.Barrier(threads)

    def _begin(self) -> None:
        """Between two rounds, while every thread waits: forget the copies, fix the rate."""
        from dlkit.word2vec.kernels import rows

        for view in (*self._inputs, *self._outputs):
            view.used[0] = 0
        self._lr = None if self._lanes.done or self._stopping() else self._rate()
        if self._lr is not None:
            rows.write_ways(self._ways, np.float32(self._lr))

    def work(self, thread: int) -> None:
        """Do one thread's share of all rounds."""
        try:
            while True:
                self._begun.wait()
                if self._lr is None:
                    return
                self._train(thread, self._lr)
                self._trained.wait()
                self._merge(thread, self._lr)
        except threading.BrokenBarrierError:
            return  # another thread failed, and tells why
        except BaseException:
            self.give_up()
            raise

    def give_up(self) -> None:
        """Let every thread go; for rounds that wait for a thread that will not come."""
        self._begun.abort()
        self._trained.abort()

    def _train(self, thread: int, lr: float) -> None:
        for number in range(thread, len(self._lanes), self._threads):
            self._lanes.step(number, self._train_piece, self._key, lr)

    def _merge(self, thread: int, lr: float) -> None:
        from dlkit.word2vec.kernels import rows

        for views in (self._inputs, self._outputs):
            rows.merge_copies(views, self._ways, thread, self._threads, np.float32(lr))
