from __future__ import annotations

import json
import os
import shlex
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dlkit.artifacts import finding, store
from dlkit.artifacts.load import open_artifact
from dlkit.artifacts.runs import reserve, resume
from dlkit.errors import DAMAGED, NOT_FOUND, USAGE, DlkitError


def commit(task: str, name: str, kind: str, age: int = 0) -> Path:
    """An artifact finished ``age`` seconds before a fixed moment."""
    finished = datetime.fromtimestamp(1_000_000 - age, UTC).isoformat()
    with reserve(task, name, default=name) as run:
        return run.commit({}, {}, kind=kind, record={"finished": finished})


def missing(reference: str | None, code: int = NOT_FOUND, **options: object) -> DlkitError:
    options.setdefault("kinds", ["word-vectors"])
    with pytest.raises(DlkitError) as caught:
        finding.find(reference, **options)
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
    assert finding.find(None, kinds=["word-vectors"]) == new
    assert finding.find(None, kinds=["classifier", "word-vectors"]) == cnn
    assert finding.find(None, kinds=["classifier", "word-vectors"], task="word2vec") == new
    os.utime(old / "MANIFEST", (2_000_000, 2_000_000))
    assert finding.find(None, kinds=["word-vectors"]) == new


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
        assert finding.find(reference, kinds=["word-vectors"]) == path
    monkeypatch.chdir(home)
    assert finding.find("./word2vec/语料", kinds=["word-vectors"]) == path
    elsewhere = home.parent / "models" / "mine"
    elsewhere.parent.mkdir()
    path.rename(elsewhere)
    monkeypatch.chdir(home.parent)
    assert finding.find("models/mine", kinds=["word-vectors"]) == elsewhere
    assert store.reference_of(elsewhere) == str(elsewhere)


def test_one_name_in_several_tasks_is_told_apart_by_kind_or_asked_about(home: Path) -> None:
    words = commit("word2vec", "a", "word-vectors")
    commit("cnn", "a", "classifier")
    other = commit("lstm", "a", "classifier")
    assert finding.find("a", kinds=["word-vectors"]) == words
    assert "cnn/a, lstm/a" in missing("a", USAGE, kinds=["classifier"]).hint
    assert finding.find("lstm/a", kinds=["classifier"]) == other
    assert finding.find("a", kinds=["classifier"], task="lstm") == other


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
        finding.find(reference, kinds=["word-vectors"])
    assert caught.value.code in (USAGE, NOT_FOUND)
    assert len(caught.value.message) < 6000


def test_a_file_or_a_pipe_is_no_artifact_and_the_way_to_make_one_is_told(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    commit("word2vec", "wiki", "word-vectors")
    Path("向量.vec").write_text("1 2\n饭 1 2\n", encoding="utf-8")
    os.mkfifo("pipe")
    for reference, what, file in (
        ("-", "standard input", "-"), ("./pipe", "a pipe or device", "-"),
        (f"{tmp_path}/pipe", "a pipe or device", "-"), ("/dev/null", "a pipe or device", "-"),
        ("./向量.vec", "a file", "./向量.vec"),
    ):  # fmt: skip
        error = missing(reference, USAGE)
        assert error.message == f"{reference} is {what}, not the folder of an artifact"
        assert shlex.split(error.hint)[-4:] == ["import", file, "--name", "NAME"]
        assert missing(reference, USAGE, kinds=["index"]).hint == "dlkit artifacts list"
    assert "dlkit word2vec import" in missing("向量.vec").hint


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


def test_a_copy_is_as_old_as_what_was_copied(home: Path) -> None:
    old = commit("word2vec", "old", "word-vectors", age=20)
    new = commit("word2vec", "new", "word-vectors", age=10)
    copy = Path(shutil.copytree(old, old.with_name("copy"), copy_function=shutil.copy))
    assert (copy / "MANIFEST").stat().st_mtime_ns > (new / "MANIFEST").stat().st_mtime_ns
    assert finding.find(None, kinds=["word-vectors"]) == new
    assert [info.name for info in store.list_artifacts()] == ["new", "copy", "old"]


@pytest.mark.parametrize(
    "record",
    [
        b"{",
        b"[]",
        b'{"finished": 7}',
        b'{"finished": "today"}',
        b'{"finished": "2026-11-23T03:48:00"}',  # in no time zone
        b" " * (1 << 20) + b'{"finished": "2026-11-23T03:48:00+00:00"}',
        None,
    ],
)
def test_where_run_json_says_no_time_the_manifests_counts(home: Path, record: bytes | None) -> None:
    path = commit("t", "x", "k")
    (path / "run.json").unlink()
    if record is not None:
        (path / "run.json").write_bytes(record)
    os.utime(path / "MANIFEST", (5_000, 5_000))
    (info,) = store.list_artifacts()
    assert info.finished_ns == 5_000 * 10**9


def test_times_that_no_clock_shows_are_bounded(home: Path) -> None:
    path = commit("t", "x", "k")
    for said in ("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"):
        (path / "run.json").write_text(json.dumps({"finished": said}))
        (info,) = store.list_artifacts()
        assert 0 <= info.finished_ns < 253_402_300_799 * 10**9


def test_a_trailing_slash_changes_nothing(home: Path) -> None:
    path = commit("word2vec", "wiki", "word-vectors")
    for reference in ("word2vec/wiki/", "wiki/", f"{path}/"):
        assert finding.find(reference, kinds=["word-vectors"]) == path
        assert finding.entry(reference).path == path


def test_with_artifacts_in_the_store_an_unknown_name_leads_to_the_list(home: Path) -> None:
    assert missing("./nowhere").hint == "dlkit word2vec train CORPUS"
    commit("word2vec", "wiki", "word-vectors")
    for reference in ("中文名", "word2vec/中文名", "./nowhere"):
        assert missing(reference).hint == "dlkit artifacts list"
        with pytest.raises(DlkitError) as caught:
            finding.entry(reference)
        assert (caught.value.code, caught.value.hint) == (NOT_FOUND, "dlkit artifacts list")


def test_completions_are_names_and_references(home: Path) -> None:
    commit("word2vec", "wiki", "word-vectors")
    commit("cnn", "wiki", "classifier")
    with reserve("word2vec", "waiting", default="x") as run:
        run.save_checkpoint({}, {})
    assert sorted(store.completions("")) == [
        "cnn/wiki", "waiting", "wiki", "word2vec/waiting", "word2vec/wiki",
    ]  # fmt: skip
    assert sorted(store.completions("w", kinds={"word-vectors"})) == ["wiki", "word2vec/wiki"]
    assert store.completions("cnn/w", kinds={"word-vectors"}) == []


def test_reports_are_no_task(home: Path) -> None:
    path = commit("t", "x", "k")
    shutil.copytree(path, home / "reports" / "x")
    assert missing("reports/x", kinds=()).code == NOT_FOUND
    assert not store.has_task("reports")
    assert store.has_task("t")


@pytest.mark.parametrize("which", [".", "t"])
def test_where_everybody_may_write_the_store_nothing_is_believed(home: Path, which: str) -> None:
    path = commit("t", "x", "k")
    (home / which).chmod(0o777)
    hint = f"chmod o-w {home / which}"
    for reference in (None, "x", str(path)):
        assert hint in missing(reference, DAMAGED, kinds=["k"]).hint
    with pytest.raises(DlkitError) as caught:
        open_artifact(path)
    assert caught.value.code == DAMAGED
    for held in (reserve("t", default="y"), resume("t")):
        with pytest.raises(DlkitError) as caught, held:
            pass
        assert caught.value.code == DAMAGED
        assert hint in caught.value.hint
    assert [(info.state, info.name) for info in store.list_artifacts()] == [("damaged", "x")]
    (home / which).chmod(0o1777)
    open_artifact(path)
    with reserve("t", default="y"):
        assert finding.find(None, kinds=["k"]) == path


def test_a_store_reached_by_another_way_is_refused_too(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = commit("t", "x", "k")
    home.chmod(0o777)
    link = home.with_name("link")
    link.symlink_to(home)
    with pytest.raises(DlkitError, match="everybody"):
        open_artifact(link / "t" / "x")
    monkeypatch.chdir(home)
    with pytest.raises(DlkitError, match="everybody"):
        open_artifact(Path("t/x"))
    monkeypatch.setenv("DLKIT_HOME", str(home / "elsewhere"))
    open_artifact(path)  # by its path, outside of the store: whoever names it answers for it
