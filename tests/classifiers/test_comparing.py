"""Several classifiers beside one another; what is told of classes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from dlkit.classifiers.comparing import COLUMNS, answers_of, check_same, compare, mcnemar
from dlkit.classifiers.comparing_cli import each_once
from dlkit.classifiers.eval_cli import Tables, _documents, _of_classes
from dlkit.classifiers.evaluate import Judged, judge
from dlkit.errors import USAGE, DlkitError

LABELS = np.arange(12) % 3
CLASSES = ("a", "乙", "c")


def judged(guesses, *, labels=LABELS, name="data"):
    """A test split whose samples are taken for ``guesses``, each with probability 0.8."""
    values = np.full((len(labels), 3), 0.1)
    values[np.arange(len(labels)), guesses] = 0.8
    paths = [f"{number}.png" for number in range(len(labels))]
    samples = SimpleNamespace(
        name=name, classes=CLASSES, test=SimpleNamespace(labels=labels, paths=paths)
    )
    return Judged(judge(np.log(values), labels, CLASSES, "softmax"), samples, values, 0.5)


def classifier(name):
    return SimpleNamespace(
        reference=f"cnn/{name}", path=Path(name), document={"task": "cnn", "parameters": 7}
    )


@given(st.integers(0, 400), st.integers(0, 400))
def test_unequal_counts_are_as_improbable_as_the_binomial_test_says(one, other):
    expected = binomtest(one, one + other).pvalue if one + other else 1.0
    assert mcnemar(one, other) == pytest.approx(expected, rel=1e-9)


def test_the_best_comes_first_and_others_are_compared_with_it():
    guesses = {"best": LABELS.copy(), "worse": LABELS.copy(), "odd": LABELS.copy()}
    guesses["best"][0] = 1
    guesses["worse"][1:5] = 0  # of which the fourth is right all the same
    guesses["odd"][[0, 6, 7, 8, 9]] = 2  # of which the ninth is, and the first as wrong as the best
    found = [answers_of(classifier(name), judged(each)) for name, each in guesses.items()]
    first, second, third = compare(found[::-1])
    assert [each.answers.reference for each in (first, second, third)] == [
        "cnn/best", "cnn/worse", "cnn/odd",
    ]  # fmt: skip
    assert (first.ahead, first.behind, first.p) == (0, 0, None)
    assert (second.ahead, second.behind) == (1, 3)
    assert second.p == pytest.approx(10 / 16)
    assert (third.ahead, third.behind) == (0, 3)
    row = dict(zip(COLUMNS, second.row(), strict=True))
    assert (row["wrong"], row["only it"], row["only first"]) == (3, 1, 3)
    assert (row["parameters"], row["a second"]) == (7, 24)
    assert second.document()["only_first"] == 3
    assert dict(zip(COLUMNS, first.row(), strict=True))["p"] is None


def test_other_samples_are_not_compared_and_nobody_with_himself():
    one = answers_of(classifier("one"), judged(LABELS))
    others = (
        judged(LABELS, labels=LABELS[::-1]), judged(LABELS[:6], labels=LABELS[:6]),
        judged(LABELS, name="other"),
    )  # fmt: skip
    check_same(one, answers_of(classifier("two"), judged(LABELS)), command="")
    for other in others:
        with pytest.raises(DlkitError, match="other samples") as problem:
            check_same(one, answers_of(classifier("two"), other), command="dlkit cnn eval")
        assert problem.value.hint.startswith("dlkit cnn eval DATA --from cnn/one --from cnn/two")
    with pytest.raises(DlkitError, match="given twice") as problem:
        each_once(classifier, ["a", "b", "a"])
    assert problem.value.code == USAGE


def test_below_the_classes_stand_those_that_are_most_often_confused():
    guesses = LABELS.copy()
    guesses[[1, 4, 0]] = 2
    tables = Tables(per_class=True, confusion=False, worst=0, uncertain=0)
    classes, confused = _of_classes(judged(guesses), tables, exact=False)
    assert [row[0] for row in classes.rows] == list(CLASSES)
    assert confused.rows == [("乙", "c", 2), ("a", "c", 1)]
    (alone,) = _of_classes(judged(guesses), tables, exact=True)
    assert alone.rows == classes.rows
    told = _documents(judged(guesses), tables)["confused"]
    assert told[0] == {"class": "乙", "taken_for": "c", "samples": 2}
    assert len(_of_classes(judged(LABELS), tables, exact=False)) == 1
