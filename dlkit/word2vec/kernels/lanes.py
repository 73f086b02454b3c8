"""The stream cut in equal parts, each with the memory of the lane that trains on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from dlkit.word2vec.kernels import rows, train
from dlkit.word2vec.kernels.frozen import Learning, frozen_rows
from dlkit.word2vec.kernels.grams import Grams, Whole, grams

if TYPE_CHECKING:
    from dlkit.word2vec.kernels.memory import Floats

HOT_ROWS: Final = 1024


class Lanes:
    """All lanes of a training, and where each stands.

    A lane belongs to a thread (``copied`` False: rows are shared without locks), or there is a
    fixed number of them for any number of threads (``copied`` True: rows are copied when they are
    touched, see ``rows``).

    Args:
        plan: what all lanes share.
        inputs: (V or more, padded dim).
        outputs: (V, padded dim).
        ngrams: None, or offsets and rows of the words' n-grams (see ``grams.Grams``).
        frozen: None, or the rows and the words that are kept (see ``frozen.Frozen``).
        number: of lanes.
        chunk: ids that a lane reads at a time.
        copied: which way rows are shared.

    """

    def __init__(
        self,
        plan: train.Plan,
        inputs: Floats,
        outputs: Floats,
        ngrams: tuple[np.ndarray, np.ndarray] | None,
        frozen: tuple[np.ndarray, np.ndarray] | None,
        *,
        number: int,
        chunk: int,
        copied: bool,
    ) -> None:
        self._plan, self._inputs, self._outputs, self._ngrams = plan, inputs, outputs, ngrams
        self._frozen, self._chunk, self._copied = frozen, chunk, copied
        self._hot = HOT_ROWS if number > 1 and not copied else 0
        self.each = [self._lane() for _ in range(number)]
        self.bounds = cuts(len(plan.ids), number)
        self.positions = self.bounds[:-1].copy()

    def __len__(self) -> int:
        return len(self.each)

    def _lane(self) -> train.Lane:
        plan = self._plan
        most = max(train.most_outputs(plan), 1)
        dim = self._outputs.shape[1]
        words = train.most_trained(plan, self._chunk)
        if self._ngrams is None:
            made: Whole | Grams = Whole(0)
            largest = 1
        else:
            made = grams(*self._ngrams, window=plan.window, dim=dim)
            largest = int(np.diff(self._ngrams[0]).max())
        kept = self._frozen and frozen_rows(*self._frozen, window=plan.window, dim=dim)
        return train.make_lane(
            inputs=self._rows(self._inputs, words * largest),
            outputs=self._rows(self._outputs, words * most),
            grams=made,
            frozen=kept or Learning(0),
            window=plan.window,
            most_outputs=most,
            chunk=self._chunk,
        )

    def _rows(self, matrix: Floats, touched: int) -> rows.HotRows | rows.CopiedRows:
        if self._copied:
            return rows.copied_rows(matrix, touched)
        return rows.hot_rows(matrix, min(self._hot, len(matrix)))

    def compile(self, train_piece: Callable[..., None]) -> None:
        """Compile a kernel and what mixes the lanes' rows, or load them from the cache."""
        lane = self.each[0]
        train_piece(self._plan, lane, 0, 0, np.uint64(0), False, np.float32(0))  # noqa: FBT003
        if self._copied:
            ways = np.zeros(rows.WAYS, np.float32)
            rows.write_ways(ways, np.float32(0))
            rows.merge_copies(tuple(one.inputs for one in self.each), ways, 0, 1, np.float32(0))
        elif len(self.each) > 1:
            rows.take_rows(lane.inputs)
            rows.merge_rows(lane.inputs, 1, np.float32(0))

    @property
    def done(self) -> bool:
        """Whether every lane is at the end of its part."""
        return bool(np.all(self.positions == self.bounds[1:]))

    @property
    def fresh(self) -> bool:
        """Whether every lane is at the start of its part."""
        return bool(np.all(self.positions == self.bounds[:-1]))

    def begin_epoch(self) -> None:
        """Put every lane at the start of its part and forget the last epoch's loss."""
        self.positions[:] = self.bounds[:-1]
        for lane in self.each:
            lane.cursor[train.MEASURED] = 0
            lane.loss[0] = 0.0

    def take_counts(self, others: Lanes) -> None:
        """Go on counting where ``others`` stopped."""
        for place in (train.WORDS, train.UNITS):
            self.each[0].cursor[place] = others.counted(place)

    def counted(self, place: int) -> int:
        """The sum of one counter over all lanes."""
        return sum(int(lane.cursor[place]) for lane in self.each)

    def loss(self) -> float:
        """The mean loss measured since the epoch began; NaN if none was."""
        measured = self.counted(train.MEASURED)
        total = sum(float(lane.loss[0]) for lane in self.each)
        return total / measured if measured else float("nan")

    def step(self, number: int, train_piece: Callable[..., None], key: np.uint64, lr: float) -> int:
        """Train lane ``number`` on its next ids; returns how many are left to it."""
        position, end = int(self.positions[number]), int(self.bounds[number + 1])
        stop = min(position + self._chunk, end)
        if position < stop:
            train_piece(
                self._plan, self.each[number], position, stop, key, stop == end, np.float32(lr)
            )
            self.positions[number] = stop
        return end - stop

    def state(self) -> dict[str, np.ndarray]:
        """Where each lane stands, as arrays."""
        held = np.zeros((len(self.each), 3, 2 * self._plan.window), np.int32)
        for lane, part in zip(self.each, held, strict=True):
            size = lane.cursor[train.HELD]
            part[:, :size] = lane.words[:size], lane.low[:size], lane.high[:size]
        return {
            "positions": self.positions.copy(),
            "cursors": np.stack([lane.cursor for lane in self.each]),
            "losses": np.array([lane.loss[0] for lane in self.each]),
            "held": held,
        }

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Put every lane where ``state`` of as many lanes left it; arrays are checked before."""
        self.positions[:] = arrays["positions"]
        for number, lane in enumerate(self.each):
            lane.cursor[:] = arrays["cursors"][number]
            lane.loss[0] = arrays["losses"][number]
            size = lane.cursor[train.HELD]
            lane.words[:size], lane.low[:size], lane.high[:size] = arrays["held"][number][:, :size]


def cuts(ids: int, number: int) -> np.ndarray:
    """(number + 1,) where each lane's part of a stream of ``ids`` begins and ends."""
    return np.linspace(0, ids, number + 1).astype(np.int64)
