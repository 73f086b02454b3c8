"""Artifacts cut, flipped, forged or made of special files before the real command: exit 4."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import pickle
import random
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file


def file_names(artifact: Path) -> list[str]:
    names = [str(p.relative_to(artifact)) for p in artifact.rglob("*") if p.is_file()]
    assert {"MANIFEST", "artifact.json", "vocab.txt", "vectors.safetensors"} <= set(names)
    return sorted(names)


def forge(artifact: Path, also: dict[str, Path] | None = None) -> None:
    """Write a manifest by its documented form that agrees with the files, as a forger would.

    Args:
        artifact: the folder.
        also: more names, and the files whose size and hash they get.

    """
    (artifact / "MANIFEST").unlink()
    files = {str(p.relative_to(artifact)): p for p in artifact.rglob("*") if p.is_file()}
    lines = []
    for name, path in sorted((files | (also or {})).items(), key=lambda item: item[0].encode()):
        data = path.read_bytes()
        lines.append(f"{hashlib.sha256(data).hexdigest()} {len(data)} {name}\n")
    (artifact / "MANIFEST").write_text(
        "dlkit manifest 1\n" + "".join(lines), encoding="utf-8", newline=""
    )


def refused(dlkit, *reasons: str) -> str:
    """Both commands that read the artifact refuse it, and neither believes a part of it."""
    done = dlkit("similar", "a", "--from", "real", check=4, timeout=30)
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert "this is a bug" not in done.stderr
    for reason in reasons:
        assert reason in done.stderr
    return done.stderr


def damaged_copies(dlkit, artifact: Path, count: int, damage) -> None:
    """Damage ``count`` copies, each in a place of its own, and let the command verify them all."""
    rng = random.Random(20261123)
    names = file_names(artifact)
    done_to = {}
    for number in range(count):
        copy = Path(shutil.copytree(artifact, artifact.parent / f"copy{number}"))
        name = names[number % len(names)]
        path = copy / name
        data = bytearray(path.read_bytes())
        done_to[copy.name] = (name, damage(rng, data))
        path.write_bytes(data)
    lines = dlkit("artifacts", "verify", "--all", check=4).stdout.splitlines()
    states = {line.split("\t")[0]: line.split("\t")[1] for line in lines}
    assert states.pop("word2vec/real") == "ok"
    assert len(states) == count
    for name, state in states.items():
        assert state == "damaged", done_to[name.removeprefix("word2vec/")]
    for number in range(0, count, max(1, count // 8)):
        dlkit("similar", "a", "--from", f"copy{number}", check=4)


def flip(rng: random.Random, data: bytearray) -> int:
    place = rng.randrange(len(data) * 8)
    data[place // 8] ^= 1 << place % 8
    return place


def cut(rng: random.Random, data: bytearray) -> int:
    place = rng.randrange(len(data))
    del data[place:]
    return place


def longer(rng: random.Random, data: bytearray) -> int:
    data += bytes(rng.randrange(1, 9))
    return len(data)


@pytest.mark.parametrize("damage", [flip, cut, longer])
def test_each_damaged_file_of_an_artifact_is_detected(dlkit, real, damage):
    damaged_copies(dlkit, real, 120, damage)


@pytest.mark.slow
@pytest.mark.parametrize("damage", [flip, cut])
def test_each_of_thousands_of_damages_is_detected(dlkit, real, damage):
    damaged_copies(dlkit, real, 5000, damage)


@pytest.mark.parametrize(
    ("vocabulary", "reason"),
    [
        ("a\t300\nb\t300\na\t300\n饭\t300\ncafé\t300\n", "line 3 has the word of line 1 again"),
        ("a\t300\nb\t-1\nc\t300\n饭\t300\ncafé\t300\n", "not a word, a tab and a count"),
        (f"a\t{2**63}\nb\t300\nc\t300\n饭\t300\ncafé\t300\n", "larger than 2^63 - 1"),
        (f"a\t{2**64 + 300}\nb\t300\nc\t300\n饭\t300\ncafé\t300\n", "a word, a tab and a count"),
        ("a\t3.0\nb\t300\nc\t300\n饭\t300\ncafé\t300\n", "a word, a tab and a count"),
        ("a\t٣\nb\t300\nc\t300\n饭\t300\ncafé\t300\n", "a word, a tab and a count"),
        ("a\t\nb\t300\nc\t300\n饭\t300\ncafé\t300\n", "a word, a tab and a count"),
        ("a\t300\nb\t300\n\t300\n饭\t300\ncafé\t300\n", "line"),
        ("a\t300\nb c d\n饭\t300\ncafé\t300\nx\t1\n", "line"),
        ("a\t300\nb\t300\tx\nc\t300\n饭\t300\ncafé\t300\n", "line"),
    ],
)
def test_a_false_vocabulary_under_a_manifest_that_agrees_is_found(dlkit, real, vocabulary, reason):
    (real / "vocab.txt").write_text(vocabulary, encoding="utf-8")
    forge(real)
    for _ in range(2):  # a second look must not believe the first
        refused(dlkit, "vocab.txt", reason)


def test_a_large_false_vocabulary_is_found_every_time(dlkit, real):
    count = 100_000  # so many that what was verified is remembered
    words = [f"word{number}" for number in range(count)]
    words[-1] = words[7]
    (real / "vocab.txt").write_text("".join(f"{word}\t300\n" for word in words))
    ones = np.ones((count, 4), np.float32)
    save_file({"vectors": ones, "norms": ones[:, 0] * 2}, real / "vectors.safetensors")
    save_file({"outputs": ones}, real / "outputs.safetensors")
    document = json.loads((real / "artifact.json").read_bytes())
    (real / "artifact.json").write_text(json.dumps(document | {"words": count}))
    forge(real)
    dlkit("artifacts", "verify", "real")  # its files are what the manifest says
    for _ in range(2):
        refused(dlkit, "line 100000 has the word of line 8 again")
    words[-1] = "other"
    (real / "vocab.txt").write_text("".join(f"{word}\t300\n" for word in words))
    forge(real)
    for _ in range(2):
        assert dlkit("similar", "word7", "-k", "1", "--from", "real").stdout


@pytest.mark.parametrize(
    "name",
    [
        "../../../../etc/passwd", "/etc/passwd", "..", ".", "C:\\x", "CON", "a\0b", "a\u2044b",
        "figures/../vocab.txt", "figures//x", "x/y", "a\rb", "a\u202eb", "MANIFEST",
    ],
)  # fmt: skip
def test_a_manifest_with_a_name_that_leads_elsewhere_is_refused(dlkit, real, name):
    forge(real, {name: Path("/etc/passwd")})
    told = refused(dlkit, "MANIFEST")
    assert "root:" not in told
    assert "MANIFEST" in dlkit("artifacts", "verify", "real", check=4).stdout


@pytest.mark.parametrize(
    "reference",
    ["../../etc/passwd", "/etc/passwd", "/etc", "C:\\x", "CON", "a\u2044b", "real/..", "..", ""],
)
def test_a_reference_that_leads_elsewhere_opens_nothing(dlkit, real, reference):
    for arguments in (("similar", "a", f"--from={reference}"), ("artifacts", "show", reference)):
        done = dlkit(*arguments, check=None)
        assert done.returncode in (2, 3, 4)
        assert done.stdout == ""
        assert "root:" not in done.stderr


def changed_tensors(change):
    def damage(real: Path) -> None:
        tensors = load_file(real / "vectors.safetensors")
        change(tensors)
        save_file(
            {name: np.ascontiguousarray(each) for name, each in tensors.items()},
            real / "vectors.safetensors",
        )

    return damage


def said(**changes):
    def damage(real: Path) -> None:
        document = json.loads((real / "artifact.json").read_bytes())
        (real / "artifact.json").write_text(json.dumps(document | changes))

    return damage


FORGERIES = {
    "twice the dimensions": changed_tensors(
        lambda t: t.update(vectors=np.repeat(t["vectors"], 2, axis=1))
    ),
    "a row more": changed_tensors(
        lambda t: t.update(vectors=np.vstack([t["vectors"], t["vectors"][:1]]))
    ),
    "rows for columns": changed_tensors(lambda t: t.update(vectors=t["vectors"].T)),
    "double precision": changed_tensors(
        lambda t: t.update(vectors=t["vectors"].astype(np.float64))
    ),
    "whole numbers": changed_tensors(lambda t: t.update(vectors=t["vectors"].view(np.int32))),
    "half precision norms": changed_tensors(
        lambda t: t.update(norms=t["norms"].astype(np.float16))
    ),
    "no norms": changed_tensors(lambda t: t.pop("norms")),
    "not a number": changed_tensors(lambda t: t["norms"].__setitem__(1, np.nan)),
    "infinite": changed_tensors(lambda t: t["norms"].__setitem__(1, np.inf)),
    "another dim": said(dim=100),
    "another number of words": said(words=4),
    "a newer format": said(format=2),
    "an older format": said(format=0),
    "a format that is text": said(format="1"),
    "no format": said(format=None),
    "a vocabulary that is too short": lambda real: os.truncate(real / "vocab.txt", 12),
    "no vocabulary": lambda real: (real / "vocab.txt").unlink(),
    "no weights": lambda real: (real / "vectors.safetensors").unlink(),
    "no document": lambda real: (real / "artifact.json").unlink(),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_parts_that_do_not_agree_are_refused_under_a_manifest_that_does(dlkit, real, forgery):
    FORGERIES[forgery](real)
    forge(real)
    refused(dlkit, "real")


def test_a_vector_that_is_no_number_is_told_and_not_ranked(dlkit, real):
    changed_tensors(lambda t: t["vectors"].__setitem__((1, 1), np.nan))(real)
    forge(real)
    done = dlkit("similar", "a", "--from", "real", check=None)
    assert done.returncode in (1, 4)
    assert done.stdout == ""
    assert "finite" in done.stderr


def test_a_file_that_the_manifest_does_not_name_is_refused(dlkit, real):
    (real / "model.pt").write_bytes(b"")
    refused(dlkit, "model.pt", "not in its MANIFEST")


class Trap:
    """Makes a folder when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("sprung",)


def zipped(name: str, data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, data)
    return stream.getvalue()


STRANGERS = {
    "a pickle": (pickle.dumps(Trap()), "never reads pickles"),
    "an old pickle": (pickle.dumps(Trap(), protocol=0), ""),
    "a .pt file": (zipped("archive/data.pkl", pickle.dumps(Trap())), "never reads pickles"),
    "an archive that leaves its folder": (zipped("../../sprung", b"x"), ""),
    "a git-LFS pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n",
        "git-LFS",
    ),
    "a web page": (b"<!DOCTYPE html><html>Not found</html>", ""),
    "nothing": (b"", ""),
    "a header without end": (struct.pack("<Q", 2**63) + b"{}", ""),
}


@pytest.mark.parametrize("agreeing", [False, True], ids=["old manifest", "new manifest"])
@pytest.mark.parametrize("stranger", STRANGERS)
def test_what_is_not_weights_is_never_loaded_as_weights(dlkit, real, tmp_path, stranger, agreeing):
    data, reason = STRANGERS[stranger]
    (real / "vectors.safetensors").write_bytes(data)
    if agreeing:
        forge(real)
    refused(dlkit, "vectors.safetensors", reason)
    assert not list(tmp_path.rglob("sprung"))


@pytest.mark.parametrize("stranger", STRANGERS)
@pytest.mark.parametrize("suffix", [".vec", ".bin", ".pt", ".gz"])
def test_what_is_not_vectors_is_never_loaded_as_vectors(dlkit, tmp_path, stranger, suffix):
    data = STRANGERS[stranger][0]
    file = tmp_path / f"model{suffix}"
    file.write_bytes(gzip.compress(data) if suffix == ".gz" else data)
    done = dlkit("similar", "a", "--vectors", file, check=1)
    assert done.stdout == ""
    assert "this is a bug" not in done.stderr
    assert not list(tmp_path.rglob("sprung"))


def exchanged(name: str, make):
    def change(real: Path) -> None:
        (real / name).unlink()
        make(real / name)

    return change


def linked_to_itself(real: Path) -> None:
    """The same bytes, but reached through a link to outside of the folder."""
    outside = real.parent.parent / "outside"
    shutil.move(real / "vectors.safetensors", outside)
    (real / "vectors.safetensors").symlink_to(outside)


SPECIAL = {
    "a link to the right bytes": (linked_to_itself, "symbolic link"),
    "a link to outside": (
        exchanged("vocab.txt", lambda p: p.symlink_to("/etc/passwd")),
        "symbolic link",
    ),
    "a link that leads nowhere": (
        exchanged("config.yaml", lambda p: p.symlink_to("nowhere")),
        "symbolic link",
    ),
    "a link for the manifest": (
        exchanged("MANIFEST", lambda p: p.symlink_to("/dev/zero")),
        "symbolic link",
    ),
    "a pipe for the weights": (exchanged("vectors.safetensors", os.mkfifo), "regular"),
    "a pipe for the manifest": (exchanged("MANIFEST", os.mkfifo), "regular"),
    "a pipe for the document": (exchanged("artifact.json", os.mkfifo), "regular"),
    "a folder for the weights": (exchanged("vectors.safetensors", os.mkdir), ""),
    "a folder that everybody may write": (lambda real: real.chmod(0o777), "everybody"),
    "weights that everybody may write": (
        lambda real: (real / "vectors.safetensors").chmod(0o666),
        "everybody",
    ),
}


@pytest.mark.parametrize("kind", SPECIAL)
def test_special_and_untrusted_files_are_refused_without_waiting(dlkit, real, kind):
    change, reason = SPECIAL[kind]
    change(real)
    told = refused(dlkit, reason)
    assert "root:" not in told
    assert dlkit("artifacts", "verify", "real", check=4, timeout=30).stdout


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    "header",
    ["1000000000 1000000000", "1000000000 300", f"{2**63} 4", "1 65536", "4000000000 1"],
)
def test_a_header_that_promises_more_than_the_file_holds_takes_no_memory(
    measured, tmp_path, header, binary, packed
):
    row = b"the " + struct.pack("<4f", 0.1, 0.2, 0.3, 0.4) if binary else b"the 0.1 0.2\n"
    data = header.encode() + b"\n" + row
    path = tmp_path / ("v.bin" if binary else "v.vec")
    path.write_bytes(gzip.compress(data) if packed else data)
    done = measured("similar", "the", "--vectors", path)
    assert done["code"] == 1, done["stderr"]
    errors = [line for line in done["stderr"].splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert path.name in errors[0]
    assert "this is a bug" not in done["stderr"]
    assert done["megabytes"] < 200
    assert done["seconds"] < 5
