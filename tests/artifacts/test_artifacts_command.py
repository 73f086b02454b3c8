"""`dlkit artifacts` as a user and a script meet it."""

from __future__ import annotations

import json
import os
import pty
from pathlib import Path

import pytest

from dlkit.artifacts import store
from dlkit.artifacts.runs import reserve


def interrupt(name: str) -> Path:
    with reserve("word2vec", name, default="x") as run:
        run.save_checkpoint({"state.bin": b"x"}, {"step": 1})
        return run.folder


def test_an_empty_store_lists_nothing_and_says_where(dlkit) -> None:
    done = dlkit("artifacts", "list")
    assert done.stdout == ""
    assert str(dlkit.home) in done.stderr
    assert not dlkit.home.exists()


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
    assert dlkit("artifacts", "list", "--task", "cnn").stdout == ""
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
