"""dlkit cnn inspect, and eval --occlude, through the real command."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

TRAIN = ("builtin:digits", "--threads", "1", "--epochs", "4", "-n", "small")
NETWORK = ("--model", "plain", "--widths", "8,16", "--convolutions", "1")


@pytest.fixture
def network(dlkit):
    dlkit("cnn", "train", *TRAIN, *NETWORK)
    return dlkit


def test_the_table_of_an_architecture_needs_no_artifact(dlkit):
    done = dlkit("cnn", "inspect", "--model", "torchvision:vgg16", "--header")
    head, *lines = (line.split("\t") for line in done.stdout.splitlines())
    assert head[:5] == ["layer", "name", "kind", "output", "parameters"]
    rows = [dict(zip(head, line, strict=True)) for line in lines]
    counted = [row for row in rows if row["layer"]]
    assert [row["layer"] for row in counted] == [str(number) for number in range(1, 17)]
    assert sum(int(row["parameters"]) for row in rows) == 138_357_544
    assert round(sum(int(row["multiply-adds"]) for row in rows) / 1e9, 2) == 15.47
    last = counted[12]
    assert (last["output"], last["sees"], last["stride"]) == ("512x14x14", "196", "16")
    options = ("--size", "32", "--classes", "10", "--json")
    told = json.loads(dlkit("cnn", "inspect", "--model", "resnet20", *options).stdout)
    assert (told["depth"], told["height"], told["classes"]) == (20, 32, 10)
    stack = told["stacks"][0]
    assert (stack["sees"], stack["parameters"] / stack["large"]) == (5, 18 / 25)
    assert all(each["times"] > 50 for each in told["sharing"])
    done = dlkit("cnn", "inspect", "--model", "resnet21", check=2)
    assert "resnet20" in done.stderr
    done = dlkit("cnn", "inspect", "--model", "vgg16", "--sample", "3", check=2)
    assert "--sample: --model names an architecture" in done.stderr


def test_a_network_is_looked_into(network):
    done = network("cnn", "inspect", "--json", "--sample", "3,1", "--png")
    told = json.loads(done.stdout)
    assert "using cnn/small" in done.stderr
    sizes = [layer["parameters"] for layer in told["layers"] if layer["number"]]
    assert sum(layer["parameters"] for layer in told["layers"]) == told["parameters"]
    assert sizes[0] == 8 * 9 + 8 * (told["layers"][1]["parameters"] > 72)
    names = {path.rsplit("/", 1)[1] for path in told["figures"]}
    figures = {"curves", "fields", "filters", "looks", "maps"}
    assert names == {"report.html"} | {
        f"{name}.{kind}" for name in figures for kind in ("svg", "png")
    }
    for path in told["figures"]:
        if path.endswith("svg"):
            ET.parse(path)
    first, second = told["samples"]
    assert first["file"].startswith("digits:")
    hidden = np.array(first["hidden"])
    assert hidden.shape == (8, 8)
    assert (hidden >= 0).all()
    assert (hidden <= 1).all()
    assert np.array(first["grad_cam"]).min() >= 0
    assert first["about"]["class"] == first["predicted"]
    for field in told["fields"]:
        assert 0 < field["held"] <= max(field["sees"])
    page = next(path for path in told["figures"] if path.endswith("html"))
    text = Path(page).read_text(encoding="utf-8")
    for heading in ("Where it looks", "How far units see", "Layers", "First filters", "Maps"):
        assert f">{heading}<" in text
    assert first["file"] in text
    again = json.loads(network("cnn", "inspect", "--json", "--sample", "1", "--class", "7").stdout)
    (seen,) = again["samples"]
    assert seen["file"] == second["file"]
    assert seen["about"]["class"] == "7"
    assert "inspect-2" in again["figures"][0]


def test_files_and_tables(network, tmp_path):
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(tmp_path / "黑.png")
    done = network("cnn", "inspect", "黑.png", "--table", "samples", "--header")
    head, row = (line.split("\t") for line in done.stdout.splitlines())
    told = dict(zip(head, row, strict=True))
    assert (told["file"], told["class"]) == ("黑.png", "")
    assert told["taken for"] == told["about"]
    done = network("cnn", "inspect", "--no-figures", "--table", "learning")
    assert [line.split("\t")[0] for line in done.stdout.splitlines()][:2] == ["accuracy", "loss"]
    assert "wrote" not in done.stderr
    human = network("cnn", "inspect", "--no-figures", "--format", "human").stdout
    assert re.search(r"cnn/small: \d+ layers with weights, \d+ on the longest path", human)
    assert "small kernels one after another" in human
    # In 80 characters neither a name nor a number of the layers is folded.
    assert re.search(r"^ *1 +layers\.0 +Conv2d .*8x8x8 +80 +4.61 k +3 +1 *$", human, re.MULTILINE)
    for wrong, code, message in (
        (("--layer", "blocks"), 3, "--layer blocks: no module of that name gives maps"),
        (("--class", "eleven"), 3, "does not know that class"),
        (("--sample", "9999"), 3, "has 359 samples"),
        (("--sample", "0"), 2, "must be numbers from 1"),
        (("--table", "x"), 2, "--table layers|stacks"),
        (("--size", "32"), 2, "they are of --model"),
        (("黑.png", "--sample", "1"), 2, "FILE is an image"),
        (("--skip-bad",), 2, "own data are read as they were"),
    ):
        done = network("cnn", "inspect", *wrong, check=code)
        assert message in done.stderr, wrong


def test_accuracy_against_the_hidden_share(network):
    done = network("cnn", "eval", "--occlude", "0,25,100", "--header")
    head, *rows = (line.split("\t") for line in done.stdout.splitlines())
    assert head == ["hidden", "accuracy", "low", "high", "samples"]
    shares, accuracies = zip(*(map(float, row[:2]) for row in rows), strict=True)
    assert shares == (0, 0.25, 1)
    told = json.loads(network("cnn", "eval", "--occlude", "0,25,100", "--json", "--report").stdout)
    assert [each["accuracy"] for each in told["occluded"]] == list(accuracies)
    assert accuracies[0] == told["accuracy"] > accuracies[1] > accuracies[2]
    assert accuracies[2] < 0.2  # one colour: all are taken for the same
    (report,) = (network.home / "reports" / "cnn" / "small").glob("eval-*")
    assert "a square of the mean colour" in (report / "occluded.svg").read_text(encoding="utf-8")
    done = network("cnn", "eval", "--occlude", "0", "--per-class", check=2)
    assert "are tables of their own" in done.stderr
    done = network("cnn", "eval", "--occlude", "120", check=2)
    assert "from 0 to 100" in done.stderr
