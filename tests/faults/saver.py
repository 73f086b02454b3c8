"""A process that saves on demand in forked children, so that they can be killed or fail anywhere.

Reads one JSON object a line from stdin, does what it says in a child with everything imported, and
answers with one JSON object a line. ``work`` names one of the functions below; ``kill_after`` kills
the child that many seconds after it began; ``fault`` makes its system calls fail (see ``Faults``).
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import select
import signal
import sys
import time
import traceback

from dlkit.artifacts.runs import reserve, resume
from dlkit.errors import DlkitError

CALLS = ("open", "write", "fsync", "close", "mkdir", "rename", "unlink", "rmdir")
NEEDS_SPACE = ("open", "write", "fsync", "mkdir", "rename")


def contents(seed: int, size: int) -> dict[str, bytes]:
    """Files that depend on ``seed`` in every byte, so that a mixture of two saves is seen."""
    piece = bytes((seed * 31 + index) % 256 for index in range(256))
    return {
        "vocab.txt": f"word{seed}\t{seed}\n".encode(),
        "vectors.bin": (piece * (size // 256 + 1))[:size],
        "figures/loss.svg": f"<svg id='{seed}'/>".encode(),
    }


def path_of(what: object) -> str:
    """The path that a system call is about, of which it may know only the descriptor."""
    try:
        return os.readlink(f"/proc/self/fd/{what}") if isinstance(what, int) else str(what)
    except OSError:
        return str(what)


class Faults:
    """Counts the system calls of this process and makes the one of number ``at`` go wrong.

    how: ``before`` and ``after`` kill the process before or after the call, ``half`` after half of
    a write; a name of an errno makes the call fail; ``short`` writes one byte. ``stays`` makes
    every later call that needs space fail too, as on a disk that is full.
    """

    def __init__(self, at: int = -1, how: str = "", stays: bool = False) -> None:
        self.at, self.how, self.stays = at, how, stays
        self.count = 0
        self.log: list[str] = []

    def install(self) -> None:
        for name in CALLS:
            setattr(os, name, self.wrap(name, getattr(os, name)))

    def wrap(self, name, real):
        def call(*arguments, **options):
            index = self.count
            self.count += 1
            self.log.append(f"{name} {path_of(arguments[0])}")
            late = self.stays and index > self.at and name in NEEDS_SPACE
            late = late and not (name == "open" and not arguments[1] & os.O_CREAT)
            if index != self.at and not late:
                return real(*arguments, **options)
            return self.go_wrong(name, real, arguments, options)

        return call

    def go_wrong(self, name, real, arguments, options):
        if self.how == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        if name == "write" and self.how == "half":
            real(arguments[0], arguments[1][: len(arguments[1]) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how in ("after", "half"):
            real(*arguments, **options)
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "short":
            if name == "write":
                return real(arguments[0], arguments[1][:1])
            return real(*arguments, **options)
        if name == "close":  # the descriptor is gone even if close reports an error
            real(*arguments, **options)
        number = getattr(errno, self.how)
        raise OSError(number, os.strerror(number), str(arguments[0]))


def save(told, *, seed: int, size: int) -> str:
    """Reserve and commit one artifact."""
    with reserve("t", default="a") as run:
        files = contents(seed, size)
        return run.commit({"seed": seed, "size": size}, files, kind="k").name


def train(told, *, size: int, steps: int = 10**9) -> str:
    """Save checkpoint after checkpoint, going on from the last one; tell of each that is saved."""
    try:
        opened = resume("t")
        run = opened.__enter__()
        step = run.load_checkpoint()[0]["step"]
    except DlkitError:
        opened = reserve("t", default="r")
        run = opened.__enter__()
        step = 0
    for _ in range(steps):
        step += 1
        run.save_checkpoint(contents(step, size), {"step": step})
        told({"step": step})
    return run.name


def hold(told, *, name: str | None, default: str, seconds: float) -> str:
    """Hold a name for a while, then commit."""
    with reserve("t", name, default=default) as run:
        told({"name": run.name})
        time.sleep(seconds)
        return run.commit({"name": run.name}, {}, kind="k").name


def limited(told, *, limit: int, seed: int, size: int) -> str:
    """Save where the kernel lets no file grow beyond ``limit`` bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    return save(told, seed=seed, size=size)


def child(order: dict, pipe: int) -> None:
    def tell(message: dict) -> None:
        write(pipe, json.dumps(message).encode() + b"\n")

    write = os.write  # the wrapped one is for the saved files
    faults = Faults(**order.get("fault", {}))
    if "fault" in order:
        faults.install()
    answer: dict = {}
    try:
        answer["result"] = globals()[order["work"]](tell, **order.get("options", {}))
    except DlkitError as error:
        answer["error"] = {"message": error.message, "hint": error.hint, "code": error.code}
    except BaseException:
        answer["crash"] = traceback.format_exc()
    tell(answer | {"calls": faults.count, "log": faults.log if order.get("log") else []})


def start(order: dict) -> tuple[int, int]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        os.environ["DLKIT_HOME"] = order["home"]
        os.environ["XDG_CACHE_HOME"] = order["home"] + "-cache"
        child(order, writing)
        os._exit(0)
    os.close(writing)
    return pid, reading


def finish(pid: int, reading: int, kill_after: float | None) -> dict:
    """Wait for a child (kill it when its time has come) and put together what it told."""
    begun = time.monotonic()
    end = None if kill_after is None else begun + kill_after
    data = b""
    while True:
        left = None if end is None else max(0.0, end - time.monotonic())
        ready, _, _ = select.select([reading], [], [], left)
        if ready:
            piece = os.read(reading, 1 << 16)
            if not piece:
                break
            data += piece
        else:
            os.kill(pid, signal.SIGKILL)
            end = None
    os.close(reading)
    _, status = os.waitpid(pid, 0)
    whole = data[: data.rfind(b"\n") + 1]
    told = [json.loads(line) for line in whole.splitlines()]
    seconds = time.monotonic() - begun
    return {"pid": pid, "status": status, "told": told, "seconds": seconds}


def main() -> None:
    for line in sys.stdin:
        orders = json.loads(line)
        started = [(start(order), order) for order in orders]
        answers = [finish(*process, order.get("kill_after")) for process, order in started]
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.write(json.dumps(answers) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
