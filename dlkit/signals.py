"""Signals as requests: finish the step in hand, save, leave; or save and go on."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from dlkit.errors import StoppedError


class Stop:
    """What the signals received so far ask for.

    Attributes:
        signum: the signal that asks to stop, or None.
        save_requested: SIGUSR1 came: save a checkpoint and go on. Reset it when done.

    """

    def __init__(self) -> None:
        self.signum: int | None = None
        self.save_requested = False

    def check(self) -> None:
        """Raise StoppedError if a signal asks to stop; for places that have nothing to save."""
        if self.signum is not None:
            raise StoppedError(
                self.signum, f"stopped by {signal.Signals(self.signum).name}; nothing to save yet"
            )


@contextmanager
def catch() -> Iterator[Stop]:
    """Turn SIGINT, SIGTERM and SIGHUP into a request to stop, SIGUSR1 into one to save.

    A second SIGINT, SIGTERM or SIGHUP raises StoppedError at once, wherever the work is. Only the
    main thread may call this; the handlers that were there before come back at the end.
    """
    stop = Stop()

    def on_stop(signum: int, _frame: FrameType | None) -> None:
        if stop.signum is not None:
            raise StoppedError(signum, f"stopped at once by {signal.Signals(signum).name}")
        stop.signum = signum

    def on_save(_signum: int, _frame: FrameType | None) -> None:
        stop.save_requested = True

    handlers = {
        signal.SIGINT: on_stop,
        signal.SIGTERM: on_stop,
        signal.SIGHUP: on_stop,
        signal.SIGUSR1: on_save,
    }
    before = {}
    for signum, handler in handlers.items():
        # nohup sets SIGHUP to be ignored; that choice of the user's stays.
        if signal.getsignal(signum) is not signal.SIG_IGN:
            before[signum] = signal.signal(signum, handler)
    try:
        yield stop
    finally:
        for signum, previous in before.items():
            signal.signal(signum, previous)
