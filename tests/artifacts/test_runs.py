from __future__ import annotations

import json
import os
import platform
import stat
import subprocess
import sys
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import BinaryIO

import pytest

import dlkit
from dlkit.artifacts import clearing, locks, runs, store
from dlkit.artifacts.load import open_artifact
from dlkit.artifacts.runs import reserve, resume
from dlkit.artifacts.writing import write_file_atomically
from dlkit.errors import BUSY, DAMAGED, FAILED, NOT_FOUND, USAGE, DlkitError


def commit(name: str | None = None, default: str = "wiki", **files: bytes) -> Path:
    with reserve("t", name, default=default) as run:
        return run.commit({}, files or {"a.txt": b"a"}, kind="k")


def interrupt(name: str, step: int = 1) -> Path:
    """Leave an interrupted run with a checkpoint."""
    with reserve("t", name, default="x") as run:
        run.save_checkpoint({"state.bin": b"x" * step}, {"step": step})
        return run.folder


def strays(home: Path) -> list[str]:
    return [path.name for path in home.rglob(".tmp-*")]


def test_a_commit_is_found_whole_and_leaves_nothing_else(home: Path) -> None:
    path = commit(**{"b.txt": b"b"})
    assert path == home / "t" / "wiki"
    assert open_artifact(path).read("b.txt") == b"b"
    assert sorted(each.name for each in (home / "t").iterdir()) == [".running", "wiki"]
    assert [each.name for each in (home / "t" / ".running").iterdir()] == [".lock"]


def test_a_taken_name_gets_the_next_number(home: Path) -> None:
    assert [commit().name for _ in range(3)] == ["wiki", "wiki-2", "wiki-3"]
    assert [commit("wiki").name for _ in range(2)] == ["wiki-4", "wiki-5"]
    open_artifact(home / "t" / "wiki")


def test_the_name_of_an_interrupted_run_is_taken(home: Path) -> None:
    interrupt("wiki")
    assert commit("wiki").name == "wiki-2"
    assert commit().name == "wiki-3"


def test_default_names_are_made_valid(home: Path) -> None:
    assert commit(default="../../my corpus?").name == "my corpus"
    assert commit(default="...").name == "t"
    assert commit(default="语料库").name == "语料库"


@pytest.mark.parametrize("name", ["../x", "a/b", "CON", ".x", ""])
def test_an_impossible_name_is_refused_before_anything_is_made(home: Path, name: str) -> None:
    with pytest.raises(DlkitError) as caught, reserve("t", name, default="x"):
        pass
    assert caught.value.code == USAGE
    assert not home.exists()


def test_a_name_held_by_a_live_run_is_busy_and_says_by_whom(home: Path) -> None:
    with reserve("t", "wiki", default="x") as held:
        with pytest.raises(DlkitError) as caught, reserve("t", "wiki", default="x"):
            pass
        assert caught.value.code == BUSY
        assert str(os.getpid()) in caught.value.message
        with reserve("t", None, default="wiki") as other:
            assert other.name == "wiki-2"
        assert held.folder.is_dir()
    assert commit("wiki").name == "wiki"


def test_the_owner_is_written_down(home: Path) -> None:
    with reserve("t", default="x") as run:
        owner = json.loads((run.folder / "owner.json").read_text())
    assert owner["pid"] == os.getpid()
    assert owner["boot"] == locks.boot_id()
    assert {"host", "started", "run"} <= owner.keys()


def test_a_run_that_ends_without_a_checkpoint_leaves_nothing(home: Path) -> None:
    with reserve("t", default="x") as run:
        (run.folder / "spool.bin").write_bytes(b"x")
    assert [each.name for each in (home / "t" / ".running").iterdir()] == [".lock"]


def test_a_kept_folder_stays_until_the_next_start(home: Path) -> None:
    with reserve("t", default="x") as run:
        run.keep()
    assert run.folder.is_dir()
    commit()
    assert not run.folder.exists()


def test_a_checkpoint_outlives_an_error_and_a_forgotten_keep(home: Path) -> None:
    def work(opened: AbstractContextManager[runs.Run], *, save: bool) -> None:
        with opened as run:
            if save:
                run.save_checkpoint({}, {"step": 7})
            assert run.name == "x"
            assert run.load_checkpoint()[0] == {"step": 7}
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work(reserve("t", default="x"), save=True)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            work(resume("t"), save=False)


def test_run_json_says_when_where_and_by_which_versions(home: Path) -> None:
    before = datetime.now(UTC)
    record = json.loads((commit() / "run.json").read_bytes())
    finished = datetime.fromisoformat(record["finished"])
    assert before <= finished <= datetime.now(UTC)
    assert finished.isoformat(timespec="microseconds") == record["finished"]
    assert record["host"] == {
        "name": platform.node(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
    }
    versions = record["versions"]
    assert versions["dlkit"] == dlkit.__version__
    assert versions["python"] == platform.python_version()
    assert versions.get("numpy") == (metadata.version("numpy") if "numpy" in sys.modules else None)


def test_versions_are_told_without_importing_anything(home: Path) -> None:
    program = (
        "import sys; from dlkit.artifacts.record import describe; found = describe()['versions']; "
        "print(sorted(found), {'numpy', 'numba', 'torch'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "['dlkit', 'python'] set()"


def test_a_resumed_run_commits_under_its_name_and_is_over(home: Path) -> None:
    interrupt("wiki")
    with resume("t", "wiki") as run:
        path = run.commit({}, {}, kind="k")
    assert path.name == "wiki"
    with pytest.raises(DlkitError) as caught, resume("t"):
        pass
    assert caught.value.code == NOT_FOUND


def test_resume_takes_the_newest_run_that_nobody_holds(home: Path) -> None:
    for number, name in enumerate(["first", "second", "third"]):
        folder = interrupt(name, step=number + 1)
        os.utime(folder / "checkpoint.json", (number, number))
    with resume("t") as third:
        assert third.name == "third"
        with resume("t") as second:
            assert second.name == "second"
        with resume("t", "first") as first:
            assert first.load_checkpoint()[0] == {"step": 1}
        with pytest.raises(DlkitError) as caught, resume("t", "third"):
            pass
        assert caught.value.code == BUSY


def test_resume_without_anything_to_resume_says_so(home: Path) -> None:
    with pytest.raises(DlkitError) as caught, resume("t"):
        pass
    assert caught.value.code == NOT_FOUND
    assert not home.exists()
    interrupt("wikipedia")
    with pytest.raises(DlkitError) as caught, resume("t", "wikipedai"):
        pass
    assert caught.value.code == NOT_FOUND
    assert "wikipedia" in caught.value.hint


def test_a_run_that_finished_but_died_before_it_could_tidy_up_is_not_resumed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt("wiki")
    with resume("t") as run:
        monkeypatch.setattr(runs.Run, "close", lambda self: locks.release(self._lock))
        run.commit({}, {}, kind="k")
    monkeypatch.undo()
    monkeypatch.setenv("DLKIT_HOME", str(home))
    assert run.folder.is_dir()
    assert [info.state for info in store.list_artifacts()] == ["finished"]
    with pytest.raises(DlkitError), resume("t"):
        pass
    assert not run.folder.exists()


def test_a_checkpoint_is_not_lost_to_an_artifact_that_somebody_put_there(home: Path) -> None:
    commit("other")
    interrupt("wiki")
    (home / "t" / "other").rename(home / "t" / "wiki")
    with resume("t") as run:
        assert run.commit({}, {}, kind="k").name == "wiki-2"


def test_remains_of_killed_processes_are_swept_and_live_ones_are_not(home: Path) -> None:
    commit()
    with reserve("t", "alive", default="x") as run:
        for name in (
            ".tmp-dead-12345678",
            ".tmp-alive-12345678",
            ".running/.tmp-x-1",
            ".running/d",
        ):
            (home / "t" / name).mkdir()
            (home / "t" / name / "half").write_bytes(b"x")
        commit()
        left = {str(path.relative_to(home / "t")) for path in (home / "t").rglob(".tmp-*")}
        assert left == {".tmp-alive-12345678"}
        assert not (home / "t" / ".running" / "d").exists()
        assert run.folder.is_dir()
    commit()
    assert not strays(home)


def test_nothing_is_ever_overwritten(home: Path) -> None:
    with reserve("t", "wiki", default="x") as run:
        (home / "t" / "wiki").mkdir()
        (home / "t" / "wiki-2").write_text("a file of somebody's")
        with reserve("t", "wiki-3", default="x"):
            path = run.commit({}, {}, kind="k")
    assert path.name == "wiki-4"
    assert (home / "t" / "wiki-2").read_text() == "a file of somebody's"
    assert not list((home / "t" / "wiki").iterdir())


def test_names_of_files_cannot_leave_the_artifact(home: Path) -> None:
    for name in ("../evil", "/tmp/evil", "a/b", "figures/../../evil", "MANIFEST", "a\\b", "CON"):
        with pytest.raises(DlkitError), reserve("t", default="x") as run:
            run.commit({}, {name: b"x"}, kind="k")
    assert not strays(home)
    assert [info.state for info in store.list_artifacts()] == []


def test_a_document_with_nan_is_refused_and_nothing_is_left(home: Path) -> None:
    with pytest.raises(DlkitError, match=r"artifact\.json"), reserve("t", default="x") as run:
        run.commit({"loss": float("nan")}, {}, kind="k")
    assert not strays(home)


def test_the_document_is_the_same_bytes_for_the_same_values(home: Path) -> None:
    texts = []
    for document in ({"b": 1, "a": "饭"}, {"a": "饭", "b": 1}):
        with reserve("t", default="x") as run:
            path = run.commit(document, {}, kind="k")
        texts.append((path / "artifact.json").read_bytes())
    assert texts[0] == texts[1]
    assert "饭".encode() in texts[0]


def test_an_error_while_a_file_is_made_leaves_nothing(home: Path) -> None:
    def fail(stream: object) -> None:
        raise RuntimeError("no weights")

    with pytest.raises(RuntimeError), reserve("t", default="x") as run:
        run.commit({}, {"a.bin": b"x" * 100, "b.bin": fail}, kind="k")
    assert not strays(home)
    assert store.list_artifacts() == []


def test_nothing_is_writable_by_everybody_under_any_umask(home: Path) -> None:
    for mask in (0, 0o022, 0o077):
        before = os.umask(mask)
        try:
            path = commit(**{"figures/a.svg": b"x"})
        finally:
            os.umask(before)
        open_artifact(path)
    for each in home.rglob("*"):
        assert not each.stat().st_mode & stat.S_IWOTH


@pytest.mark.usefixtures("permissions_count")
def test_a_store_that_cannot_be_written_is_named(home: Path) -> None:
    home.mkdir(mode=0o555)
    with pytest.raises(DlkitError, match="Permission denied") as caught, reserve("t", default="x"):
        pass
    assert caught.value.code == FAILED
    assert str(home) in caught.value.message
    assert "DLKIT_HOME" in caught.value.hint


def test_a_file_in_the_place_of_the_store_is_named(home: Path) -> None:
    home.write_text("")
    with pytest.raises(DlkitError, match=str(home)), reserve("t", default="x"):
        pass


def test_a_checkpoint_is_replaced_and_only_one_is_kept(home: Path) -> None:
    with reserve("t", default="x") as run:
        for step in range(1, 6):
            run.save_checkpoint({"w.bin": bytes(step)}, {"step": step})
            document, folder = run.load_checkpoint()
            assert document == {"step": step}
            assert (folder / "w.bin").stat().st_size == step
            assert len(list(run.folder.glob("checkpoint-*"))) == 1


def test_every_flipped_bit_of_a_checkpoint_is_detected(home: Path) -> None:
    folder = interrupt("x", step=3)
    with resume("t") as run:
        for file in [folder / "checkpoint.json", *sorted(folder.glob("checkpoint-*/*"))]:
            whole = file.read_bytes()
            for bit in range(len(whole) * 8):
                changed = bytearray(whole)
                changed[bit // 8] ^= 1 << bit % 8
                file.write_bytes(changed)
                with pytest.raises(DlkitError) as caught:
                    run.load_checkpoint()
                assert caught.value.code in (DAMAGED, NOT_FOUND)
            file.write_bytes(whole)
        assert run.load_checkpoint()[0] == {"step": 3}


def test_a_damaged_checkpoint_is_replaced_by_the_next(home: Path) -> None:
    with reserve("t", default="x") as run:
        run.save_checkpoint({"w.bin": b"1"}, {"step": 1})
        (run.folder / "checkpoint.json").write_bytes(b"{}")
        run.save_checkpoint({"w.bin": b"2"}, {"step": 2})
        assert run.load_checkpoint()[0] == {"step": 2}
        assert len(list(run.folder.glob("checkpoint-*"))) == 1


def test_a_checkpoint_that_cannot_be_made_takes_no_room(home: Path) -> None:
    def fail(stream: object) -> None:
        raise RuntimeError("no state")

    with reserve("t", default="x") as run:
        run.save_checkpoint({"w.bin": b"1"}, {"step": 1})
        with pytest.raises(RuntimeError):
            run.save_checkpoint({"a.bin": b"2", "w.bin": fail}, {"step": 2})
        assert len(list(run.folder.glob("checkpoint-*"))) == 1
        assert run.load_checkpoint()[0] == {"step": 1}


def test_a_file_is_replaced_whole_or_stays_as_it_was(tmp_path: Path) -> None:
    def fail(stream: BinaryIO) -> None:
        stream.write(b"half")
        raise RuntimeError

    path = tmp_path / "state.json"
    for content in (b"old", b"new"):
        entry = write_file_atomically(path, content)
        assert path.read_bytes() == content
        assert entry[:2] == ("state.json", 3)
    with pytest.raises(RuntimeError):
        write_file_atomically(path, fail)
    assert path.read_bytes() == b"new"
    assert [each.name for each in tmp_path.iterdir()] == ["state.json"]


def test_a_process_that_does_not_go_on_is_not_waited_for_without_end(home: Path) -> None:
    commit()
    again = locks.store_lock(home / "t", patience=0.05)
    with locks.store_lock(home / "t"), pytest.raises(DlkitError) as caught, again:
        pass
    assert caught.value.code == BUSY


def test_a_removed_artifact_is_gone_and_a_live_run_is_not_removed(home: Path) -> None:
    path = commit()
    clearing.remove(path)
    assert store.list_artifacts() == []
    assert not strays(home)
    with reserve("t", "wiki", default="x") as run:
        with pytest.raises(DlkitError) as caught:
            clearing.remove(run.folder)
        assert caught.value.code == BUSY
        assert run.folder.is_dir()
    clearing.remove(interrupt("wiki"))
    assert store.list_artifacts() == []
