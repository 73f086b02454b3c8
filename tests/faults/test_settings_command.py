"""Extreme but valid settings train; hostile recipes, names and paths are refused at once."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load_file

CORPUS = "a b c 饭 d\n" * 200
QUICK = {"seconds": 5, "megabytes": 200}  # a second or less, where nobody else uses the machine


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text(CORPUS, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "options",
    [
        ("--negative", "64", "--window", "1000", "--dim", "1"),
        ("--model", "cbow", "--negative", "64", "--window", "1000", "--dim", "1"),
        ("--threads", "200", "--seed", str(2**63 - 1), "--lr", "1e-300", "--min-lr", "0"),
        ("--dim", "10000", "--sample", "1", "--max-vocab", "2", "--model", "cbow"),
        ("--dim", "17", "--max-vocab", "4294967296", "--min-count", "200"),
    ],
)
def test_values_at_the_ends_of_their_ranges_train(trains, dlkit, corpus, options):
    words = trains(corpus, *options)
    assert len(words) == (2 if "10000" in options else 5)
    vectors = load_file(trains.artifact / "vectors.safetensors")["vectors"]
    dim = int(options[options.index("--dim") + 1]) if "--dim" in options else 4
    assert vectors.shape == (len(words), dim)
    assert np.isfinite(vectors).all()
    assert dlkit("artifacts", "verify", "--all").stdout.split("\t")[1] == "ok"
    assert dlkit("similar", words[0]).stdout.count("\n") == len(words) - 1


@pytest.mark.parametrize("options", [("--dim", "100"), ("--model", "cbow")])
def test_a_training_that_diverges_is_an_error_that_names_the_learning_rate(
    failing, corpus, options
):
    told = failing("word2vec", "train", corpus, "--lr", "10", "--threads", "1", *options)
    assert "training diverged in epoch 1" in told
    assert "learning rate" in told
    assert "hint: lower the learning rate: --lr 0.0" in told


LAUGHS = "a0: &a0 [lol, lol]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)


@pytest.mark.parametrize(
    ("recipe", "reason"),
    [
        (LAUGHS, "anchors and aliases"),
        ("[" * 100_000, "nested deeper than 20"),
        ("- " * 100_000, "nested deeper than 20"),
        ("{a: " * 100_000, "nested deeper than 20"),
        ("[\n" * 100_000, "nested deeper than 20"),
        ("data: [" + "[]," * 300_000 + "]", "more than 10,000"),
        ("data: [" + "a," * 300_000 + "]", "more than 10,000"),
        ("".join(f"k{number}: 1\n" for number in range(90_000)), "more than 10,000"),
        ("".join(f"k{number}: 1\n" for number in range(4_000)), "and 3,990 more mistakes"),
        ("a" * 100_000_000, "larger than 1,000,000 bytes"),
    ],
    ids=["laughs", "brackets", "dashes", "braces", "lines", "lists", "items", "keys", "few", "big"],
)
def test_a_recipe_that_would_take_time_and_memory_is_refused_before_it_does(
    measured, dlkit, corpus, tmp_path, recipe, reason
):
    (tmp_path / "r.yaml").write_text(recipe)
    done = measured("word2vec", "train", corpus, "--recipe", "./r.yaml")
    assert done["code"] == 2
    assert reason in done["stderr"]
    assert done["stderr"].startswith("error: ")
    assert len(done["stderr"]) < 2000
    assert done["seconds"] < QUICK["seconds"]
    assert done["megabytes"] < QUICK["megabytes"]
    assert not dlkit.home.exists()


@pytest.mark.parametrize(
    ("encoding", "mark"), [("gb18030", ""), ("utf-16", ""), ("latin-1", ""), ("utf-8", "\ufeff")]
)
def test_a_recipe_is_utf8_with_or_without_a_mark_and_else_refused(
    failing, dlkit, corpus, tmp_path, encoding, mark
):
    text = "# é\ndim: 3\n" if encoding == "latin-1" else "# 饭\ndim: 3\n"
    (tmp_path / "r.yaml").write_bytes((mark + text).encode(encoding))
    options = ("word2vec", "train", corpus, "-r", "./r.yaml", "--threads", "1", "-n", "x")
    if mark:
        dlkit(*options)
        assert "dim: 3\n" in (dlkit.home / "word2vec/x/config.yaml").read_text(encoding="utf-8")
    else:
        assert "r.yaml: not UTF-8 at byte" in failing(*options, code=2)


@pytest.mark.parametrize("name", ["with space.yaml", "new\nline.yaml", "-dash.yaml", "饭.yaml"])
def test_a_recipe_of_any_spelling_is_read_and_its_mistakes_are_told_on_one_line(
    failing, dlkit, corpus, tmp_path, name
):
    (tmp_path / name).write_text("dim: 3\ntext: {min_count: 1}\n")
    dlkit("word2vec", "train", corpus, "-r", f"./{name}", "--threads", "1", "--dry-run")
    (tmp_path / name).write_text("dim: many\n")
    told = failing("word2vec", "train", corpus, "-r", f"./{name}", "--threads", "1", code=2)
    assert "dim" in told.splitlines()[0]


def test_a_recipe_under_the_home_folder_is_read(dlkit, corpus, tmp_path):
    (tmp_path / "r.yaml").write_text("dim: 3\n")
    home = {"HOME": str(tmp_path)}
    dlkit("word2vec", "train", corpus, "-r", "~/r.yaml", "--threads", "1", "--dry-run", env=home)


@pytest.mark.parametrize(
    "path", ["a" * 5000 + ".yaml", "./" + "d/" * 3000 + "r.yaml", "missing.yaml", "./x\ny.yaml"]
)
def test_a_recipe_that_is_not_there_is_told_on_one_line(failing, corpus, path):
    told = failing("word2vec", "train", corpus, "-r", path, code=2)
    assert len(told.splitlines()) <= 2


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd", "/etc/passwd", "C:\\x", "C:", "CON", "nul.txt", "a\u2044b", "a\uff0fb",
        ".hidden", "", " ", "a\nb", "a\u202eb", "e\u0301", "x" * 101, "trailing.", "-", "*",
    ],
)  # fmt: skip
def test_a_name_that_no_file_should_have_is_refused(failing, tmp_path, corpus, name):
    before = sorted(tmp_path.rglob("*"))
    told = failing("word2vec", "train", corpus, f"--name={name}", "--threads", "1", code=2)
    assert "cannot name an artifact" in told
    assert sorted(tmp_path.rglob("*")) == before
