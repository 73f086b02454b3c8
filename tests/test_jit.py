"""Compiled functions: a signal never raises within the compiler."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from dlkit import signals
from dlkit.errors import StoppedError
from dlkit.jit import compiled, has_numba

needs_numba = pytest.mark.skipif(not has_numba(), reason="needs numba")


@contextmanager
def sending(signum: signal.Signals):
    """In the body this process sends itself the signal whenever numba begins to compile."""
    from numba.core import event

    class Sender(event.Listener):
        begun = ended = 0

        def on_start(self, _event):
            self.begun += 1
            os.kill(os.getpid(), signum)

        def on_end(self, _event):
            self.ended += 1

    sender = Sender()
    with event.install_listener("numba:compile", sender):
        yield sender


@pytest.fixture
def pair(monkeypatch):
    """Two compiled functions, the second of which calls the first, both not compiled yet."""
    monkeypatch.setattr("dlkit.jit._cache_folder", lambda _sources: None)  # where none can be had

    @compiled()
    def called(x):
        return x + 1

    @compiled()
    def calling(x):
        return 2 * called(x)

    return called, calling


@needs_numba
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_raises_when_a_function_has_been_compiled(pair, name):
    called, calling = pair
    with signals.interrupting() as received:
        with sending(signal.Signals[name]) as sender, pytest.raises(KeyboardInterrupt):
            called(1)
        assert sender.begun == sender.ended == 1
        assert received == [signal.Signals[name]]
        assert len(called.signatures) == 1
        assert called(1) == 2
        with sending(signal.Signals[name]), pytest.raises(KeyboardInterrupt):
            calling(1)
        assert calling(1) == 4  # nothing is left over from then
    assert len(received) == 2


@needs_numba
@pytest.mark.parametrize("callback", ["_raw_object_cache_getbuffer", "_raw_object_cache_notify"])
def test_a_signal_in_the_depth_of_llvm_is_not_lost(monkeypatch, tmp_path, callback):
    monkeypatch.setattr("dlkit.jit._cache_folder", lambda _sources: tmp_path)
    came = []

    def watch(frame, event, _argument):
        if event == "call" and frame.f_code.co_name == callback and not came:
            came.append(callback)
            os.kill(os.getpid(), signal.SIGINT)

    @compiled()
    def some(x):
        return x + 1

    monkeypatch.setattr(sys, "unraisablehook", lambda _lost: None)
    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        with signals.interrupting(), pytest.raises(KeyboardInterrupt):
            some(1)
    finally:
        sys.setprofile(before)
    assert came == [callback]
    assert len(some.signatures) == 1


@needs_numba
def test_a_function_that_another_one_needs_ends_the_wait(pair):
    called, calling = pair
    with signals.interrupting(), sending(signal.SIGINT), pytest.raises(KeyboardInterrupt):
        calling(1)
    assert len(called.signatures) == 1
    assert calling.signatures == []
    assert calling(1) == 4


@needs_numba
def test_two_signals_within_a_catch_stop_it_at_such_an_end(pair):
    _, calling = pair
    with signals.catch() as stop:
        stopped = pytest.raises(StoppedError, match="at once by SIGTERM")
        with sending(signal.SIGTERM) as sender, stopped:
            calling(1)
        assert stop.signum == signal.SIGTERM
        assert sender.begun == sender.ended == 2
        assert calling(1) == 4


def test_signals_that_came_while_they_were_put_off_are_handled_once_and_in_order():
    def send(*signums):
        for signum in signums:
            os.kill(os.getpid(), signum)

    with signals.catch() as stop:
        with signals.deferred():
            with signals.deferred():
                send(signal.SIGUSR1)
                assert not stop.save_requested
            assert stop.save_requested
            send(signal.SIGINT)
            assert stop.signum is None
        assert stop.signum == signal.SIGINT
    putting_off = signals.deferred()(send)
    with signals.interrupting() as received:
        with pytest.raises(KeyboardInterrupt):
            putting_off(signal.SIGTERM, signal.SIGINT)
        putting_off()
        assert received == [signal.SIGTERM]


@needs_numba
@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_search_that_compiles_ends_at_any_moment_as_a_signal_asks(dlkit, tmp_path, name):
    rows = [f"{n % 7},{n * n % 11},{'xy'[n % 2]}" for n in range(40)]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,label", *rows]) + "\n", encoding="utf-8")
    dlkit("knn", "train", "rows.csv", "--k", "3", "--folds", "none", "--name", "d")
    signum, tick = signal.Signals[name], os.sysconf("SC_CLK_TCK")
    codes = set()
    for moment in range(20):
        cold = {"XDG_CACHE_HOME": str(tmp_path / f"cold{moment}"), "PYTHONFAULTHANDLER": "1"}
        process = dlkit.start("knn", "search", "rows.csv", "--from", "d", env=cold)
        with process.stdout, process.stderr:
            used = 0.0  # seconds of the processor: a busy machine changes nothing
            while process.poll() is None and used < 0.6 + 0.3 * moment:
                fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
                used = (int(fields[11]) + int(fields[12])) / tick
                time.sleep(0.005)
            process.send_signal(signum)
            said = process.stderr.read().decode()
            codes.add(process.wait(timeout=60))
        assert codes <= {0, 128 + signum}, (moment, said)
        assert "ignored" not in said
        assert "Fatal" not in said
    assert 128 + signum in codes
