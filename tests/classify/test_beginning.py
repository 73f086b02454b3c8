"""Going on from an artifact: its weights, its classes, its preprocessing, on its data or others."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from dlkit.artifacts.tensors import read_tensors
from dlkit.classifiers.evaluate import Asked, evaluate
from dlkit.classify import settings_cli
from dlkit.classify.saved import open_classifier
from dlkit.classify.train import run
from dlkit.errors import USAGE, DlkitError


@pytest.fixture
def make(drive, tmp_path, monkeypatch):
    """Trains as the command does, from an artifact or nothing: the new one, and the records."""
    monkeypatch.setenv("DLKIT_HOME", str(tmp_path / "artifacts"))

    def train(name, *data, begin=None, **options):
        given = {"data": list(map(str, data)) or None, "training.threads": 1} | options
        classifier = None
        if begin is not None:
            given["begin"] = begin
            classifier = open_classifier(tmp_path / "artifacts" / "classify" / begin)
        config, _ = settings_cli.config_of(
            None, (), given, classifier=classifier, other_data=bool(data)
        )
        records, saved = drive(run(config, name=name))
        return open_classifier(saved.path), records

    return train


@pytest.fixture
def judged(drive):
    """Judges an artifact on its own test split."""

    def scores(classifier):
        config, _ = settings_cli.config_of(None, (), {}, classifier=classifier)
        asked = Asked(
            config.data, config.input, config.training.seed, False, config.begin is not None
        )
        return drive(evaluate(classifier, asked))[1].scores

    return scores


def told(records):
    return " ".join(getattr(record, "text", "") for record in records)


SHORT = {"training.epochs": 3, "training.lr": 0.01}


def test_more_epochs_begin_with_the_weights_of_an_artifact(make, judged, table):
    one, _ = make("one", table, hidden="8", **SHORT)
    slow = {"training.epochs": 1, "training.lr": 1e-30}
    two, _ = make("two", begin="one", **slow)
    before, after = (read_tensors(each.path / "weights.safetensors") for each in (one, two))
    for name, weights in before.items():
        np.testing.assert_allclose(after[name], weights, atol=1e-12)
    steps = [(each.path / "preprocess.safetensors").read_bytes() for each in (one, two)]
    assert steps[0] == steps[1]
    assert two.document["began"]["artifact"] == "classify/one"
    assert "began" not in one.document
    assert one.document["data"] == two.document["data"]
    assert judged(one).log_loss == pytest.approx(judged(two).log_loss)
    three, _ = make("three", begin="two", **slow)
    assert three.document["began"]["digest"] != two.document["began"]["digest"]
    for changed, said in (
        ({"hidden": "9"}, "hidden cannot change"),
        ({"preprocess": "scale"}, "preprocess cannot change"),
        ({"training.optimizer": "lbfgs"}, "weights are given"),
    ):
        with pytest.raises(DlkitError, match=said) as problem:
            make("four", begin="one", **changed)
        assert problem.value.code == USAGE


def test_other_data_are_read_as_the_artifact_reads_them(make, judged, table):
    one, _ = make("one", table, **{"training.l2": 0.01})
    rows = table.read_text(encoding="utf-8").splitlines()
    more = table.with_name("more.csv")
    # Other words, missing numbers, another order of the columns and a column of no use.
    lines = ["high,colour,wide,other,long,kind"]
    for at, line in enumerate(rows[1:90]):
        long, wide, high, colour, kind = line.split(",")
        seen = "violet" if at % 9 == 0 else colour
        lines.append(f"{high},{seen},{'' if at % 7 == 0 else wide},{at % 4},{long},{kind}")
    whole = "\n".join(lines) + "\n"
    more.write_text(whole, encoding="utf-8")
    two, records = make("two", more, begin="one", **SHORT)
    assert "that training has not (colour" in told(records)
    assert two.document["optimizer"] == "adamw"
    assert two.form == one.form
    assert judged(two).total == two.document["data"]["samples"]["test"]
    for old, new, said in (("ant", "cow", "cow"), ("long", "tall", "no column long of numbers")):
        more.write_text(whole.replace(old, new), encoding="utf-8")
        with pytest.raises(DlkitError, match=said):
            make("three", more, begin="one", **SHORT)


def test_texts_go_on_with_the_same_ngrams(make, judged, texts):
    one, _ = make("one", texts)
    two, _ = make("two", begin="one", **SHORT)
    assert one.document["ngrams"] == two.document["ngrams"]
    assert judged(two).log_loss < 0.7


def test_pictures_become_the_size_of_the_artifact_s(make, judged, pictures):
    make("one", pictures, **{"training.l2": 0.1})
    for path in (pictures / "train").rglob("*.png"):
        with Image.open(path) as small:
            large = small.resize((12, 12))
        large.save(path)
    two, _ = make("two", pictures, begin="one", **SHORT)
    assert (two.form.width, two.form.height) == (6, 6)
    assert judged(two).total == 18
