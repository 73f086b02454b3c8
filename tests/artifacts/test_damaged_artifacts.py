"""Damaged and hostile artifacts before the real command: one line, exit 4, nothing believed."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dlkit.artifacts import manifest
from dlkit.artifacts.tensors import write_tensors

Damage = Callable[[Path], object]


def remanifest(path: Path) -> None:
    """Make the manifest agree with whatever lies in the folder, as a forger would."""
    files = [each for each in path.rglob("*") if each.is_file() and each.name != "MANIFEST"]
    entries = [
        manifest.Entry(
            str(each.relative_to(path)),
            each.stat().st_size,
            hashlib.sha256(each.read_bytes()).hexdigest(),
        )
        for each in files
    ]
    (path / "MANIFEST").write_bytes(manifest.encode(entries))


def tensors(path: Path, name: str = "vectors.safetensors", **arrays: np.ndarray) -> None:
    stream = io.BytesIO()
    write_tensors(arrays)(stream)
    (path / name).write_bytes(stream.getvalue())


def document(path: Path, **changes: object) -> None:
    found = json.loads((path / "artifact.json").read_bytes())
    (path / "artifact.json").write_text(json.dumps(found | changes))


def header(path: Path, text: bytes, *, length: int | None = None, data: bytes = b"") -> None:
    size = (len(text) if length is None else length).to_bytes(8, "little")
    (path / "vectors.safetensors").write_bytes(size + text + data)


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path / "vectors.safetensors", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps([1.0]))


def flip(path: Path, name: str, position: int = -1) -> None:
    data = bytearray((path / name).read_bytes())
    data[position] ^= 1
    (path / name).write_bytes(data)


def exchange(path: Path, name: str, make: Callable[[Path], object]) -> None:
    (path / name).unlink()
    make(path / name)


ONES = np.ones((8, 4), np.float32)
ROW = np.full(8, 2, np.float32)

# What happens to an artifact by accident, or by somebody who does not touch the manifest.
ACCIDENTS: dict[str, tuple[Damage, str]] = {
    "a bit of the weights": (lambda path: flip(path, "vectors.safetensors"), "SHA-256"),
    "a bit of the vocabulary": (lambda path: flip(path, "vocab.txt", 0), "SHA-256"),
    "a bit of artifact.json": (lambda path: flip(path, "artifact.json"), "JSON"),
    "a bit of the manifest": (lambda path: flip(path, "MANIFEST", 40), ""),
    "weights cut": (lambda path: os.truncate(path / "vectors.safetensors", 100), "bytes instead"),
    "an empty manifest": (lambda path: os.truncate(path / "MANIFEST", 0), "not a manifest"),
    "no manifest": (lambda path: (path / "MANIFEST").unlink(), "no MANIFEST"),
    "weights missing": (lambda path: (path / "vectors.safetensors").unlink(), "missing"),
    "an extra file": (lambda path: (path / "weights.pt").write_bytes(b""), "not in its MANIFEST"),
    "a git-LFS pointer": (
        lambda path: (path / "vectors.safetensors").write_bytes(
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
        ),
        "git-LFS",
    ),
    "a link to outside": (
        lambda path: exchange(path, "vocab.txt", lambda file: file.symlink_to("/etc/passwd")),
        "symbolic link",
    ),
    "a pipe": (lambda path: exchange(path, "vectors.safetensors", os.mkfifo), "regular"),
    "a folder that everybody may write": (lambda path: path.chmod(0o777), "everybody"),
    "weights that everybody may write": (
        lambda path: (path / "vectors.safetensors").chmod(0o666),
        "everybody",
    ),
    "a manifest of 1 TB": (lambda path: os.truncate(path / "MANIFEST", 10**12), "larger"),
}

# What a forger does, with a manifest that agrees.
FORGERIES: dict[str, tuple[Damage, str]] = {
    "a newer format": (lambda path: document(path, format=2), "newer dlkit"),
    "no format": (lambda path: document(path, format=None), "format version"),
    "a deep document": (
        lambda path: (path / "artifact.json").write_bytes(b'{"format":1,"a":' + b"[" * 100_000),
        "JSON",
    ),
    "a pickle": (
        lambda path: (path / "vectors.safetensors").write_bytes(pickle.dumps([0.5] * 90)),
        "never reads pickles",
    ),
    "a .pt file": (zipped, "never reads pickles"),
    "header length 0": (lambda path: header(path, b""), ""),
    "header length 1": (lambda path: header(path, b"{"), ""),
    "header length 2^63": (lambda path: header(path, b"{}", length=2**63), "header"),
    "header length 100,000,001": (lambda path: header(path, b"{}", length=10**8 + 1), "header"),
    "overlapping tensors": (
        lambda path: header(
            path,
            b'{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},'
            b'"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}',
            data=b"xyz",
        ),
        "overlap",
    ),
    "a shape that overflows": (
        lambda path: header(
            path, b'{"a":{"dtype":"F32","shape":[0,9223372036854775807],"data_offsets":[0,0]}}'
        ),
        "overflow",
    ),
    "a million tensors": (
        lambda path: header(path, b"{" + b",".join(b'"%d":{}' % i for i in range(10**6)) + b"}"),
        "10,000 tensors",
    ),
    "more dimensions than artifact.json says": (
        lambda path: tensors(path, vectors=np.ones((8, 5), np.float32), norms=ROW),
        "",
    ),
    "a matrix longer than the vocabulary": (
        lambda path: tensors(
            path, vectors=np.ones((9, 4), np.float32), norms=np.ones(9, np.float32)
        ),
        "",
    ),
    "a vocabulary shorter than the matrix": (
        lambda path: (path / "vocab.txt").write_text("饭\t2\n", encoding="utf-8"),
        "",
    ),
    "vectors of another type": (
        lambda path: tensors(path, vectors=ONES.astype(np.float64), norms=ROW),
        "",
    ),
    "no vectors": (lambda path: tensors(path, norms=ROW), ""),
    "NaN in the vectors": (
        lambda path: tensors(path, vectors=ONES * np.float32("nan"), norms=ROW * np.float32("nan")),
        "",
    ),
    "infinite norms": (
        lambda path: tensors(path, vectors=ONES, norms=ROW * np.float32("inf")),
        "",
    ),
}


def refused(dlkit, path: Path, reason: str) -> None:
    done = dlkit("similar", "饭", "--from", "tiny", check=4, timeout=20)
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert [line.partition(":")[0] for line in lines[-2:]] == ["error", "hint"], done.stderr
    assert reason in done.stderr
    assert "tiny" in done.stderr


@pytest.mark.parametrize("accident", ACCIDENTS)
def test_a_damaged_artifact_is_refused_by_the_command(
    dlkit, word_vectors: Path, accident: str
) -> None:
    damage, reason = ACCIDENTS[accident]
    damage(word_vectors)
    refused(dlkit, word_vectors, reason)


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_artifact_is_refused_by_the_command(
    dlkit, word_vectors: Path, forgery: str
) -> None:
    damage, reason = FORGERIES[forgery]
    damage(word_vectors)
    remanifest(word_vectors)
    refused(dlkit, word_vectors, reason)


@pytest.mark.parametrize("accident", ["a bit of the weights", "a pipe", "a link to outside"])
def test_a_damaged_artifact_is_told_by_verify_and_not_shown(
    dlkit, word_vectors: Path, accident: str
) -> None:
    damage, reason = ACCIDENTS[accident]
    damage(word_vectors)
    done = dlkit("artifacts", "verify", "tiny", check=4)
    assert done.stdout.startswith("word2vec/tiny\tdamaged\t")
    assert reason in done.stdout
    assert dlkit("artifacts", "show", "tiny", check=4).stdout == ""


def test_an_undamaged_artifact_answers(dlkit, word_vectors: Path) -> None:
    for _ in range(2):
        done = dlkit("similar", "饭", "-k", "3", "--from", "tiny")
        assert len(done.stdout.splitlines()) == 3
    assert dlkit("artifacts", "verify", "--all").stdout == "word2vec/tiny\tok\t\n"


@pytest.mark.parametrize("reference", ["../../etc/passwd", "C:", "CON", "a\u2044b", "tiny/.."])
def test_a_reference_cannot_leave_the_store(dlkit, word_vectors: Path, reference: str) -> None:
    done = dlkit("similar", "饭", "--from", reference, check=None)
    assert done.returncode in (2, 3)
    assert done.stdout == ""
