"""A small artifact of word vectors for the real command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dlkit.artifacts.runs import reserve
from dlkit.artifacts.tensors import write_tensors
from dlkit.vectors.subwords import buckets

# Gender on the first axis, royalty on the second, food on the third.
WORDS = {
    "男人": [1, 0, 0, 0.1],
    "女人": [-1, 0, 0, 0.1],
    "国王": [1, 1, 0, 0],
    "女王": [-1, 1, 0, 0],
    "米饭": [0, 0, 1, 0.1],
    "吃饭": [0, 0, 1, 0.3],
    "apple": [0, 0, 0.8, -0.5],
    "Paris": [0.1, 0.2, 0, -1],
    "</s>": [0, 0.1, 0.1, 1],
    "<unk>": [0, 0.2, 0.1, 1],
    "[/s]": [0.1, 0.1, 0.1, 1],
    "-": [0.3, 0.1, 0.1, 1],
    "-x": [0.4, 0.2, 0.3, 1],
    "--json": [0.5, 0.2, 0.3, 1],
    "zero": [0, 0, 0, 0],
}


@pytest.fixture
def make_artifact(dlkit, monkeypatch) -> Callable[..., Path]:
    """Writes an artifact that the fixture ``dlkit`` finds."""

    def make(name: str = "small", words=WORDS, text=None, change=lambda files, document: None):
        monkeypatch.setenv("DLKIT_HOME", str(dlkit.home))
        monkeypatch.setenv("XDG_CACHE_HOME", dlkit.environment["XDG_CACHE_HOME"])
        matrix = np.array(list(words.values()), dtype=np.float32)
        document = {
            "kind": "word-vectors",
            "dim": matrix.shape[1],
            "words": len(words),
            "text": text or {"tokens": "zh", "lowercase": False, "drop_punctuation": False},
        }
        vocabulary = "".join(f"{w}\t{len(words) - row}\n" for row, w in enumerate(words))
        norms = np.linalg.norm(matrix, axis=1).astype(np.float32)
        files = {"vocab.txt": vocabulary.encode(), "vectors": {"vectors": matrix, "norms": norms}}
        change(files, document)
        for part in ("vectors", "subwords"):
            if part in files:
                files[f"{part}.safetensors"] = write_tensors(files.pop(part))
        with reserve("word2vec", name, default="small") as run:
            return run.commit(document, files)

    return make


def add_subwords(files, document) -> None:
    """For ``change``: n-grams of 2 to 3 characters, each with the mean of its words' vectors."""
    words = [line.split("\t")[0] for line in files["vocab.txt"].decode().splitlines()]
    settings = {"shortest": 2, "longest": 3, "buckets": 10_000}
    found: dict[int, list] = {}
    for word, vector in zip(words, files["vectors"]["vectors"], strict=True):
        for bucket in buckets(word, **settings):
            found.setdefault(bucket, []).append(vector)
    vectors = [np.mean(found[bucket], axis=0) for bucket in sorted(found)]
    files["subwords"] = {
        "buckets": np.array(sorted(found), dtype=np.int32),
        "vectors": np.array(vectors, dtype=np.float32),
    }
    document["subwords"] = settings


@pytest.fixture
def subwords(make_artifact) -> Callable[..., Path]:
    """Writes an artifact whose unknown words are answered from their n-grams."""

    def make(name: str = "ngrams", change=lambda files, document: None, **options):
        def both(files, document):
            add_subwords(files, document)
            change(files, document)

        return make_artifact(name, change=both, **options)

    return make


@pytest.fixture
def small(make_artifact) -> Path:
    return make_artifact()
