"""Wrong settings through the real command: exit 2, one line, nothing written, quickly."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

CORPUS = "猫 狗 猫 狗 鱼\n" * 400


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text(CORPUS, encoding="utf-8")
    return path


def refused(dlkit, *arguments, code: int = 2) -> str:
    done = dlkit("word2vec", "train", *arguments, check=code)
    lines = done.stderr.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1, done.stderr
    assert not done.stdout
    assert not [p for p in dlkit.home.rglob("*") if p.is_file() and p.name != ".lock"]
    return done.stderr


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("window", "0"),
        ("dim", "0"),
        ("dim", "2147483648"),
        ("dim", "-5"),
        ("negative", "0"),
        ("negative", "65"),
        ("epochs", "0"),
        ("threads", "0"),
        ("threads", "1000000"),
        ("lr", "0"),
        ("lr", "-1"),
        ("lr", "1e30"),
        ("lr", "nan"),
        ("lr", "inf"),
        ("sample", "-0.1"),
        ("sample", "nan"),
        ("min-count", "0"),
        ("max-vocab", "0"),
        ("seed", "-1"),
        ("model", "glove"),
        ("tokens", "words"),
        ("encoding", "utf-99"),
        ("encoding", "base64"),
        ("encoding", "rot13"),
    ],
)
def test_a_value_out_of_range_is_refused_with_option_and_value(dlkit, corpus, option, value):
    told = refused(dlkit, corpus, f"--{option}", value)
    assert option.replace("-", "_") in told.replace("-", "_")
    assert value in told or (value == "1e30" and "1e+30" in told)


@pytest.mark.parametrize("value", ["x", "", "1e400", "9" * 5000])
def test_what_is_no_number_is_refused(dlkit, corpus, value: str):
    told = refused(dlkit, corpus, "--dim", value)
    assert "dim" in told
    assert max(map(len, told.splitlines())) < 6000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dim: 010", "octal"),
        ("text: {lowercase: NO}", "must be true or false"),
        ("seed: 12:30:45", "whole number"),
        ("dim: 3\ndim: 4", "stands twice"),
        ("dimm: 3", "did you mean dim (default: 100)?"),
        ("text: {tokns: zh}", "did you mean tokens (default: auto)?"),
        ("dim: &a 3", "anchors"),
        ("[" * 100_000, "nested deeper"),
        ("dim: !!python/object/apply:os.system [touch hacked]", "tags"),
        ("- 1", "no settings"),
    ],
)
def test_a_wrong_recipe_is_refused(dlkit, corpus, tmp_path, text: str, words: str):
    recipe = tmp_path / "r.yaml"
    recipe.write_text(text, encoding="utf-8")
    assert words in refused(dlkit, corpus, "-r", recipe)
    assert not (tmp_path / "hacked").exists()


def test_a_float_in_a_recipe_may_be_written_as_people_write_it(dlkit, corpus, tmp_path):
    recipe = tmp_path / "r.yaml"
    recipe.write_text("\ufefflr: 1e-3\nmin_lr: 1e-5\ndim: 4\n", encoding="utf-8")
    dlkit("word2vec", "train", corpus, "-r", recipe, "--threads", "1", "-n", "x")
    saved = (dlkit.home / "word2vec" / "x" / "config.yaml").read_text(encoding="utf-8")
    assert "lr: 0.001\n" in saved
    assert "min_lr: 1.0e-05\n" in saved


@pytest.mark.parametrize(
    "name",
    ["with space.txt", "new\nline.txt", "-dash.txt", "~tilde.txt", "饭.txt", "x" * 200 + ".txt"],
)
def test_paths_of_any_spelling_are_read(dlkit, tmp_path, name: str):
    (tmp_path / name).write_text(CORPUS, encoding="utf-8")
    dlkit("word2vec", "train", f"./{name}", "--dim", "4", "--epochs", "1", "--threads", "1")
    dlkit("word2vec", "train", "--dim", "4", "--epochs", "1", "--threads", "1", "--", name)


def test_a_home_path_is_expanded(dlkit, tmp_path):
    (tmp_path / "c.txt").write_text(CORPUS, encoding="utf-8")
    dlkit(
        "word2vec", "train", "~/c.txt", "--dim", "4", "--threads", "1", env={"HOME": str(tmp_path)}
    )


@pytest.mark.parametrize("name", ["missing.txt", "a" * 5000, "/nowhere/x", "./no\nwhere"])
def test_a_path_that_leads_nowhere_is_told_on_one_line(dlkit, name: str):
    refused(dlkit, name, code=1)


def test_no_corpus_is_a_usage_error_with_an_example(dlkit):
    assert "dlkit word2vec train corpus.txt" in refused(dlkit)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    option=st.sampled_from(["--dim", "--window", "--lr", "--sample", "--seed", "--min-count"]),
    value=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12),
)
@example("--lr", "١")
def test_no_option_value_leads_to_a_traceback(dlkit, corpus, option: str, value: str):
    done = dlkit("word2vec", "train", corpus, "--dry-run", f"{option}={value}", check=None)
    assert done.returncode in (0, 1, 2)
