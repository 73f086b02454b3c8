"""`dlkit artifacts` as a user and a script meet it."""

from __future__ import annotations

import json
import os
import pty
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from dlkit.artifacts import showing, store
from dlkit.artifacts.runs import reserve


def interrupt(name: str) -> Path:
    with reserve("word2vec", name, default="x") as run:
        run.save_checkpoint({"state.bin": b"x"}, {"step": 1})
        return run.folder


def test_an_empty_store_lists_nothing_and_says_where(dlkit) -> None:
    done = dlkit("artifacts", "list")
    assert done.stdout == ""
    assert done.stderr == f"no artifacts yet in {dlkit.home}\n"
    assert not dlkit.home.exists()


def test_a_task_without_a_folder_is_not_found(dlkit, word_vectors: Path) -> None:
    done = dlkit("artifacts", "list", "--task", "nonsense", check=3)
    assert "hint: dlkit artifacts list" in done.stderr
    assert "word2vec/tiny" in dlkit("artifacts", "list", "--task", "word2vec").stdout


def test_people_get_sizes_and_times_that_they_can_read(dlkit, word_vectors: Path) -> None:
    interrupt("waiting")
    zone = {"TZ": "Asia/Shanghai"}
    (told,) = (json.loads((word_vectors / "run.json").read_bytes())["finished"],)
    local = datetime.fromisoformat(told).astimezone(timezone(timedelta(hours=8)))
    lines = dlkit("artifacts", "list", "--format", "human", env=zone).stdout.splitlines()
    assert lines[0].split() == ["artifact", "kind", "rows", "x", "dim", "size", "finished"]
    waiting, tiny = (re.split(r"\s{2,}", line.strip()) for line in lines[2:4])
    assert waiting[:2] == ["word2vec/waiting", "interrupted"]
    bytes_ = sum(each.stat().st_size for each in word_vectors.rglob("*") if each.is_file())
    assert tiny == [
        "word2vec/tiny", "word-vectors", "8 words x 4", f"{bytes_ / 1000:.1f} kB",
        f"{local:%F %H:%M}",
    ]  # fmt: skip


def test_an_index_is_listed_with_its_points(dlkit, word_vectors: Path) -> None:
    for name, points in (("digits", 1797), ("lone", 1)):
        with reserve("knn", name, default="x") as run:
            run.commit({"kind": "index", "points": points, "dim": 64}, {"x.txt": b"x"})
    text = dlkit("artifacts", "list", "--format", "human").stdout
    assert "1,797 points x 64" in text
    assert "1 point x 64" in text
    assert "8 words x 4" in text


@pytest.mark.parametrize("columns", ["80", "40", "20"])
def test_no_fact_is_split_on_a_narrow_screen(dlkit, save, columns: str) -> None:
    path = save("语料-" + "long-name-" * 4 + "end")
    env = {"COLUMNS": columns}
    text = dlkit("artifacts", "list", "--format", "human", env=env).stdout
    assert "word-vectors" in text
    assert "8 words x 4" in text
    assert re.search(r"\d kB", text)
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d", text)
    assert (path.name in text) == (columns != "80")  # folded inside its column


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (4_812_345, "4.8 MB"),
        (999_949, "999.9 kB"), (999_951, "1.0 MB"), (5 * 10**9, "5.0 GB"), (10**20, "100000.0 PB"),
    ],
)  # fmt: skip
def test_sizes_are_in_decimal_units(number: int, text: str) -> None:
    assert showing.size(number) == text


def test_an_artifact_without_a_manifest_is_named_in_the_warning(dlkit, word_vectors: Path) -> None:
    (word_vectors / "MANIFEST").unlink()
    done = dlkit("artifacts", "list")
    assert done.stderr == f"warning: {word_vectors}: it has no MANIFEST\n"


def test_a_store_open_to_everybody_is_told_of_once_and_verified_as_damaged(dlkit, save) -> None:
    save()
    save()
    dlkit.home.chmod(0o777)
    done = dlkit("artifacts", "list")
    assert [line.split("\t")[2] for line in done.stdout.splitlines()] == ["damaged"] * 2
    assert done.stderr.count("everybody may write it") == 1
    done = dlkit("artifacts", "verify", "--all", check=4)
    assert done.stdout.count("\tdamaged\t") == 2
    assert f"chmod o-w {dlkit.home}" in dlkit("artifacts", "show", "tiny", check=4).stderr


def test_the_list_is_one_line_for_each(dlkit, word_vectors: Path) -> None:
    interrupt("waiting")
    lines = [line.split("\t") for line in dlkit("artifacts", "list").stdout.splitlines()]
    assert [line[:3] for line in lines] == [
        ["word2vec/waiting", "", "interrupted"],
        ["word2vec/tiny", "word-vectors", "finished"],
    ]
    first = json.loads(dlkit("artifacts", "list", "--json").stdout.splitlines()[1])
    assert first["path"] == str(word_vectors)
    assert first["bytes"] == int(lines[1][3])
    time = datetime.fromisoformat(first["time"])
    assert time.tzinfo is not None
    assert lines[1][4] == first["time"]
    assert abs(time - datetime.now(UTC)) < timedelta(minutes=5)
    header = dlkit("artifacts", "list", "--header").stdout.splitlines()[0]
    assert header.split("\t") == ["artifact", "kind", "state", "bytes", "time"]
    dlkit("artifacts", "list", "--task", "../x", check=2)


def test_a_damaged_artifact_is_listed_as_damaged(dlkit, word_vectors: Path) -> None:
    (word_vectors / "artifact.json").write_bytes(b"\0")
    done = dlkit("artifacts", "list")
    assert done.stdout.split("\t")[2] == "damaged"
    assert "artifact.json" in done.stderr


def test_show_gives_the_document_and_the_files(dlkit, word_vectors: Path) -> None:
    done = dlkit("artifacts", "show", "--json")
    shown = json.loads(done.stdout)
    assert shown["document"] == json.loads((word_vectors / "artifact.json").read_bytes())
    sizes = {file["name"]: file["bytes"] for file in shown["files"]}
    assert sizes["vocab.txt"] == (word_vectors / "vocab.txt").stat().st_size
    assert "figures/loss.svg" in sizes
    assert "word2vec/tiny" in done.stderr
    rows = dict(line.split("\t") for line in dlkit("artifacts", "show", "tiny").stdout.splitlines())
    assert rows["kind"] == "word-vectors"
    assert rows["scores.loss"] == "1.5"
    assert rows["bit_reproducible"] == "true"
    assert rows["file vocab.txt"] == str(sizes["vocab.txt"])


def test_equal_trainings_have_one_digest(dlkit, save) -> None:
    save()
    save()
    save(dim=8)
    first, second, other = (
        dlkit("artifacts", "show", name, "--digest").stdout for name in ("tiny", "tiny-2", "tiny-3")
    )
    assert first == second != other
    assert len(first.strip()) == 64


def test_the_same_command_twice_has_one_digest(dlkit) -> None:
    (dlkit.folder / "corpus.txt").write_text("a b c d e f 饭 菜\n" * 50, encoding="utf-8")
    for _ in range(2):
        dlkit(
            "word2vec", "train", "corpus.txt", "--name", "x", "--threads", "1", "--epochs", "1",
            "--dim", "4", "--min-count", "1", "--quiet",
        )  # fmt: skip
    first, second = (dlkit("artifacts", "show", name, "--digest").stdout for name in ("x", "x-2"))
    assert first == second


def test_a_mistyped_name_leads_to_the_list(dlkit, word_vectors: Path) -> None:
    for command in (["show"], ["verify"], ["remove", "--yes"], ["show", "--digest"]):
        done = dlkit("artifacts", *command, "中文名", check=3)
        assert "hint: dlkit artifacts list" in done.stderr
    dlkit("artifacts", "show", "word2vec/tiny/")
    dlkit("artifacts", "remove", "word2vec/tiny/", "--yes")
    done = dlkit("artifacts", "show", "中文名", check=3)
    assert "or dlkit word2vec train CORPUS" in done.stderr


def test_verify_tells_of_each_and_exits_4_if_any_is_damaged(dlkit, save) -> None:
    good, bad = save(), save()
    assert dlkit("artifacts", "verify", "tiny", "tiny-2").stdout == (
        "word2vec/tiny\tok\t\nword2vec/tiny-2\tok\t\n"
    )
    file = bad / "vectors.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\1")
    done = dlkit("artifacts", "verify", "--all", check=4)
    lines = dict(line.split("\t")[:2] for line in done.stdout.splitlines())
    assert lines == {"word2vec/tiny": "ok", "word2vec/tiny-2": "damaged"}
    assert str(file) in done.stdout
    dlkit("artifacts", "verify", str(good))
    value = json.loads(dlkit("artifacts", "verify", "tiny-2", "--json", check=4).stdout)
    assert value["state"] == "damaged"
    assert "SHA-256" in value["problem"]


def test_verify_looks_at_all_that_exist_and_tells_of_those_that_do_not(dlkit, save) -> None:
    good, bad = save(), save()
    done = dlkit("artifacts", "verify", "tiny", "lost", "tiny-2", check=3)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [line[:2] for line in lines] == [
        ["word2vec/tiny", "ok"], ["lost", "missing"], ["word2vec/tiny-2", "ok"],
    ]  # fmt: skip
    assert "no artifact 'lost'" in done.stderr
    assert "hint: dlkit artifacts list" in done.stderr
    done = dlkit("artifacts", "verify", "lost", "gone", check=3)
    assert "2 of 2 artifacts are not there" in done.stderr
    (bad / "vocab.txt").write_bytes(b"")
    done = dlkit("artifacts", "verify", "lost", "tiny-2", "tiny", "--json", check=4)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["state"] for each in found] == ["missing", "damaged", "ok"]
    assert [each["path"] for each in found] == [None, str(bad), str(good)]
    done = dlkit("artifacts", "verify", "tiny", "CON", check=2)  # nothing before it is known
    assert done.stdout == ""


def test_verify_wants_names_or_all(dlkit, word_vectors: Path) -> None:
    assert "--all" in dlkit("artifacts", "verify", check=2).stderr
    dlkit("artifacts", "verify", "tiny", "--all", check=2)
    assert "word2vec/tiny" in dlkit("artifacts", "verify", "tinny", check=3).stderr
    assert dlkit("artifacts", "verify", "--all").stdout == "word2vec/tiny\tok\t\n"


def test_removing_wants_to_be_sure(dlkit, word_vectors: Path) -> None:
    done = dlkit("artifacts", "remove", "tiny", check=2)
    assert "hint: dlkit artifacts remove tiny --yes" in done.stderr
    assert word_vectors.is_dir()
    assert dlkit("artifacts", "remove", "tiny", "--yes").stdout == "word2vec/tiny\tremoved\n"
    assert not word_vectors.exists()
    assert not list(dlkit.home.rglob(".tmp-*"))


def index_of(dlkit, reference: str, name: str, digest: str | None = None) -> None:
    """An artifact that records another one as what encodes its inputs."""
    digest = digest or dlkit("artifacts", "show", reference, "--digest").stdout.split()[0]
    document = {"features": {"artifact": reference, "digest": digest}}
    with reserve("knn", name, default="index") as run:
        run.commit(document, {}, kind="index", record={"seconds": 0.1})


def test_who_needs_what_is_removed_is_told(dlkit, save) -> None:
    save("words")
    save("other")
    index_of(dlkit, "word2vec/words", "wm")
    index_of(dlkit, "word2vec/words", "older", "0" * 64)
    told = "warning: knn/wm: made with word2vec/words, and of no use without"
    assert told in dlkit("artifacts", "remove", "words", check=2).stderr
    assert "made with" not in dlkit("artifacts", "remove", "other", "--yes").stderr
    assert "made with" not in dlkit("artifacts", "remove", "words", "wm", check=2).stderr
    assert told in dlkit("artifacts", "remove", "words", "--yes").stderr


def test_what_was_removed_is_told_in_every_form(dlkit, save) -> None:
    paths = [save() for _ in range(3)]
    done = dlkit("artifacts", "remove", paths[0].name, "--yes", "--json")
    assert json.loads(done.stdout) == {
        "artifact": f"word2vec/{paths[0].name}",
        "state": "removed",
        "path": str(paths[0]),
    }
    done = dlkit("artifacts", "remove", paths[1].name, "--yes", "--header")
    assert done.stdout == f"artifact\tstate\nword2vec/{paths[1].name}\tremoved\n"
    done = dlkit("artifacts", "remove", paths[2].name, "--yes", "--format", "human")
    assert done.stdout.splitlines()[0].split() == ["artifact", "state"]


@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"n\n", 1), (b"\n", 1)])
def test_a_person_is_asked(dlkit, word_vectors: Path, answer: bytes, code: int) -> None:
    ours, theirs = pty.openpty()
    try:
        process = dlkit.start("artifacts", "remove", "tiny", stdin=theirs)
        os.write(ours, answer)
        process.communicate(timeout=60)
    finally:
        os.close(ours)
        os.close(theirs)
    assert process.returncode == code
    assert word_vectors.exists() == (code != 0)


def test_an_interrupted_run_is_removed_and_a_live_one_is_not(dlkit, home: Path) -> None:
    folder = interrupt("waiting")
    dlkit("artifacts", "remove", "waiting", "--yes")
    assert not folder.exists()
    with reserve("word2vec", "live", default="x") as run:
        done = dlkit("artifacts", "remove", "word2vec/live", "--yes", check=75)
        assert str(os.getpid()) in done.stderr
        assert run.folder.is_dir()


def test_of_several_none_is_removed_if_one_cannot_be(dlkit, save) -> None:
    paths = [save(), save()]
    with reserve("word2vec", "live", default="x"):
        dlkit("artifacts", "remove", "tiny", "live", "--yes", check=75)
    dlkit("artifacts", "remove", "tiny", "tiny-9", "--yes", check=3)
    assert all(path.is_dir() for path in paths)
    dlkit("artifacts", "remove", "tiny", "word2vec/tiny", "tiny-2", "--yes")
    assert store.list_artifacts() == []


def test_a_damaged_artifact_can_be_removed_and_nothing_outside_the_store(
    dlkit, word_vectors: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "MANIFEST").write_text("")
    for reference in (str(elsewhere), "../elsewhere", "/", ".", "word2vec"):
        dlkit("artifacts", "remove", reference, "--yes", check=3)
    assert elsewhere.is_dir()
    (word_vectors / "artifact.json").unlink()
    (word_vectors / "secret").symlink_to(elsewhere)
    dlkit("artifacts", "remove", str(word_vectors), "--yes")
    assert not word_vectors.exists()
    assert (elsewhere / "MANIFEST").exists()
