from __future__ import annotations

import os
from pathlib import Path

import pytest

from dlkit.artifacts import store
from dlkit.artifacts.runs import reserve
from dlkit.errors import DAMAGED, NOT_FOUND, USAGE, DlkitError


def commit(task: str, name: str, kind: str, age: int = 0) -> Path:
    """An artifact finished ``age`` seconds before a fixed moment."""
    with reserve(task, name, default=name) as run:
        path = run.commit({}, {}, kind=kind)
    os.utime(path / "MANIFEST", (1_000_000 - age, 1_000_000 - age))
    return path


def missing(reference: str | None, code: int = NOT_FOUND, **options: object) -> DlkitError:
    options.setdefault("kinds", ["word-vectors"])
    with pytest.raises(DlkitError) as caught:
        store.find(reference, **options)
    assert caught.value.code == code
    return caught.value


def test_the_store_is_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DLKIT_HOME", str(tmp_path / "x"))
    assert store.root() == tmp_path / "x"
    monkeypatch.setenv("DLKIT_HOME", "")
    monkeypatch.chdir(tmp_path)
    assert store.root() == tmp_path / "artifacts"


def test_the_newest_of_the_kinds_is_found(home: Path) -> None:
    old = commit("word2vec", "old", "word-vectors", age=20)
    new = commit("word2vec", "new", "word-vectors", age=10)
    cnn = commit("cnn", "net", "classifier")
    assert store.find(None, kinds=["word-vectors"]) == new
    assert store.find(None, kinds=["classifier", "word-vectors"]) == cnn
    assert store.find(None, kinds=["classifier", "word-vectors"], task="word2vec") == new
    os.utime(old / "MANIFEST", (2_000_000, 2_000_000))
    assert store.find(None, kinds=["word-vectors"]) == old


def test_an_unreadable_newest_candidate_is_an_error_not_passed_over(home: Path) -> None:
    commit("word2vec", "old", "word-vectors", age=20)
    new = commit("word2vec", "new", "word-vectors")
    (new / "artifact.json").write_bytes(b"{")
    assert "new" in missing(None, DAMAGED).message
    os.truncate(new / "artifact.json", 10**12)
    missing(None, DAMAGED)
    (new / "artifact.json").unlink()
    os.mkfifo(new / "artifact.json")
    missing(None, DAMAGED)


def test_an_artifact_is_found_by_name_task_and_path(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = commit("word2vec", "语料", "word-vectors")
    for reference in ("语料", "word2vec/语料", str(path), f"{path}/"):
        assert store.find(reference, kinds=["word-vectors"]) == path
    monkeypatch.chdir(home)
    assert store.find("./word2vec/语料", kinds=["word-vectors"]) == path
    elsewhere = home.parent / "models" / "mine"
    elsewhere.parent.mkdir()
    path.rename(elsewhere)
    monkeypatch.chdir(home.parent)
    assert store.find("models/mine", kinds=["word-vectors"]) == elsewhere
    assert store.reference_of(elsewhere) == str(elsewhere)


def test_one_name_in_several_tasks_is_told_apart_by_kind_or_asked_about(home: Path) -> None:
    words = commit("word2vec", "a", "word-vectors")
    commit("cnn", "a", "classifier")
    other = commit("lstm", "a", "classifier")
    assert store.find("a", kinds=["word-vectors"]) == words
    assert "cnn/a, lstm/a" in missing("a", USAGE, kinds=["classifier"]).hint
    assert store.find("lstm/a", kinds=["classifier"]) == other
    assert store.find("a", kinds=["classifier"], task="lstm") == other


def test_another_kind_is_refused_with_both_kinds_named(home: Path) -> None:
    commit("cnn", "net", "classifier")
    error = missing("net", USAGE)
    assert "classifier" in error.message
    assert "word-vectors" in error.message


def test_an_unknown_name_gets_a_suggestion_or_the_command_that_makes_one(home: Path) -> None:
    assert missing(None).hint == "dlkit word2vec train CORPUS"
    assert missing("wiki").hint == "dlkit word2vec train CORPUS"
    commit("word2vec", "wikipedia", "word-vectors")
    assert "word2vec/wikipedia" in missing("wikipedai").hint
    assert "word2vec/wikipedia" in missing("word2vec/wikipedai").hint
    assert "word2vec/wikipedia" in missing("word2vc/wikipedia").hint
    missing("./wikipedia")
    missing("/nowhere/at/all")


@pytest.mark.parametrize(
    "reference", ["", "..x", "a/../b", "CON", "a\0b", "x" * 5000, "-x", "a/b/"]
)
def test_a_hostile_reference_is_refused_cleanly(home: Path, reference: str) -> None:
    commit("word2vec", "wiki", "word-vectors")
    with pytest.raises(DlkitError) as caught:
        store.find(reference, kinds=["word-vectors"])
    assert caught.value.code in (USAGE, NOT_FOUND)
    assert len(caught.value.message) < 6000


def test_an_unfinished_run_is_not_found_but_named(home: Path) -> None:
    with reserve("word2vec", "wiki", default="x") as run:
        assert "not finished" in missing("wiki").message
        run.save_checkpoint({}, {})
    assert "--resume" in missing("word2vec/wiki").hint
    missing(None)


def test_everything_is_listed_newest_first_with_its_state(home: Path) -> None:
    commit("word2vec", "old", "word-vectors", age=10)
    damaged = commit("word2vec", "damaged", "word-vectors", age=5)
    (damaged / "artifact.json").write_bytes(b"{")
    (home / "word2vec" / "not ours").mkdir()
    (home / "reports" / "word2vec" / "old").mkdir(parents=True)
    (home / "notes.txt").write_text("")
    with reserve("word2vec", "waiting", default="x") as run:
        run.save_checkpoint({}, {})
    with reserve("cnn", "live", default="x"):
        listed = store.list_artifacts()
        assert {info.reference: info.state for info in listed} == {
            "cnn/live": "running",
            "word2vec/waiting": "interrupted",
            "word2vec/damaged": "damaged",
            "word2vec/old": "finished",
        }
        times = [info.finished_ns for info in listed]
        assert times == sorted(times, reverse=True)
        assert [info.name for info in store.list_interrupted("word2vec")] == ["waiting"]
    old = store.list_artifacts("word2vec")[-1]
    assert old.kind == "word-vectors"
    assert old.size == sum(each.stat().st_size for each in old.path.iterdir())
