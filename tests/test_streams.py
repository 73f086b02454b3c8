"""Pipes, closed streams, narrow or colourless terminals, odd locales: right output and codes."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import time

import pytest

CORPUS = "早餐 米饭 好吃 早餐 面条 好吃\n酒店 房间 干净 酒店 大床 房间\n" * 60


@pytest.fixture
def trained(dlkit, tmp_path):
    """The command, with an artifact of twelve words or so to ask."""
    (tmp_path / "corpus.txt").write_text(CORPUS, encoding="utf-8")
    dlkit("word2vec", "train", "corpus.txt", "--dim", "8", "--threads", "1", "--quiet")
    return dlkit


def test_training_writes_one_result_to_stdout_and_all_else_to_stderr(dlkit, tmp_path):
    (tmp_path / "corpus.txt").write_text(CORPUS, encoding="utf-8")
    done = dlkit("word2vec", "train", "corpus.txt", "--dim", "8", "--threads", "1", "--json")
    result = json.loads(done.stdout)
    assert result["artifact"] == "word2vec/corpus"
    assert done.stderr.rstrip().splitlines()[-1].startswith("next: dlkit similar ")
    assert "\r" not in done.stderr
    assert "\x1b" not in done.stdout + done.stderr


def test_the_command_that_training_proposes_works(dlkit, tmp_path):
    (tmp_path / "corpus.txt").write_text(CORPUS, encoding="utf-8")
    done = dlkit("word2vec", "train", "corpus.txt", "--dim", "8", "--threads", "1")
    proposed = done.stderr.rstrip().splitlines()[-1].removeprefix("next: dlkit ")
    assert dlkit(*shlex.split(proposed)).stdout.count("\n") >= 3


def test_a_corpus_may_come_through_a_pipe(dlkit):
    done = dlkit("word2vec", "train", "-", "--dim", "4", "--threads", "1", "--json", stdin=CORPUS)
    assert json.loads(done.stdout)["artifact"] == "word2vec/stdin"


def test_a_reader_that_leaves_early_ends_the_command_quietly(trained):
    process = trained.start("similar", "-", "--quiet", stdin=subprocess.PIPE)
    process.stdout.close()
    try:
        process.stdin.write("早餐\n".encode() * 5000)
        process.stdin.close()
    except BrokenPipeError:
        pass
    assert process.wait(timeout=60) == 128 + signal.SIGPIPE
    assert process.stderr.read() == b""
    process.stderr.close()


def test_head_takes_its_line_and_nobody_complains(trained):
    command = f"{sys.executable} -m dlkit similar 早餐 -k 5 --quiet | head -1"
    done = subprocess.run(
        ["bash", "-c", command], cwd=trained.folder, env=trained.environment, capture_output=True
    )
    assert done.stdout.decode().split("\t")[0] == "早餐"
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("redirect", "code"), [("<&-", 2), (">&-", 1), ("2>&-", 0), (">/dev/full", 1)]
)
def test_a_closed_or_full_stream_is_told_and_never_a_traceback(trained, redirect: str, code: int):
    words = "-" if redirect == "<&-" else "早餐"
    command = f"{sys.executable} -m dlkit similar {words} {redirect}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=trained.folder, env=trained.environment, capture_output=True
    )
    assert done.returncode == code, done.stderr
    assert b"Traceback" not in done.stderr
    if code:
        assert b"error: " in done.stderr


def test_training_with_all_streams_closed_writes_into_no_file_of_its_own(dlkit, tmp_path):
    (tmp_path / "corpus.txt").write_text(CORPUS, encoding="utf-8")
    command = f"{sys.executable} -m dlkit word2vec train corpus.txt --dim 4 --threads 1"
    subprocess.run(
        ["bash", "-c", f"{command} <&- >&- 2>&-"], cwd=dlkit.folder, env=dlkit.environment
    )
    assert dlkit("artifacts", "verify", "--all").returncode == 0


@pytest.mark.parametrize(
    "env", [{"LC_ALL": "C"}, {"LC_ALL": "POSIX"}, {"PYTHONIOENCODING": "latin-1"}, {"LANG": ""}]
)
def test_no_locale_changes_the_answers(trained, env):
    expected = trained("similar", "早餐").stdout
    assert trained("similar", "早餐", env=env).stdout == expected
    assert trained("similar", "-", stdin="早餐\n", env=env).stdout == expected
    unknown = trained("similar", "火星", env=env, check=3)
    assert "火星" in unknown.stderr


def on_a_terminal(dlkit, *arguments: str, env: dict[str, str] | None = None) -> str:
    """What the command shows on a pseudo-terminal."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "dlkit", *arguments],
        cwd=dlkit.folder,
        env=dlkit.environment | (env or {}),
        stdout=follower,
        stderr=follower,
        stdin=subprocess.DEVNULL,
    )
    os.close(follower)
    shown = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if not select.select([leader], [], [], 0.5)[0]:
            continue
        try:
            got = os.read(leader, 65536)
        except OSError:
            break
        if not got:
            break
        shown += got
    os.close(leader)
    assert process.wait(timeout=30) == 0, shown
    return shown.decode()


@pytest.mark.parametrize("width", [1, 40, 80, 140])
def test_a_table_fits_the_width_of_the_terminal(trained, width: int):
    from rich.cells import cell_len

    shown = on_a_terminal(trained, "similar", "早餐", env={"COLUMNS": str(width), "NO_COLOR": "1"})
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in shown.splitlines()]
    table = [line for line in lines if "─" in line or re.search(r"\d\.\d{4}", line)]
    if width >= 40:
        assert table
        assert max(map(cell_len, table)) <= width


def test_without_colour_nothing_is_coloured(trained):
    assert not re.search(
        r"\x1b\[[0-9;]*3[0-7]", on_a_terminal(trained, "similar", "早餐", env={"NO_COLOR": "1"})
    )


def test_training_on_a_terminal_shows_a_bar_and_leaves_a_clean_screen(dlkit, tmp_path):
    (tmp_path / "corpus.txt").write_text(CORPUS, encoding="utf-8")
    shown = on_a_terminal(
        dlkit, "word2vec", "train", "corpus.txt", "--dim", "8", "--threads", "1", "--epochs", "2"
    )
    assert "epoch 2/2" in shown
    assert "next: dlkit similar" in shown
