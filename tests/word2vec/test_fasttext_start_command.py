"""Training that begins with fastText's models, frozen or not, through the commands."""

from __future__ import annotations

import json
import random
import signal
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from dlkit.errors import USAGE

GRAMS = ("--minn", "1", "--maxn", "3", "--buckets", "8")  # those of the fixture's model
FAST = (
    "--threads", "1", "--sample", "0", "--min-count", "1", "--tokens", "whitespace",
    "--progress", "plain", "--lr", "0.05",
)  # fmt: skip
GIVEN = ("早饭", "很", "好吃", "hello", "</s>")
NEW = ("晚饭", "hell", "新")


@pytest.fixture
def model(dlkit, fasttext) -> Path:
    """A model of fastText, its artifact m, and a text with words of it and new ones."""
    draws = random.Random(3)
    lines = [" ".join(draws.choices(GIVEN + NEW, k=7)) for _ in range(400)]
    (dlkit.folder / "text.txt").write_text("\n".join(lines), "utf-8")
    (dlkit.folder / "m.bin").write_bytes(fasttext.wrote)
    dlkit("word2vec", "import", "m.bin", "--quiet")
    return dlkit.folder / "m.bin"


def vectors(path) -> dict[str, np.ndarray]:
    lines = Path(path, "vocab.txt").read_text("utf-8").splitlines()
    words = [line.split("\t")[0] for line in lines]
    matrix = load_file(Path(path, "vectors.safetensors"))["vectors"].astype(np.float32)
    return dict(zip(words, matrix, strict=True))


def train(dlkit, *arguments, **more):
    done = dlkit("word2vec", "train", *arguments, "--json", **more)
    return json.loads(done.stdout), done.stderr


def kept(dlkit, saved, before="m") -> None:
    """Assert that given words have the bits of the artifact ``before`` and that new ones learnt."""
    old, new = vectors(dlkit.home / "word2vec" / before), vectors(saved["path"])
    for word in GIVEN:
        assert new[word].tobytes() == old[word].tobytes(), word
    assert max(np.abs(new[word]).max() for word in NEW) > 0.05
    norms = load_file(Path(saved["path"], "vectors.safetensors"))["norms"]
    assert np.allclose(norms, np.linalg.norm(list(new.values()), axis=1))


@pytest.mark.parametrize("loss", ["ns", "softmax"])  # the compiled kernels, and PyTorch
@pytest.mark.parametrize("start", [("--initial", "m.bin", "--dim", "3", *GRAMS), ("--from", "m")])
def test_words_of_a_model_with_ngrams_are_frozen_bit_for_bit(dlkit, model, loss, start):
    saved, said = train(dlkit, "text.txt", *start, *FAST, "--freeze", "--loss", loss, "-n", "new")
    words = "5" if "--initial" in start else "6"  # naïve is not in the text
    assert f"{words} words have its vectors, 3 are new" in said
    kept(dlkit, saved)
    document = json.loads(Path(saved["path"], "artifact.json").read_text("utf-8"))
    assert document["subwords"] == {"shortest": 1, "longest": 3, "buckets": 8}


def test_rounded_vectors_are_frozen_as_they_are(dlkit, model):
    dlkit("word2vec", "import", "m.bin", "--dtype", "float16", "-n", "half", "--quiet")
    saved, _ = train(dlkit, "text.txt", "--from", "half", *FAST, "--freeze", "-n", "new")
    kept(dlkit, saved, "half")


def test_a_stopped_run_keeps_what_is_frozen(dlkit, model):
    options = ("--from", "m", *FAST, "--freeze", "--epochs", "1200", "--progress", "json")
    process = dlkit.start("word2vec", "train", "text.txt", *options, "-n", "x")
    for line in process.stderr:
        if json.loads(line)["event"] == "epoch":
            break
    process.send_signal(signal.SIGINT)
    process.stderr.read()
    process.stdout.close()
    process.stderr.close()
    assert process.wait(timeout=60) == 130
    saved, _ = train(dlkit, "--resume", "-n", "x", "--epochs", "1200")
    kept(dlkit, saved)


def test_the_end_of_a_line_has_no_ngrams_in_training_either(dlkit, model):
    saved, _ = train(dlkit, "text.txt", "--from", "m", *FAST, "-n", "new")
    rows = load_file(Path(saved["path"], "rows.safetensors"))["rows"]
    found = vectors(saved["path"])
    row = list(found).index("</s>")
    assert (found["</s>"] == rows[row]).all()
    assert (found["</s>"] != vectors(dlkit.home / "word2vec" / "m")["</s>"]).any()
    (dlkit.folder / "words.txt").write_text("早饭\n很\n", "utf-8")
    train(dlkit, "text.txt", *FAST, *GRAMS, "--vocabulary", "words.txt", "-n", "without")
    done = dlkit("similar", "</s>", "--from", "without", check=None)
    assert "</s>' is not in the vocabulary" in done.stderr
    assert done.returncode == 3


def test_an_imported_artifact_tells_its_size_and_ngrams_to_what_goes_on(dlkit, model):
    saved, _ = train(dlkit, "text.txt", "--from", "m", *FAST, "-n", "new")
    assert saved["dim"] == 3
    assert dlkit("similar", "早饭饭", "--from", "new").stdout
    done = dlkit(
        "word2vec", "train", "text.txt", "--from", "m", "--dim", "9", "--maxn", "2", check=USAGE
    )
    assert "m has vectors of 3 numbers and n-grams of 1 to 3 letters in 8 buckets" in done.stderr
    assert "the training of 9 and n-grams of 1 to 2 letters in 8 buckets" in done.stderr
    assert "hint: --dim 3 --minn 1 --maxn 3 --buckets 8" in done.stderr
    assert "reading" not in done.stderr


@pytest.mark.parametrize(
    "start", [("--initial", "m.bin", "--dim", "3"), ("--from", "m", "--maxn", "0")]
)
def test_ngrams_that_stay_behind_are_told_with_what_takes_them_along(dlkit, model, start):
    _, said = train(dlkit, "text.txt", *start, *FAST, "-n", "new")
    assert "stay behind" in said
    assert "--minn 1 --maxn 3 --buckets 8" in said
    along = ("--initial", "m.bin", "--dim", "3", *GRAMS)
    assert "stay behind" not in train(dlkit, "text.txt", *along, *FAST, "-n", "along")[1]


def test_a_model_without_ngrams_cannot_be_frozen_with_them(dlkit, model):
    (dlkit.folder / "v.vec").write_text("1 3\n早饭 1 2 3\n", "utf-8")
    options = ("--initial", "v.vec", "--dim", "3", "--freeze", *FAST, *GRAMS)
    done = dlkit("word2vec", "train", "text.txt", *options, check=USAGE)
    assert "begin with what has n-grams: an artifact (--from) or a .bin of fastText" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("train", "text.txt", "--from", "m.bin"), USAGE, "hint: --initial m.bin, or make an"),
        (("train", "text.txt", "--initial", "m"), USAGE, "hint: --from m"),
        (("train", "text.txt", "--initial", ""), USAGE, "initial: no file is named"),
        (("eval", "pairs.tsv", "--vectors", "m"), USAGE, "hint: --from m"),
        (("map", "--vectors", "word2vec/m"), USAGE, "hint: --from word2vec/m"),
        (("export", "x.vec", "--vectors", "m"), USAGE, "hint: --from m"),
        (("export", "x.vec", "--vectors", "-"), USAGE, "read from a file, not from -"),
        (("inspect", "--vectors", "-"), USAGE, "read from a file, not from -"),
        (("map", "--vectors", "nothing.vec"), 1, "nothing.vec cannot be read"),
        (("map", "--vectors", "x" * 5000), 1, "cannot be read"),
        (("map", "--vectors", "."), 1, "Is a directory"),
    ],
)
def test_a_file_for_an_artifact_and_the_reverse_are_told_apart(dlkit, model, arguments, code, said):
    (dlkit.folder / "pairs.tsv").write_text("早饭\thello\t3\n早饭\t很\t5\n", "utf-8")
    done = dlkit("word2vec", *arguments, check=code)
    assert said in done.stderr
    assert not (dlkit.folder / "x.vec").exists()


def test_rows_in_a_pipe_have_the_same_columns_whatever_was_read(dlkit, model):
    (dlkit.folder / "v.vec").write_text("6 3\n" + "".join(f"w{i} {i} 2 3\n" for i in range(6)))
    names = [
        dlkit("word2vec", "import", file, "--header").stdout.splitlines()[0]
        for file in ("v.vec", "m.bin")
    ]
    assert names[0] == names[1]
    maps = [
        dlkit("word2vec", "map", "--vectors", file, "--points", "--header").stdout.splitlines()
        for file in ("v.vec", "m.bin")
    ]
    assert maps[0][0] == maps[1][0] == "word\tx\ty\tfrom_ngrams"
    assert {line.split("\t")[3] for line in maps[0][1:]} == {"false"}
    drawn = [
        dlkit(
            "word2vec", "map", "--vectors", "v.vec", "--method", method, "--out", f"{method}.svg",
            "--header",
        ).stdout.splitlines()
        for method in ("pca", "tsne")
    ]  # fmt: skip
    assert drawn[0][0] == drawn[1][0]
    assert all(len(names.split("\t")) == len(row.split("\t")) for names, row in drawn)
    sizes = [
        dlkit("word2vec", "export", file, "--vectors", "v.vec", "--header").stdout.splitlines()[0]
        for file in ("a.txt", "a.npy")
    ]
    assert sizes[0] == sizes[1]
