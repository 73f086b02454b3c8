"""Signals while a command waits for its input: it ends at once, says so, and leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from dlkit import signals
from dlkit.errors import StoppedError
from dlkit.vectors.packed import opened

STATUS = Path("/proc")
pytestmark = pytest.mark.skipif(not (STATUS / "self/status").exists(), reason="needs Linux's /proc")


def wait_for_handler(process: subprocess.Popen[bytes], signum: signal.Signals) -> None:
    """Return as soon as the process has a handler for the signal."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        status = (STATUS / str(process.pid) / "status").read_text(encoding="ascii")
        (caught,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
        if int(caught, 16) >> (signum - 1) & 1:
            return
        assert process.poll() is None, process.stderr.read().decode()
        time.sleep(0.01)
    raise AssertionError("no handler was set")


# The second is a signal that has a handler as soon as the command has set those that matter.
WAITING = [
    ("word2vec import -", signal.SIGUSR1),
    ("word2vec export x.vec --vectors /dev/stdin", signal.SIGUSR1),
    ("word2vec export x.vec --vectors pipe", signal.SIGUSR1),
    ("word2vec train -", signal.SIGUSR1),
    ("word2vec phrases -", signal.SIGUSR1),
    ("word2vec vocabulary -", signal.SIGUSR1),
    ("word2vec eval -", signal.SIGTERM),
    ("word2vec map -", signal.SIGTERM),
]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize(("command", "sign"), WAITING, ids=[each for each, _ in WAITING])
def test_a_command_that_waits_for_input_ends_at_once(dlkit, tmp_path, command, sign, name):
    os.mkfifo(tmp_path / "pipe")  # that nobody writes to
    process = dlkit.start(*command.split(), stdin=subprocess.PIPE)
    with process.stdin, process.stdout, process.stderr:
        wait_for_handler(process, sign)
        process.send_signal(signal.Signals[name])
        assert process.wait(timeout=30) == 128 + signal.Signals[name]
        last = process.stderr.read().decode().splitlines()[-1]
        assert process.stdout.read() == b""
    assert last.startswith("error: stopped by ")
    left = [path.name for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"]
    assert left == []


def test_a_slow_pipe_is_given_up_between_its_bytes(dlkit):
    process = dlkit.start("word2vec", "import", "-", stdin=subprocess.PIPE)
    with process.stdin, process.stdout, process.stderr:
        process.stdin.write(b"900000 2\n" + b"".join(b"w%d 1 0\n" % n for n in range(20_000)))
        process.stdin.flush()  # more than a pipe holds: some of it was read
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
        assert process.stderr.read() == b"error: stopped by a signal; no artifact was made\n"


def test_a_request_from_before_the_wait_ends_it(tmp_path):
    with signals.catch() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.signum == signal.SIGTERM  # no more than a request where nothing waits
        with pytest.raises(StoppedError, match="SIGTERM"):
            signals.waiting().__enter__()
    assert stop.waits == 0


def test_a_request_during_the_wait_ends_it_and_none_without_a_catch(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with signals.waiting():
        pass
    with signals.catch():
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(StoppedError) as stopped:
            opened(tmp_path / "pipe").__enter__()
    assert stopped.value.signum == signal.SIGINT


def test_a_pipe_gives_its_bytes_while_signals_can_end_it(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    content = os.urandom(300_000)
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(content,))
    writer.start()
    with signals.catch(), opened(tmp_path / "pipe") as file:
        assert file.size is None
        assert file.stream.read() == content
    writer.join()


def test_the_handlers_that_were_there_come_back():
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with signals.interrupting() as received:
        with signals.catch() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert stop.signum == signal.SIGHUP
        assert received == []
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        assert received == [signal.SIGTERM]
    after = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    assert after == before
