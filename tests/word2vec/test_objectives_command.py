"""`dlkit word2vec train` with every objective, n-grams and threads; `dlkit word2vec compare`."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

KINDS = "猫狗鱼鸟马牛羊鸡", "红橙黄绿青蓝紫黑"
FAST = ("--dim", "8", "--threads", "1", "--sample", "0", "--progress", "plain")


@pytest.fixture
def corpus(tmp_path) -> Path:
    rng = random.Random(5)
    lines = [" ".join(rng.choices(KINDS[rng.random() < 0.5], k=6)) for _ in range(1500)]
    path = tmp_path / "kinds.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def train(dlkit, *arguments) -> dict[str, object]:
    return json.loads(dlkit("word2vec", "train", *arguments, "--json").stdout)


def neighbours(dlkit, word, *options) -> set[str]:
    answer = json.loads(dlkit("similar", word, "-k", "7", "--json", *options).stdout)
    return {each["word"] for each in answer["neighbors"]}


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
@pytest.mark.parametrize("loss", ["ns", "hs", "softmax"])
def test_every_objective_learns_the_kinds(dlkit, corpus, model, loss):
    train(dlkit, corpus, *FAST, "--model", model, "--loss", loss, "--epochs", "25", "--lr", "0.1")
    for word in "猫红":
        kind = next(kind for kind in KINDS if word in kind)
        assert neighbours(dlkit, word) == set(kind) - {word}


def test_the_sum_of_contexts_learns_the_kinds_and_is_recorded(dlkit, corpus):
    saved = train(dlkit, corpus, *FAST, "--model", "cbow", "--context", "sum", "--epochs", "15")
    document = json.loads(Path(str(saved["path"]), "artifact.json").read_text(encoding="utf-8"))
    assert document["model"]["context"] == "sum"
    assert neighbours(dlkit, "猫") == set(KINDS[0]) - {"猫"}


def test_unknown_words_get_vectors_from_their_ngrams(dlkit, tmp_path):
    rng = random.Random(1)
    animals = [a + b for a in "猫狗鱼鸟" for b in "儿崽群"]
    colours = [a + b for a in "红橙黄绿" for b in "色的布"]
    unseen = {"猫崽", "红色"}
    kinds = [[w for w in kind if w not in unseen] for kind in (animals, colours)]
    lines = [" ".join(rng.choices(kinds[rng.random() < 0.5], k=6)) for _ in range(2000)]
    (tmp_path / "kinds.txt").write_text("\n".join(lines), encoding="utf-8")
    options = ("--minn", "1", "--maxn", "2", "--epochs", "10", "--tokens", "whitespace")
    saved = train(dlkit, "kinds.txt", *FAST, *options)
    assert neighbours(dlkit, "猫崽") <= set(kinds[0])
    assert neighbours(dlkit, "红色") <= set(kinds[1])
    assert "猫崽" in dlkit("similar", "猫崽", "--no-subwords", check=3).stderr
    again = train(dlkit, "kinds.txt", *FAST, *options)
    digests = [
        dlkit("artifacts", "show", each["artifact"], "--digest").stdout for each in (saved, again)
    ]
    assert digests[0] == digests[1]


@pytest.mark.parametrize("loss", ["ns", "hs"])
def test_deterministic_artifacts_have_one_digest_for_any_number_of_threads(dlkit, corpus, loss):
    digests = set()
    for threads in ("1", "2", "4"):
        saved = train(
            dlkit, corpus, "--dim", "8", "--deterministic", "--threads", threads, "--loss", loss
        )
        digests.add(dlkit("artifacts", "show", saved["artifact"], "--digest").stdout)
        document = json.loads(Path(str(saved["path"]), "artifact.json").read_text(encoding="utf-8"))
        assert document["bit_reproducible"] is True
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--loss", "nce"), "loss"),
        (("--context", "max"), "context"),
        (("--context", "sum"), "cbow"),
        (("--maxn", "2", "--minn", "3"), "maxn"),
        (("--deterministic", "--loss", "softmax"), "deterministic"),
        (("--device", "tpu"), "device"),
    ],
)
def test_settings_that_do_not_go_together_are_refused_before_anything_is_read(
    dlkit, corpus, arguments, said
):
    done = dlkit("word2vec", "train", corpus, *arguments, check=2)
    assert said in done.stderr.splitlines()[0]
    assert not dlkit.home.exists()


def test_a_device_that_is_not_there_is_refused(dlkit, corpus):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one")
    done = dlkit("word2vec", "train", corpus, "--device", "cuda", check=1)
    assert "--device cuda" in done.stderr
    assert "reading" not in done.stderr


def test_objectives_are_compared_in_one_table(dlkit, tmp_path):
    rng = random.Random(5)  # long enough that some of it is held out
    lines = [" ".join(rng.choices(KINDS[rng.random() < 0.5], k=6)) for _ in range(5000)]
    (tmp_path / "long.txt").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "pairs.tsv").write_text("猫\t狗\t9\n红\t绿\t9\n猫\t红\t1\n鸟\t黑\t0\n", "utf-8")
    done = dlkit(
        "word2vec", "compare", "long.txt", "--dim", "8", "--threads", "1", "-s", "sample=0",
        "--epochs", "5", "--eval", "pairs.tsv", "--json",
        "--objectives", "skipgram-ns, cbow-hs,cbow-sum-softmax",
    )  # fmt: skip
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["objective"] for row in rows] == ["skipgram-ns", "cbow-hs", "cbow-sum-softmax"]
    for row in rows:
        assert row["seconds"] > 0
        # Of 16 words, 8 of each kind: who knows the kind has a perplexity of 8.
        assert 7.5 < row["perplexity"] < 13
        assert row["predictions"] > 100
        assert 0.7 < row["top_10"] <= 1
        assert row["eval.pairs"] > 0.5
    assert min(row["times_slower"] for row in rows) == 1
    assert not (tmp_path / "artifacts").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--objectives", "skipgram-nce"), "skipgram-nce"),
        (("--objectives", ","), "--objectives"),
        (("-s", "deterministic=true"), "skipgram-softmax"),
        (("-s", "initial=v.vec"), "initial"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_reading(dlkit, corpus, arguments, said):
    done = dlkit("word2vec", "compare", corpus, *arguments, check=2)
    assert said in done.stderr.splitlines()[0]
    assert "reading" not in done.stderr
