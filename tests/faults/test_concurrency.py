"""Many processes in one store: no name twice, no mixture, and the second of a name is told so."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from dlkit.artifacts import store
from dlkit.artifacts.load import open_artifact
from dlkit.artifacts.runs import reserve
from dlkit.errors import BUSY, DlkitError


@pytest.mark.parametrize("count", [2, 20])
def test_processes_that_start_at_once_get_distinct_names(
    saver, check, home: Path, count: int
) -> None:
    options = {"name": None, "default": "wiki", "seconds": 0.3}
    order = {"home": str(home), "work": "hold", "options": options}
    answers = saver(*[order] * count)
    names = {answer["told"][-1]["result"] for answer in answers}
    assert names == {"wiki", *(f"wiki-{number}" for number in range(2, count + 1))}
    assert len(check.artifacts()) == count
    for path in check.artifacts():
        assert open_artifact(path).document["name"] == path.name
    assert not check.strays()


def test_processes_that_never_rest_get_distinct_names_and_leave_no_remains(
    saver, check, home: Path
) -> None:
    options = {"seed": 1, "size": 1000}
    order = {"home": str(home), "work": "save", "options": options}
    for _ in range(3):
        answers = saver(*[order] * 15)
        assert all("result" in answer["told"][-1] for answer in answers), answers
    assert len(check.artifacts()) == 45
    assert not check.strays()


def test_of_processes_that_ask_for_one_name_at_once_one_gets_it(saver, home: Path) -> None:
    options = {"name": "wiki", "default": "x", "seconds": 0.5}
    order = {"home": str(home), "work": "hold", "options": options}
    answers = saver(*[order] * 8)
    ends = [answer["told"][-1] for answer in answers]
    winner = next(answer["pid"] for answer in answers if "result" in answer["told"][-1])
    errors = [end["error"] for end in ends if "error" in end]
    assert len(errors) == 7
    assert {error["code"] for error in errors} == {BUSY}
    assert all(str(winner) in error["message"] for error in errors)


def test_the_second_process_of_a_name_is_told_the_pid_and_can_go_on_once_the_first_is_dead(
    home: Path,
) -> None:
    code = (
        "import sys\nfrom dlkit.artifacts.runs import reserve\n"
        "with reserve('t', 'wiki', default='x') as run:\n"
        "    print(run.name, flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as first:
        assert first.stdout.readline() == b"wiki\n"
        with pytest.raises(DlkitError) as caught, reserve("t", "wiki", default="x"):
            pass
        assert caught.value.code == BUSY
        assert f"process {first.pid}" in caught.value.message
        assert [info.state for info in store.list_artifacts()] == ["running"]
        first.kill()
        first.wait()
        assert store.list_artifacts() == []
        with reserve("t", "wiki", default="x") as run:
            assert run.name == "wiki"


def test_a_reader_during_many_saves_sees_only_whole_artifacts(saver, check, home: Path) -> None:
    order = {"home": str(home), "work": "save", "options": {"seed": 2, "size": 100_000}}
    process = saver.process
    import json

    process.stdin.write(json.dumps([order] * 12) + "\n")
    process.stdin.flush()
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        check.artifacts()
    assert len(json.loads(process.stdout.readline())) == 12
    assert len(check.artifacts()) == 12
