"""Artifacts whose parts do not agree with each other are refused, not asked."""

from __future__ import annotations

import numpy as np
import pytest

from dlkit.errors import DAMAGED, USAGE


def vocabulary(content: bytes):
    return lambda files, document: files.update({"vocab.txt": content})


def document_says(**facts):
    return lambda files, document: document.update(facts)


def tensors(**arrays):
    def change(files, document):
        for name, array in arrays.items():
            if array is None:
                del files["vectors"][name]
            else:
                files["vectors"][name] = np.asarray(array)

    return change


WORDS = {"a": [1, 0], "b": [0, 1], "c": [1, 1]}
F = np.float32


@pytest.mark.parametrize(
    "change",
    [
        vocabulary(b"a\t3\nb\t2\n"),
        vocabulary(b"a\t3\nb\t2\nc\t1\nd\t1\n"),
        vocabulary(b"a\t3\nb\t2\nc\t1"),
        vocabulary(b"a\t3\nb 2\nc\t1\n"),
        vocabulary(b"a\t3\t3\nb\t2\nc 1\n"),
        vocabulary(b""),
        document_says(dim=3),
        document_says(words=4),
        document_says(dim="2"),
        document_says(text=None),
        tensors(vectors=None),
        tensors(norms=None),
        tensors(vectors=np.ones((2, 2), F)),
        tensors(vectors=np.ones((3, 3), F)),
        tensors(vectors=np.ones((3, 2), np.float64)),
        tensors(vectors=np.ones(6, F)),
        tensors(norms=np.ones(2, F)),
        tensors(norms=np.ones((3, 1), F)),
        tensors(norms=np.ones(3, np.float64)),
        tensors(norms=np.array([1, np.nan, 1], F)),
        tensors(norms=np.array([1, np.inf, 1], F)),
        tensors(norms=np.array([1, -1, 1], F)),
    ],
)
def test_parts_that_do_not_agree_are_damage(dlkit, make_artifact, change):
    make_artifact(words=WORDS, change=change)
    done = dlkit("similar", "a", check=DAMAGED)
    assert done.stdout == ""
    assert "word2vec/small" in done.stderr


def test_the_unchanged_artifact_is_answered(dlkit, make_artifact):
    make_artifact(words=WORDS)
    assert len(dlkit("similar", "a").stdout.splitlines()) == 2


def test_weights_that_are_no_numbers_are_told(dlkit, make_artifact):
    make_artifact(words=WORDS, change=tensors(vectors=np.array([[1, 0], [np.nan, 1], [1, 1]], F)))
    done = dlkit("similar", "a", check=1)
    assert "no finite numbers" in done.stderr
    done = dlkit("similar", "a", "--verify", check=DAMAGED)
    assert "vectors[1, 0] is NaN or infinite" in done.stderr


def test_another_kind_of_artifact_is_refused(dlkit, make_artifact):
    make_artifact(words=WORDS, change=document_says(kind="classifier"))
    dlkit("similar", "a", "--from", "small", check=USAGE)


@pytest.mark.parametrize("name", ["vocab.txt", "vectors.safetensors", "artifact.json"])
def test_a_changed_byte_is_found(dlkit, make_artifact, name):
    path = make_artifact(words=WORDS) / name
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    dlkit("similar", "a", "--verify", check=DAMAGED)
    dlkit("similar", "a", check=DAMAGED)
