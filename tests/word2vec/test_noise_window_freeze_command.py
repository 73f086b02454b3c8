"""The exponent of the noise, fixed windows and kept vectors through the command."""

from __future__ import annotations

import json
import random
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

FAST = ("--dim", "8", "--threads", "1", "--sample", "0", "--progress", "plain")
KINDS = "猫狗鱼鸟马牛羊鸡", "红橙黄绿青蓝紫黑"
FROM_FILE = ("--initial", "v.vec", "--freeze")


def write(path: Path, kinds=KINDS, seed=5, lines=800) -> Path:
    rng = random.Random(seed)
    text = [" ".join(rng.choices(kinds[rng.random() < 0.5], k=6)) for _ in range(lines)]
    path.write_text("\n".join(text), encoding="utf-8")
    return path


def vec(path: Path, words="猫狗红") -> dict[str, np.ndarray]:
    """A file of vectors, and what is in it; -0.0 is among the numbers."""
    draws = np.random.default_rng(3)
    given = {word: draws.normal(size=8).astype(np.float32) for word in words}
    for row in given.values():
        row[2] = -0.0
    lines = [" ".join([word, *map(repr, map(float, row))]) for word, row in given.items()]
    path.write_text("\n".join([f"{len(given)} 8", *lines]) + "\n", encoding="utf-8")
    return given


def train(dlkit, *arguments, check=0):
    done = dlkit("word2vec", "train", *arguments, "--json", check=check)
    return (json.loads(done.stdout) if not check else None), done


def matrix(saved, name) -> np.ndarray:
    return load_file(Path(str(saved["path"])) / f"{name}.safetensors")[name]


def vectors(saved) -> dict[str, np.ndarray]:
    lines = Path(str(saved["path"]), "vocab.txt").read_text(encoding="utf-8").splitlines()
    return dict(zip((x.split("\t")[0] for x in lines), matrix(saved, "vectors"), strict=True))


def document(saved) -> dict:
    return json.loads(Path(str(saved["path"]), "artifact.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("loss", ["ns", "softmax"])
def test_exponent_and_window_are_said_where_the_vectors_are(dlkit, tmp_path, loss):
    write(tmp_path / "a.txt")
    options = ("--loss", loss, "--epochs", "1", "--fixed-window")
    usual, _ = train(dlkit, "a.txt", *FAST, "--loss", loss, "--epochs", "1")
    saved, done = train(dlkit, "a.txt", *FAST, *options, "--noise-exponent", "-0.5")
    folder = Path(str(saved["path"]))
    assert document(usual)["model"]["fixed_window"] is False
    assert document(saved)["model"]["fixed_window"] is True
    assert "5, fixed" in (folder / "README.md").read_text(encoding="utf-8")
    assert "--fixed-window" in done.stderr
    if loss == "ns":
        assert document(usual)["model"]["noise_exponent"] == 0.75
        assert document(saved)["model"]["noise_exponent"] == -0.5
        assert "noise_exponent -0.5" in done.stderr
    else:
        assert "--noise-exponent is for --loss ns and not used" in done.stderr
        assert "noise_exponent" not in document(saved)["model"]
    assert not np.array_equal(matrix(usual, "vectors"), matrix(saved, "vectors"))
    again, _ = train(dlkit, "-r", folder / "config.yaml")
    assert np.array_equal(matrix(again, "vectors"), matrix(saved, "vectors"))


def test_a_fixed_window_trains_every_pair_within_it(dlkit, tmp_path):
    # Lines of three words and a window of 2: all 6 pairs of a line, each once in an epoch.
    (tmp_path / "a.txt").write_text("猫 狗 鱼\n" * 300, encoding="utf-8")
    options = ("--window", "2", "--loss", "hs", "--epochs", "1", "--lr", "1e-9", "--min-lr", "0")
    losses = {}
    for window in ("--fixed-window", "--dynamic-window"):
        saved, _ = train(dlkit, "a.txt", *FAST, *options, window, "--set", "held_out=false")
        losses[window] = saved["loss"]
    # Two words have paths of two nodes, one of one; centres have two contexts each where fixed.
    assert losses["--fixed-window"] == pytest.approx(np.log(2) * 5 / 3, rel=1e-6)
    assert losses["--dynamic-window"] != pytest.approx(np.log(2) * 5 / 3, rel=1e-3)


ENGINES = {
    "one thread": (),
    "threads": ("--threads", "3"),
    "rounds": ("--deterministic",),
    "softmax": ("--loss", "softmax"),
}


@pytest.mark.parametrize(
    "engine", ["one thread", "threads", pytest.param("rounds", marks=pytest.mark.slow), "softmax"]
)
def test_vectors_of_a_file_are_kept_bit_for_bit(dlkit, tmp_path, engine):
    write(tmp_path / "a.txt")
    given = vec(tmp_path / "v.vec", words="猫狗红龙")
    saved, done = train(dlkit, "a.txt", *FAST, "--epochs", "3", *FROM_FILE, *ENGINES[engine])
    assert "3 words have its vectors, 13 are new" in done.stderr
    assert "kept" in done.stderr
    found = vectors(saved)
    assert all(found[word].tobytes() == given[word].tobytes() for word in "猫狗红")
    assert "龙" not in found
    assert np.abs(matrix(saved, "outputs")).max() > 0.01
    assert document(saved)["frozen"] is True
    assert "kept as they are" in Path(str(saved["path"]), "README.md").read_text("utf-8")


def test_vectors_of_a_file_learn_where_nothing_else_is_said(dlkit, tmp_path):
    write(tmp_path / "a.txt")
    given = vec(tmp_path / "v.vec")
    saved, _ = train(dlkit, "a.txt", *FAST, "--epochs", "1", "--initial", "v.vec")
    assert "frozen" not in document(saved)
    assert vectors(saved)["猫"].tobytes() != given["猫"].tobytes()


@pytest.mark.parametrize("grams", [(), ("--minn", "1", "--maxn", "1")])
def test_an_artifacts_words_are_kept_and_new_ones_join(dlkit, tmp_path, grams):
    write(tmp_path / "a.txt")
    old, _ = train(dlkit, "a.txt", *FAST, *grams, "--epochs", "6")
    write(tmp_path / "b.txt", kinds=("猫狗鱼鸟虎", "红橙黄绿灰"), seed=6)
    new, _ = train(dlkit, "b.txt", "--from", "a", "--epochs", "6", "--threads", "1", "--freeze")
    before, after = vectors(old), vectors(new)
    assert all(after[word].tobytes() == row.tobytes() for word, row in before.items())
    assert set(after) - set(before) == {"虎", "灰"}
    # What an artifact itself kept does not bind those that go on.
    more, _ = train(dlkit, "b.txt", "--from", new["artifact"], "--epochs", "1", "--threads", "1")
    assert vectors(more)["猫"].tobytes() != before["猫"].tobytes()
    assert "frozen" not in document(more)


def test_where_every_word_is_kept_only_outputs_learn_and_it_is_said(dlkit, tmp_path):
    write(tmp_path / "a.txt")
    old, _ = train(dlkit, "a.txt", *FAST, "--epochs", "1")
    new, done = train(dlkit, "--from", "a", "--epochs", "1", "--threads", "1", "--freeze")
    assert "only the outputs learn" in done.stderr
    assert matrix(new, "vectors").tobytes() == matrix(old, "vectors").tobytes()
    assert not np.array_equal(matrix(new, "outputs"), matrix(old, "outputs"))


def test_a_dry_run_takes_them(dlkit, tmp_path):
    write(tmp_path / "a.txt")
    vec(tmp_path / "v.vec")
    more = ("--noise-exponent", "0", "--fixed-window", "--dry-run")
    facts, _ = train(dlkit, "a.txt", *FAST, *FROM_FILE, *more)
    assert facts["vocabulary"] == 16


def test_a_resumed_run_keeps_the_same_vectors(dlkit, tmp_path):
    write(tmp_path / "a.txt", lines=3000)
    given = vec(tmp_path / "v.vec")
    options = (*FAST[:-1], "json", *FROM_FILE, "--fixed-window", "--noise-exponent", "0.5")
    run = dlkit.start("word2vec", "train", "a.txt", *options, "--epochs", "99999")
    for line in run.stderr:
        if json.loads(line)["event"] == "epoch":
            break
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=60)
    assert run.returncode == 130
    (tmp_path / "v.vec").unlink()  # it was read
    for option, was in (
        ("--learn-all", "the run began with --freeze"),
        ("--noise-exponent=0.75", "noise_exponent was 0.5"),
        ("--dynamic-window", "the run began with --fixed-window"),
    ):
        assert was in dlkit("word2vec", "train", "--resume", option, check=2).stderr
    told = dlkit("word2vec", "train", "--resume", "--epochs", "1", check=2).stderr
    enough = re.search(r"--epochs (\d+) or more", told).group(1)
    resumed, _ = train(dlkit, "--resume", "--epochs", enough)
    found = vectors(resumed)
    assert all(found[word].tobytes() == row.tobytes() for word, row in given.items())
    assert document(resumed)["frozen"] is True


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--noise-exponent", "nan"), "--noise-exponent"),
        (("--noise-exponent", "inf"), "--noise-exponent"),
        (("--noise-exponent", "10.5"), "at most 10"),
        (("--noise-exponent", "-11"), "at least -10"),
        (("--noise-exponent", "much"), "--noise-exponent"),
        (("--set", "fixed_window=perhaps"), "fixed_window"),
        (("--freeze",), "--initial or --from"),
        ((*FROM_FILE, "--maxn", "2", "--minn", "1"), "--maxn 0"),
    ],
)
def test_what_cannot_be_is_refused_before_reading(dlkit, tmp_path, arguments, said):
    write(tmp_path / "a.txt")
    vec(tmp_path / "v.vec")
    _, done = train(dlkit, "a.txt", *FAST, *arguments, check=2)
    assert said in done.stderr
    assert "reading a.txt" not in done.stderr
    assert not list((tmp_path / "artifacts").glob("word2vec/*/artifact.json"))
