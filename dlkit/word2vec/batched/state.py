"""The state of the PyTorch trainer: what it holds, and how the compiled kernels' becomes one.

Both trainers train the same matrices on the same words and windows, which depend on the seed, the
epoch and the place in the stream alone. So the matrices, the counters and what is left of the
stream are all that goes from one to the other. The kernels' state is of lanes, each with a part of
the stream of its own: what is left is a stretch for each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from dlkit.jit import has_numba
from dlkit.word2vec.batched import batches
from dlkit.word2vec.epochs import other_format
from dlkit.word2vec.kernels.checks import require_arrays

if TYPE_CHECKING:
    from dlkit.word2vec.trainer import Ids

Longs = npt.NDArray[np.int64]
State = tuple[dict[str, np.ndarray], dict[str, Any]]

# Places in the array ``counters``.
POSITION: Final = 0  # in the stream: where the next batch begins
WORDS: Final = 1  # raw words read, over all epochs
UNITS: Final = 2  # pairs (skip-gram) or windows (CBOW) trained, over all epochs
MEASURED: Final = 3  # of those, how many are in the loss sum of this epoch
COUNTERS: Final = 4


class Stretches:
    """The parts of the stream that an epoch reads: all of it, or what another trainer left.

    Args:
        bounds: (S, 2) int64 stretches ``start .. stop - 1`` in order; None: the whole stream.
        ids: how long the stream is.

    Raises:
        ValueError: they are not in order or not within the stream.

    """

    def __init__(self, bounds: np.ndarray | None, ids: int) -> None:
        self.bounds = bounds
        self._ids = ids
        if bounds is None:
            return
        flat = bounds.ravel()
        if bounds.ndim != 2 or bounds.shape[1] != 2 or bounds.dtype != np.int64:
            raise ValueError("state has no array stretches of shape (S, 2) and int64")
        if np.any(np.diff(flat) < 0) or np.any(flat < 0) or np.any(flat > ids):
            raise ValueError("state names a stretch outside the stream")

    def stop(self, position: int) -> int:
        """Where the stretch ends that ``position`` lies in."""
        if self.bounds is None:
            return self._ids
        return int(self.bounds[np.searchsorted(self.bounds[:, 1], position, "right"), 1])

    def following(self, position: int) -> int:
        """``position``, or the start of the next stretch where it is the end of one."""
        if self.bounds is None:
            return position
        place = int(np.searchsorted(self.bounds[:, 1], position, "right"))
        if place == len(self.bounds):
            return self._ids
        return max(position, int(self.bounds[place, 0]))


def check_counters(arrays: Mapping[str, np.ndarray], ids: int) -> Stretches:
    """The stretches of a state whose counters are sound, else ValueError."""
    require_arrays(arrays, {"counters": ((COUNTERS,), np.int64), "losses": ((1,), np.float64)})
    counters = arrays["counters"]
    if np.any(counters < 0) or counters[POSITION] > ids:
        raise ValueError("state has a counter out of range")
    stretches = Stretches(arrays.get("stretches"), ids)
    position = int(counters[POSITION])
    if stretches.following(position) != position:
        raise ValueError("state has a position between two stretches")
    return stretches


def is_of_kernels(scalars: Mapping[str, Any]) -> bool:
    """Whether a state is of the compiled kernels."""
    settings = scalars.get("settings")
    return isinstance(settings, dict) and "lanes" in settings


def from_kernels(
    arrays: Mapping[str, np.ndarray],
    scalars: Mapping[str, Any],
    *,
    ids: Ids,
    keep: npt.NDArray[np.uint32],
    seed: int,
    window: int,
) -> State:
    """The state of the PyTorch trainer that goes on where the compiled kernels stopped.

    What the mean loss of the epoch is of was measured in one window of many; now in all.

    Args:
        arrays: what ``KernelTrainer.state`` returned; they are not copied.
        scalars: its second answer.
        ids: the stream.
        keep: (V,) what a 32-bit draw must not exceed for a word to be kept.
        seed: of the training.
        window: most words to either side.

    Raises:
        ValueError: the state is damaged, or numba, which knows what it means, is missing.

    """
    if not has_numba():
        raise ValueError("the compiled kernels began it, and numba is not installed")
    from dlkit.word2vec.batched.trainer import TorchTrainer
    from dlkit.word2vec.kernel_trainer import KernelTrainer
    from dlkit.word2vec.kernels import checks, train

    form, epoch, lanes = scalars.get("format"), scalars.get("epoch"), scalars["settings"]["lanes"]
    if form != KernelTrainer.state_format:
        raise ValueError(other_format(form, KernelTrainer.state_format))
    if type(epoch) is not int or not 0 <= epoch < 1 << 31:
        raise ValueError(f"state is of epoch {epoch!r}")
    if type(lanes) is not int or not 1 <= lanes <= checks.MOST_LANES:
        raise ValueError(f"state is of {lanes!r} lanes")
    expected = {
        "positions": ((lanes,), np.int64),
        "cursors": ((lanes, train.CURSOR), np.int64),
        "losses": ((lanes,), np.float64),
    }
    require_arrays(arrays, expected)
    left, again = _left(arrays, lanes, ids, keep, _key(seed, epoch), window)
    totals = arrays["cursors"].sum(axis=0)
    counters = np.zeros(COUNTERS, np.int64)
    counters[POSITION] = left[0, 0] if len(left) else len(ids)
    counters[WORDS] = totals[train.WORDS] - again
    counters[UNITS], counters[MEASURED] = totals[train.UNITS], totals[train.MEASURED]
    settings = {**scalars["settings"], "trainer": "torch"}
    converted = {
        **arrays,
        "counters": counters,
        "losses": arrays["losses"].sum(keepdims=True),
        "stretches": left,
    }
    form = TorchTrainer.state_format
    return converted, {"format": form, "epoch": epoch, "settings": settings}


def _key(seed: int, epoch: int) -> np.uint64:
    """The key of an epoch's words and windows, the same for both trainers."""
    key: np.uint64 = np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0]
    return key


def _left(
    arrays: Mapping[str, np.ndarray],
    lanes: int,
    ids: Ids,
    keep: npt.NDArray[np.uint32],
    key: np.uint64,
    window: int,
) -> tuple[Longs, int]:
    """(S, 2) stretches that lanes did not train on, and how many words of them they had read."""
    from dlkit.word2vec.kernels import train
    from dlkit.word2vec.kernels.lanes import cuts

    bounds, positions, cursors = cuts(len(ids), lanes), arrays["positions"], arrays["cursors"]
    if np.any(positions < bounds[:-1]) or np.any(positions > bounds[1:]):
        raise ValueError("state names a position outside the stream")
    waiting = cursors[:, train.HELD] - cursors[:, train.READY]
    if np.any(cursors < 0) or np.any(waiting < 0) or np.any(waiting > 2 * window):
        raise ValueError("state has a counter out of range")
    left: list[list[int]] = []
    again = 0
    for lane in range(lanes):
        # Words that were read, but not trained before what follows them was seen.
        first, position, stop = int(bounds[lane]), int(positions[lane]), int(bounds[lane + 1])
        start = _before(ids[first:position], first, int(waiting[lane]), key, keep)
        again += int(np.count_nonzero(ids[start:position] >= 0))
        if left and left[-1][1] == start:
            left[-1][1] = stop
        elif start < stop:
            left.append([start, stop])
    return np.array(left, np.int64).reshape(-1, 2), again


def _before(
    part: Ids, first: int, waiting: int, key: np.uint64, keep: npt.NDArray[np.uint32]
) -> int:
    """The place of the ``waiting``-th last kept word of ``part``, which begins at ``first``."""
    if not waiting:
        return first + len(part)
    reach = 4 * waiting
    while True:
        start = max(len(part) - reach, 0)
        places, _ = batches.kept(part[start:], first + start, key=key, keep=keep)
        if len(places) >= waiting:
            return int(places[-waiting])
        if start == 0:
            raise ValueError("state holds more words than were read")
        reach *= 2
