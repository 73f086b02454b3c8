"""Threads that work while the thread that began them reports."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence

from dlkit.errors import DlkitError


class Workers:
    """One thread for each of several works.

    Args:
        works: what the threads do, one each.
        stop: makes every work end soon.
        give_up: makes works end that wait for one that could not begin; None where none waits.

    Attributes:
        failure: the exception that ended a work, None while there is none.

    """

    def __init__(
        self,
        works: Sequence[Callable[[], None]],
        *,
        stop: Callable[[], None],
        give_up: Callable[[], None] | None = None,
    ) -> None:
        self.failure: BaseException | None = None
        self._works, self._stop, self._give_up = works, stop, give_up

    def run(self, every: float) -> Generator[None, None, None]:
        """Work to the end; yields every so many seconds.

        A generator that is closed or left by an exception stops its threads first.

        Raises:
            BaseException: the one that ended a work.
            DlkitError: the system gives no more threads.

        """
        threads = [
            threading.Thread(target=self._guarded, args=(work,), daemon=True)
            for work in self._works
        ]
        try:
            self._start(threads)
            for thread in threads:
                thread.join(every)
                while thread.is_alive():
                    yield
                    thread.join(every)
        except BaseException:  # the caller left
            self._stop()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
            raise
        if self.failure is not None:
            raise self.failure

    def _start(self, threads: Sequence[threading.Thread]) -> None:
        for number, thread in enumerate(threads):
            try:
                thread.start()
            except RuntimeError as error:  # the system's limit
                if self._give_up is not None:
                    self._give_up()
                raise DlkitError(
                    f"thread {number + 1} of {len(threads)} could not be started: {error}",
                    hint=f"--threads {max(number, 1)}",
                ) from error

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self.failure = error
