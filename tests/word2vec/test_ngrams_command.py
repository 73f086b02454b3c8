"""N-grams in PyTorch's training through the command, and runs that go on in PyTorch."""

from __future__ import annotations

import json
import random
import signal
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

ANIMALS = [a + b for a in ("小花猫", "小黑狗", "小金鱼", "小白马") for b in ("儿们", "群", "崽")]
COLOURS = [a + b for a in ("大红", "天蓝", "草绿", "金黄") for b in ("色的", "布", "旗")]
UNSEEN = {"小花猫崽", "天蓝旗"}
KINDS = tuple([word for word in kind if word not in UNSEEN] for kind in (ANIMALS, COLOURS))
FAST = (
    "--dim", "8", "--threads", "1", "--sample", "0", "--progress", "plain",
    "--tokens", "whitespace", "--minn", "2", "--maxn", "3",
)  # fmt: skip
WITHOUT_NUMBA = 'import sys\nsys.modules["numba"] = sys.modules["llvmlite"] = None\n'


def write(path: Path, *, kinds=KINDS, lines=1200) -> Path:
    rng = random.Random(1)
    text = [" ".join(rng.choices(kinds[rng.random() < 0.5], k=6)) for _ in range(lines)]
    path.write_text("\n".join(text), encoding="utf-8")
    return path


@pytest.fixture
def corpus(tmp_path) -> Path:
    return write(tmp_path / "kinds.txt")


@pytest.fixture
def without_numba(tmp_path) -> dict[str, str]:
    """The environment of a Python that has no numba."""
    folder = tmp_path / "without"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(WITHOUT_NUMBA, encoding="utf-8")
    return {"PYTHONPATH": str(folder)}


def train(dlkit, *arguments, **more):
    done = dlkit("word2vec", "train", *arguments, "--json", **more)
    return json.loads(done.stdout), done.stderr


def neighbours(dlkit, word) -> set[str]:
    answer = json.loads(dlkit("similar", word, "-k", "5", "--json").stdout)
    return {each["word"] for each in answer["neighbors"]}


def digest(dlkit, saved) -> str:
    return dlkit("artifacts", "show", saved["artifact"], "--digest").stdout


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
def test_softmax_with_ngrams_gives_unknown_words_the_vectors_of_their_relatives(
    dlkit, corpus, model
):
    options = (*FAST, "--loss", "softmax", "--model", model, "--epochs", "8", "--lr", "0.1")
    saved, _ = train(dlkit, corpus, *options)
    assert neighbours(dlkit, "小花猫崽") <= set(KINDS[0])
    assert neighbours(dlkit, "天蓝旗") <= set(KINDS[1])
    assert neighbours(dlkit, KINDS[0][0]) <= set(KINDS[0])
    path = Path(str(saved["path"]))
    document = json.loads((path / "artifact.json").read_text(encoding="utf-8"))
    assert document["subwords"] == {"shortest": 2, "longest": 3, "buckets": 2_000_000}
    assert document["bit_reproducible"] is True
    again, _ = train(dlkit, corpus, *options)
    assert digest(dlkit, again) == digest(dlkit, saved)


def test_the_saved_rows_are_what_the_vectors_are_means_of(dlkit, corpus):
    from dlkit.vectors.subwords import buckets

    saved, _ = train(dlkit, corpus, *FAST, "--loss", "softmax", "--epochs", "2")
    path = Path(str(saved["path"]))
    grams = load_file(path / "subwords.safetensors")
    own = load_file(path / "rows.safetensors")["rows"]
    vectors = load_file(path / "vectors.safetensors")["vectors"]
    words = [line.split("\t")[0] for line in (path / "vocab.txt").read_text("utf-8").splitlines()]
    places = {bucket: place for place, bucket in enumerate(grams["buckets"].tolist())}
    for row, word in enumerate(words):
        used = buckets(word, shortest=2, longest=3, buckets=2_000_000)
        mean = np.mean([own[row], *(grams["vectors"][places[each]] for each in used)], axis=0)
        assert np.allclose(vectors[row], mean, atol=1e-6)


@pytest.mark.parametrize("loss", ["ns", pytest.param("hs", marks=pytest.mark.slow)])
def test_without_numba_ngrams_are_trained_by_pytorch(dlkit, corpus, without_numba, loss):
    options = (*FAST, "--loss", loss, "--epochs", "15")
    _, said = train(dlkit, corpus, *options, env=without_numba)
    assert "numba is not installed: PyTorch trains" in said
    assert neighbours(dlkit, "小花猫崽") <= set(KINDS[0])
    assert neighbours(dlkit, "天蓝旗") <= set(KINDS[1])


def stopped(dlkit, corpus, *options, env=None) -> None:
    """An interrupted run called x, with an epoch behind."""
    process = dlkit.start(
        "word2vec", "train", corpus, "-n", "x", *options, "--progress", "json", env=env
    )
    for line in process.stderr:
        if json.loads(line)["event"] == "epoch":
            break
    process.send_signal(signal.SIGINT)
    process.stderr.read()
    process.stdout.close()
    process.stderr.close()
    assert process.wait(timeout=60) == 130


def test_a_stopped_run_goes_on_to_the_same_bits(dlkit, corpus):
    options = (*FAST, "--loss", "softmax", "--epochs", "15")
    whole, _ = train(dlkit, corpus, "-n", "whole", *options)
    stopped(dlkit, corpus, *options)
    resumed, _ = train(dlkit, "--resume")
    assert digest(dlkit, resumed) == digest(dlkit, whole)


@pytest.mark.slow
def test_a_run_that_pytorch_began_goes_on_in_pytorch(dlkit, corpus, without_numba):
    options = (*FAST, "--epochs", "15")
    whole, _ = train(dlkit, corpus, "-n", "whole", *options, env=without_numba)
    stopped(dlkit, corpus, *options, env=without_numba)
    resumed, _ = train(dlkit, "--resume")  # numba is there now
    assert digest(dlkit, resumed) == digest(dlkit, whole)


def test_a_run_goes_on_only_on_a_device_that_is_there(dlkit, corpus):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one")
    stopped(dlkit, corpus, *FAST, "--epochs", "200")
    done = dlkit("word2vec", "train", "--resume", "--device", "cuda", check=1)
    assert "--device cuda: PyTorch finds no such device here" in done.stderr
    resumed, _ = train(dlkit, "--resume", "--device", "cpu", "--epochs", "20")
    assert resumed["epochs"] == 20


def test_what_the_kernels_began_needs_numba_to_go_on(dlkit, corpus, without_numba):
    stopped(dlkit, corpus, *FAST, "--epochs", "200")
    done = dlkit("word2vec", "train", "--resume", env=without_numba, check=1)
    assert "the compiled kernels began it, and numba is not installed" in done.stderr


@pytest.mark.gpu
def test_a_run_goes_on_on_a_gpu_and_says_so(dlkit, corpus):
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    stopped(dlkit, corpus, *FAST, "--epochs", "200")
    saved, said = train(dlkit, "--resume", "--device", "cuda", "--epochs", "20")
    assert "device changed from cpu to cuda" in said
    assert "what the compiled kernels began goes on in PyTorch" in said
    changes = json.loads(Path(str(saved["path"]), "run.json").read_text("utf-8"))["resumptions"]
    assert "device changed from cpu to cuda" in changes[0]
    assert neighbours(dlkit, "小花猫崽") <= set(KINDS[0])


def test_more_epochs_and_new_words_keep_what_ngrams_have_learnt(dlkit, corpus, tmp_path):
    first, _ = train(dlkit, corpus, *FAST, "--loss", "softmax", "--epochs", "8", "--lr", "0.1")
    rows = load_file(Path(str(first["path"]), "subwords.safetensors"))
    tiny = ("--lr", "1e-9", "--min-lr", "0", "--epochs", "1")
    more, _ = train(dlkit, "--from", "kinds", *tiny)
    after = load_file(Path(str(more["path"]), "subwords.safetensors"))
    assert np.array_equal(after["buckets"], rows["buckets"])
    assert np.allclose(after["vectors"], rows["vectors"], atol=1e-5)
    new = write(tmp_path / "new.txt", kinds=(["小花猫崽", "小黑狗群"], ["天蓝旗", "大红布"]))
    grown, said = train(dlkit, new, "--from", "kinds", *tiny)
    assert "22 words have its vectors, 2 are new" in said
    assert neighbours(dlkit, "小花猫崽") - {"天蓝旗"} <= set(KINDS[0])
    found = load_file(Path(str(grown["path"]), "subwords.safetensors"))
    known = np.isin(found["buckets"], rows["buckets"])
    assert np.allclose(found["vectors"][known], rows["vectors"], atol=1e-5)


def test_words_of_ngrams_begin_with_vectors_of_a_file(dlkit, corpus, tmp_path):
    word = KINDS[0][0]
    (tmp_path / "v.vec").write_text(f"1 8\n{word}" + " 0.5" * 8 + "\n", "utf-8")
    tiny = ("--lr", "1e-9", "--min-lr", "0", "--epochs", "1", "--loss", "softmax")
    saved, said = train(dlkit, corpus, *FAST, *tiny, "--initial", "v.vec")
    assert "has no n-grams" in said
    path = Path(str(saved["path"]))
    rows = load_file(path / "rows.safetensors")["rows"]
    words = [line.split("\t")[0] for line in (path / "vocab.txt").read_text("utf-8").splitlines()]
    assert np.allclose(rows[words.index(word)], 0.5, atol=1e-6)
    assert np.abs(np.delete(rows, words.index(word), 0)).max() <= 1 / 8


def test_a_map_places_unknown_words_by_their_ngrams_and_marks_them(dlkit, corpus):
    train(dlkit, corpus, *FAST, "--epochs", "1")
    known, unseen = KINDS[0][0], "小花猫崽"
    done = dlkit("word2vec", "map", known, unseen, "--points", "--json")
    points = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(each["word"], each["from_ngrams"]) for each in points] == [
        (known, False), (unseen, True),
    ]  # fmt: skip
    assert f"'{unseen}' is not in the vocabulary: its place is that of its n-grams" in done.stderr
    assert "left out" not in done.stderr
    lines = dlkit("word2vec", "map", known, unseen, "--points").stdout.splitlines()
    assert [line.split("\t")[3] for line in lines] == ["false", "true"]
    picture = dlkit("word2vec", "map", unseen, "--neighbours", "3", "--out", "-")
    assert unseen in picture.stdout


def test_objectives_with_ngrams_are_compared(dlkit, corpus):
    done = dlkit(
        "word2vec", "compare", corpus, "--dim", "8", "--threads", "1", "-s", "sample=0",
        "-s", "minn=2", "-s", "maxn=3", "-s", "text.tokens=whitespace", "--epochs", "1", "--json",
        "--objectives", "skipgram-ns,cbow-softmax",
    )  # fmt: skip
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["objective"] for row in rows] == ["skipgram-ns", "cbow-softmax"]
