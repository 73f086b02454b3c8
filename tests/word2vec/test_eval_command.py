"""`dlkit word2vec eval` as a user runs it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from dlkit.artifacts.runs import reserve
from dlkit.artifacts.tensors import write_tensors

WORDS = {
    "男人": [1, 0, 0, 0.1],
    "女人": [-1, 0, 0, 0.1],
    "国王": [1, 1, 0, 0],
    "女王": [-1, 1, 0, 0],
    "米饭": [0, 0, 1, 0.1],
    "athens": [0, 0.2, 0.8, -0.5],
}
COLUMNS = ["test", "section", "measure", "score", "correct", "total", "skipped", "cosine"]
ANALOGIES = ": 家庭\n男人 女人 国王 女王\n男人 女人 国王 米饭\n男人 女人 王子 公主\n"
PAIRS = "word1\tword2\tscore\n男人\t国王\t7\n男人\t女王\t3\n国王\t米饭\t1\n男人\t王子\t8\n"


@pytest.fixture
def artifact(dlkit, monkeypatch) -> Path:
    monkeypatch.setenv("DLKIT_HOME", str(dlkit.home))
    matrix = np.array(list(WORDS.values()), dtype=np.float32)
    norms = np.linalg.norm(matrix, axis=1).astype(np.float32)
    document = {
        "kind": "word-vectors",
        "dim": 4,
        "words": len(WORDS),
        "text": {"tokens": "zh", "lowercase": True, "drop_punctuation": False},
    }
    files = {
        "vocab.txt": "".join(f"{word}\t5\n" for word in WORDS).encode(),
        "vectors.safetensors": write_tensors({"vectors": matrix, "norms": norms}),
    }
    with reserve("word2vec", "small", default="small") as run:
        return run.commit(document, files)


@pytest.fixture
def tests(dlkit) -> Path:
    (dlkit.folder / "类比.txt").write_text(ANALOGIES, encoding="utf-8")
    (dlkit.folder / "pairs.tsv").write_text(PAIRS, encoding="utf-8")
    return dlkit.folder


def test_one_table_has_analogies_and_pairs(dlkit, artifact, tests):
    done = dlkit("word2vec", "eval", "类比.txt", "pairs.tsv", "--method", "both", "--header")
    header, *lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert header == COLUMNS
    assert [line[:3] + line[4:7] for line in lines] == [
        ["类比.txt", "家庭", "add", "1", "2", "1"],
        ["类比.txt", "total", "add", "1", "2", "1"],
        ["类比.txt", "家庭", "mul", "1", "2", "1"],
        ["类比.txt", "total", "mul", "1", "2", "1"],
        ["pairs.tsv", "total", "spearman", "", "3", "1"],
        ["pairs.tsv", "total", "pearson", "", "3", "1"],
    ]
    assert [line[3] for line in lines[:4]] == ["0.5"] * 4
    assert 0.9 < float(lines[0][7]) < 1
    assert lines[4][3] == "0.5"
    assert done.stderr.splitlines() == [
        "类比.txt: analogies, 3 questions in 1 section",
        "pairs.tsv: 4 pairs between tabs, score in column 3, line 1 is a header",
        "using word2vec/small: 6 words x 4",
        "rules of dlkit: all 6 words, case folded, questions with unknown words skipped",
    ]


def test_json_is_one_object_a_test_with_all_that_is_known(dlkit, artifact, tests):
    options = ("--restrict", "5", "--unknown", "wrong", "--rules", "gensim", "--json", "--quiet")
    done = dlkit("word2vec", "eval", "类比.txt", "pairs.tsv", "--from", "small", *options)
    assert done.stderr == ""
    first, second = map(json.loads, done.stdout.splitlines())
    rules = {"preset": "gensim", "words": 5, "case": "fold", "unknown": "wrong"}
    cosine = first["scores"][0].pop("cosine")
    assert cosine == first["scores"][1].pop("cosine")
    one = {"correct": 1, "total": 3, "skipped": 0, "unknown": 1, "accuracy": 1 / 3}
    assert first == {
        "test": "类比.txt",
        "kind": "analogies",
        "vectors": "word2vec/small",
        "rules": rules,
        "malformed": 0,
        "questions": 3,
        "unknown": 1,
        "unknown_percent": pytest.approx(100 / 3),
        "scores": [
            {"part": "家庭", "level": "section", "method": "add", **one},
            {"part": "total", "level": "total", "method": "add", **one},
        ],
    }
    assert -1 <= second.pop("spearman") <= 1
    assert -1 <= second.pop("pearson") <= 1
    assert second == {
        "test": "pairs.tsv",
        "kind": "pairs",
        "vectors": "word2vec/small",
        "rules": rules,
        "malformed": 0,
        "pairs": 4,
        "used": 4,
        "unknown": 1,
        "unknown_percent": 25.0,
        "composed": 0,
    }


def test_tests_come_from_pipes_and_packed_files(dlkit, artifact, tests):
    (tests / "a.gz").write_bytes(gzip.compress(ANALOGIES.encode()))
    done = dlkit("word2vec", "eval", "a.gz", "-", stdin=gzip.compress(PAIRS.encode()))
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["a.gz"] * 2 + ["-"] * 2
    problem = dlkit("word2vec", "eval", "-", "-", stdin=PAIRS, check=2).stderr
    assert "- is given twice" in problem


def test_vectors_of_other_tools_are_scored(dlkit, tests):
    lines = [f"{word} {' '.join(map(str, row))}" for word, row in WORDS.items()]
    (tests / "v.vec").write_text("6 4\n" + "\n".join(lines) + "\n", encoding="utf-8")
    done = dlkit("word2vec", "eval", "类比.txt", "--vectors", "v.vec")
    assert done.stdout.splitlines()[-1].split("\t")[3:7] == ["0.5", "1", "2", "1"]
    assert "--from is for artifacts" in dlkit(
        "word2vec", "eval", "类比.txt", "--vectors", "v.vec", "--from", "x", check=2
    ).stderr  # fmt: skip


def test_questions_are_spelt_as_the_corpus_was(dlkit, artifact, tests):
    test = "Athens\t米饭\t9\nAthens\t男人\t1\n"
    done = dlkit("word2vec", "eval", "-", "--case", "keep", stdin=test)
    assert done.stdout.splitlines()[0].split("\t")[3:6] == ["1.0", "", "2"]
    assert "1 word is read as the corpus spells, such as 'Athens' as 'athens'" in done.stderr


def test_tests_without_a_usable_question_end_with_code_3_after_the_others(dlkit, artifact, tests):
    (tests / "en.txt").write_text(": a\nboy girl he she\n", encoding="utf-8")
    for unknown in ("skip", "wrong"):
        done = dlkit("word2vec", "eval", "en.txt", "类比.txt", "--unknown", unknown, "-q", check=3)
        names = [line.split("\t")[0] for line in done.stdout.splitlines()]
        assert names == ["en.txt"] * 2 + ["类比.txt"] * 2
        assert done.stderr.startswith(
            "error: en.txt: no question has only words that word2vec/small knows\nhint: "
        )


def test_a_malformed_line_is_named_or_counted(dlkit, artifact, tests):
    (tests / "bad.txt").write_text(ANALOGIES + "男人 女人\n", encoding="utf-8")
    done = dlkit("word2vec", "eval", "bad.txt", check=1)
    assert "error: bad.txt: line 5 is not a question of four words: '男人 女人'" in done.stderr
    assert done.stdout == ""
    done = dlkit("word2vec", "eval", "bad.txt", "--skip-malformed", "--json")
    assert json.loads(done.stdout)["malformed"] == 1
    assert "warning: bad.txt: 1 malformed line is left out" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "no test given"),
        (("类比.txt", "--method", "max"), "--method: unknown value 'max'"),
        (("类比.txt", "--rules", "glove"), "--rules: unknown value 'glove'"),
        (("类比.txt", "--case", "lower"), "--case: unknown value 'lower'"),
        (("类比.txt", "--unknown", "zero"), "--unknown: unknown value 'zero'"),
        (("类比.txt", "--kind", "words"), "--kind: unknown value 'words'"),
        (("类比.txt", "--subwords"), "word2vec/small has no subwords"),
        (("类比.txt", "--restrict", "-1"), "--restrict"),
    ],
)
def test_wrong_use_is_refused_with_a_hint(dlkit, artifact, tests, arguments, message):
    problem = dlkit("word2vec", "eval", *arguments, check=2).stderr
    assert message in problem
    assert "hint: " in problem


def test_a_terminal_gets_one_table_a_test(dlkit, artifact, tests):
    done = dlkit("word2vec", "eval", "类比.txt", "pairs.tsv", "--format", "human", "-q")
    lines = [line.split() for line in done.stdout.splitlines() if line.strip()]
    assert ["类比.txt"] in lines
    assert COLUMNS[1:] in lines
    assert any(line[:3] == ["total", "spearman", "0.5000"] for line in lines)
