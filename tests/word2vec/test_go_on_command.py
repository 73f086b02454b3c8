"""Going on from an artifact, from another tool's vectors, and scores on the way."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

FAST = ("--dim", "8", "--threads", "1", "--sample", "0", "--progress", "plain")
KINDS = "猫狗鱼鸟马牛羊鸡", "红橙黄绿青蓝紫黑"


def write(path: Path, kinds=KINDS, seed=5, lines=800) -> Path:
    rng = random.Random(seed)
    text = [" ".join(rng.choices(kinds[rng.random() < 0.5], k=6)) for _ in range(lines)]
    path.write_text("\n".join(text), encoding="utf-8")
    return path


def train(dlkit, *arguments, check=0):
    done = dlkit("word2vec", "train", *arguments, "--json", check=check)
    return (json.loads(done.stdout) if not check else None), done


def vectors(saved) -> dict[str, np.ndarray]:
    folder = Path(str(saved["path"]))
    words = [
        line.split("\t")[0]
        for line in (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    ]
    return dict(zip(words, load_file(folder / "vectors.safetensors")["vectors"], strict=True))


def counts(saved) -> dict[str, int]:
    lines = Path(str(saved["path"]), "vocab.txt").read_text(encoding="utf-8").splitlines()
    return {word: int(count) for word, count in (line.split("\t") for line in lines)}


@pytest.mark.parametrize("loss", ["ns", "hs", "softmax"])
def test_more_epochs_begin_where_the_artifact_ended(dlkit, tmp_path, loss):
    write(tmp_path / "a.txt")
    first, _ = train(dlkit, "a.txt", *FAST, "--loss", loss, "--epochs", "10")
    more, done = train(dlkit, "--from", "a", "--epochs", "3", "--threads", "1")
    assert "16 words have its vectors, 0 are new" in done.stderr
    assert more["artifact"] != first["artifact"]
    assert counts(more) == counts(first)  # the same text is not counted twice
    fresh, _ = train(dlkit, "a.txt", *FAST, "--loss", loss, "--epochs", "1")
    assert more["loss"] < fresh["loss"]


def test_words_of_a_new_corpus_join_and_old_ones_stay(dlkit, tmp_path):
    write(tmp_path / "a.txt")
    old, _ = train(dlkit, "a.txt", *FAST, "--epochs", "10")
    write(tmp_path / "b.txt", kinds=("猫狗鱼鸟虎", "红橙黄绿灰"), seed=6)
    new, done = train(dlkit, "b.txt", "--from", "a", "--threads", "1")
    assert "16 words have its vectors, 2 are new" in done.stderr
    assert set(counts(new)) == set(counts(old)) | {"虎", "灰"}
    assert counts(new)["猫"] > counts(old)["猫"]
    assert counts(new)["马"] == counts(old)["马"]
    near = json.loads(dlkit("similar", "虎", "-k", "4", "--json").stdout)["neighbors"]
    assert {each["word"] for each in near} <= set(KINDS[0])


def test_counts_add_up_over_generations(dlkit, tmp_path):
    write(tmp_path / "a.txt")
    first, _ = train(dlkit, "a.txt", *FAST, "--epochs", "1")
    write(tmp_path / "b.txt", kinds=("猫狗鱼鸟虎", "红橙黄绿灰"), seed=6)
    second, _ = train(dlkit, "b.txt", "--from", "a", "-n", "second")
    third, _ = train(dlkit, "--from", "second", "-n", "third")  # b.txt again
    assert counts(third) == counts(second)
    assert counts(second)["马"] == counts(first)["马"]
    text = (tmp_path / "b.txt").read_text(encoding="utf-8")
    held = 0.01 * counts(second)["猫"]  # held-out words are counted, too
    assert counts(second)["猫"] == pytest.approx(counts(first)["猫"] + text.count("猫"), abs=held)


def test_a_limit_that_was_inherited_never_drops_old_words(dlkit, tmp_path):
    write(tmp_path / "a.txt")
    old, _ = train(dlkit, "a.txt", *FAST, "--epochs", "1", "--max-vocab", "16")
    write(tmp_path / "b.txt", kinds=("猫狗虎", "红绿灰"), seed=6)
    same, done = train(dlkit, "b.txt", "--from", "a", "--epochs", "1", "-n", "same")
    assert set(counts(same)) == set(counts(old))
    assert "--max-vocab 16 leaves out 2 new words" in done.stderr
    more, done = train(
        dlkit, "b.txt", "--from", "a", "--epochs", "1", "--max-vocab", "17", "-n", "more"
    )
    assert set(counts(more)) > set(counts(old))
    assert len(counts(more)) == 17
    assert "--max-vocab 17 leaves out 1 new word " in done.stderr


@pytest.mark.parametrize("beginning", ["--vocabulary", "--initial"])
def test_what_an_artifact_began_with_does_not_bind_those_that_go_on(dlkit, tmp_path, beginning):
    write(tmp_path / "a.txt")
    (tmp_path / "words.txt").write_text("猫 9\n狗 9\n红 9\n", "utf-8")
    (tmp_path / "v.vec").write_text("1 8\n猫" + " 0.5" * 8 + "\n", "utf-8")
    file = "words.txt" if beginning == "--vocabulary" else "v.vec"
    train(dlkit, "a.txt", *FAST, "--epochs", "1", beginning, file)
    more, _ = train(dlkit, "a.txt", "--from", "a", "--epochs", "1")
    assert len(counts(more)) == 16


def test_an_artifact_says_what_it_began_with(dlkit, tmp_path):
    write(tmp_path / "a.txt")
    train(dlkit, "a.txt", *FAST, "--epochs", "1")
    more, _ = train(dlkit, "--from", "a", "--epochs", "1")
    document = json.loads(Path(str(more["path"]), "artifact.json").read_text(encoding="utf-8"))
    assert document["began_with"] == "a"
    assert dlkit("recipes", "check", Path(str(more["path"]), "config.yaml")).stdout


def test_ngrams_go_on_too(dlkit, tmp_path):
    write(tmp_path / "a.txt")
    grams = ("--minn", "1", "--maxn", "1")
    first, _ = train(dlkit, "a.txt", *FAST, *grams, "--epochs", "10")
    more, _ = train(dlkit, "--from", "a", "--epochs", "1", "--lr", "1e-9", "--min-lr", "0")
    before, after = vectors(first), vectors(more)
    for word in before:
        assert np.allclose(before[word], after[word], atol=1e-5)
    _, done = train(dlkit, "--from", "a", "--maxn", "2", check=2)
    assert "n-grams" in done.stderr


def test_words_begin_with_vectors_of_a_file(dlkit, tmp_path):
    write(tmp_path / "a.txt")
    (tmp_path / "v.vec").write_text("2 8\n猫" + " 0.5" * 8 + "\n龙" + " 0.25" * 8 + "\n", "utf-8")
    tiny = ("--lr", "1e-9", "--min-lr", "0", "--epochs", "1")
    saved, done = train(dlkit, "a.txt", *FAST, *tiny, "--initial", "v.vec")
    assert "1 words have its vectors, 15 are new" in done.stderr
    found = vectors(saved)
    assert np.allclose(found["猫"], 0.5, atol=1e-6)
    assert np.abs(found["狗"]).max() <= 1 / 8
    assert "龙" not in found


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "nothing"), "nothing"),
        (("--initial", "nofile.vec"), "nofile.vec"),
        (("--initial", "-"), "hint: write them to a file first"),
        (("--from", "-"), "- is standard input, not the folder of an artifact"),
        (("--set", "continued=a"), "for a name: --from a"),
        (("--from", "a", "--initial", "v.vec"), "initial"),
        (("--from", "a", "--dim", "9"), "--dim 8"),
        (("--from", "a", "-r", "reviews"), "--recipe"),
        (("--from", "a", "--vocabulary", "words.txt"), "vocabulary"),
        (("--eval", "notest.txt"), "notest.txt"),
    ],
)
def test_what_cannot_be_gone_on_from_is_refused_before_reading(dlkit, tmp_path, arguments, said):
    write(tmp_path / "a.txt")
    train(dlkit, "a.txt", *FAST, "--epochs", "1")
    (tmp_path / "v.vec").write_text("1 8\n猫" + " 0.5" * 8 + "\n", "utf-8")
    done = dlkit("word2vec", "train", "a.txt", *arguments, check=None)
    assert done.returncode in (1, 2, 3)
    assert said in done.stderr
    assert "reading" not in done.stderr
    assert len(dlkit("artifacts", "list").stdout.splitlines()) == 1


def test_scores_are_told_after_each_epoch_and_kept(dlkit, tmp_path):
    write(tmp_path / "a.txt")
    (tmp_path / "pairs.tsv").write_text("猫\t狗\t9\n红\t绿\t9\n猫\t红\t1\n鸟\t黑\t0\n", "utf-8")
    saved, done = train(dlkit, "a.txt", *FAST, "--epochs", "12", "--eval", "pairs.tsv")
    assert done.stderr.count("eval.pairs") >= 12
    assert saved["eval.pairs"] > 0.6
    folder = Path(str(saved["path"]))
    document = json.loads((folder / "artifact.json").read_text(encoding="utf-8"))
    assert document["scores"]["eval.pairs"] == saved["eval.pairs"]
    metrics = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert all("eval.pairs" in json.loads(line) for line in metrics)
    again, _ = train(dlkit, "-r", folder / "config.yaml", "--threads", "1")
    assert again["eval.pairs"] == saved["eval.pairs"]
