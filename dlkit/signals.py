"""Signals as requests: finish the step in hand, save, leave; or save and go on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from dlkit.errors import StoppedError

_Handler = Callable[[int, FrameType | None], None]


class Stop:
    """What the signals received so far ask for.

    Attributes:
        signum: the signal that asks to stop, or None.
        save_requested: SIGUSR1 came: save a checkpoint and go on. Reset it when done.
        waits: how many bodies of ``waiting`` are open, in which a signal ends the work at once.

    """

    def __init__(self) -> None:
        self.signum: int | None = None
        self.save_requested = False
        self.waits = 0

    def check(self) -> None:
        """Raise StoppedError if a signal asks to stop; for places that have nothing to save."""
        if self.signum is not None:
            raise StoppedError(self.signum, f"{told(self.signum)}; nothing to save yet")


_open: list[Stop] = []  # of the bodies of ``catch``, the innermost last
_late: list[tuple[_Handler, int]] = []  # signals that came in bodies of ``deferred``
_deferring = False  # in such a body


def told(signum: int) -> str:
    """What an error says of a signal that ended the work."""
    return f"stopped by {signal.Signals(signum).name}"


@contextmanager
def interrupting() -> Iterator[list[int]]:
    """Let SIGINT, SIGTERM and SIGHUP raise KeyboardInterrupt in the body, wherever it is.

    Yields a list of the signals that came. For work that has nothing to save; ``catch`` within
    the body takes precedence. Does nothing outside the main thread, which alone gets signals.
    """
    received: list[int] = []

    def on_stop(signum: int, _frame: FrameType | None) -> None:
        received.append(signum)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    with _handled(dict.fromkeys((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), on_stop)):
        yield received


@contextmanager
def waiting() -> Iterator[None]:
    """Let signals that ``catch`` turns into requests end the work at once in the body.

    For a body that waits for input and so comes to no ``check``.

    Raises:
        StoppedError: a signal asks to stop, or asked before.

    """
    if not _open:
        yield
        return
    stop = _open[-1]
    stop.waits += 1
    try:
        stop.check()  # after the line above, so that no signal can come in between
        yield
    finally:
        stop.waits -= 1


@contextmanager
def deferred() -> Iterator[None]:
    """Have the handlers of ``interrupting`` and ``catch`` run only when the body has ended.

    For a body in whose depth C code calls Python and cannot bear that it raises, such as a
    compiler's. Of bodies within each other the end of an inner one is such an end, too. Signals
    run in the main thread: in others nothing needs to be put off.
    """
    global _deferring
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before, _deferring = _deferring, True
    try:
        yield
    finally:
        _deferring = False
        came = _late.copy()
        _late.clear()
        try:
            for handler, signum in came:  # one that raises ends this: no other has more to ask
                handler(signum, None)
        finally:
            _deferring = before


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
        if stop.waits:
            stop.check()

    def on_save(_signum: int, _frame: FrameType | None) -> None:
        stop.save_requested = True

    handlers = {
        signal.SIGINT: on_stop,
        signal.SIGTERM: on_stop,
        signal.SIGHUP: on_stop,
        signal.SIGUSR1: on_save,
    }
    with _handled(handlers):
        _open.append(stop)
        try:
            yield stop
        finally:
            _open.remove(stop)


@contextmanager
def _handled(handlers: Mapping[signal.Signals, _Handler]) -> Iterator[None]:
    """Have ``handlers`` while the body runs; those that were there before come back."""
    before = {}
    for signum, handler in handlers.items():
        # nohup sets SIGHUP to be ignored; that choice of the user's stays.
        if signal.getsignal(signum) is not signal.SIG_IGN:
            before[signum] = signal.signal(signum, _deferrable(handler))
    try:
        yield
    finally:
        for signum, previous in before.items():
            signal.signal(signum, previous)


def _deferrable(handler: _Handler) -> _Handler:
    """``handler``, put off in bodies of ``deferred``."""

    def deliver(signum: int, frame: FrameType | None) -> None:
        if _deferring:
            _late.append((handler, signum))
        else:
            handler(signum, frame)

    return deliver
