"""kill -9 at any moment: an artifact is there whole or not at all; a checkpoint is never lost."""

from __future__ import annotations

import random
import shutil
import signal
from pathlib import Path

import pytest

SAVE = {"seed": 3, "size": 50_000}


def calls_of_a_save(saver, home: Path, work: str = "save", **options: object) -> list[str]:
    """The log of the system calls of one undisturbed piece of work."""
    answer = saver.one(home, work, options=options, fault={}, log=True)
    assert "result" in answer["end"], answer
    shutil.rmtree(home)
    return answer["end"]["log"]


def random_kills(saver, check, home: Path, count: int, *, size: int) -> list[int]:
    options = {"seed": 3, "size": size}
    seconds = [saver.one(home, "save", options=options)["seconds"] for _ in range(5)]
    shutil.rmtree(home)
    rng = random.Random(20261123)
    outcomes = [0, 0, 0]  # nothing there, whole and killed after, not killed
    for _ in range(count):
        offset = rng.uniform(0, 1.1 * sorted(seconds)[2])
        answer = saver.one(home, "save", options=options, kill_after=offset)
        found = check.artifacts()
        assert len(check.strays()) <= 1
        killed = answer["status"] == signal.SIGKILL
        outcomes[(0 if not found else 1) if killed else 2] += 1
        assert killed or found
        check.goes_on()
        shutil.rmtree(home)
    return outcomes


def test_a_save_killed_at_a_random_moment_leaves_all_or_nothing(saver, check, home: Path) -> None:
    outcomes = random_kills(saver, check, home, 60, size=1_000_000)
    assert outcomes[0] > 10, outcomes  # the kills did hit the saves


@pytest.mark.slow
def test_a_thousand_kills_leave_all_or_nothing(saver, check, home: Path) -> None:
    random_kills(saver, check, home, 1000, size=4_000_000)


@pytest.mark.parametrize("how", ["before", "half", "after"])
def test_a_save_killed_at_each_system_call_leaves_all_or_nothing(
    saver, check, home: Path, how: str
) -> None:
    log = calls_of_a_save(saver, home, **SAVE)
    assert len(log) > 40
    outcomes = set()
    for at, call in enumerate(log):
        if how == "half" and not call.startswith("write"):
            continue
        answer = saver.one(home, "save", options=SAVE, fault={"at": at, "how": how})
        assert answer["status"] == signal.SIGKILL, call
        outcomes.add(len(check.artifacts()))
        assert len(check.strays()) <= 1, call
        check.goes_on()
        shutil.rmtree(home, ignore_errors=True)
    assert outcomes == {0, 1} if how != "half" else outcomes == {0}


def loaded_step(saver, home: Path, at_least: int) -> int:
    """The step of the checkpoint that a resumed run finds, after one more was saved."""
    answer = saver.one(home, "train", options={"size": 1000, "steps": 1})
    step = answer["told"][0]["step"]
    assert step > at_least, "a saved checkpoint was lost"
    return step


@pytest.mark.parametrize("how", ["before", "half", "after"])
def test_a_checkpoint_killed_at_each_system_call_is_the_old_or_the_new_one(
    saver, check, home: Path, how: str
) -> None:
    options = {"size": 1000, "steps": 2}
    log = calls_of_a_save(saver, home, "train", **options)
    for at, call in enumerate(log):
        if how == "half" and not call.startswith("write"):
            continue
        answer = saver.one(home, "train", options=options, fault={"at": at, "how": how})
        assert answer["status"] == signal.SIGKILL, call
        reported = answer["told"][-1]["step"] if answer["told"] else 0
        runs = list((home / "t" / ".running").glob("*/checkpoint-*")) if home.exists() else []
        assert len(runs) <= 2, "more than the one that counts and one stray"
        step = loaded_step(saver, home, reported)
        assert step <= reported + 2
        left = list((home / "t" / ".running").glob("*/checkpoint-*"))
        assert len(left) == 1
        shutil.rmtree(home)


def training_kills(saver, home: Path, count: int) -> None:
    rng = random.Random(7)
    step = 0
    for _ in range(count):
        answer = saver.one(home, "train", options={"size": 200_000}, kill_after=rng.uniform(0, 0.1))
        assert answer["status"] == signal.SIGKILL
        for told in answer["told"]:
            assert told["step"] > step, "a saved checkpoint was lost"
            step = told["step"]
        for folder in (home / "t" / ".running").glob("[!.]*"):
            assert len(list(folder.glob("checkpoint-*"))) <= 2
    assert step > 20


def test_training_killed_again_and_again_never_loses_a_checkpoint(saver, home: Path) -> None:
    training_kills(saver, home, 60)


@pytest.mark.slow
def test_training_killed_a_thousand_times_never_loses_a_checkpoint(saver, home: Path) -> None:
    training_kills(saver, home, 1000)


def test_nothing_is_put_in_place_before_it_is_on_the_disk(saver, home: Path) -> None:
    """A power cut drops writes and names that were not flushed: by then all of them must be."""
    log = [call.split(" ", 1) for call in calls_of_a_save(saver, home, **SAVE)]
    moves = [
        index
        for index, (name, path) in enumerate(log)
        if name == "rename" and Path(path).parent == home / "t"
    ]
    assert len(moves) == 1
    folder = log[moves[0]][1]
    flushed = {path: index for index, (name, path) in enumerate(log) if name == "fsync"}
    made = 0
    for index, (name, path) in enumerate(log):
        inside = path == folder or path.startswith(f"{folder}/")
        if inside and name in ("write", "mkdir"):
            assert index < flushed[path] < moves[0], path
        if inside and path != folder and name in ("open", "mkdir"):
            assert index < flushed[str(Path(path).parent)] < moves[0], path
            made += 1
    assert made >= 7
    assert flushed[str(home / "t")] > moves[0]
