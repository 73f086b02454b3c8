from __future__ import annotations

import json
import os
import pickle
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dlkit.artifacts import manifest, remembered
from dlkit.artifacts.load import digest_of, open_artifact, read_document, verify_folder
from dlkit.artifacts.runs import reserve
from dlkit.errors import DAMAGED, NOT_FOUND, DlkitError


@pytest.fixture
def small(home: Path) -> Path:
    """An artifact of a few hundred bytes, so that every bit of it can be flipped."""
    with reserve("t", default="small") as run:
        return run.commit(
            {"dim": 2}, {"vocab.txt": "饭\t3\n".encode(), "figures/a.svg": b"<svg/>"}, kind="k"
        )


def refused(path: Path, **options: object) -> DlkitError:
    with pytest.raises(DlkitError) as caught:
        open_artifact(path, **options)
    assert caught.value.code == DAMAGED
    assert "\n" not in caught.value.message
    return caught.value


def files_of(path: Path) -> list[Path]:
    return sorted(each for each in path.rglob("*") if each.is_file())


def remanifest(path: Path) -> None:
    """Make the manifest agree with whatever lies in the folder, as a forger would."""
    import hashlib

    (path / "MANIFEST").write_bytes(
        manifest.encode(
            manifest.Entry(
                str(each.relative_to(path)),
                each.stat().st_size,
                hashlib.sha256(each.read_bytes()).hexdigest(),
            )
            for each in files_of(path)
            if each.name != "MANIFEST"
        )
    )


def test_an_artifact_is_opened_as_it_was_committed(small: Path) -> None:
    artifact = open_artifact(small)
    assert artifact.document == {"format": 1, "task": "t", "kind": "k", "dim": 2}
    assert artifact.read("vocab.txt").decode() == "饭\t3\n"
    assert artifact.file("vocab.txt") == small / "vocab.txt"
    assert "figures/a.svg" in artifact
    with pytest.raises(DlkitError, match="missing"):
        artifact.file("weights.safetensors")


def test_every_flipped_bit_is_detected(small: Path) -> None:
    flips = 0
    for file in files_of(small):
        whole = file.read_bytes()
        for bit in range(len(whole) * 8):
            changed = bytearray(whole)
            changed[bit // 8] ^= 1 << bit % 8
            file.write_bytes(changed)
            refused(small)
            flips += 1
        file.write_bytes(whole)
    assert flips > 3000
    open_artifact(small)


def test_every_truncation_is_detected(small: Path) -> None:
    for file in files_of(small):
        whole = file.read_bytes()
        for size in range(len(whole)):
            file.write_bytes(whole[:size])
            refused(small)
        file.write_bytes(whole + b"\0")
        refused(small)
        file.write_bytes(whole)


def test_missing_and_extra_files_are_refused(small: Path) -> None:
    for file in files_of(small):
        away = small.parent / "away"
        file.rename(away)
        refused(small)
        away.rename(file)
    for extra in ("new.txt", ".hidden", "figures/b.svg", "weights.pt", "a\nb"):
        (small / extra).write_bytes(b"")
        assert "not in its MANIFEST" in refused(small).message
        (small / extra).unlink()
    (small / "other").mkdir()
    assert "a folder" in refused(small).message
    (small / "other").rmdir()
    (small / "figures" / "deep").mkdir()
    refused(small)


def test_swapped_files_are_refused(small: Path) -> None:
    (small / "vocab.txt").write_bytes(b"<svg/>")
    (small / "figures/a.svg").write_bytes("饭\t3\n".encode())
    refused(small)


def replaced_by(make: Callable[[Path], None]) -> Callable[[Path], None]:
    def replace(file: Path) -> None:
        file.unlink()
        make(file)

    return replace


def link_outside(file: Path) -> None:
    outside = file.parents[3] / "outside"
    file.rename(outside)
    file.symlink_to(outside)


def bound_socket(file: Path) -> None:
    here = Path.cwd()
    os.chdir(file.parent)  # the name of a socket may have 108 bytes
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(file.name)
    finally:
        os.chdir(here)


@pytest.mark.parametrize("name", ["vocab.txt", "artifact.json", "MANIFEST", "figures/a.svg"])
@pytest.mark.parametrize(
    "change",
    [
        link_outside,
        replaced_by(os.mkfifo),
        replaced_by(lambda file: file.symlink_to("/dev/zero")),
        replaced_by(lambda file: file.symlink_to("/etc/passwd")),
        replaced_by(lambda file: file.symlink_to(file)),
        replaced_by(os.mkdir),
        replaced_by(bound_socket),
        lambda file: file.chmod(0o666),
    ],
    ids=["link", "fifo", "device", "passwd", "loop", "folder", "socket", "world-writable"],
)
def test_what_cannot_be_trusted_is_never_read(small: Path, name: str, change) -> None:
    change(small / name)
    begun = time.monotonic()
    refused(small)
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize("which", [".", "figures"])
def test_a_folder_that_everybody_may_write_is_refused(small: Path, which: str) -> None:
    for mode in (0o777, 0o1777, 0o702):
        (small / which).chmod(mode)
        assert "everybody may write" in refused(small).message
    (small / which).chmod(0o775)
    open_artifact(small)


def test_a_link_to_an_artifact_is_refused_with_the_real_folder(small: Path) -> None:
    (small.parent / "latest").symlink_to(small)
    assert str(small) in refused(small.parent / "latest").hint
    (small / "figures").rename(small.parent / "figures")
    (small / "figures").symlink_to(small.parent / "figures")
    refused(small)


def test_a_missing_folder_is_not_found_and_a_file_is_no_artifact(small: Path) -> None:
    with pytest.raises(DlkitError) as caught:
        open_artifact(small.parent / "nothing")
    assert caught.value.code == NOT_FOUND
    refused(small / "vocab.txt")


def test_an_artifact_of_a_newer_dlkit_is_called_so(small: Path) -> None:
    document = json.loads((small / "artifact.json").read_text())
    for version, reason in ((2, "newer dlkit"), (10**30, "newer dlkit"), (0, "format version")):
        (small / "artifact.json").write_text(json.dumps(document | {"format": version}))
        remanifest(small)
        assert reason in refused(small).message
    assert "upgrade" in _newer_hint(small, document)


def _newer_hint(small: Path, document: dict[str, object]) -> str:
    (small / "artifact.json").write_text(json.dumps(document | {"format": 2}))
    remanifest(small)
    return refused(small).hint


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"1",
        b"{}",
        b'{"format": true}',
        b'{"format": 1.0}',
        b'{"format": "1"}',
        b'{"format": 1, "format": 1}',
        b'{"format": 1, "a": {"b": 1, "b": 2}}',
        b'{"format": 1, "a": NaN}',
        b'{"format": 1, "a": -Infinity}',
        b'{"format": 1, "a": "\xff"}',
        b'{"format": 1} x',
        b'{"format": 1, "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"format": 1, "a": ' + b"9" * 10_000 + b"}",
        b'\xef\xbb\xbf{"format": 1}',
        pickle.dumps({"format": 1}),
    ],
)
def test_a_document_that_is_not_strict_json_is_refused(small: Path, text: bytes) -> None:
    (small / "artifact.json").write_bytes(text)
    remanifest(small)
    refused(small)
    with pytest.raises(DlkitError):
        read_document(small)


def test_sizes_are_refused_before_they_are_read(small: Path) -> None:
    os.truncate(small / "MANIFEST", 10**12)
    assert "larger than 1,000,000 bytes" in refused(small).message
    remanifest(small)
    os.truncate(small / "artifact.json", 10**12)
    refused(small)
    with pytest.raises(DlkitError, match="larger than"):
        read_document(small)


def test_a_git_lfs_pointer_says_what_to_do(word_vectors: Path) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n"
    (word_vectors / "vectors.safetensors").write_bytes(pointer)
    error = refused(word_vectors)
    assert "git-LFS" in error.message
    assert error.hint == "git lfs pull"


def test_a_pickle_in_the_place_of_weights_is_refused(word_vectors: Path) -> None:
    file = word_vectors / "vectors.safetensors"
    file.write_bytes(pickle.dumps([0.5] * 500)[: file.stat().st_size])
    assert "never reads pickles" in refused(word_vectors).message


@pytest.fixture
def big(home: Path) -> Path:
    """An artifact with a file that is worth remembering."""
    with reserve("t", default="big") as run:
        return run.commit({}, {"big.bin": bytes(2_000_000), "small.bin": b"x"}, kind="k")


def change_keeping_times(file: Path, *, restore: bool) -> None:
    before = file.stat()
    with file.open("r+b") as stream:
        stream.seek(1_000_000)
        stream.write(b"\1")
    if restore:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_file_verified_before_is_not_hashed_again(
    big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    holds = remembered.holds
    monkeypatch.setattr(remembered, "holds", lambda *what: asked.append(holds(*what)) or asked[-1])
    open_artifact(big, lazy=["big.bin"])
    assert asked == [True]  # the commit itself was the first verification
    open_artifact(big)
    open_artifact(big, lazy=["big.bin"], verify=True)
    assert asked == [True]


@pytest.mark.parametrize("restore", [False, True])
def test_a_remembered_file_that_changed_is_hashed(big: Path, restore: bool) -> None:
    open_artifact(big, lazy=["big.bin"])
    time.sleep(0.02)  # the system's clock for files moves in steps of some ms
    change_keeping_times(big / "big.bin", restore=restore)
    refused(big, lazy=["big.bin"])


def test_what_is_remembered_is_for_one_hash_only(big: Path) -> None:
    status = (big / "big.bin").stat()
    sha256 = open_artifact(big).entries["big.bin"].sha256
    assert remembered.holds(status, sha256)
    assert not remembered.holds(status, sha256[::-1])
    assert not remembered.holds((big / "small.bin").stat(), sha256)


def test_a_cache_that_others_may_write_is_made_private(big: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "dlkit" / "verified"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_without_a_cache_everything_is_hashed(
    big: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    open_artifact(big, lazy=["big.bin"])
    change_keeping_times(big / "big.bin", restore=True)
    refused(big, lazy=["big.bin"])


def test_the_notes_are_kept_few(big: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "cache" / "dlkit" / "verified"
    monkeypatch.setattr(remembered, "_MOST", 10)
    for number in range(12):
        (folder / f"old-{number}").write_text("")
        os.utime(folder / f"old-{number}", (number, number))
    remembered.remember((big / "big.bin").stat(), "0" * 64)
    kept = {each.name for each in folder.iterdir()}
    assert len(kept) <= 10
    assert "old-11" in kept
    assert "old-0" not in kept


def test_the_digest_is_of_what_equal_trainings_share(home: Path) -> None:
    def made(record: dict[str, object], dim: int, figure: bytes) -> str:
        with reserve("t", default="x") as run:
            path = run.commit(
                {"dim": dim},
                {"vocab.txt": b"a\t1\n", "figures/a.svg": figure, "report.html": figure},
                kind="k",
                record=record,
            )
        return digest_of(open_artifact(path))

    first = made({"seconds": 1.0}, 2, b"x")
    assert made({"seconds": 2.0}, 2, b"y") == first
    assert made({"seconds": 1.0}, 3, b"x") != first


def test_a_folder_with_a_manifest_is_verified(small: Path) -> None:
    assert set(verify_folder(small)) == {"artifact.json", "run.json", "vocab.txt", "figures/a.svg"}
    (small / "vocab.txt").write_bytes("菜\t3\n".encode())
    with pytest.raises(DlkitError):
        verify_folder(small)


def test_opening_an_artifact_imports_nothing_heavy() -> None:
    code = (
        "import sys; from dlkit.artifacts import load, store; "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numpy", "pydantic", "filelock", "typer", "rich", "safetensors", "yaml", "difflib"}
    assert not heavy & set(done.stdout.split())
