"""Texts by the defaults: n-grams weighed by ratio, the linear classifier at its optimum."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from dlkit.errors import USAGE, DlkitError

from .conftest import BAD, GOOD


def test_texts_are_learnt_to_the_optimum_with_a_usual_penalty(trained, texts):
    found = trained(texts)
    training = found.config.training
    assert training.optimizer == "sdca"
    assert training.l2 == 1 / (4 * len(found.ready.train.labels))
    assert found.facts["converged"]
    assert 0 <= found.facts["gap"] <= training.tolerance * found.facts["objective"]
    assert found.model.weights.shape == (found.arguments["ngrams"], 2)
    given = trained(texts, **{"training.l2": 0.01, "text.weighting": "tfidf"})
    assert given.config.training.l2 == 0.01
    assert given.facts["objective"] > found.facts["objective"]


def test_the_optimum_is_that_of_scikit_learn_on_the_same_ngrams(trained, texts):
    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    found = trained(texts, **{"training.l2": 0.002, "training.tolerance": 1e-8})
    bags, labels = found.ready.train.numbers, found.ready.train.labels
    rows = csr_matrix((bags.weights, bags.values, bags.offsets), dtype=np.float64)
    theirs = LogisticRegression(C=2 / (0.002 * len(labels)), tol=1e-10, max_iter=10_000)
    theirs.fit(rows, labels)
    ours = found.model.scores(bags)
    np.testing.assert_allclose(ours[:, 1] - ours[:, 0], theirs.decision_function(rows), atol=1e-3)


@pytest.mark.parametrize("options", [{"text.dim": 8}, {"training.l2": 0}, {"training.l2": 1e-310},
                                     {"training.epochs": 1}, {"hidden": "4"},
                                     {"loss": "hinge"}])  # fmt: skip
def test_what_is_not_convex_or_of_epochs_is_trained_by_epochs(trained, texts, options):
    found = trained(texts, **{"training.epochs": 1} | options)
    assert found.config.training.optimizer == "adamw"
    if "training.epochs" not in options:  # else the epochs alone would make it so
        with pytest.raises(DlkitError, match="--optimizer sdca finds optima of linear softmax"):
            trained(texts, **options, **{"training.optimizer": "sdca"})


def test_the_optimizer_of_other_inputs_is_refused(trained, texts, table):
    for data, optimizer in ((texts, "lbfgs"), (table, "sdca")):
        with pytest.raises(DlkitError, match=f"--optimizer {optimizer}") as problem:
            trained(data, **{"training.optimizer": optimizer})
        assert problem.value.code == USAGE


def test_the_whole_way_by_defaults(dlkit, texts, lines):
    # Without PyTorch, whose import takes longer than a small training.
    program = "import sys; sys.modules['torch'] = None; from dlkit.app import run; sys.exit(run("
    command = ["classify", "train", str(texts), "-n", "mine", "--words", "1,1"]
    done = subprocess.run(
        [sys.executable, "-c", f"{program}{command!r}))"], capture_output=True, text=True,
        env=os.environ | {"DLKIT_HOME": str(dlkit.home)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    folder = dlkit.home / "classify" / "mine"
    document = json.loads((folder / "artifact.json").read_text(encoding="utf-8"))
    assert document["ngrams"]["weighting"] == "ratio"
    assert document["optimizer"] == "sdca"
    (score,) = lines(dlkit("classify", "eval", "--json"))
    assert score["accuracy"] == 1
    told = lines(dlkit("classify", "predict", "-", "--json", stdin="很快，干净\n太慢，失望\n"))
    assert [each["class"] for each in told[:2]] == ["good", "bad"]
    (seen,) = lines(dlkit("classify", "inspect", "--json", "--no-figures"))
    best = {each["label"]: each["ngram"] for each in reversed(seen["ngrams"])}
    assert any(best["good"] in word or word in best["good"] for word in GOOD)
    assert any(best["bad"] in word or word in best["bad"] for word in BAD)
    dlkit("classify", "train", texts, "-n", "silent", "--forget")
    assert not (dlkit.home / "classify" / "silent" / "telling.jsonl").exists()
