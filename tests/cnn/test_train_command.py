"""``dlkit cnn train``: it learns what only shapes tell, says what it chose, and goes on exactly."""

from __future__ import annotations

import json
import signal

import numpy as np
import pytest

from dlkit.artifacts.tensors import read_tensors
from dlkit.cnn.usual import usual
from dlkit.training.augmenting.config import parse, written


def document(dlkit, name):
    return json.loads((dlkit.home / "cnn" / name / "artifact.json").read_text(encoding="utf-8"))


def files_of(dlkit, name):
    folder = dlkit.home / "cnn" / name
    return [(folder / file).read_bytes() for file in ("weights.safetensors", "metrics.jsonl")]


def test_bars_anywhere_are_told_apart_and_the_artifact_says_how(dlkit, pictures, small, lines):
    done = dlkit("cnn", "train", pictures, *small, "--epochs", "12", "--augment", "crop:1",
                 "-n", "mine", "--json")  # fmt: skip
    (told,) = lines(done)
    assert told["artifact"] == "cnn/mine"
    assert told["samples_per_second"] > 0
    found = document(dlkit, "mine")
    assert (found["task"], found["kind"], found["loss"]) == ("cnn", "image-classifier", "softmax")
    assert found["model"]["name"] == "plain"
    assert found["model"]["size"] == [12, 12]
    assert found["model"]["widths"] == [8, 16]
    assert found["augment"] == "crop:1:zeros"
    assert found["parameters"] == 8 * 9 + 8 + 16 * 8 * 9 + 16 + 2 * 16 * 9 + 2
    assert found["data"]["samples"]["learnt"] + found["data"]["samples"]["validated"] == 240
    folder = dlkit.home / "cnn" / "mine"
    assert {path.name for path in folder.iterdir()} >= {
        "labels.txt", "digests.safetensors", "metrics.jsonl", "report.html", "README.md", "figures",
    }  # fmt: skip
    (scores,) = lines(dlkit("cnn", "eval", "--json"))
    assert scores["artifact"] == "cnn/mine"
    assert scores["tta"] == "none"
    assert scores["accuracy"] > 0.9
    # The settings that were saved train the same network again.
    dlkit("cnn", "train", "-r", folder / "config.yaml", "-n", "again")
    assert files_of(dlkit, "again") == files_of(dlkit, "mine")
    dlkit("artifacts", "verify", "cnn/mine")


def test_a_killed_run_goes_on_to_the_same_bits(dlkit, pictures, small):
    options = (
        *small, "--limit", "64", "--epochs", "100", "--ema", "0.9", "--batch-norm",
        "--dropout", "0.1", "--augment", "flip,crop:1,cutmix", "--seed", "3",
    )  # fmt: skip
    dlkit("cnn", "train", pictures, "-n", "whole", *options)
    process = dlkit.start("cnn", "train", pictures, "-n", "x", *options, "--progress", "json")
    for line in process.stderr:
        told = json.loads(line)
        if told["event"] == "epoch" and told["number"] == 2:
            process.send_signal(signal.SIGUSR1)
        if "saved a checkpoint" in told.get("text", ""):
            break
    process.kill()
    assert process.wait(timeout=60) == -signal.SIGKILL
    process.stderr.close()
    process.stdout.close()
    done = dlkit("cnn", "train", "--resume", "--augment", "none", check=2)
    assert "augment was flip:random,crop:1:zeros,cutmix:1 when the run began" in done.stderr
    dlkit("cnn", "train", "--resume")
    assert files_of(dlkit, "x") == files_of(dlkit, "whole")


def test_what_nobody_asked_for_is_said(dlkit, pictures, lines):
    done = dlkit("cnn", "train", pictures, "--dry-run", "--json", "--threads", "1", "-m", "fast")
    (told,) = lines(done)
    usually = usual("fast", height=12, width=12, channels=1, tuned=False)
    assert told["augment"] == written(parse(usually.augment)) != "none"
    assert f"augment {told['augment']}, as no other was asked for" in done.stderr
    assert told["epochs"] == usually.training["epochs"]
    assert told["model"] == "fast"
    assert told["training samples"] + told["validation samples"] == 240
    assert told["steps"] >= told["epochs"] > 1
    assert not dlkit.home.exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--model", "resnet19"),
            "--model resnet19: no such network\nhint: did you mean resnet18?",
        ),
        (("--widths", "8,8,8,8,8"), "widths has 5 stages\nhint: --size 32 makes them larger"),
        (("--model", "resnet20", "--dropout", "0.5"), "resnet20 has no argument 'dropout'"),
        (("--optimizer", "lbfgs"), "--optimizer lbfgs finds optima of linear classifiers"),
        (("--augment", "flp"), "did you mean flip"),
        (("--augment", "crop:20"), "cannot be moved so far"),
        (("--freeze", "some"), "--freeze: must be all, or how many"),
    ],
)
def test_a_mistake_is_told_in_a_line(dlkit, pictures, options, said):
    done = dlkit("cnn", "train", pictures, "--model", "plain", *options, "--dry-run", check=2)
    assert said in done.stderr
    assert done.stderr.count("error: ") == 1


def test_other_data_than_images_are_refused(dlkit, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(
        "x,kind\n" + "".join(f"{n},{'ab'[n % 2]}\n" for n in range(40)), encoding="utf-8"
    )
    done = dlkit("cnn", "train", path, check=2)
    assert "holds a table; cnn learns from images" in done.stderr
    assert "hint: dlkit classify train" in done.stderr


def test_a_training_goes_on_from_an_artifact_with_its_first_stage_frozen(
    dlkit, pictures, small, lines
):
    dlkit("cnn", "train", pictures, *small, "--epochs", "3", "-n", "one")
    dlkit("cnn", "train", "--from", "one", "--freeze", "1", "--epochs", "1", "--threads", "1",
          "-n", "two")  # fmt: skip
    one, two = (
        read_tensors(dlkit.home / "cnn" / name / "weights.safetensors") for name in ("one", "two")
    )
    same = {name for name in one if np.array_equal(one[name], two[name])}
    assert same == {"pixels.mean", "pixels.std", "layers.0.weight", "layers.0.bias"}
    told = document(dlkit, "two")
    assert told["began"]["artifact"] == "cnn/one"
    assert told["optimizer"] == "adamw"
    best, other = lines(dlkit("cnn", "eval", "--from", "one", "--from", "two", "--json"))
    assert {best["artifact"], other["artifact"]} == {"cnn/one", "cnn/two"}
    assert best["samples"] == other["samples"] == 60
    assert other["errors"] - best["errors"] == other["only_first"] - other["only_it"] >= 0
    assert 0 < other["p"] <= 1
    assert "p" not in best
    done = dlkit("cnn", "eval", "--from", "one", "--from", "two", "--worst", "3", check=2)
    assert "--worst: it tells of one artifact" in done.stderr
    done = dlkit("cnn", "train", "--from", "one", "--widths", "4,4", check=2)
    assert "network cannot change" in done.stderr
    done = dlkit("cnn", "train", "--from", "one", "--freeze", "7", "--dry-run", check=2)
    assert "--freeze 7: the network has 2 stages" in done.stderr
