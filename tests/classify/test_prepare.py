"""What is learnt from and what is judged by: stratified, the same each time, nothing twice."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from dlkit.classify.export import names_of
from dlkit.errors import USAGE, DlkitError


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


def test_constant_columns_and_missing_cells_do_no_harm(trained, tmp_path):
    random = np.random.default_rng(0)
    lines = ["same,gone,number,word,kind"]
    for at in range(60):
        number = "" if at % 7 == 0 else f"{random.normal(at % 2, 0.5):.3f}"
        lines.append(f"7,,{number},{'' if at % 5 == 0 else 'one'},{'xy'[at % 2]}")
    path = tmp_path / "holes.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = trained(path, **{"training.l2": 0.1})
    told = " ".join(getattr(record, "text", "") for record in found.records)
    assert "column gone has no values in training: left out" in told
    assert "missing value" in told
    weight = next(found.model.parameters()).detach().numpy()
    columns = found.ready.samples.columns
    assert columns == ("same", "number", "word=one")
    assert np.isfinite(weight).all()
    assert not weight[:, 0].any()
    assert weight[1, 1] > 0.1


@pytest.mark.parametrize(
    ("steps", "named"),
    [("standardise", True), ("scale,centre", True), ("pca:5", False), ("standardise,pca:5", False)],
)
def test_inputs_have_the_names_of_columns_where_they_are_columns(trained, table, steps, named):
    ready = trained(table, preprocess=steps, **{"training.l2": 1}).ready
    assert ready.train.numbers.shape[1] == 5
    asked = SimpleNamespace(form=ready.samples.form, reader=ready.reader)
    columns = ("long", "wide", "high", "colour=green", "colour=red")
    assert names_of(asked, 5) == (columns if named else None)


def test_a_device_that_is_not_there_is_told_before_the_data_are_read(trained):
    import torch

    missing = "mps" if torch.cuda.is_available() else "cuda"
    with pytest.raises(DlkitError, match=f"--device {missing}: PyTorch finds none") as problem:
        trained("nowhere.csv", **{"training.device": missing})
    assert problem.value.code == USAGE
