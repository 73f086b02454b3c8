"""`dlkit word2vec map`, `inspect` and `clusters` as people use them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from dlkit.artifacts.runs import reserve
from dlkit.artifacts.tensors import write_tensors

SVG = "{http://www.w3.org/2000/svg}"
WORDS = ["的", "早餐", "午餐", "晚餐", "酒店", "宾馆", "<s>", "&", "Paris", "电脑", "硬盘", "zero"]


@pytest.fixture
def small(dlkit, monkeypatch) -> Path:
    """An artifact of twelve words that the fixture ``dlkit`` finds."""
    monkeypatch.setenv("DLKIT_HOME", str(dlkit.home))
    monkeypatch.setenv("XDG_CACHE_HOME", dlkit.environment["XDG_CACHE_HOME"])
    matrix = np.random.default_rng(0).normal(size=(len(WORDS), 6)).astype(np.float32)
    matrix[2:4] += 5 * matrix[1]
    matrix[-1] = 0
    document = {
        "kind": "word-vectors",
        "dim": 6,
        "words": len(WORDS),
        "text": {"tokens": "zh", "lowercase": False, "drop_punctuation": False},
        "model": {"name": "cbow", "window": 5},
        "seed": 3,
    }
    norms = np.linalg.norm(matrix, axis=1).astype(np.float32)
    lines = [f"{word}\t{1000 // (row + 1)}\n" for row, word in enumerate(WORDS)]
    files = {
        "vocab.txt": "".join(lines).encode(),
        "vectors.safetensors": write_tensors({"vectors": matrix, "norms": norms}),
        "config.yaml": b"epochs: 30\ntext:\n  min_count: 5\n",
    }
    with reserve("word2vec", "small", default="small") as run:
        return run.commit(document, files)


@pytest.fixture
def file(tmp_path) -> Path:
    rows = np.random.default_rng(0).normal(size=(8, 3)).round(3)
    lines = [f"词{i} " + " ".join(map(str, row)) for i, row in enumerate(rows)]
    path = tmp_path / "file.vec"
    path.write_text("8 3\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def texts(path: Path) -> list[str]:
    return [each.text or "" for each in ElementTree.parse(path).iter(f"{SVG}text")]


def manifest_of(path: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in path.iterdir()}


def test_a_map_goes_into_the_reports_and_the_artifact_stays_as_it_is(dlkit, small):
    before = manifest_of(small)
    for number in (1, 2):
        fact = json.loads(dlkit("word2vec", "map", "--json").stdout)
        path = Path(fact["path"])
        assert path == dlkit.home / "reports" / "word2vec" / "small" / f"map-{number}" / "map.svg"
        assert set(WORDS) <= set(texts(path))
    assert (fact["words"], fact["method"]) == (12, "pca")
    assert manifest_of(small) == before
    dlkit("artifacts", "verify", "small")
    assert dlkit("artifacts", "list").stdout.count("\n") == 1


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_the_same_command_gives_the_same_bytes(dlkit, small, tmp_path, method):
    for name in ("a.svg", "b.svg"):
        dlkit("word2vec", "map", "--method", method, "--out", name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_named_words_and_their_neighbours_are_drawn_and_no_others(dlkit, small, tmp_path):
    done = dlkit("word2vec", "map", "早餐", "--neighbours", "2", "--out", "near.svg", "--json")
    assert json.loads(done.stdout)["words"] == 3
    found = texts(tmp_path / "near.svg")
    assert {"早餐", "午餐", "晚餐"} <= set(found)
    assert "电脑" not in found


def test_points_are_lines_and_objects_and_write_no_picture(dlkit, small):
    lines = dlkit("word2vec", "map", "早餐", "--top", "3", "--points").stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["早餐", "的", "午餐"]
    objects = dlkit("word2vec", "map", "早餐", "--top", "3", "--points", "--json").stdout
    for line, text in zip(lines, objects.splitlines(), strict=True):
        word, x, y, composed = line.split("\t")
        assert composed == "false"
        expected = {"word": word, "x": float(x), "y": float(y), "from_ngrams": False}
        assert json.loads(text) == expected
    assert not (dlkit.home / "reports").exists()


def test_a_map_may_go_to_stdout_and_words_come_from_stdin(dlkit, small, tmp_path):
    done = dlkit("word2vec", "map", "-", "--out", "-", stdin="早餐\n\n酒店\n")
    words = [e.text for e in ElementTree.fromstring(done.stdout).iter(f"{SVG}text")]
    assert {"早餐", "酒店"} <= set(words)
    assert "的" not in words


def test_a_stdin_without_words_is_told_and_nothing_is_drawn(dlkit, small):
    done = dlkit("word2vec", "map", "-", stdin="\n \n", check=1)
    assert done.stderr == "error: no words in standard input\n"
    assert not (dlkit.home / "reports").exists()


def test_unknown_words_are_told_of_and_exit_3_where_none_is_known(dlkit, small):
    done = dlkit("word2vec", "map", "早歺", "酒店", "--points")
    assert done.stdout.startswith("酒店\t")
    assert "'早歺' is not in the vocabulary" in done.stderr
    assert "早餐" in done.stderr
    done = dlkit("word2vec", "map", "早歺", check=3)
    assert done.stderr.splitlines()[-1] == "hint: did you mean 早餐?"
    assert done.stdout == ""


def test_a_file_that_is_there_is_replaced_only_by_force(dlkit, small, tmp_path):
    (tmp_path / "mine.svg").write_text("mine", encoding="utf-8")
    for command in (("map", "--out"), ("inspect", "--figure")):
        done = dlkit("word2vec", *command, "mine.svg", check=2)
        assert "--force" in done.stderr
        assert (tmp_path / "mine.svg").read_text(encoding="utf-8") == "mine"
    dlkit("word2vec", "map", "--out", "mine.svg", "--force")
    assert "早餐" in texts(tmp_path / "mine.svg")
    assert [each.name for each in tmp_path.glob(".tmp-*")] == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("map", "--method", "umap"), 2),
        (("map", "--neighbours", "3"), 2),
        (("map", "--points", "--out", "-"), 2),
        (("map", "--out", "no/such/folder/x.svg"), 1),
        (("map", "--top", "0"), 2),
        (("map", "--method", "tsne", "早餐", "酒店"), 2),
        (("map", "--from", "none"), 3),
        (("map", "--from", "small", "--vectors", "x"), 2),
        (("inspect", "--figure", "-"), 2),
        (("clusters", "-k", "12"), 2),
        (("clusters", "-k", "0"), 2),
        (("clusters", "--from", "none"), 3),
    ],
)
def test_mistakes_are_told_in_one_line(dlkit, small, arguments, code):
    done = dlkit("word2vec", *arguments, check=code)
    assert done.stdout == ""
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1


def test_vectors_of_another_tool_are_mapped_inspected_and_clustered(dlkit, file, tmp_path):
    fact = json.loads(dlkit("word2vec", "map", "--vectors", file, "--json").stdout)
    assert Path(fact["path"]).parent == dlkit.home / "reports" / "vectors" / "file.vec" / "map-1"
    found = json.loads(dlkit("word2vec", "inspect", "--vectors", file, "--json").stdout)
    assert found["vectors"]["words"] == 8
    assert "frequency" not in found
    done = dlkit("word2vec", "inspect", "--vectors", file, "--figure", "f.svg", check=2)
    assert "how often" in done.stderr
    lines = dlkit("word2vec", "clusters", "-k", "2", "--vectors", file).stdout.splitlines()
    assert sorted(line.split("\t")[0] for line in lines) == [f"词{i}" for i in range(8)]


def test_an_inspection_tells_the_same_in_a_pipe_and_in_json(dlkit, small, tmp_path):
    done = dlkit("word2vec", "inspect", "--top", "3", "--figure", "f.svg", "--header")
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert rows[0] == ["section", "key", "value"]
    told = {(section, key): value for section, key, value in rows[1:]}
    found = json.loads(dlkit("word2vec", "inspect", "--top", "3", "--json").stdout)
    assert {(s, key) for s, facts in found.items() for key in facts} == set(told)
    assert told["training", "model.name"] == found["training"]["model.name"] == "cbow"
    assert found["settings"] == {"epochs": 30, "text.min_count": 5}
    assert told["neighbours", "早餐"].split(" ") == found["neighbours"]["早餐"]
    assert found["neighbours"]["早餐"][:2] in (["午餐", "晚餐"], ["晚餐", "午餐"])
    assert float(told["frequency", "zipf_exponent"]) == pytest.approx(1, abs=0.05)
    assert found["norms"]["zeros"] == 1
    assert "rank" in texts(tmp_path / "f.svg")


def test_on_a_terminal_the_curve_is_drawn_in_characters(dlkit, small):
    done = dlkit("word2vec", "inspect", "--format", "human")
    assert "count by rank" in done.stdout
    assert any("\u2801" <= character <= "\u28ff" for character in done.stdout)
    assert "<s>" in done.stdout


def test_every_word_has_one_cluster_in_order_and_every_time_the_same(dlkit, small):
    done = dlkit("word2vec", "clusters", "-k", "4", "--threads", "1")
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert sorted(word for word, _ in rows) == sorted(WORDS)
    assert rows[-1] == ["zero", "-1"]
    numbers = [int(number) for _, number in rows[:-1]]
    assert numbers == sorted(numbers)
    assert set(numbers) == {0, 1, 2, 3}
    assert rows[0] == ["的", "0"]
    cluster = dict(rows)
    assert cluster["早餐"] == cluster["午餐"] == cluster["晚餐"]
    assert dlkit("word2vec", "clusters", "-k", "4").stdout == done.stdout
    lines = dlkit("word2vec", "clusters", "-k", "4", "--json").stdout.splitlines()
    objects = [json.loads(line) for line in lines]
    assert [[each["word"], str(each["cluster"])] for each in objects] == rows
    assert all(-1 <= each["similarity"] <= 1 for each in objects)


def test_a_summary_counts_every_word_once(dlkit, small):
    done = dlkit("word2vec", "clusters", "-k", "3", "--summary", "--top", "2", "--json")
    some = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["cluster"] for each in some] == [0, 1, 2]
    assert sum(each["size"] for each in some) == 11
    assert all(len(each["words"]) == min(2, each["size"]) for each in some)
    lines = dlkit("word2vec", "clusters", "-k", "3", "--summary", "--top", "2").stdout.splitlines()
    assert [line.split("\t")[3].split(" ") for line in lines] == [each["words"] for each in some]


def test_only_frequent_words_are_clustered_where_that_is_asked(dlkit, small):
    done = dlkit("word2vec", "clusters", "-k", "2", "--restrict", "5")
    assert {line.split("\t")[0] for line in done.stdout.splitlines()} == set(WORDS[:5])


def test_a_damaged_artifact_is_refused(dlkit, small):
    (small / "vocab.txt").write_bytes(b"")
    for verb in ("map", "inspect", "clusters"):
        dlkit("word2vec", verb, check=4)
