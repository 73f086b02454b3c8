"""What is learnt from and what is judged by: stratified, the same each time, nothing twice."""

from __future__ import annotations

import shutil

import numpy as np


def test_a_tenth_of_each_class_is_set_aside_and_nothing_lost(trained):
    ready = trained("builtin:digits", **{"training.l2": 1}).ready
    whole = ready.samples.train
    ours, theirs = ready.train.samples, ready.validation.samples
    assert sorted([*ours.paths, *theirs.paths]) == sorted(whole.paths)
    for label in range(10):
        share = (theirs.labels == label).sum() / (whole.labels == label).sum()
        assert 0.08 < share < 0.12
    assert not set(theirs.paths) & set(ready.samples.test.paths)
    again = trained("builtin:digits", **{"training.l2": 1}).ready
    assert list(again.validation.samples.paths) == list(theirs.paths)
    other = trained("builtin:digits", **{"training.l2": 1, "training.seed": 2}).ready
    assert list(other.validation.samples.paths) != list(theirs.paths)


def test_equal_samples_are_never_divided(trained, tmp_path):
    random = np.random.default_rng(0)
    lines = ["a,b,kind"]
    for number in range(150):
        row = ",".join(map(str, random.normal(number % 2, 1, 2))) + f",{'xy'[number % 2]}"
        lines += [row] * (1 + number % 3)
    path = tmp_path / "twice.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    ready = trained(path, **{"training.l2": 1, "training.validation": 0.3}).ready
    ours, theirs = set(ready.train.samples.digests), set(ready.validation.samples.digests)
    assert not ours & theirs
    assert len(ready.validation.labels) > 30


def test_steps_are_learnt_from_the_samples_that_are_learnt_from(trained, table):
    ready = trained(table, **{"training.l2": 1}).ready
    rows = ready.train.numbers
    np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-5)
    assert np.abs(ready.validation.numbers.mean(axis=0)).max() > 1e-3


def test_a_validation_split_of_the_data_is_taken(trained, pictures):
    shutil.copytree(pictures / "test", pictures / "validation")
    found = trained(pictures, **{"training.l2": 1})
    assert len(found.ready.validation.labels) == 18
    assert len(found.ready.train.labels) == 60
    assert any("own split of 18" in getattr(each, "text", "") for each in found.records)
