"""`dlkit word2vec train` as people use it: results, names, resuming, dry runs, refusals."""

from __future__ import annotations

import hashlib
import json
import random
import re
import signal
from pathlib import Path

import numpy as np
import pytest

LINES = ["猫 狗 鱼 鸟 马 牛 羊 鸡", "红 橙 黄 绿 青 蓝 紫 黑"] * 300
SMALL = ("--dim", "8", "--threads", "1", "--sample", "0", "--epochs", "3", "--progress", "plain")


@pytest.fixture
def corpus(tmp_path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(LINES), encoding="utf-8")
    return path


def result(done) -> dict[str, object]:
    return json.loads(done.stdout)


def test_words_of_one_kind_become_neighbours(dlkit, tmp_path):
    rng = random.Random(5)
    kinds = "猫狗鱼鸟马牛羊鸡", "红橙黄绿青蓝紫黑"
    lines = [" ".join(rng.choices(kinds[rng.random() < 0.5], k=6)) for _ in range(2000)]
    (tmp_path / "kinds.txt").write_text("\n".join(lines), encoding="utf-8")
    options = ("--dim", "8", "--threads", "1", "--sample", "0", "--epochs", "20")
    for model in ("skipgram", "cbow"):
        dlkit("word2vec", "train", "kinds.txt", *options, "--model", model)
        for word in "猫红":
            answer = json.loads(dlkit("similar", word, "-k", "7", "--json").stdout)
            found = {each["word"] for each in answer["neighbors"]} | {word}
            assert found in (set(kinds[0]), set(kinds[1]))


def test_a_taken_name_gets_a_number_and_nothing_is_overwritten(dlkit, corpus):
    first = result(dlkit("word2vec", "train", corpus, *SMALL, "--json"))
    before = (Path(str(first["path"])) / "MANIFEST").read_bytes()
    second = result(dlkit("word2vec", "train", corpus, *SMALL, "--json"))
    assert (first["artifact"], second["artifact"]) == ("word2vec/corpus", "word2vec/corpus-2")
    assert (Path(str(first["path"])) / "MANIFEST").read_bytes() == before


def test_the_same_command_gives_the_same_artifact(dlkit, corpus):
    hashes = set()
    for _ in range(2):
        path = Path(str(result(dlkit("word2vec", "train", corpus, *SMALL, "--json"))["path"]))
        kept = sorted(p for p in path.iterdir() if p.name not in {"run.json", "MANIFEST"})
        digest = hashlib.sha256()
        for each in kept:
            digest.update(each.name.encode() + each.read_bytes())
        hashes.add(digest.hexdigest())
    assert len(hashes) == 1


def test_another_seed_gives_other_vectors(dlkit, corpus):
    paths = [
        Path(str(result(dlkit("word2vec", "train", corpus, *SMALL, "--seed", s, "--json"))["path"]))
        for s in ("1", "2")
    ]
    first, second = ((path / "vectors.safetensors").read_bytes() for path in paths)
    assert first != second


def test_a_saved_config_is_a_recipe_that_runs_again(dlkit, corpus, tmp_path):
    path = Path(str(result(dlkit("word2vec", "train", corpus, *SMALL, "--json"))["path"]))
    again = dlkit("word2vec", "train", "-r", path / "config.yaml", "-n", "again", "--json")
    other = Path(str(result(again)["path"]))
    assert (other / "vectors.safetensors").read_bytes() == (
        path / "vectors.safetensors"
    ).read_bytes()
    assert (other / "config.yaml").read_bytes() == (path / "config.yaml").read_bytes()


def test_safetensors_reads_the_vectors(dlkit, corpus):
    from safetensors.numpy import load_file

    path = Path(str(result(dlkit("word2vec", "train", corpus, *SMALL, "--json"))["path"]))
    loaded = load_file(path / "vectors.safetensors")
    assert loaded["vectors"].shape == (16, 8)
    assert loaded["norms"] == pytest.approx(np.linalg.norm(loaded["vectors"], axis=1), rel=1e-6)
    assert load_file(path / "outputs.safetensors")["outputs"].shape == (16, 8)


def test_the_columns_of_the_result_are_always_the_same(dlkit, corpus, tmp_path):
    short = dlkit("word2vec", "train", corpus, *SMALL, "--header").stdout.splitlines()
    big = tmp_path / "big.txt"
    big.write_text("\n".join(LINES * 15), encoding="utf-8")
    long = dlkit("word2vec", "train", big, *SMALL, "--header").stdout.splitlines()
    assert short[0] == long[0]
    place = short[0].split("\t").index("held_out_loss")
    assert short[1].split("\t")[place] == ""
    assert float(long[1].split("\t")[place]) > 0


def test_the_metrics_hold_one_line_for_each_epoch(dlkit, corpus):
    path = Path(str(result(dlkit("word2vec", "train", corpus, *SMALL, "--json"))["path"]))
    lines = (path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    metrics = [json.loads(line) for line in lines]
    assert [each["epoch"] for each in metrics] == [1, 2, 3]
    assert metrics[-1]["loss"] < metrics[0]["loss"]
    assert metrics[-1]["lr"] == pytest.approx(1e-4)


@pytest.mark.parametrize("form", ["--json", "--format=tsv"])
def test_a_dry_run_estimates_and_leaves_nothing(dlkit, corpus, form):
    done = dlkit("word2vec", "train", corpus, *SMALL, "--dry-run", form)
    assert not dlkit.home.exists()
    assert "memory_bytes is the model's alone" in done.stderr
    if form == "--json":
        facts = result(done)
        assert facts["memory_bytes"] == 2 * 16 * 8 * 4
        assert facts["vocabulary"] == 16
        assert facts["words"] == 4800
        assert facts["parameters"] == 2 * 16 * 8
        assert 0 < facts["training_seconds"] < 60
        assert facts["loss"] is None or 0 < facts["loss"] < 10


def test_a_dry_run_tells_of_divergence_as_the_run_itself_does(dlkit, tmp_path):
    rng = random.Random(3)
    lines = [" ".join(rng.choices("abcdefghij", k=50)) for _ in range(2000)]
    (tmp_path / "long.txt").write_text("\n".join(lines), encoding="utf-8")
    options = ("long.txt", *SMALL, "--lr", "10", "--min-lr", "10", "--progress", "off")
    told = []
    for more in ((), ("--dry-run",)):
        done = dlkit("word2vec", "train", *options, *more, check=1)
        assert done.stdout == ""
        error = done.stderr[done.stderr.index("error: ") :]
        told.append(re.sub(r"[\d,.]+|nan", "N", error))
    assert told[0] == told[1]
    assert told[0].startswith("error: training diverged in epoch N after N words: the loss is N")


def test_too_large_a_model_is_refused_before_it_takes_memory(dlkit, tmp_path):
    many = tmp_path / "many.txt"
    with many.open("w", encoding="utf-8") as file:
        for number in range(1_300_000):
            file.write(f"{number:x} ")
    done = dlkit(
        "word2vec", "train", many, "--min-count", "1", "--dim", "10000", "--threads", "1", check=1
    )
    assert "need 104.0 GB" in done.stderr
    assert "--max-vocab" in done.stderr


def test_a_typo_in_the_corpus_leaves_no_trace(dlkit):
    done = dlkit("word2vec", "train", "nofile.txt", check=1)
    assert done.stderr.startswith("error: ")
    assert not dlkit.home.exists()


def test_resume_and_dry_run_are_not_taken_together(dlkit):
    assert "--resume" in dlkit("word2vec", "train", "--resume", "--dry-run", check=2).stderr


def test_a_rate_that_would_rise_is_refused(dlkit, corpus):
    done = dlkit("word2vec", "train", corpus, "--min-lr", "1", check=2)
    assert done.stderr == "error: --min-lr 1 must not be above --lr 0.025\n"


def test_wrong_assignments_name_their_keys(dlkit, corpus):
    done = dlkit("word2vec", "train", corpus, "-s", "dim=x", "-s", "wndow=3", check=2)
    assert "--set dim: must be a whole number, not x" in done.stderr
    assert "--set wndow: unknown key" in done.stderr
    assert "did you mean window (default: 5)?" in done.stderr


def test_a_recipes_paths_are_its_own(dlkit, corpus, tmp_path):
    folder = tmp_path / "recipes"
    folder.mkdir()
    (folder / "r.yaml").write_text("data: corpus.txt\ndim: 4\n", encoding="utf-8")
    done = dlkit("word2vec", "train", "-r", "recipes/r.yaml", check=1)
    assert str(folder / "corpus.txt") in done.stderr


@pytest.mark.parametrize("arguments", [(), ("word2vec",), ("artifacts",), ("recipes",)])
def test_a_group_without_a_command_shows_its_help(dlkit, arguments):
    done = dlkit(*arguments, check=2)
    assert done.stderr.startswith("Usage: dlkit")
    assert "Commands:" in done.stderr
    assert "\\x0a" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("-h",), ("word2vec", "-h"), ("word2vec", "train", "-h"), ("recipes", "list", "-h")],
)
def test_h_is_help(dlkit, arguments):
    assert dlkit(*arguments).stdout.startswith("Usage: dlkit")


def stopped(dlkit, corpus, *options: str) -> None:
    """An interrupted run called x, some epochs behind."""
    process = dlkit.start("word2vec", "train", corpus, "-n", "x", *options, "--progress", "json")
    for line in process.stderr:
        event = json.loads(line)
        if event["event"] == "epoch" and event["number"] == 2:
            break
    process.send_signal(signal.SIGINT)
    process.stderr.read()
    process.stdout.close()
    process.stderr.close()
    assert process.wait(timeout=60) == 130


@pytest.fixture
def interrupted(dlkit, tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(LINES * 10), encoding="utf-8")
    stopped(dlkit, path, "--dim", "8", "--threads", "1", "--epochs", "400")
    return dlkit


def test_threads_may_change_and_the_artifact_says_so(interrupted):
    done = interrupted(
        "word2vec", "train", "--resume", "--threads", "2", "--epochs", "60", "--json"
    )
    assert "threads changed from 1 to 2" in done.stderr
    path = Path(str(result(done)["path"]))
    assert json.loads((path / "artifact.json").read_text("utf-8"))["bit_reproducible"] is False
    changes = json.loads((path / "run.json").read_text("utf-8"))["resumptions"]
    assert len(changes) == 1
    assert any("threads" in each for each in changes[0])


def test_fewer_epochs_than_are_done_are_refused(interrupted):
    done = interrupted("word2vec", "train", "--resume", "--epochs", "1", check=2)
    assert re.search(r"hint: --epochs \d+ or more", done.stderr)


def test_a_recipe_given_again_changes_no_epochs(interrupted, tmp_path):
    recipe = tmp_path / "r.yaml"
    recipe.write_text("epochs: 5\ndim: 8\n", encoding="utf-8")
    done = interrupted(
        "word2vec", "train", "--resume", "-r", recipe, "--set", "epochs=60", "--json"
    )
    assert result(done)["epochs"] == 60
    recipe.write_text("dim: 9\n", encoding="utf-8")


def test_another_corpus_is_refused(interrupted, tmp_path):
    (tmp_path / "other.txt").write_text("x", encoding="utf-8")
    done = interrupted("word2vec", "train", "other.txt", "--resume", check=2)
    assert "data was" in done.stderr
    interrupted("word2vec", "train", "corpus.txt", "--resume", "--epochs", "60")
