"""Trials in processes of their own, each with the data in its memory."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any, Final

from dlkit.classify.sweep_trial import Bench, How, config_of, run
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    from dlkit.signals import Stop

_POLL: Final = 0.2  # seconds between looks at the signals


def results(
    wanted: Sequence[tuple[int, Mapping[str, Any]]],
    *,
    jobs: int,
    threads: int,
    how: How,
    stop: Stop,
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The number and the scores of each trial, as they are done; ends early where ``stop`` asks.

    Args:
        wanted: numbers and settings, ``sweep_trial.tree_of``.
        jobs: processes.
        threads: of each.
        how: what is wanted of each.
        stop: looked at while processes work; they are ended then.

    Raises:
        DlkitError: settings that do not go together, or a process has died.

    """
    # A forked child cannot use the threads that PyTorch has begun: each starts anew.
    context = multiprocessing.get_context("spawn")
    waiting = list(reversed(wanted))
    at_work: dict[Connection, tuple[Any, int]] = {}
    processes = []
    try:
        for _ in range(min(jobs, len(waiting))):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, threads, how), daemon=True)
            process.start()
            theirs.close()
            processes.append(process)
            _send(ours, waiting.pop(), at_work, process)
        while at_work and stop.signum is None:
            for ready in wait(list(at_work), timeout=_POLL):
                assert isinstance(ready, Connection)
                process, number = at_work.pop(ready)
                yield number, _answer(ready, process, number)
                if waiting:
                    _send(ready, waiting.pop(), at_work, process)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def _send(
    connection: Connection,
    trial: tuple[int, Mapping[str, Any]],
    at_work: dict[Connection, tuple[Any, int]],
    process: Any,
) -> None:
    number, tree = trial
    at_work[connection] = (process, number)
    with suppress(OSError):  # a dead process is told of by its missing answer
        connection.send_bytes(json.dumps(tree).encode())


def _answer(connection: Connection, process: Any, number: int) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(connection.recv_bytes())
    except (EOFError, OSError):
        process.join()
        raise DlkitError(
            f"the process of trial {number} ended with exit code {process.exitcode}",
            hint="fewer --jobs need less memory; dlkit classify sweep --resume goes on",
        ) from None
    if "error" in answer:
        message, hint, code = answer["error"]
        raise DlkitError(message, hint=hint, code=code)
    return answer


def _serve(connection: Connection, threads: int, how: How) -> None:
    """Answer trials until nobody asks; runs in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides, and ends this process
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()
    import torch

    torch.set_num_threads(threads)
    bench = Bench()
    while True:
        try:
            tree = json.loads(connection.recv_bytes())
        except (EOFError, OSError):
            return
        try:
            answer = _drained(bench, tree, how)
        except DlkitError as problem:
            answer = {"error": [problem.message, problem.hint, problem.code]}
        connection.send_bytes(json.dumps(answer).encode())


def _drained(bench: Bench, tree: Mapping[str, Any], how: How) -> dict[str, Any]:
    work = run(bench, config_of(tree), None, how)
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: dict[str, Any] = end.value
            return result


def _follow_parent() -> None:
    """End this process with the parent, even one that was killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
