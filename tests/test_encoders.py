"""Encoders: texts become the mean of their words' vectors, images what a network sees of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from dlkit.data.resizing import Wanted, remade
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
    with pytest.raises(DlkitError, match="holds index, not ") as problem:
        open_encoder("digits")
    assert problem.value.code == USAGE


def test_a_damaged_description_is_told():
    with pytest.raises(DlkitError, match="not described") as problem:
        reopen_encoder({"digest": "x"}, where="knn/x")
    assert problem.value.code == DAMAGED


def test_images_are_what_the_last_layer_sees_of_them(dlkit, monkeypatch):
    dlkit("cnn", "train", "builtin:digits", "--model", "plain", "--widths", "6", "--hidden", "7",
          "--epochs", "1", "--threads", "1", "-n", "eyes")  # fmt: skip
    monkeypatch.setenv("DLKIT_HOME", str(dlkit.home))
    encoder = open_encoder("cnn/eyes")
    assert (encoder.kind, encoder.dim, encoder.form.channels) == ("images", 7, 1)
    assert encoder.source.reference == "cnn/eyes"
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), dtype=np.uint8)
    rows, notes = told(encoder.encode(images, what="train"))
    assert (rows.shape, rows.dtype, notes) == ((5, 7), np.float32, [])
    scores = (rows @ encoder.model.head.weight.detach().numpy().T) + (
        encoder.model.head.bias.detach().numpy()
    )
    numbers = torch.from_numpy(images).permute(0, 3, 1, 2)
    np.testing.assert_allclose(scores, encoder.model(numbers).detach(), rtol=1e-4, atol=1e-5)
    # Other sizes and colours are made the network's, as Pillow makes them.
    large = np.repeat(images, 3, axis=3).repeat(2, axis=1).repeat(2, axis=2)
    small = remade(large, Wanted((8, 8), 1, "crop"))
    rows, _ = told(encoder.encode(small, what="train"))
    again, notes = told(encoder.encode(large, what="train"))
    assert notes == ["train: images of 16x16 rgb are made 8x8 grey, as cnn/eyes knows them"]
    np.testing.assert_allclose(again, rows, rtol=1e-4, atol=1e-5)
    assert told(encoder.encode(images[:0], what="none"))[0].shape == (0, 7)


@pytest.mark.slow
def test_features_of_a_network_do_not_follow_the_background(dlkit):
    """Pixels of builtin:shapes are mostly background, which changes sides in the test."""
    dlkit("cnn", "train", "builtin:shapes-varied", "--limit", "1000", "--size", "24", "--model",
          "fast", "--widths", "16,32,64", "--epochs", "10", "--threads", "1",
          "-n", "eyes")  # fmt: skip
    asked = ("builtin:shapes", "--limit", "1000", "-k", "5", "--json")
    size = ("--size", "24")
    pixels = json.loads(dlkit("knn", "eval", *asked, *size).stdout)
    # Nobody says a size: images are read in that of the network.
    seen = json.loads(dlkit("knn", "eval", *asked, "--features", "cnn/eyes").stdout)
    assert pixels["accuracy"] < 0.15
    assert seen["accuracy"] > 0.35
    for task, more in (("knn", ("-k", "5", "--folds", "none")), ("classify", ())):
        dlkit(task, "train", *asked[:3], "--features", "cnn/eyes", *more, "-n", "by")
        judged = json.loads(dlkit(task, "eval", "--from", f"{task}/by", "--json").stdout)
        assert judged["accuracy"] > 0.35
        settings = (dlkit.home / task / "by" / "config.yaml").read_text(encoding="utf-8")
        assert "size: 24x24" in settings
        assert "features: cnn/eyes" in settings
    done = dlkit("knn", "eval", "builtin:spirals", "--features", "cnn/eyes", check=2)
    assert "cnn/eyes encodes images; spirals holds a table" in done.stderr
