"""``dlkit cnn eval``: its scores, several views, hidden parts, one class against the rest."""

from __future__ import annotations

import json
import re

import pytest


def test_an_artifact_is_judged_in_every_way(dlkit, pictures, small, lines):
    dlkit("cnn", "train", pictures, *small, "--epochs", "8", "-n", "mine")
    (told,) = lines(
        dlkit("cnn", "eval", "--json", "--occlude", "0,50", "--positive", "flat",
              "--at-sensitivity", "0.9", "--per-class", "--worst", "3", "--report")
    )  # fmt: skip
    assert [each["hidden"] for each in told["occluded"]] == [0, 64 / 144]
    assert told["occluded"][0]["accuracy"] == told["accuracy"] > 0.85
    assert told["occluded"][1]["accuracy"] < told["accuracy"]
    found = told["screened"]
    assert found["positive"] == "flat"
    assert re.fullmatch(r"sensitivity 0.9 on 1\d of 24 validation samples", found["chosen"])
    signs = ("true_positives", "false_negatives", "false_positives", "true_negatives")
    assert sum(found[name] for name in signs) == 60
    assert found["sensitivity"]["low"] < found["sensitivity"]["value"]
    assert len(told["worst"]) == 3
    report = next((dlkit.home / "reports").rglob("report.html")).read_text(encoding="utf-8")
    assert "what is still known when part is hidden" in report
    assert "flat against the rest, from probability" in report
    assert sum(each["samples"] for each in told["confused"]) == told["errors"]
    (seen,) = lines(dlkit("cnn", "eval", "--json", "--tta", "mirror+shifts"))
    assert seen["tta"] == "mirror+shifts"
    assert seen["log_loss"] != told["log_loss"]
    (seen,) = lines(dlkit("cnn", "eval", "--json", "--precision", "bf16"))
    assert seen["precision"] == "bf16"
    assert seen["log_loss"] != told["log_loss"]
    assert seen["log_loss"] == pytest.approx(told["log_loss"], rel=0.05)
    done = dlkit("cnn", "eval", "--format", "human", "--tta", "shifts", "--report")
    asked = "cnn/mine with test-time augmentation (shifts) on pictures"
    assert asked in done.stdout
    assert asked in (dlkit.home / "reports/cnn/mine/eval-2/report.html").read_text(encoding="utf-8")
    assert re.search(r"60 samples asked about in \S+ s, [\d,]+ a second", done.stderr)
    rows = dlkit("cnn", "eval", "--positive", "flat", "--threshold", "0.3", "--header").stdout
    assert rows.splitlines()[0] == "score\tvalue\tlow\thigh\tof"
    assert len(rows.splitlines()) == 6
    for options, said in (
        (("--threshold", "0.3"), "--threshold is of --positive"),
        (("--positive", "flat", "--occlude", "10"), "in a pipe one at a time"),
        (("--tta", "miror"), "--tta miror: must be none, mirror"),
        (("--precision", "int8"), "--precision int8: must be fp32"),
        (("--positive", "flat", "--at-sensitivity", "0.9", "--tta", "mirror"), "leave out --tta"),
    ):
        assert said in dlkit("cnn", "eval", *options, check=2).stderr
    assert "no such class" in dlkit("cnn", "eval", "--positive", "x", check=3).stderr
    path = dlkit.home / "cnn" / "mine" / "artifact.json"
    assert json.loads(path.read_text(encoding="utf-8"))["scores"]["validation_accuracy"] > 0.8


def test_another_network_of_the_same_images_is_judged_on_them(dlkit, small, lines):
    dlkit("cnn", "train", "builtin:shapes-varied", "--limit", "200", *small, "--epochs", "1")
    (own,) = lines(dlkit("cnn", "eval", "--json"))
    (other,) = lines(dlkit("cnn", "eval", "builtin:shapes", "--limit", "200", "--json"))
    assert own["accuracy"] == other["accuracy"]
