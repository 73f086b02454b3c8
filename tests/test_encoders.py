"""Encoders: texts become the mean of their words' vectors, by rules that are said."""

from __future__ import annotations

import numpy as np
import pytest

from dlkit.encoders import open_encoder, reopen_encoder
from dlkit.errors import DAMAGED, NOT_FOUND, USAGE, DlkitError
from dlkit.records import Noted
from dlkit.vectors.store import open_vectors

TEXTS = ["早饭 很 好吃", "很 很 nothing", "unknown words", ""]


@pytest.fixture
def words(dlkit, monkeypatch):
    """The artifact word2vec/words of three words, cut at white space."""
    corpus = "早饭 很 好吃\n很 好吃\n很\n" * 20
    dlkit("word2vec", "train", "-", "--dim", "5", "--epochs", "1", "--threads", "1", "--tokens",
          "whitespace", "--min-count", "1", "--sample", "0", "--name", "words",
          stdin=corpus)  # fmt: skip
    monkeypatch.setenv("DLKIT_HOME", str(dlkit.home))
    return dlkit.home / "word2vec" / "words"


def told(work):
    """The result of ``work`` and the texts of its notes."""
    notes = []
    while True:
        try:
            record = next(work)
        except StopIteration as end:
            return end.value, notes
        notes += [record.text] if isinstance(record, Noted) else []


def test_a_text_is_the_mean_of_its_known_words(words):
    encoder = open_encoder("words")
    rows, notes = told(encoder.encode(TEXTS, what="train"))
    vectors = open_vectors(words)
    one = {word: vectors.matrix[vectors.find(word)].astype(np.float64) for word in TEXTS[0].split()}
    expected = [sum(one.values()) / 3, one["很"], np.zeros(5), np.zeros(5)]
    np.testing.assert_allclose(rows, expected, rtol=1e-6)
    assert rows.dtype == np.float32
    assert notes[0].startswith("train: 3 of 8 words are not in word2vec/words")
    assert notes[1].startswith("train: 2 of 4 texts have no known word: rows of zeros")


def test_words_are_cut_as_the_corpus_was(dlkit, monkeypatch):
    dlkit("word2vec", "train", "-", "--dim", "5", "--epochs", "1", "--threads", "1", "--tokens",
          "char", "--lowercase", "--min-count", "1", "--sample", "0", "--name", "characters",
          stdin="早饭Ab\n" * 20)  # fmt: skip
    monkeypatch.setenv("DLKIT_HOME", str(dlkit.home))
    encoder = open_encoder("characters")
    rows, notes = told(encoder.encode(["饭早aB", "早饭ab"], what="train"))
    np.testing.assert_allclose(rows[0], rows[1], rtol=1e-5)
    assert notes == []


def test_an_encoder_is_found_again_by_its_digest(words):
    document = open_encoder("words").source.document()
    assert document["artifact"] == "word2vec/words"
    assert reopen_encoder(document, where="knn/x").source.path == words
    moved = words.rename(words.with_name("moved"))
    with pytest.raises(DlkitError, match="needs the encoder word2vec/words") as problem:
        reopen_encoder(document, where="knn/x")
    assert problem.value.code == NOT_FOUND
    assert reopen_encoder(document, where="knn/x", moved_to="moved").source.path == moved
    with pytest.raises(DlkitError, match="made with another") as problem:
        reopen_encoder(document | {"digest": "0" * 64}, where="knn/x", moved_to="moved")
    assert problem.value.code == DAMAGED


def test_what_encodes_nothing_is_refused(dlkit, monkeypatch):
    dlkit("knn", "train", "builtin:digits", "-k", "1", "--folds", "none")
    monkeypatch.setenv("DLKIT_HOME", str(dlkit.home))
    with pytest.raises(DlkitError, match="holds index, not word-vectors") as problem:
        open_encoder("digits")
    assert problem.value.code == USAGE


def test_a_damaged_description_is_told():
    with pytest.raises(DlkitError, match="not described") as problem:
        reopen_encoder({"digest": "x"}, where="knn/x")
    assert problem.value.code == DAMAGED
