"""When a training saves a checkpoint, and when it leaves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, Protocol

from dlkit.records import Noted, Record

if TYPE_CHECKING:
    from dlkit.errors import StoppedError
    from dlkit.signals import Stop
    from dlkit.training.state import State

# At the end of an epoch a checkpoint may take this share of the time since the one before.
_SHARE: Final = 0.01
_SOONEST: Final = 1.0  # seconds


class Keep(Protocol):
    """Where checkpoints go; ``training.checkpoint.Keeper`` is one."""

    every: int | None  # steps between checkpoints, besides those that the time asks for

    def save(self, state: State) -> None:
        """Put ``state`` in the place of the one before."""

    def stopped(self, signum: int) -> StoppedError:
        """What to raise after a save because of a signal."""


class Saving:
    """Saves when the time has come or a signal asks for it.

    Args:
        keep: takes the checkpoints; None: nothing is saved.
        stop: what the signals ask for; None: nothing.
        minutes: most minutes between checkpoints.
        capture: the state as it is, after everything in it was found sound.

    """

    def __init__(
        self,
        keep: Keep | None,
        stop: Stop | None,
        *,
        minutes: float,
        capture: Callable[[], State],
    ) -> None:
        self._keep, self._stop, self._capture = keep, stop, capture
        self._patience = 60 * minutes
        self._last = time.perf_counter()
        self._cost = 0.0  # seconds of the last checkpoint

    def after_step(self, done: int) -> Iterator[Record]:
        """Save where it is asked for after step ``done`` of all, counted from 1.

        Raises:
            StoppedError: a signal asks to stop.

        """
        keep, stop = self._keep, self._stop
        asked = stop is not None and (stop.signum is not None or stop.save_requested)
        late = time.perf_counter() - self._last > self._patience
        each = keep is not None and keep.every is not None and done % keep.every == 0
        if asked or (keep is not None and (late or each)):
            yield from self._save(told=not each)

    def after_epoch(self) -> Iterator[Record]:
        """Save between epochs where that costs next to nothing."""
        passed = time.perf_counter() - self._last
        if self._keep is not None and passed > max(_SOONEST, self._cost / _SHARE):
            yield from self._save(told=False)

    def _save(self, *, told: bool) -> Iterator[Record]:
        keep, stop = self._keep, self._stop
        if keep is not None:
            begun = time.perf_counter()
            keep.save(self._capture())
            self._last = time.perf_counter()
            self._cost = self._last - begun
        if stop is not None:
            stop.save_requested = False
            if stop.signum is not None:
                if keep is not None:
                    raise keep.stopped(stop.signum)
                stop.check()
        if told:
            yield Noted("saved a checkpoint" if keep is not None else "nothing to save into")
