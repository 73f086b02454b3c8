"""Odd, hostile and changing corpora through the real command: trained rightly or refused."""

from __future__ import annotations

import json
import random
import signal
import time
import unicodedata

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

WORDS = [f"word{number:05}" for number in range(5000)]


def pages(count: int, end: str) -> str:
    """``count`` megabytes of text, in lines or in one."""
    rng = random.Random(1)
    return ((" ".join(rng.choice(WORDS) for _ in range(100_000))) + end) * count


@pytest.mark.parametrize("text", ["", "\n", "\n" * 100_000, "\r\n \t\u3000\n", "\ufeff", "\0\0\n"])
def test_a_corpus_without_a_word_is_refused_by_name(failing, tmp_path, text):
    (tmp_path / "corpus.txt").write_text(text, encoding="utf-8", newline="")
    assert "no words in corpus.txt" in failing("word2vec", "train", "corpus.txt")


@pytest.mark.parametrize("words", [["aa"], ["aa", "bb"]])
def test_a_vocabulary_of_one_or_two_words_trains_with_more_noise_words_than_words(
    trains, dlkit, tmp_path, words
):
    (tmp_path / "corpus.txt").write_text((" ".join(words * 3) + "\n") * 20)
    for model in ("skipgram", "cbow"):
        found = trains("corpus.txt", "--negative", "5", "--model", model, "--name", model)
        assert sorted(found) == words
        assert dlkit("artifacts", "verify", model).stdout.split("\t")[1] == "ok"
        answers = dlkit("similar", "aa", "--from", model).stdout
        assert [line.split("\t")[:2] for line in answers.splitlines()] == [
            ["aa", word] for word in words[1:]
        ]


def test_subsampling_that_drops_every_word_is_refused_with_the_option_to_raise(failing, tmp_path):
    (tmp_path / "corpus.txt").write_text("a b c d\n" * 500)
    told = failing("word2vec", "train", "corpus.txt", "--sample", "1e-12", "--threads", "1")
    assert "nothing to learn: after subsampling" in told
    assert "raise --sample" in told


def test_words_of_about_100_bytes_and_their_prefixes_are_found_again_whole(trains, dlkit, tmp_path):
    sizes = (99, 100, 101)
    words = ["x" * (size - 2) + "é" for size in sizes]
    words += ["x" * (size - 3) + "語" for size in sizes]
    words += ["x" * (size - 11) + "👩\u200d🚀" for size in sizes]
    words += ["语" * 33, "语" * 34, "é" * 50, "é" * 51]
    assert {len(word.encode()) for word in words} == {99, 100, 101, 102}
    (tmp_path / "corpus.txt").write_text((" ".join(words) + "\n") * 5, encoding="utf-8")
    assert sorted(trains("corpus.txt", "--tokens", "whitespace")) == sorted(words)
    answers = dlkit("similar", "-k", "1", *words).stdout
    assert [line.split("\t")[0] for line in answers.splitlines()] == words


def test_words_that_other_tools_give_a_meaning_are_words_like_any(trains, dlkit, tmp_path):
    words = ["</s>", "<unk>", "__metadata__", "[/s]", "[bold]", "<s>", "vectors", "../x", "%s"]
    (tmp_path / "corpus.txt").write_text((" ".join(words) + " and others\n") * 20)
    assert set(trains("corpus.txt")) == {*words, "and", "others"}
    for form in ("tsv", "human"):
        shown = dlkit("similar", "-k", "1", "--format", form, *words).stdout
        assert all(word in shown for word in words)
    assert {line.split("\t")[1] for line in dlkit("similar", "and").stdout.splitlines()} == {
        *words,
        "others",
    }


def test_composed_and_decomposed_spellings_are_one_word_in_corpus_and_question(
    trains, dlkit, tmp_path
):
    composed = "café Ångström 각 x"
    decomposed = unicodedata.normalize("NFD", composed)
    assert composed != decomposed
    (tmp_path / "corpus.txt").write_text(f"{composed} {decomposed}\n" * 10, encoding="utf-8")
    assert sorted(trains("corpus.txt", "--tokens", "whitespace")) == sorted(composed.split())
    for one, other in zip(composed.split(), decomposed.split(), strict=True):
        first, second = (dlkit("similar", word).stdout.splitlines() for word in (one, other))
        assert [line.split("\t")[1:] for line in first] == [line.split("\t")[1:] for line in second]
        assert len(first) == 3


def test_a_line_of_60_mb_takes_no_more_memory_than_short_lines(measured, tmp_path):
    taken = {}
    texts = {"short": (1, " "), "long": (60, " "), "lines": (60, "\n")}
    for name, (count, end) in texts.items():
        (tmp_path / f"{name}.txt").write_text(pages(count, end))
        done = measured("word2vec", "train", f"{name}.txt", "--min-count", "100000000")
        assert done["code"] == 1
        assert "no word occurs 100,000,000 times" in done["stderr"]
        taken[name] = done["megabytes"]
        (tmp_path / f"{name}.txt").unlink()
    assert taken["long"] < taken["short"] + 20
    assert taken["long"] < taken["lines"] + 20


def reading(dlkit, *arguments: str):
    """A training that has read part of its corpus and is frozen."""
    process = dlkit.start("word2vec", "train", *arguments, "--threads", "1", "--progress", "json")
    for line in process.stderr:
        event = json.loads(line)
        if event["event"] == "step" and event["phase"] == "reading":
            process.send_signal(signal.SIGSTOP)
            assert event["done"] < event["total"] / 2
            break
    return process


def go_on(process) -> tuple[int, str]:
    process.send_signal(signal.SIGCONT)
    told = process.communicate(timeout=60)[1]
    assert b"Traceback" not in told
    return process.returncode, told.decode()


@pytest.mark.parametrize("change", ["cut", "emptied", "grows", "removed", "replaced by a folder"])
def test_a_corpus_that_changes_while_it_is_read_is_told_and_does_not_crash(dlkit, tmp_path, change):
    path = tmp_path / "corpus.txt"
    path.write_text(pages(90, "\n"))
    size = path.stat().st_size
    process = reading(dlkit, "corpus.txt", "--dim", "4", "--epochs", "1", "--sample", "1e-6")
    if change in ("cut", "emptied"):
        with path.open("r+b") as file:
            file.truncate(size // 2 + 3 if change == "cut" else 0)
    elif change == "grows":
        with path.open("ab") as file:
            file.write(b"more words\n" * 100)
    else:
        path.unlink()
        if change != "removed":
            path.mkdir()
    code, told = go_on(process)
    assert code == 0, told
    if change in ("cut", "emptied", "grows"):
        assert "corpus.txt was written to while it was read" in told
    assert dlkit("artifacts", "verify", "corpus").stdout.split("\t")[1] == "ok"


def test_a_corpus_that_changes_after_it_was_read_changes_nothing(trains, dlkit, tmp_path):
    path = tmp_path / "corpus.txt"
    text = "".join(f"w{number % 97} w{number % 89} w{number % 83}\n" for number in range(3000))
    path.write_text(text)
    options = ("corpus.txt", "--dim", "64", "--epochs", "400", "--threads", "1", "--seed", "3")
    process = dlkit.start("word2vec", "train", *options, "-n", "changed", "--progress", "json")
    for line in process.stderr:
        if json.loads(line)["event"] == "epoch":
            break
    path.write_bytes(b"\xff")
    code, told = go_on(process)
    assert code == 0, told
    path.write_text(text)
    dlkit("word2vec", "train", *options, "-n", "quiet")
    for file in ("vectors.safetensors", "vocab.txt", "outputs.safetensors"):
        changed, quiet = (
            (dlkit.home / "word2vec" / name / file).read_bytes() for name in ("changed", "quiet")
        )
        assert changed == quiet


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz", "zst"])
def test_text_with_the_name_of_an_archive_is_refused_with_what_to_do(failing, tmp_path, suffix):
    (tmp_path / f"corpus.txt.{suffix}").write_text("a b c\n" * 100)
    told = failing("word2vec", "train", f"corpus.txt.{suffix}")
    assert "although its name says so" in told
    assert f"mv corpus.txt.{suffix} corpus.txt" in told


@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.binary(min_size=1, max_size=400))
@example(data=bytes(range(256)) * 20)
@example(data=b"\xe9\xa5\xad \xe9\xa5 \xed\xa0\x80 \xf4\x90\x80\x80\r\xc0\xaf\n\xff\xfe" * 50)
def test_any_bytes_are_trained_on_or_refused_and_what_is_saved_is_utf8(dlkit, tmp_path, data):
    (tmp_path / "corpus.txt").write_bytes(data)
    options = ("--encoding-errors", "replace", "--min-count", "1", "--sample", "0", "--dim", "4")
    began = time.monotonic()
    done = dlkit(
        "word2vec", "train", "corpus.txt", *options, "--epochs", "1", "--threads", "1", "--json",
        check=None,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    assert "this is a bug" not in done.stderr
    assert time.monotonic() - began < 30
    if done.returncode == 0:
        reference = json.loads(done.stdout)["artifact"]
        vocabulary = (dlkit.home / reference / "vocab.txt").read_bytes().decode("utf-8")
        words = [line.split("\t")[0] for line in vocabulary.split("\n")[:-1]]
        assert all(word and not any(map(str.isspace, word)) for word in words)
        counts = [int(line.split("\t")[1]) for line in vocabulary.split("\n")[:-1]]
        assert np.all(np.diff(counts) <= 0)
        dlkit("similar", "-k", "1", "--word", words[0], "--from", reference)
