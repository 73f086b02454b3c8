"""The artifact's way: train, eval, predict, search, inspect, export; changed and damaged files."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from dlkit.artifacts.tensors import read_tensors


def lines(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def trained(dlkit, pictures):
    """An artifact knn/mine of the folder of pictures."""
    dlkit(
        "knn", "train", pictures, "-n", "mine", "-k", "1,3,5", "--folds", "4", "--metric", "l2,l1"
    )
    return dlkit.home / "knn" / "mine"


def test_the_whole_way_of_an_artifact(dlkit, pictures, trained):
    document = json.loads((trained / "artifact.json").read_text(encoding="utf-8"))
    assert document["kind"] == "index"
    assert document["points"] == 24
    assert (trained / "labels.txt").read_text(encoding="utf-8") == "black\nwhite\n灰\n"
    assert read_tensors(trained / "points.safetensors")["points"].dtype == np.uint8
    assert len((trained / "metrics.jsonl").read_text(encoding="utf-8").splitlines()) == 6
    (score,) = lines(dlkit("knn", "eval", "--json"))
    assert score["k"] == document["model"]["k"]
    assert score["samples"] == 12
    predicted = lines(dlkit("knn", "predict", pictures / "test", "--json"))
    assert len(predicted) == 12
    right = sum(each["class"] in each["file"].split("/") for each in predicted)
    assert right == score["samples"] - score["errors"]
    for each in predicted:
        assert sum(each["votes"].values()) == pytest.approx(1)
        assert each["share"] == max(each["votes"].values())
        assert len(each["neighbours"]) == document["model"]["k"]
    found = lines(dlkit("knn", "search", pictures / "train", "-k", "2", "--json"))
    for each in found:
        assert each["neighbours"][0]["distance"] == 0
        first = each["neighbours"][0]["file"]
        assert each["file"].endswith(first) or first.endswith(each["file"])
    dlkit("artifacts", "verify", "mine")


@pytest.mark.parametrize(
    "metric", ["minkowski:3", pytest.param("minkowski:1.5", marks=pytest.mark.slow), "linf"]
)
def test_an_artifact_of_another_distance(dlkit, pictures, metric):
    dlkit("knn", "train", pictures, "-n", "far", "-k", "3", "--metric", f"{metric}", "--folds", "3")
    folder = dlkit.home / "knn" / "far"
    document = json.loads((folder / "artifact.json").read_text(encoding="utf-8"))
    assert document["model"]["metric"] == metric
    told = "Chebyshev" if metric == "linf" else f"Minkowski, p = {metric[10:]};"
    assert told in (folder / "README.md").read_text(encoding="utf-8")
    (score,) = lines(dlkit("knn", "eval", "--json"))
    assert score["metric"] == metric
    dlkit("knn", "train", "-r", folder / "config.yaml", "-n", "again")
    image = pictures / "train" / "white" / "0.png"
    p = float(metric[10:] or 0)
    points = read_tensors(folder / "points.safetensors")["points"].astype(float)
    pixels = np.asarray(Image.open(image)).ravel().astype(float)
    sizes = np.abs(points - pixels)
    wanted = np.sort((sizes**p).sum(1) ** (1 / p) if p else sizes.max(1))[:5]
    (found,) = lines(dlkit("knn", "search", image, "-k", "5", "--json"))
    ours = [each["distance"] for each in found["neighbours"]]
    np.testing.assert_allclose(ours, wanted, rtol=1e-14)
    command = ("knn", "search", image, "-k", "1", "--from", "mine", "--metric")
    dlkit("knn", "train", pictures, "-n", "mine", "-k", "1", "--folds", "none")
    assert lines(dlkit(*command, metric, "--json"))[0]["neighbours"][0]["distance"] == 0
    assert "hint: linf" in dlkit(*command, "minkowski:inf", check=2).stderr
    assert metric in dlkit("knn", "inspect", pictures, "--metric", metric, "--explain", "0").stdout


def test_the_same_settings_give_the_same_files(dlkit, pictures, trained):
    again = trained / "config.yaml"
    dlkit("knn", "train", "-r", again, "-n", "again", "--threads", "3")
    first, second = (
        dlkit("artifacts", "show", name, "--digest").stdout for name in ("mine", "again")
    )
    assert first == second


def test_test_data_that_changed_are_refused(dlkit, pictures, trained):
    image = pictures / "test" / "black" / "0.png"
    Image.fromarray(np.full((6, 6), 9, np.uint8)).save(image)
    done = dlkit("knn", "eval", check=1)
    assert "the test data of knn/mine have changed" in done.stderr
    assert "hint: dlkit knn eval DATA --from knn/mine" in done.stderr
    # Said to be other data, they are judged.
    assert lines(dlkit("knn", "eval", pictures, "--from", "mine", "--json"))[0]["samples"] == 12


def test_a_class_that_the_artifact_does_not_know_is_refused(dlkit, pictures, trained):
    other = pictures.with_name("other")
    shutil.copytree(pictures / "test", other)
    (other / "white").rename(other / "green")
    assert "green" in dlkit("knn", "eval", other, "--from", "mine", check=1).stderr


@pytest.mark.parametrize("file", ["points.safetensors", "labels.txt", "paths.txt", "artifact.json"])
def test_a_damaged_artifact_is_refused(dlkit, pictures, trained, file):
    content = bytearray((trained / file).read_bytes())
    content[-3] ^= 1
    (trained / file).write_bytes(content)
    for command in (("eval",), ("predict", str(pictures / "test")), ("export", "x.npz")):
        done = dlkit("knn", *command, "--from", "mine", check=4)
        assert file in done.stderr
    assert not (dlkit.folder / "x.npz").exists()


@pytest.mark.parametrize("file", ["points.safetensors", "config.yaml", "paths.txt"])
def test_a_missing_file_is_told(dlkit, trained, file):
    (trained / file).unlink()
    assert file in dlkit("knn", "eval", "--from", "mine", check=4).stderr


def test_parts_that_do_not_agree_are_refused(dlkit, trained):
    """Whole files, each as its manifest says, of which one is another artifact's."""
    import hashlib

    content = b"black\nwhite\n"
    (trained / "labels.txt").write_bytes(content)
    manifest = (trained / "MANIFEST").read_text(encoding="utf-8").splitlines()
    changed = [
        line if "labels.txt" not in line else line_of(line, content, hashlib) for line in manifest
    ]
    (trained / "MANIFEST").write_text("\n".join(changed) + "\n", encoding="utf-8")
    assert "2 classes" in dlkit("knn", "eval", "--from", "mine", check=4).stderr


def line_of(line, content, hashlib):
    """The manifest's line with another size and digest."""
    import re

    line = re.sub(r"\b[0-9a-f]{64}\b", hashlib.sha256(content).hexdigest(), line)
    return re.sub(r"(?<![0-9a-f])\d{1,6}(?![0-9a-f])", str(len(content)), line, count=1)


def test_points_leave_in_formats_of_others(dlkit, trained):
    for name in ("x.npz", "x.safetensors", "x.csv"):
        dlkit("knn", "export", name, "--from", "mine")
        assert "--force" in dlkit("knn", "export", name, "--from", "mine", check=2).stderr
        dlkit("knn", "export", name, "--from", "mine", "--force")
    saved = read_tensors(trained / "points.safetensors")
    with np.load(dlkit.folder / "x.npz", allow_pickle=False) as found:
        np.testing.assert_array_equal(found["points"], saved["points"])
        assert found["classes"].tolist() == ["black", "white", "灰"]
        assert len(found["paths"]) == 24
    found = read_tensors(dlkit.folder / "x.safetensors")
    np.testing.assert_array_equal(found["labels"], saved["labels"])
    assert found["classes"].tobytes().decode() == "black\nwhite\n灰\n"
    with (dlkit.folder / "x.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0][:3] == ["class", "path", "x0"]
    np.testing.assert_array_equal(np.array(rows[1:])[:, 2:].astype(int), saved["points"])
    assert "none of .npz" in dlkit("knn", "export", "x.pkl", "--from", "mine", check=2).stderr


def test_a_table_leaves_with_the_names_of_its_columns(dlkit, table):
    dlkit("knn", "train", table, "-k", "3", "--folds", "none", "-n", "rows")
    dlkit("knn", "export", "rows.csv", "--from", "rows")
    head = (dlkit.folder / "rows.csv").read_text(encoding="utf-8").splitlines()[0]
    assert head == "class,path,long,wide,high"
    done = dlkit("knn", "predict", table, "--header", "--from", "rows")
    assert len(done.stdout.splitlines()) == 151
    assert done.stdout.startswith(f"file\tclass\tshare\n{table}:2\t")


def test_choosing_needs_cross_validation(dlkit):
    done = dlkit("knn", "train", "builtin:digits", "--folds", "none", check=2)
    assert "nothing to choose one by" in done.stderr
    assert not (dlkit.home / "knn" / "digits").exists()


def test_a_dry_run_leaves_nothing(dlkit):
    facts = lines(dlkit("knn", "train", "builtin:digits", "--dry-run", "--json"))[0]
    assert facts["training samples"] == 1438
    assert facts["combinations"] == 8
    assert not dlkit.home.exists()


def test_the_encoder_must_be_the_one_of_the_training(dlkit):
    words = ("word2vec", "train", "builtin:reviews", "--dim", "8", "--threads", "1", "--quiet")
    dlkit(*words, "--epochs", "1", "--name", "words")
    dlkit("knn", "train", "builtin:reviews", "--features", "words", "--limit", "500", "-n", "texts")
    answers = dlkit("knn", "predict", "-", "--json", stdin="质量很好\n\n垃圾\n")
    assert [each["file"] for each in lines(answers)] == ["-:1", "-:2", "-:3"]
    assert "1 of 3 texts have no known word" in answers.stderr
    assert "no class and no neighbours, no known word: -:2" in answers.stderr
    assert lines(answers)[1] == {"file": "-:2", "class": None, "share": None, "votes": {},
                                 "neighbours": [], "why": "no known word"}  # fmt: skip
    assert lines(answers)[0]["neighbours"][0]["text"]
    done = dlkit("knn", "predict", "-", stdin="qwrtz\n", check=3)
    assert done.stdout == "-:1\t\t\n"
    assert "nothing in the inputs" in dlkit("knn", "predict", "-", stdin="", check=3).stderr
    (dlkit.folder / "none.txt").write_bytes(b"")
    assert "nothing in the inputs" in dlkit("knn", "search", "none.txt", check=3).stderr
    found = lines(dlkit("knn", "search", "-", "-k", "1", "--json", stdin="质量很好\n"))
    assert found[0]["neighbours"][0]["text"]
    (dlkit.home / "word2vec" / "words").rename(dlkit.home / "word2vec" / "moved")
    done = dlkit("knn", "predict", "-", stdin="好\n", check=3)
    assert "--features NAME says where it is now" in done.stderr
    dlkit("knn", "predict", "-", "--features", "moved", stdin="好\n")
    dlkit(*words, "--epochs", "2", "--name", "words")
    done = dlkit("knn", "predict", "-", stdin="好\n", check=4)
    assert "was made with another word2vec/words: its digest was" in done.stderr
    dlkit("knn", "export", "texts.npz")


@pytest.mark.parametrize("verb", ["predict", "search"])
def test_what_cannot_be_read_is_told(dlkit, pictures, trained, verb):
    bad = dlkit.folder / "bad.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    good = pictures / "test" / "white" / "0.png"
    done = dlkit("knn", verb, bad, good, check=1)
    assert "bad.png" in done.stderr
    done = dlkit("knn", verb, bad, good, "--skip-bad")
    assert "bad.png" in done.stderr
    assert str(good) in done.stdout
    assert "none of the inputs" in dlkit("knn", verb, bad, "--skip-bad", check=3).stderr
    (dlkit.folder / "empty").mkdir()
    assert "no images in the folder empty" in dlkit("knn", verb, "empty", check=1).stderr
    assert "no file is like" in dlkit("knn", verb, "*.gif", check=1).stderr
    assert "k is 99, but there are 24" in dlkit("knn", verb, good, "-k", "99", check=2).stderr


def test_an_image_comes_from_stdin(dlkit, pictures, trained):
    content = (pictures / "test" / "white" / "0.png").read_bytes()
    (answer,) = lines(dlkit("knn", "predict", "-", "--json", stdin=content))
    assert answer["class"] == "white"


def test_the_first_answer_leaves_before_the_last_question_comes(dlkit):
    dlkit("word2vec", "train", "builtin:reviews", "--dim", "4", "--epochs", "1", "--quiet",
          "--threads", "1", "-n", "words")  # fmt: skip
    dlkit("knn", "train", "builtin:reviews", "--features", "words", "--limit", "200", "-k", "1",
          "--folds", "none")  # fmt: skip
    import subprocess

    asked = dlkit.start("knn", "predict", "-", "--quiet", stdin=subprocess.PIPE)
    for line in ("很好\n", "不好\n"):
        asked.stdin.write(line.encode())
        asked.stdin.flush()
        assert asked.stdout.readline().startswith(b"-:")
    rest, said = asked.communicate(timeout=30)
    assert (rest, said, asked.returncode) == (b"", b"", 0)


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_a_sheet_shows_queries_and_neighbours(dlkit, pictures, trained, suffix):
    sheet = dlkit.folder / f"sheet.{suffix}"
    dlkit("knn", "search", pictures / "test", "-k", "3", "--out", sheet)
    if suffix == "svg":
        from xml.etree import ElementTree

        root = ElementTree.fromstring(sheet.read_bytes())
        images = root.findall("{http://www.w3.org/2000/svg}image")
        assert len(images) == 12 * 4
        assert all(each.get("href").startswith("data:image/png;base64,") for each in images)
        assert any("灰" in (each.text or "") for each in root.iter())
    else:
        with Image.open(sheet) as image:
            assert image.width > 400
    assert "--force" in dlkit("knn", "search", pictures, "--out", sheet, check=2).stderr
    assert ".svg nor .png" in dlkit("knn", "search", pictures, "--out", "x.gif", check=2).stderr


def test_pictures_of_preprocessed_points_are_kept_or_forgotten(dlkit, pictures):
    for option, there in (("--keep", True), ("--forget", False)):
        name = option.strip("-")
        dlkit(
            "knn", "train", pictures, "--preprocess", "scale,pca:4", "-k", "1", "-n", name, option
        )
        assert (dlkit.home / "knn" / name / "pictures.safetensors").exists() == there
        sheet = dlkit.folder / f"{name}.svg"
        dlkit("knn", "search", pictures / "test", "--from", name, "-k", "2", "--out", sheet)
        assert sheet.read_text(encoding="utf-8").count("<image") == (12 * 3 if there else 12)


def test_an_interrupted_training_leaves_nothing(dlkit):
    import signal
    import time

    running = dlkit.start("knn", "train", "builtin:mnist5k", "--folds", "loo", "--threads", "1")
    place = dlkit.home / "knn" / ".running"
    begun = time.monotonic()
    while not place.exists() and time.monotonic() - begun < 60:
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode == 130
    assert not (dlkit.home / "knn" / "mnist5k").exists()


def test_what_is_done_to_many_files_is_told_once(dlkit, pictures, trained, tmp_path):
    for number in range(5):
        pixels = np.full((9, 9), 20 * number, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"large{number}.png")
    files = [tmp_path / f"large{number}.png" for number in range(5)]
    for verb in ("predict", "search"):
        done = dlkit("knn", verb, *files, pictures / "test" / "black" / "0.png", "--from", "mine")
        assert [line for line in done.stderr.splitlines() if "resized" in line] == [
            "queries: 5 images resized"
        ]
        quiet = dlkit("knn", verb, *files, "--from", "mine", "--quiet")
        assert quiet.stderr == ""


def test_a_preprocessed_training_image_finds_itself_at_distance_zero_alone(dlkit, pictures):
    dlkit("knn", "train", pictures, "--preprocess", "pca:9", "-k", "1", "-n", "axes", "-q")
    document = json.loads((dlkit.home / "knn/axes/artifact.json").read_text(encoding="utf-8"))
    assert document["bit_reproducible"] is False
    assert "LAPACK" in document["why_not"]
    assert document["scores"]["refit"] is True
    for image in sorted((pictures / "train" / "white").iterdir()):
        (found,) = lines(dlkit("knn", "search", image, "-k", "1", "--json"))
        assert found["neighbours"][0]["distance"] == 0
        assert (dlkit.folder / found["neighbours"][0]["file"]).resolve() == image.resolve()


def test_paths_of_neighbours_open_from_anywhere(dlkit, pictures):
    import os

    here = os.path.relpath(pictures, dlkit.folder)
    dlkit("knn", "train", here, "-n", "mine", "-k", "1", "-q")
    image = pictures / "train" / "white" / "0.png"
    (found,) = lines(dlkit("knn", "search", image, "-k", "1", "--json"))
    file = found["neighbours"][0]["file"]
    assert (dlkit.folder / file).resolve() == image.resolve()
    saved = (dlkit.home / "knn/mine/paths.txt").read_text(encoding="utf-8").splitlines()
    assert all(os.path.isabs(path) for path in saved)


def test_training_data_among_the_data_to_be_judged_on_are_told(dlkit, pictures, trained):
    done = dlkit("knn", "eval", pictures / "train", "--from", "mine")
    assert "all 24 test samples are in the artifact's training data, too" in done.stderr
    done = dlkit("knn", "eval", pictures / "test", "--from", "mine")
    assert "too (equal content)" not in done.stderr


def test_settings_that_would_change_nothing_are_refused(dlkit, pictures, trained):
    for given in ("preprocess=hog", "folds=3", "input.size=9"):
        assert f"--set {given.partition('=')[0]}: " in dlkit(
            "knn", "eval", "--from", "mine", "--set", given, check=2
        ).stderr  # fmt: skip
    assert "--size: " in dlkit("knn", "eval", pictures, "--from", "mine", "--size", "9",
                               check=2).stderr  # fmt: skip
    assert lines(dlkit("knn", "eval", "--from", "mine", "--set", "k=2", "--json"))[0]["k"] == 2
    for command in ("eval", "inspect"):
        assert (
            "--set folds: " in dlkit("knn", command, pictures, "--set", "folds=3", check=2).stderr
        )


def test_usual_numbers_of_neighbours_are_at_most_the_points(dlkit, pictures):
    dlkit("knn", "train", pictures, "--limit", "4", "-n", "few", "-k", "1", "--folds", "none")
    image = pictures / "test" / "white" / "0.png"
    done = dlkit("knn", "search", image, "--from", "few", "--json")
    assert len(lines(done)[0]["neighbours"]) == 4
    assert "k 4: knn/few has no more points" in done.stderr
    done = dlkit("knn", "inspect", pictures, "--limit", "4", "--explain", "0")
    assert "k 4: there are no more training samples" in done.stderr


@pytest.mark.parametrize(
    "options", [("-k", "21"), ("--folds", "90"), ("-k", "24", "--folds", "none")]
)
def test_a_dry_run_refuses_what_the_training_refuses(dlkit, pictures, options):
    code = 0 if "none" in options else 2
    dry = dlkit("knn", "train", pictures, *options, "--dry-run", "--quiet", check=code)
    wet = dlkit("knn", "train", pictures, *options, "--quiet", check=code)
    assert dry.stderr == wet.stderr


def test_all_samples_can_be_kept_to_search_in(dlkit, table):
    done = dlkit("knn", "train", table, "--test-share", "0", "-n", "whole", "-k", "3")
    assert "nothing is held out" in done.stderr
    assert json.loads((dlkit.home / "knn/whole/artifact.json").read_text("utf-8"))["points"] == 150
    assert "nothing of table was held out" in dlkit("knn", "eval", check=3).stderr
    assert "nothing of table" in dlkit("knn", "eval", table, "--test-share", "0", check=3).stderr
    assert "nothing of table" in dlkit("knn", "inspect", check=3).stderr
    assert lines(dlkit("knn", "eval", table, "--from", "whole", "--json"))[0]["samples"] == 150


def test_rows_without_a_direction_have_no_class_by_cosine(dlkit, pictures, trained):
    black = dlkit.folder / "black.png"
    Image.fromarray(np.zeros((6, 6), np.uint8)).save(black)
    command = ("knn", "predict", black, "--json", "--metric")
    (found,) = lines(dlkit(*command, "cosine", check=3))
    assert (found["class"], found["share"]) == (None, None)
    assert found["why"] == "a row of zeros has no direction"
    assert lines(dlkit(*command, "l2"))[0]["class"] == "black"


def test_a_wide_sheet_shows_the_nearest(dlkit, table):
    dlkit("knn", "train", table, "-n", "rows", "-k", "1", "--folds", "none", "-q")
    done = dlkit("knn", "search", table, "-k", "60", "--out", "wide.svg", "-q")
    assert "the nearest 50 of each query are drawn" in done.stderr
    sheet = (dlkit.folder / "wide.svg").read_text(encoding="utf-8")
    width = int(sheet.partition('width="')[2].partition('"')[0])
    assert 5000 < width < 6000
    assert ">long " in sheet


def test_the_artifact_is_a_pytorch_module(dlkit, pictures, trained):
    import torch

    from dlkit.knn.saved import open_knn

    knn = open_knn(trained)
    module = knn.module()
    rows = torch.from_numpy(np.array(knn.points.rows[::5]))
    shares = module(rows)
    assert set(module.state_dict()) == {"points", "labels"}
    files = [str(path) for path in knn.paths[::5]]
    predicted = lines(dlkit("knn", "predict", *files, "--json"))
    for ours, theirs in zip(shares, predicted, strict=True):
        assert knn.points.classes[int(ours.argmax())] == theirs["class"]
        assert float(ours.max()) == theirs["share"]
