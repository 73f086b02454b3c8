"""Answers of ``dlkit cnn predict``: as the network gives them, in order, as images are read."""

from __future__ import annotations

import os
import re
import subprocess

import pytest


@pytest.fixture
def classifier(dlkit, pictures, small):
    """An artifact cnn/mine of bars."""
    dlkit("cnn", "train", pictures, *small, "--epochs", "8", "-n", "mine")


def test_files_folders_patterns_and_lists_are_answered(dlkit, classifier, pictures, lines):
    folder = pictures / "test" / "flat"
    files = sorted(folder.iterdir())
    told = lines(dlkit("cnn", "predict", folder, "--json"))
    assert [each["file"] for each in told] == [str(path) for path in files]
    assert sum(each["class"] == "flat" for each in told) > 0.8 * len(files)
    for each in told:
        assert sum(each["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert each["probability"] == max(each["probabilities"].values())
    rows = [
        line.split("\t")
        for line in dlkit("cnn", "predict", f"{folder}/*.png", "--top", "1").stdout.splitlines()
    ]
    assert [row[:3] for row in rows] == [[each["file"], "1", each["class"]] for each in told]
    for row, each in zip(rows, told, strict=True):  # batches of other sizes: other last bits
        assert float(row[3]) == pytest.approx(each["probability"], abs=1e-5)
    names = "".join(f"{path}\n" for path in files[:5])
    # A person is shown one table, not one for each batch that was read; and how fast it went.
    shown = dlkit("cnn", "predict", folder, folder, folder, folder, "--format", "human")
    assert shown.stdout.count("probability") < 6  # of seven batches
    assert all(shown.stdout.count(path.name) == 4 for path in files)
    assert re.search(rf"{4 * len(files)} answered in \S+ s, [\d,]+ a second", shown.stderr)
    listed = dlkit("cnn", "predict", "-", stdin=names).stdout.splitlines()
    assert [line.split("\t")[0] for line in listed] == [str(path) for path in files[:5]]
    (one,) = lines(dlkit("cnn", "predict", "-", "--json", stdin=files[0].read_bytes()))
    assert one["class"] == told[0]["class"]
    assert one["file"] == "standard input"
    seen = lines(dlkit("cnn", "predict", files[0], "--tta", "mirror", "--json"))
    assert seen[0]["probability"] != one["probability"]


def test_damaged_images_are_named_and_counted(dlkit, classifier, pictures):
    folder = pictures / "test" / "flat"
    (folder / "000.png").write_bytes(b"no picture")
    assert "000.png" in dlkit("cnn", "predict", folder, check=1).stderr
    done = dlkit("cnn", "predict", folder, "--skip-bad")
    assert len(done.stdout.splitlines()) == len(list(folder.iterdir())) - 1
    assert "000.png" in done.stderr
    assert dlkit("cnn", "predict", folder / "000.png", "--skip-bad", check=3).stdout == ""
    assert "no such file" in dlkit("cnn", "predict", "nowhere.png", check=1).stderr


def test_names_are_answered_while_the_list_goes_on(dlkit, classifier, pictures):
    first, second = sorted((pictures / "test" / "flat").iterdir())[:2]
    process = dlkit.start("cnn", "predict", "-", "-q", stdin=subprocess.PIPE)
    process.stdin.write(os.fsencode(first) + b"\n")
    process.stdin.flush()
    assert process.stdout.readline().decode().startswith(f"{first}\t")
    process.stdin.write(os.fsencode(second))
    process.stdin.close()
    assert process.stdout.readline().decode().startswith(f"{second}\t")
    assert process.wait(timeout=60) == 0
    for stream in (process.stdout, process.stderr):
        stream.close()
