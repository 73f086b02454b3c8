"""Threads that work while the thread that began them reports."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence


class Workers:
    """One thread for each of several works.

    Args:
        works: what the threads do, one each.
        stop: makes every work end soon.

    Attributes:
        failure: the exception that ended a work, None while there is none.

    """

    def __init__(self, works: Sequence[Callable[[], None]], *, stop: Callable[[], None]) -> None:
        self.failure: BaseException | None = None
        self._works, self._stop = works, stop

    def run(self, every: float) -> Generator[None, None, None]:
        """Work to the end; yields every so many seconds.

        A generator that is closed or left by an exception stops its threads first.

        Raises:
            BaseException: the one that ended a work.

        """
        threads = [
            threading.Thread(target=self._guarded, args=(work,), daemon=True)
            for work in self._works
        ]
        try:
            for thread in threads:
                thread.start()
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

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self.failure = error
