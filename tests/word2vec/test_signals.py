"""Signals during training: save, leave with the right code, go on from there with the same bits."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import time

import pytest

LINES = [
    " ".join(f"w{random.Random(i * 7 + j).randrange(400)}" for j in range(12)) for i in range(3000)
]
OPTIONS = ("--dim", "32", "--threads", "1", "--epochs", "200", "--seed", "7", "--min-count", "1")


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(LINES), encoding="utf-8")
    return path


def vectors_hash(dlkit, name: str) -> str:
    path = dlkit.home / "word2vec" / name / "vectors.safetensors"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def start_training(dlkit, corpus, *more: str):
    """A training that is under way: its process, after the first step was told."""
    process = dlkit.start(
        "word2vec", "train", corpus, "-n", "x", *OPTIONS, "--progress", "json", *more
    )
    for line in process.stderr:
        event = json.loads(line)
        if event["event"] == "step" and event["phase"] == "training" and event["done"] > 0:
            break
    return process


def finish(process) -> tuple[int, str]:
    told = process.stderr.read().decode()
    process.stdout.read()
    code = process.wait(timeout=60)
    process.stderr.close()
    process.stdout.close()
    assert "Traceback" not in told
    return code, told


_WHOLE: list[str] = []  # trained once for all tests of a worker


@pytest.fixture
def whole(dlkit, corpus) -> str:
    """The hash of the vectors of an uninterrupted run."""
    if not _WHOLE:
        dlkit("word2vec", "train", corpus, "-n", "whole", *OPTIONS)
        _WHOLE.append(vectors_hash(dlkit, "whole"))
    return _WHOLE[0]


@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_stopped_run_is_saved_and_goes_on_to_the_same_bits(dlkit, corpus, whole, signum, code):
    process = start_training(dlkit, corpus)
    begun = time.monotonic()
    process.send_signal(signum)
    got, told = finish(process)
    assert got == code
    assert time.monotonic() - begun < 10
    assert "--resume --name x" in told
    assert not (dlkit.home / "word2vec" / "x").exists()
    dlkit("word2vec", "train", "--resume", "--name", "x")
    assert vectors_hash(dlkit, "x") == whole
    assert not (dlkit.home / "word2vec" / ".running" / "x").exists()


def test_a_second_signal_ends_at_once_and_leaves_a_consistent_store(dlkit, corpus):
    process = start_training(dlkit, corpus)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    code, _ = finish(process)
    assert code == 130
    dlkit("artifacts", "verify", "--all", check=None)
    dlkit("artifacts", "list")


def test_usr1_saves_and_training_goes_on(dlkit, corpus, whole):
    process = start_training(dlkit, corpus)
    process.send_signal(signal.SIGUSR1)
    code, told = finish(process)
    assert code == 0
    assert "saved a checkpoint" in told
    assert vectors_hash(dlkit, "x") == whole


def test_a_run_that_was_frozen_goes_on(dlkit, corpus, whole):
    process = start_training(dlkit, corpus)
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.3)
    process.send_signal(signal.SIGCONT)
    assert finish(process)[0] == 0
    assert vectors_hash(dlkit, "x") == whole


@pytest.mark.slow  # tests/faults kills at any moment
def test_killed_after_a_checkpoint_it_resumes_from_there(dlkit, corpus, whole):
    process = start_training(dlkit, corpus, "--set", "checkpoint_minutes=0.0005")
    for line in process.stderr:
        if json.loads(line).get("text") == "saved a checkpoint":
            break
    process.kill()
    process.wait(timeout=60)
    process.stdout.close()
    process.stderr.close()
    dlkit("word2vec", "train", "--resume")
    assert vectors_hash(dlkit, "x") == whole


def test_stopped_while_reading_nothing_stays(dlkit):
    process = dlkit.start("word2vec", "train", "-", "-n", "x", "--progress", "json", stdin=-1)
    process.stdin.write(b"a b c\n" * 1000)
    process.stdin.flush()
    assert json.loads(process.stderr.readline())["event"] == "started"
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    process.stdin.close()
    code, told = finish(process)
    assert code == 143
    assert "nothing to save yet" in told
    assert not [p for p in dlkit.home.rglob("*") if p.is_file() and p.name != ".lock"]


def test_other_settings_are_refused_when_going_on(dlkit, corpus):
    process = start_training(dlkit, corpus)
    process.send_signal(signal.SIGINT)
    finish(process)
    done = dlkit("word2vec", "train", "--resume", "--name", "x", "--dim", "16", check=2)
    assert "dim was 32 when the run began, not 16" in done.stderr
    done = dlkit("word2vec", "train", "--resume", "--name", "x", "--fixed-window", check=2)
    assert "error: --resume: the run began without --fixed-window\n" in done.stderr
    done = dlkit("word2vec", "train", "--resume", "-n", "x", "--set", "held_out=false", check=2)
    assert "error: --resume: the run began with --set held_out=true\n" in done.stderr
    done = dlkit("word2vec", "train", "--resume", "--name", "x", "--epochs", "201", "--dim", "32")
    assert "epochs changed from 200 to 201" in done.stderr


def test_nothing_to_go_on_with_is_told(dlkit):
    done = dlkit("word2vec", "train", "--resume", check=3)
    assert done.stderr.startswith("error: ")


def test_a_second_run_of_the_same_name_is_told_who_holds_it(dlkit, corpus):
    process = start_training(dlkit, corpus)
    done = dlkit("word2vec", "train", corpus, "-n", "x", *OPTIONS, check=75)
    assert str(process.pid) in done.stderr
    process.send_signal(signal.SIGINT)
    finish(process)
