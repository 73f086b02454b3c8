"""Samples that belong together are learnt from, or judged, or tested on: one of the three."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dlkit.errors import DlkitError


@pytest.fixture
def patients(tmp_path):
    """A csv file of 40 patients with 6 samples each, of both classes, and few equal samples."""
    random = np.random.default_rng(4)
    lines = ["a,b,patient,kind"]
    for patient in range(40):
        where = random.normal(0, 3, 2)
        for number in range(6):
            a, b = (where + random.normal(0, 0.5, 2)).round(2)
            lines.append(f"{a},{b},病人{patient},{'xy'[number % 2]}")
    lines += [lines[-1]] * 2
    path = tmp_path / "patients.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


OPTIONS = {"input.group_column": "patient", "training.l2": 0.01, "training.validation": 0.25}


def test_no_patient_is_in_two_of_training_validation_and_test(trained, patients):
    ready = trained(patients, **OPTIONS).ready
    sides = [ready.train.samples, ready.validation.samples, ready.samples.test]
    names = [set(side.groups) for side in sides]
    assert len(set.union(*names)) == sum(map(len, names)) == 40
    assert sum(map(len, sides)) == 242
    assert abs(len(sides[1]) / (len(sides[0]) + len(sides[1])) - 0.25) < 0.03
    assert abs(len(sides[2]) / 242 - 0.2) < 0.03


def test_too_few_patients_to_judge_by_are_told(trained, patients):
    lines = patients.read_text(encoding="utf-8").splitlines()
    for name, rows in (("train", lines[1:7]), ("test", lines[7:])):
        text = "\n".join([lines[0], *rows]) + "\n"
        (patients.parent / f"{name}.csv").write_text(text, encoding="utf-8")
    patients.unlink()
    with pytest.raises(DlkitError, match=r"to judge by: 1 group in the column patient") as caught:
        trained(patients.parent, **OPTIONS)
    assert caught.value.hint == "--validation 0 sets none aside"
    assert trained(patients.parent, **OPTIONS | {"training.validation": 0}).ready.validation is None


def test_commands_keep_the_groups(dlkit, patients):
    given = ("--group-column", "patient", "--l2", "0.01", "--threads", "1", "--json")
    (trained,) = map(json.loads, dlkit("classify", "train", patients, *given).stdout.splitlines())
    folder = dlkit.home / "classify" / "patients"
    data = json.loads((folder / "artifact.json").read_text(encoding="utf-8"))["data"]
    assert data["groups"]["train"] + data["groups"]["test"] == 40
    judged = json.loads(dlkit("classify", "eval", "--json").stdout)
    assert judged["samples"] == data["samples"]["test"]
    swept = dlkit("classify", "sweep", patients, *given[:2], *given[4:], "--over", "l2=0.01,1")
    trial = json.loads(swept.stdout.splitlines()[0])
    assert trial["validation_accuracy"] == trained["validation_accuracy"]
