"""Threads that cannot be had: training ends with an error, and never waits for one."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from dlkit.errors import DlkitError
from dlkit.word2vec.kernel_trainer import KernelTrainer
from dlkit.word2vec.workers import Workers

LIMIT = 30  # seconds, where milliseconds are enough


def trainer(*, deterministic: bool, threads: int) -> KernelTrainer:
    draws = np.random.default_rng(0)
    ids = np.column_stack([draws.integers(0, 9, (200, 12)), np.full(200, -1)]).ravel()
    return KernelTrainer(
        ids.astype(np.int32), np.bincount(ids[ids >= 0]), model="skipgram", dim=8, window=2,
        negative=3, sample=0, lr=0.05, min_lr=0.001, epochs=2, threads=threads, seed=1,
        deterministic=deterministic,
    )  # fmt: skip


def starts_only(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """The system gives so many threads, and no more."""
    start = threading.Thread.start
    left = [number]

    def limited(thread: threading.Thread) -> None:
        if left[0] == 0:
            raise RuntimeError("can't start new thread")
        left[0] -= 1
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)


def ended(work) -> list[BaseException]:
    """What ``work`` raised, in a thread of its own that must not hang."""
    raised: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    thread.join(LIMIT)
    assert not thread.is_alive(), "it hangs"
    return raised


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_training_ends_where_a_thread_cannot_be_started(monkeypatch, deterministic, number):
    training, whole = (trainer(deterministic=deterministic, threads=4) for _ in range(2))
    training.compile()
    before = threading.active_count()

    def work() -> None:
        starts_only(monkeypatch, number)
        list(training.run())

    (error,) = ended(work)
    assert isinstance(error, DlkitError)
    assert error.message == f"thread {number + 1} of 4 could not be started: can't start new thread"
    assert error.hint == f"--threads {max(number, 1)}"
    assert threading.active_count() == before
    monkeypatch.undo()
    # What was learnt until then is whole, and training can go on.
    list(training.run())
    assert training.finished
    if deterministic:
        list(whole.run())
        assert training.inputs.tobytes() == whole.inputs.tobytes()


def test_works_that_wait_for_one_that_never_comes_are_let_go(monkeypatch):
    barrier, stopped = threading.Barrier(3), []

    def wait() -> None:
        try:
            barrier.wait()
        except threading.BrokenBarrierError:
            stopped.append("let go")

    workers = Workers([wait] * 3, stop=lambda: None, give_up=barrier.abort)

    def work() -> None:
        starts_only(monkeypatch, 2)
        list(workers.run(0.01))

    (error,) = ended(work)
    assert isinstance(error, DlkitError)
    assert stopped == ["let go"] * 2


def test_a_work_that_fails_is_told_and_all_end():
    def fail() -> None:
        raise ZeroDivisionError

    (error,) = ended(lambda: list(Workers([fail, lambda: None], stop=lambda: None).run(0.01)))
    assert isinstance(error, ZeroDivisionError)
