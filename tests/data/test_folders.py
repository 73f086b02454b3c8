"""What a folder is read as: text or tables, which split, and what is left out and said."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlkit.data.config import TextConfig
from dlkit.data.folders import split_of
from dlkit.data.sources import locate
from dlkit.errors import DlkitError


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def find(name, **settings):
    return locate([name], TextConfig(**settings))


def refused(name, *, match, **settings):
    with pytest.raises(DlkitError, match=match) as caught:
        find(name, **settings)
    assert "\n" not in str(caught.value)
    return caught.value


def write(path, data=b"a b\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_a_folder_of_text_is_read_in_the_order_of_its_paths(tmp_path):
    for name in ["b.txt", "a/2.txt", "a/10.txt.gz", ".git/config", ".hidden.txt", "c.png"]:
        write(tmp_path / "texts" / name, b"\x1f\x8b" if name.endswith("gz") else b"a")
    sources = find("texts")
    paths = ["texts/a/10.txt.gz", "texts/a/2.txt", "texts/b.txt"]
    assert [str(source.path) for source in sources] == paths
    assert {source.absolute() for source in sources} == {str(tmp_path / "texts")}
    told = "\n".join(note for source in sources for note in source.notes)
    assert "3 files to read" in told
    assert "1 hidden file not read" in told
    assert "1 other file not read: c.png" in told


def test_a_folder_without_suffixes_is_text(tmp_path):
    for name in ["AA/wiki_00", "AA/wiki_01", "README.md"]:
        write(tmp_path / "wiki" / name)
    assert len(find("wiki")) == 2


def test_folders_are_not_followed_in_circles(tmp_path):
    write(tmp_path / "d/a.txt")
    (tmp_path / "d/again").symlink_to(".")
    assert len(find("d")) == 1


@pytest.mark.parametrize("names", [[], [".a.txt"], ["README.md", "LICENSE"]])
def test_a_folder_without_text_is_refused(tmp_path, names):
    (tmp_path / "d").mkdir()
    for name in names:
        write(tmp_path / "d" / name)
    refused("d", match="no text files and no tables in the folder d")


HUB = [
    "data/train-00000-of-00002.csv",
    "data/train-00001-of-00002.csv",
    "data/test-00000-of-00001.csv",
    "README.md",
    "dataset_infos.json",
]


MIXED = [
    (["corpus.txt", "meta.csv"], "corpus.txt", "meta.csv", "d/*.txt"),
    (["a.txt", "b.csv", "c.csv", "d.csv"], "a.txt", "b.csv", "d/*.txt"),
    (["a/1.txt.gz", "b c/2.txt", "m.jsonl"], "a/1.txt.gz", "m.jsonl", "d/a/*.txt.gz 'd/b c'/*.txt"),
    (["AA/wiki_00", "meta.csv"], "AA/wiki_00", "meta.csv", "d/AA/wiki_00"),
    (["train.txt", "train.csv"], "train.txt", "train.csv", "d/*.txt"),
]


@pytest.mark.parametrize(("names", "text", "table", "files"), MIXED)
def test_a_folder_of_text_and_tables_is_refused(tmp_path, names, text, table, files):
    for name in names:
        write(tmp_path / "d" / name, b"\x1f\x8b" if name.endswith("gz") else b"a")
    error = refused("d", match="d holds both text")
    assert error.message == f"d holds both text ({text}) and tables ({table})"
    assert error.hint == f"give the files that are meant: dlkit word2vec train {files}"


@pytest.mark.parametrize("table", ["data/0.parquet", "0.arrow", "train.csv", "train/0.jsonl"])
def test_a_data_set_folder_names_what_it_leaves_out(tmp_path, table):
    for name in [table, "words.txt", "README.md"]:
        write(tmp_path / "d" / name)
    (source,) = find("d")
    assert source.path == Path("d") / table
    assert "d: 2 other files not read: README.md, words.txt" in source.notes


def test_only_some_of_many_files_left_out_are_named(tmp_path):
    for name in ["a.txt", *(f"{number}.md" for number in range(9))]:
        write(tmp_path / "d" / name)
    assert "d: 9 other files not read: 0.md, 1.md, 2.md, 3.md, 4.md, …" in find("d")[0].notes


@pytest.mark.parametrize(("split", "files"), [("train", 2), ("test", 1), ("all", 3)])
def test_a_data_set_folder_is_read_by_split(tmp_path, split, files):
    for name in HUB:
        write(tmp_path / "d" / name)
    sources = find("d", split=split)
    assert len(sources) == files
    if split != "all":
        assert f"the split {split} is read, not" in " ".join(sources[0].notes)


def test_a_split_that_does_not_exist_is_refused_with_those_that_do(tmp_path):
    for name in HUB:
        write(tmp_path / "d" / name)
    error = refused("d", match="has no split 'validation'; it has test, train", split="validation")
    assert "--split" in error.hint


def test_a_folder_of_tables_without_split_names_is_all_train(tmp_path):
    write(tmp_path / "d/a.csv")
    write(tmp_path / "d/b.csv")
    assert len(find("d")) == 2
    refused("d", match="has no split 'test'", split="test")


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("data/train-00000-of-00001.parquet", "train"), ("test/a.csv", "test"), ("a.csv", None),
        ("my-dev.jsonl", "validation"), ("train/test_1.csv", "test"), ("training.csv", "train"),
        ("latest.csv", None), ("val/0.arrow", "validation"), ("validation1.csv", "validation"),
    ],
)  # fmt: skip
def test_splits_follow_the_names_of_files_and_folders(path, split):
    assert split_of(Path(path)) == split
