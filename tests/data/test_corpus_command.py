"""Bad and odd corpora through the real command: one line of error, nothing left, no traceback."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import threading
import time

import pytest

SMALL = ("--dim", "8", "--epochs", "1", "--threads", "1")
GOOD = "a b c 饭 d\n" * 200


def left(dlkit):
    """What a failed run has left in the artifacts folder, locks aside."""
    return [
        path
        for path in (dlkit.home.rglob("*") if dlkit.home.exists() else [])
        if path.is_file() and path.name not in (".lock", ".gitignore") and path.suffix != ".lock"
    ]


def fails(dlkit, *arguments, code=1, **options):
    done = dlkit("word2vec", "train", *arguments, *SMALL, check=code, **options)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1, done.stderr
    assert done.stdout == ""
    assert left(dlkit) == []
    return errors[0] + "\n" + done.stderr[done.stderr.index(errors[0]) + len(errors[0]) :]


def trains(dlkit, *arguments, **options):
    done = dlkit("word2vec", "train", *arguments, *SMALL, "--sample", "0", "--json", **options)
    reference = json.loads(done.stdout.splitlines()[-1])
    folder = dlkit.home / (reference.get("artifact") or reference.get("reference") or "?")
    if not folder.is_dir():
        (folder,) = [path.parent for path in dlkit.home.glob("word2vec/*/MANIFEST")]
    document = json.loads((folder / "artifact.json").read_text())
    vocabulary = (folder / "vocab.txt").read_text(encoding="utf-8")
    shutil.rmtree(dlkit.home)
    return document, vocabulary, done.stderr


@pytest.mark.parametrize("text", ["", "\n\n\r\n"])
def test_a_corpus_without_words_is_an_error(dlkit, tmp_path, text):
    (tmp_path / "corpus.txt").write_text(text, newline="")
    assert "no words in corpus.txt" in fails(dlkit, "corpus.txt")


def test_one_word_once_and_a_min_count_that_nothing_reaches(dlkit, tmp_path):
    (tmp_path / "corpus.txt").write_text("word\n")
    error = fails(dlkit, "corpus.txt")
    assert "no word occurs 5 times" in error
    assert "hint: --min-count 1" in error


MEASURED = """
import resource, subprocess, sys
code = subprocess.run([sys.executable, "-m", "dlkit", *sys.argv[1:]]).returncode
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


def test_a_word_of_100_mb_is_an_error_in_little_memory_and_time(dlkit, tmp_path):
    for name, size in (("compile.txt", 70_000), ("corpus.txt", 100_000_000)):
        with (tmp_path / name).open("wb") as file:
            for _ in range(size // 10_000):
                file.write(b"a" * 10_000)
        assert f"{name}: line 1 has a word of more than 65,536 b" in fails(dlkit, name)
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, "word2vec", "train", "corpus.txt", *SMALL],
        cwd=tmp_path,
        env=dlkit.environment,
        capture_output=True,
        check=True,
    )
    assert time.monotonic() - started < 10
    code, megabytes = map(int, done.stdout.split())
    assert code == 1
    assert megabytes < 250  # numba and its compiler take most of it


@pytest.mark.parametrize(
    "data", [b"a\x80b", b"a \xc0\xaf", b"a \xed\xa0\x80", "a 饭".encode()[:-1]]
)
def test_invalid_utf8_is_an_error_that_can_be_mended(dlkit, tmp_path, data):
    (tmp_path / "corpus.txt").write_bytes(GOOD.encode() + data)
    error = fails(dlkit, "corpus.txt")
    assert f"corpus.txt: byte {len(GOOD.encode()) + (1 if data[1:2] != b' ' else 2):,} (0x" in error
    assert "--encoding-errors replace" in error
    _, vocabulary, said = trains(
        dlkit, "corpus.txt", "--encoding-errors", "replace", "--min-count", "1"
    )
    assert "\ufffd" in vocabulary
    assert re.search("[123] invalid UTF-8 sequences? replaced", said)


def test_nul_bytes_separate_words_and_are_warned_of(dlkit, tmp_path):
    (tmp_path / "corpus.txt").write_text("a\0b c\n" * 20)
    _, vocabulary, said = trains(dlkit, "corpus.txt")
    assert vocabulary == "a\t20\nb\t20\nc\t20\n"
    assert "20 NUL bytes" in said


def test_line_ends_marks_and_spaces_of_all_kinds(dlkit, tmp_path):
    text = "\ufeffa b\r\nc\u00a0a\rb\u3000c\u0085a \u200eb\u2028c a\u2029b c\n" * 20
    (tmp_path / "corpus.txt").write_bytes(text.encode())
    document, vocabulary, _ = trains(dlkit, "corpus.txt")
    assert vocabulary == "a\t80\nb\t80\nc\t80\n"
    assert document["words"] == 3


def test_words_equal_after_composition_are_one(dlkit, tmp_path):
    (tmp_path / "corpus.txt").write_text("caf\u00e9 cafe\u0301 x\n" * 10, encoding="utf-8")
    assert trains(dlkit, "corpus.txt")[1] == "caf\u00e9\t20\nx\t10\n"


def test_words_that_look_like_markers_are_kept(dlkit, tmp_path):
    (tmp_path / "corpus.txt").write_text("</s> <unk> __metadata__\n" * 10)
    assert trains(dlkit, "corpus.txt")[1] == "</s>\t10\n<unk>\t10\n__metadata__\t10\n"


@pytest.mark.parametrize("letter", ["é", "語", "👩\u200d🚀"])
def test_multibyte_words_of_about_100_bytes_stay_valid(dlkit, tmp_path, letter):
    words = [letter * count for count in (7, 8, 9, 32, 33, 34, 49, 50, 51)]
    (tmp_path / "corpus.txt").write_text((" ".join(words) + "\n") * 5, encoding="utf-8")
    vocabulary = trains(dlkit, "corpus.txt", "--tokens", "whitespace")[1]
    assert {line.split("\t")[0] for line in vocabulary.splitlines()} == set(words)


def test_the_same_corpus_is_the_same_from_file_archive_and_pipe(dlkit, tmp_path):
    data = GOOD.encode()
    half = len(data) // 2
    half = data.index(b"\n", half) + 1
    files = {
        "c.txt": data, "c.txt.gz": gzip.compress(data), "c.bz2": bz2.compress(data),
        "c.xz": lzma.compress(data), "1.txt": data[:half], "2.txt": data[half:],
    }  # fmt: skip
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    found = {
        trains(dlkit, *inputs, stdin=data)[0]["data"]["ids_sha256"]
        for inputs in [["c.txt"], ["c.txt.gz"], ["c.bz2"], ["c.xz"], ["1.txt", "2.txt"], ["-"]]
    }
    assert len(found) == 1


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("/dev/zero", "is a device"),
        ("loop.txt", "cannot read loop.txt"),
        ("dangling.txt", "does not exist"),
        ("missing.txt", "no such file or folder: missing.txt"),
        ("empty", "no text files"),
        ("text.gz", "not gzip data"),
        ("wide.txt", "--encoding utf-16"),
        ("picture.png", "a PNG image"),
        ("cut.gz", "damaged"),
        ("binary.pt", "a ZIP archive"),
        ("columns.csv", "--text-column NAME"),
        ("broken.parquet", "not readable parquet"),
        ("builtin:nothing", "there is builtin:reviews"),
        ("owner/name", "HF_HUB_OFFLINE"),
    ],
)
def test_what_is_no_corpus_is_refused_by_name(dlkit, tmp_path, name, what):
    (tmp_path / "loop.txt").symlink_to("loop.txt")
    (tmp_path / "dangling.txt").symlink_to("nowhere")
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.gz").write_text(GOOD)
    (tmp_path / "wide.txt").write_text(GOOD, encoding="utf-16")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (tmp_path / "cut.gz").write_bytes(gzip.compress(os.urandom(5000).hex().encode())[:3000])
    (tmp_path / "binary.pt").write_bytes(b"PK\x03\x04" + os.urandom(100))
    (tmp_path / "columns.csv").write_text("a,b\nx,y\n")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1" + bytes(50))
    started = time.monotonic()
    error = fails(dlkit, name, env={"HF_HUB_OFFLINE": "1"})
    assert what in error
    assert name.removeprefix("builtin:") in error
    assert time.monotonic() - started < 10


def test_gzip_given_as_text_is_decompressed_and_said(dlkit, tmp_path):
    (tmp_path / "corpus.txt").write_bytes(gzip.compress(GOOD.encode()))
    assert "corpus.txt is gzip data; it is decompressed" in trains(dlkit, "corpus.txt")[2]


def test_a_gzip_bomb_is_given_up(dlkit, tmp_path):
    part = gzip.compress(b" " * 10_000_000)
    (tmp_path / "bomb.gz").write_bytes(part * 1000)  # 10 MB that hold 10 GB
    started = time.monotonic()
    assert "grows more than 200 times when decompressed" in fails(dlkit, "bomb.gz")
    assert time.monotonic() - started < 20


def test_pipes_work_and_one_without_a_writer_ends(dlkit, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    thread = threading.Thread(target=lambda: (tmp_path / "pipe").write_text(GOOD))
    thread.start()
    assert trains(dlkit, "pipe")[0]["words"] == 5
    thread.join()
    assert "nothing writes into the named pipe" in fails(dlkit, "pipe")


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_process_substitution_works(dlkit, tmp_path):
    (tmp_path / "corpus.txt.gz").write_bytes(gzip.compress(GOOD.encode()))
    command = f"{sys.executable} -m dlkit word2vec train <(zcat corpus.txt.gz) {' '.join(SMALL)}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=tmp_path,
        env=dlkit.environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()


def test_a_long_line_is_read_in_bounded_memory(dlkit, tmp_path):
    line = "a b c 饭 d " * 2_000_000  # 26 MB
    done = subprocess.run(
        [sys.executable, "-m", "dlkit", "word2vec", "train", "-", *SMALL, "--dry-run"],
        input=line.encode(), cwd=tmp_path, env=dlkit.environment, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.usefixtures("permissions_count")
def test_an_unreadable_file_is_refused(dlkit, tmp_path):
    (tmp_path / "corpus.txt").write_text(GOOD)
    (tmp_path / "corpus.txt").chmod(0)
    assert "cannot read corpus.txt: Permission denied" in fails(dlkit, "corpus.txt")
