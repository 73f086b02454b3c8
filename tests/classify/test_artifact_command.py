"""The artifact's way: train, eval, predict, inspect, export; changed and damaged files."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from dlkit.artifacts.tensors import read_tensors

LINEAR = ("--l2", "0.01", "--threads", "1", "-n", "mine")
NETWORK = ("--hidden", "8", "--epochs", "40", "--lr", "0.01", "--threads", "1", "-n", "mine")


def weights_of(dlkit, name="mine"):
    return (dlkit.home / "classify" / name / "weights.safetensors").read_bytes()


def digest_of(dlkit, name):
    return dlkit("artifacts", "show", f"classify/{name}", "--digest").stdout


def test_the_whole_way_of_pictures(dlkit, pictures, lines):
    (told,) = lines(dlkit("classify", "train", pictures, *NETWORK, "--json"))
    folder = dlkit.home / "classify" / "mine"
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert names == {
        "artifact.json", "config.yaml", "weights.safetensors", "digests.safetensors", "labels.txt",
        "metrics.jsonl",
        "run.json", "report.html", "README.md", "MANIFEST", "figures/curves.svg",
        "figures/confusion.svg", "figures/classes.svg", "figures/calibration.svg",
    }  # fmt: skip
    document = json.loads((folder / "artifact.json").read_text(encoding="utf-8"))
    assert document["kind"] == "classifier"
    assert document["parameters"] == told["parameters"] == 36 * 8 + 8 + 8 * 3 + 3
    samples = document["data"]["samples"]
    assert samples == {"train": 60, "test": 18, "learnt": 54, "validated": 6}
    assert (folder / "labels.txt").read_text(encoding="utf-8") == "black\nwhite\n灰\n"
    assert len((folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()) == 40
    (score,) = lines(dlkit("classify", "eval", "--json", "--per-class", "--confusion"))
    assert score["samples"] == 18
    assert np.trace(score["confusion"]) == 18 - score["errors"]
    assert [each["class"] for each in score["classes"]] == ["black", "white", "灰"]
    assert score["accuracy"] > 0.7
    predicted = lines(dlkit("classify", "predict", pictures / "test", "--json"))
    right = sum(each["class"] in each["file"].split("/") for each in predicted)
    assert right == score["samples"] - score["errors"]
    for each in predicted:
        assert sum(each["probabilities"].values()) == pytest.approx(1)
        assert each["probability"] == max(each["probabilities"].values())
    dlkit("artifacts", "verify", "mine")
    (seen,) = lines(dlkit("classify", "inspect", "--explain", "2", "--json"))
    assert [layer["shape"] for layer in seen["layers"]] == ["8 x 36", "3 x 8"]
    assert {path.rsplit("/", 1)[1] for path in seen["figures"]} == {"curves.svg", "templates.svg"}


def test_the_whole_way_of_a_table(dlkit, table, lines):
    done = dlkit("classify", "train", table, *LINEAR)
    assert "preprocess standardise" in done.stderr
    document = json.loads(
        (dlkit.home / "classify" / "mine" / "artifact.json").read_text(encoding="utf-8")
    )
    assert document["preprocess"]["text"] == "standardise"
    (score,) = lines(dlkit("classify", "eval", "--json"))
    assert score["accuracy"] > 0.6
    answers = dlkit("classify", "predict", table, "--top", "2").stdout.splitlines()
    assert len(answers) == 300
    assert [line.split("\t")[1] for line in answers[:4]] == ["1", "2", "1", "2"]
    (seen,) = lines(dlkit("classify", "inspect", "--explain", "1", "--no-figures", "--json"))
    assert {"long", "wide", "high"} <= {each["input"] for each in seen["sample"]["inputs"]}
    # Without the preprocessing the column of thousands decides.
    dlkit("classify", "train", table, *LINEAR, "--preprocess", "none")
    assert digest_of(dlkit, "mine") != digest_of(dlkit, "mine-2")


def test_the_whole_way_of_chinese_texts(dlkit, texts, lines):
    options = ("--epochs", "30", "--lr", "0.05", "--threads", "1", "-n", "mine")
    done = dlkit("classify", "train", texts, *options)
    assert "tokens zh" in done.stderr
    (score,) = lines(dlkit("classify", "eval", "--json"))
    assert score["accuracy"] > 0.9
    assert score["roc_auc"] > 0.9
    asked = "很快，干净，喜欢\n太慢，失望\n\n"
    told = lines(dlkit("classify", "predict", "-", "--json", stdin=asked))
    assert [each["class"] for each in told[:2]] == ["good", "bad"]
    assert [each["file"] for each in told] == ["-:1", "-:2", "-:3"]
    (seen,) = lines(dlkit("classify", "inspect", "--explain", "1", "--json"))
    known = {word for each in seen["sample"]["inputs"] for word in each["input"].split(" / ")}
    text = texts.read_text(encoding="utf-8")
    assert any(word in text for word in known)


def test_the_hinge_loss_tells_scores_and_no_probabilities(dlkit, pictures, lines):
    dlkit("classify", "train", pictures, *NETWORK, "--loss", "hinge")
    (score,) = lines(dlkit("classify", "eval", "--json"))
    assert score["log_loss"] is None
    assert score["ece"] is None
    (first, *_) = lines(dlkit("classify", "predict", pictures / "test", "--json"))
    assert first["score"] == max(first["scores"].values())
    assert "probability" not in first
    (seen,) = lines(dlkit("classify", "inspect", "--explain", "3", "--json"))
    sample = seen["sample"]
    scores = {each["class"]: each["score"] for each in sample["classes"]}
    own = scores.pop(sample["class"])
    wanted = sum(max(0, score - own + 1) for score in scores.values())
    assert sample["loss"] == pytest.approx(wanted, abs=1e-6)
    done = dlkit("classify", "eval", "--worst", "18", "--report", "--png")
    assert len({row.split("\t")[0] for row in done.stdout.splitlines()}) == 18
    (folder,) = (dlkit.home / "reports" / "classify" / "mine").glob("eval-*")
    names = {path.name for path in folder.iterdir()} - {"MANIFEST", "report.html"}
    assert names == {
        f"{name}.{kind}" for name in ("confusion", "classes") for kind in ("svg", "png")
    }
    assert "Worst samples" in (folder / "report.html").read_text(encoding="utf-8")
    with Image.open(folder / "confusion.png") as picture:
        assert picture.width > 100
    assert "lacks characters" in done.stderr  # 灰


@pytest.mark.parametrize("options", [LINEAR, (*NETWORK, "--dropout", "0.3", "--batch-norm")])
def test_the_same_settings_give_the_same_files(dlkit, pictures, options):
    dlkit("classify", "train", pictures, *options)
    again = dlkit.home / "classify" / "mine" / "config.yaml"
    dlkit("classify", "train", "-r", again, "-n", "again")
    assert digest_of(dlkit, "mine") == digest_of(dlkit, "again")


@pytest.mark.parametrize("options", [LINEAR, NETWORK])
def test_a_poisoned_test_split_changes_nothing_in_the_training(dlkit, pictures, options):
    dlkit("classify", "train", pictures, *options)
    before = weights_of(dlkit)
    folder = dlkit.home / "classify"
    metrics = (folder / "mine" / "metrics.jsonl").read_bytes()
    for name, other in (("black", "white"), ("white", "灰")):
        for number in range(6):
            path = pictures / "test" / name / f"{number}.png"
            Image.fromarray(np.full((6, 6), 128 + number, np.uint8)).save(path)
            shutil.copy(path, pictures / "test" / other / f"other{number}.png")
    dlkit("classify", "train", pictures, *options[:-1], "again")
    assert weights_of(dlkit, "again") == before
    assert (folder / "again" / "metrics.jsonl").read_bytes() == metrics
    told = [json.loads((folder / name / "artifact.json").read_text()) for name in ("mine", "again")]
    assert told[0]["scores"] == told[1]["scores"]
    assert told[0]["data"]["fingerprints"]["test"] != told[1]["data"]["fingerprints"]["test"]


def test_data_that_changed_are_refused(dlkit, pictures, lines):
    dlkit("classify", "train", pictures, *LINEAR)
    image = pictures / "test" / "black" / "0.png"
    Image.fromarray(np.full((6, 6), 9, np.uint8)).save(image)
    done = dlkit("classify", "eval", check=1)
    assert "the test data of classify/mine have changed" in done.stderr
    assert "hint: dlkit classify eval DATA --from classify/mine" in done.stderr
    # Said to be other data, they are judged.
    score = lines(dlkit("classify", "eval", pictures, "--from", "mine", "--json"))[0]
    assert score["samples"] == 18
    # What it was trained on is no test, which is said.
    done = dlkit("classify", "eval", pictures, "--test-split", "train", "--from", "mine")
    assert "all 60 test samples are in the artifact's training data, too" in done.stderr
    other = pictures.with_name("other")
    shutil.copytree(pictures / "test", other)
    (other / "white").rename(other / "green")
    assert "green" in dlkit("classify", "eval", other, "--from", "mine", check=1).stderr


def test_a_damaged_artifact_is_refused(dlkit, pictures):
    dlkit("classify", "train", pictures, *LINEAR)
    folder = dlkit.home / "classify" / "mine"
    for file in ("weights.safetensors", "labels.txt", "artifact.json"):
        content = (folder / file).read_bytes()
        damaged = bytearray(content)
        damaged[-3] ^= 1
        (folder / file).write_bytes(damaged)
        done = dlkit("classify", "predict", pictures / "test", "--from", "mine", check=4)
        assert file in done.stderr
        (folder / file).write_bytes(content)
    dlkit("classify", "eval", "--from", "mine")


def test_weights_for_other_tools(dlkit, pictures):
    dlkit("classify", "train", pictures, *LINEAR)
    own = read_tensors(dlkit.home / "classify" / "mine" / "weights.safetensors")
    dlkit("classify", "export", "w.npz")
    with np.load(dlkit.folder / "w.npz", allow_pickle=False) as found:
        np.testing.assert_array_equal(found["layers.0.weight"], own["layers.0.weight"])
        assert found["classes"].tolist() == ["black", "white", "灰"]
    dlkit("classify", "export", "w.safetensors")
    told = json.loads((dlkit.folder / "w.json").read_text(encoding="utf-8"))
    assert told["classes"] == ["black", "white", "灰"]
    assert told["pixels_divided_by"] == 255
    read = read_tensors(dlkit.folder / "w.safetensors")
    np.testing.assert_array_equal(read["layers.0.bias"], own["layers.0.bias"])
    dlkit("classify", "export", "w.csv")
    rows = [line.split(",") for line in (dlkit.folder / "w.csv").read_text("utf-8").splitlines()]
    assert rows[0] == ["input", "black", "white", "灰"]
    assert np.array(rows[1][1:], np.float32).tolist() == own["layers.0.bias"].tolist()
    table = np.array([row[1:] for row in rows[2:]], np.float32)
    np.testing.assert_array_equal(table.T, own["layers.0.weight"])
    assert "w.csv is there already" in dlkit("classify", "export", "w.csv", check=2).stderr
    assert "suffix" in dlkit("classify", "export", "w.pkl", check=2).stderr
    dlkit("classify", "train", pictures, *NETWORK)
    assert "not linear" in dlkit("classify", "export", "v.csv", check=2).stderr
    assert not (dlkit.folder / "v.csv").exists()


def test_onnx_gives_the_same_scores_or_names_what_it_needs(dlkit, pictures):
    import onnxruntime

    from dlkit.classify.asking import scores_of
    from dlkit.classify.saved import open_classifier

    dlkit("classify", "train", pictures, *NETWORK)
    without = "import sys; sys.modules['onnxscript'] = None; from dlkit.app import run; " + (
        "sys.exit(run(['classify', 'export', 'w.onnx']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", without], cwd=dlkit.folder, env=dlkit.environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "pip install 'dlkit[export]'" in done.stderr
    assert not (dlkit.folder / "w.onnx").exists()
    dlkit("classify", "export", "w.onnx")
    classifier = open_classifier(dlkit.home / "classify" / "mine")
    rows = np.random.default_rng(0).integers(0, 256, (7, 36), dtype=np.uint8)
    (found,) = onnxruntime.InferenceSession(dlkit.folder / "w.onnx").run(None, {"rows": rows})
    np.testing.assert_allclose(found, scores_of(classifier.model, rows), atol=1e-5)


def test_samples_that_it_gets_most_wrong_are_those_of_largest_loss(dlkit, pictures, lines):
    dlkit("classify", "train", pictures, *LINEAR)
    (score,) = lines(dlkit("classify", "eval", "--worst", "18", "--uncertain", "3", "--json"))
    files = [each["file"] for each in score["worst"]]
    assert len(set(files)) == 18
    wrong = [each["class"] != each["taken_for"] for each in score["worst"]]
    assert sum(wrong) == score["errors"]
    assert len(score["uncertain"]) == 3
    done = dlkit("classify", "eval", "--report")
    place = done.stderr.strip().rsplit(" ", 1)[1]
    assert place.endswith("reports/classify/mine/eval-1/report.html")
    page = (dlkit.home / "reports" / "classify" / "mine" / "eval-1" / "report.html").read_text(
        encoding="utf-8"
    )
    assert "Worst samples" in page
    assert "data:image/png;base64" in page
    assert (
        "one at a time" in dlkit("classify", "eval", "--per-class", "--confusion", check=2).stderr
    )


def test_a_report_shows_no_samples_that_shall_be_forgotten(dlkit, pictures):
    dlkit("classify", "train", pictures, *LINEAR)
    dlkit("classify", "train", pictures, *LINEAR, "--forget")
    pages = [(dlkit.home / "classify" / name / "report.html").read_text(encoding="utf-8")
             for name in ("mine", "mine-2")]  # fmt: skip
    assert ["data:image/png" in page for page in pages] == [True, False]
