"""Signals and kill -9 during training: go on from the checkpoint to the same bits."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

COMMON = ("--threads", "1", "--set", "training.batch_size=16", "--seed", "3")
ROWS = ("--hidden", "64,64", "--dropout", "0.2", "--batch-norm", "--epochs", "120", *COMMON)
BAGS = ("--dim", "64", "--hidden", "32", "--epochs", "1500", *COMMON)


def files_of(dlkit, name):
    folder = dlkit.home / "classify" / name
    return [(folder / file).read_bytes() for file in ("weights.safetensors", "metrics.jsonl")]


def start(dlkit, *command):
    """A training that is under way: its process, after some epochs were told."""
    process = dlkit.start("classify", "train", *command, "--progress", "json")
    for line in process.stderr:
        event = json.loads(line)
        if event["event"] == "epoch" and event["number"] >= 2:
            break
    return process


def finish(process):
    told = process.stderr.read().decode()
    process.stdout.read()
    code = process.wait(timeout=60)
    process.stderr.close()
    process.stdout.close()
    assert "Traceback" not in told
    return code, told


@pytest.mark.parametrize(
    ("kind", "signum", "leaves"),
    [("pictures", signal.SIGINT, 130), ("texts", signal.SIGHUP, 129)],
)
def test_a_stopped_run_goes_on_to_the_same_bits(dlkit, kind, signum, leaves, request):
    data, options = request.getfixturevalue(kind), ROWS if kind == "pictures" else BAGS
    dlkit("classify", "train", data, "-n", "whole", *options)
    process = start(dlkit, data, "-n", "x", *options)
    process.send_signal(signum)
    code, told = finish(process)
    assert code == leaves
    assert "--resume --name x" in told
    assert (dlkit.home / "classify" / ".running" / "x" / "checkpoint.json").exists()
    assert not (dlkit.home / "classify" / "x").exists()
    dlkit("classify", "train", "--resume", "--name", "x")
    assert files_of(dlkit, "x") == files_of(dlkit, "whole")
    run = json.loads((dlkit.home / "classify" / "x" / "run.json").read_text(encoding="utf-8"))
    assert run["resumptions"] == [{"changes": [], "differences": []}]


def test_a_frozen_run_goes_on_to_the_same_bits(dlkit, pictures):
    dlkit("classify", "train", pictures, "-n", "whole", *ROWS)
    process = start(dlkit, pictures, "-n", "x", *ROWS)
    process.send_signal(signal.SIGSTOP)
    stopped = os.waitid(os.P_PID, process.pid, os.WSTOPPED)
    assert stopped is not None
    assert stopped.si_status == signal.SIGSTOP
    assert not (dlkit.home / "classify" / "x").exists()
    process.send_signal(signal.SIGCONT)
    assert finish(process)[0] == 0
    assert files_of(dlkit, "x") == files_of(dlkit, "whole")


def test_a_killed_run_goes_on_from_its_checkpoint(dlkit, pictures):
    dlkit("classify", "train", pictures, "-n", "whole", *ROWS)
    process = start(dlkit, pictures, "-n", "x", *ROWS)
    process.send_signal(signal.SIGUSR1)
    pointers = dlkit.home / "classify" / ".running" / "x"
    until = time.monotonic() + 20
    for line in process.stderr:
        if "saved a checkpoint" in json.loads(line).get("text", "") or time.monotonic() > until:
            break
    process.kill()
    process.wait()
    process.stderr.close()
    process.stdout.close()
    assert pointers.exists()
    dlkit("classify", "train", "--resume")
    assert files_of(dlkit, "x") == files_of(dlkit, "whole")


def test_what_may_not_change_is_refused_and_what_may_is_recorded(dlkit, pictures):
    process = start(dlkit, pictures, "-n", "x", *ROWS)
    process.send_signal(signal.SIGTERM)
    assert finish(process)[0] == 143
    done = dlkit("classify", "train", "--resume", "--hidden", "8", check=2)
    assert "hidden was 64,64 when the run began, not 8" in done.stderr
    done = dlkit("classify", "train", "--resume", "--l2", "1", check=2)
    assert "l2" in done.stderr
    (pictures / "train" / "black" / "0.png").rename(pictures / "train" / "white" / "new.png")
    assert "have changed" in dlkit("classify", "train", "--resume", check=2).stderr
    (pictures / "train" / "white" / "new.png").rename(pictures / "train" / "black" / "0.png")
    done = dlkit("classify", "train", "--resume", "--epochs", "121", "--threads", "2")
    path = dlkit.home / "classify" / "x" / "run.json"
    (told,) = json.loads(path.read_text(encoding="utf-8"))["resumptions"]
    assert told["changes"] == ["epochs changed from 120 to 121", "threads changed from 1 to 2"]
    (difference,) = told["differences"]
    assert difference.startswith("threads was 1 when the run began, is 2 now: the weights will not")
    assert all(text in done.stderr for text in (*told["changes"], difference))
    assert dlkit("classify", "train", "--resume", check=3).stderr.startswith(
        "error: no interrupted"
    )
