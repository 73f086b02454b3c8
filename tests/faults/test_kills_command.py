"""kill -9 of the real training at random moments: only whole artifacts, and it goes on."""

from __future__ import annotations

import hashlib
import json
import random
import shlex
import signal
import subprocess
import sys
import time

import pytest

LINES = [
    " ".join(f"w{random.Random(i * 7 + j).randrange(300)}" for j in range(12)) for i in range(1500)
]
OPTIONS = (
    "--dim", "32", "--epochs", "120", "--threads", "1", "--seed", "7", "--min-count", "1",
    "--set", "checkpoint_minutes=0.001",
)  # fmt: skip


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(LINES), encoding="utf-8")
    return path


def vectors_of(dlkit, name: str) -> str:
    path = dlkit.home / "word2vec" / name / "vectors.safetensors"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def consistent(dlkit) -> None:
    """What a person sees after a kill: nothing damaged, at most one folder that will be swept."""
    if not dlkit.home.exists():
        return
    for line in dlkit("artifacts", "list").stdout.splitlines():
        assert line.split("\t")[2] in ("finished", "interrupted"), line
    for line in dlkit("artifacts", "verify", "--all").stdout.splitlines():
        assert line.split("\t")[1] == "ok", line
    assert len(list(dlkit.home.rglob(".tmp-*"))) <= 1
    for run in dlkit.home.glob("word2vec/.running/[!.]*"):
        assert len(list(run.glob("checkpoint-*"))) <= 2


def progress(stderr: bytes) -> tuple[float, float, bool]:
    """Words done at the first step of training and at the last checkpoint; whether resumed."""
    first = latest = saved = 0.0
    resumed = False
    for line in stderr.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break  # the kill came within the line
        if not line.startswith(b"{"):
            continue
        event = json.loads(line)
        assert event["event"] != "error"
        resumed = resumed or "going on with" in line.decode()
        if event["event"] == "step" and event["phase"] == "training":
            latest = event["done"]
            first = first or latest
        elif event.get("text") == "saved a checkpoint":
            saved = latest
    return first, saved, resumed


def kill_and_resume(
    dlkit, corpus, count: int, *, longest: float, options: tuple[str, ...] = OPTIONS
) -> tuple[int, int]:
    """Kill trainings until ``count`` kills are done; go on from a checkpoint where there is one.

    Returns:
        How many of the trainings went on from a checkpoint, and how many ran to their end.

    """
    rng = random.Random(20261123)
    resumed = finished = 0
    saved = 0.0
    reference = vectors_of(dlkit, "whole")
    for _ in range(count):
        waiting = (dlkit.home / "word2vec/.running/x/checkpoint.json").exists()
        arguments = ("--resume", "-n", "x") if waiting else (corpus, "-n", "x", *options)
        process = dlkit.start("word2vec", "train", *arguments, "--progress", "json")
        time.sleep(rng.uniform(0, longest))
        process.kill()
        first, latest, going_on = progress(process.communicate(timeout=60)[1])
        if going_on and first:
            resumed += 1
            assert first >= saved, "a run began anew, although it had a checkpoint"
        saved = max(saved, latest) if waiting else latest
        consistent(dlkit)
        if process.returncode != -signal.SIGKILL or (dlkit.home / "word2vec/x").exists():
            finished += 1
            assert vectors_of(dlkit, "x") == reference
            dlkit("artifacts", "remove", "word2vec/x", "--yes")
            saved = 0.0
    stray = dlkit.home / "word2vec/.tmp-x-0123abcd"  # what a kill while saving leaves
    stray.mkdir()
    (stray / "vectors.safetensors").write_bytes(b"half of it")
    if (dlkit.home / "word2vec/.running/x/checkpoint.json").exists():
        dlkit("word2vec", "train", "--resume", "-n", "x")
    else:
        dlkit("word2vec", "train", corpus, "-n", "x", *options)
    assert vectors_of(dlkit, "x") == reference
    assert not list(dlkit.home.rglob(".tmp-*"))
    assert not (dlkit.home / "word2vec/.running/x").exists()
    return resumed, finished


@pytest.mark.parametrize(
    "more",
    [
        (),
        pytest.param(("--loss", "hs", "--minn", "2", "--maxn", "3"), marks=pytest.mark.slow),
        pytest.param(("--deterministic", "--threads", "2"), marks=pytest.mark.slow),
    ],
    ids=" ".join,
)
def test_training_killed_a_dozen_times_ends_with_the_same_vectors(dlkit, corpus, more):
    begun = time.monotonic()
    dlkit("word2vec", "train", corpus, "-n", "whole", *OPTIONS, *more)
    longest = max(2.0, time.monotonic() - begun)  # a busy machine takes long to begin
    resumed, _ = kill_and_resume(dlkit, corpus, 12, longest=longest, options=(*OPTIONS, *more))
    assert resumed >= 2, "the kills did not reach the training"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_training_killed_a_hundred_times_ends_with_the_same_vectors(dlkit, corpus):
    begun = time.monotonic()
    dlkit("word2vec", "train", corpus, "-n", "whole", *OPTIONS)
    longest = max(4.0, 1.2 * (time.monotonic() - begun))
    resumed, finished = kill_and_resume(dlkit, corpus, 100, longest=longest)
    assert resumed >= 20
    assert finished >= 3


def test_a_name_whose_run_was_killed_is_free_at_once(dlkit, corpus):
    process = dlkit.start("word2vec", "train", corpus, "-n", "x", *OPTIONS, "--progress", "json")
    for line in process.stderr:
        if b'"training"' in line:
            break
    told = dlkit("word2vec", "train", corpus, "-n", "x", check=75).stderr
    assert f"held by process {process.pid}" in told
    process.kill()
    process.communicate(timeout=60)
    done = dlkit("word2vec", "train", corpus, "--dim", "4", "--threads", "1", "-n", "x")
    assert "held by" not in done.stderr
    consistent(dlkit)


@pytest.mark.parametrize("stream", ["2>/dev/full", "2>/dev/full >/dev/null", "</dev/null 2>&-"])
def test_a_log_on_a_full_disk_costs_no_training(dlkit, corpus, stream):
    command = [sys.executable, "-m", "dlkit", "word2vec", "train", str(corpus), "-n", "x"]
    done = subprocess.run(
        ["bash", "-c", f"{shlex.join([*command, '--dim', '4', '--threads', '1'])} {stream}"],
        cwd=dlkit.folder, env=dlkit.environment, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert dlkit("artifacts", "verify", "x").stdout.split("\t")[1] == "ok"
