"""`dlkit knn eval`: scores and predictions equal to scikit-learn's, on data of every kind."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.extmath import weighted_mode

from dlkit.knn.asking import Choice, Engine, predict
from dlkit.progress import follow

METRICS = {
    "l2": {"metric": "euclidean"},
    "l1": {"metric": "manhattan"},
    "cosine": {"metric": "cosine"},
    "linf": {"metric": "chebyshev"},
    "minkowski:3": {"metric": "minkowski", "p": 3},
    "minkowski:1.5": {"metric": "minkowski", "p": 1.5},
}


def agree(ready, *, metrics=("l2", "l1"), ks=(1, 3, 5, 10, 50), weights=("uniform", "distance")):
    """Our predictions of the test split beside scikit-learn's on the same rows."""
    test = ready.samples.test
    queries = follow(ready.transform.apply(test.inputs, what="test"), mode="off", quiet=True)
    asked = [Choice(m, w, k) for m in metrics for w in weights for k in ks]
    found = follow(predict(ready.points, queries, asked, Engine(threads=1)), mode="off")
    rows, wide = ready.points.rows.astype(np.float64), queries.astype(np.float64)
    for choice, ours in found.items():
        theirs = KNeighborsClassifier(
            choice.k, weights=choice.weights, algorithm="brute", **METRICS[choice.metric]
        ).fit(rows, ready.points.labels)
        # Which of equally distant points is the last to vote is a rule that scikit-learn has not.
        distances, _ = theirs.kneighbors(wide, choice.k + 1)
        clear = distances[:, -1] > distances[:, -2]
        np.testing.assert_array_equal(ours[clear], theirs.predict(wide)[clear], str(choice))
        if ready.points.rows.dtype == np.uint8:  # distances are exact: ties are ties for both
            every = ranked(wide, rows, ready.points.labels, choice)
            np.testing.assert_array_equal(ours, every, str(choice))
        else:
            assert clear.mean() > 0.9
    return {choice: float((winners == test.labels).mean()) for choice, winners in found.items()}


def ranked(queries, points, labels, choice):
    """scikit-learn's distances and votes, the earlier of equally distant points first."""
    distances = pairwise_distances(queries, points, **METRICS[choice.metric])
    order = np.argsort(distances, axis=1, kind="stable")[:, : choice.k]
    near, weights = np.take_along_axis(distances, order, axis=1), np.ones(order.shape)
    if choice.weights == "distance":
        exact = near == 0
        weights = np.where(exact.any(axis=1, keepdims=True), exact, 1 / np.where(exact, 1, near))
    return weighted_mode(labels[order], weights, axis=1)[0].ravel().astype(int)


def lines(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_digits_are_predicted_as_by_scikit_learn(dlkit, prepared):
    expected = agree(prepared("builtin:digits"))
    done = dlkit("knn", "eval", "builtin:digits", "--k", "1,3,5", "--metric", "l1,l2", "--json")
    found = lines(done)
    assert [(each["metric"], each["k"]) for each in found] == [
        (metric, k) for metric in ("l1", "l2") for k in (1, 3, 5)
    ]
    for each in found:
        assert each["accuracy"] == expected[Choice(each["metric"], "uniform", each["k"])]
        assert each["accuracy"] > 0.97
        assert each["low"] < each["accuracy"] < each["high"]
    assert not dlkit.home.exists()


def test_every_order_of_distances_predicts_as_scikit_learn(dlkit, prepared):
    metrics = ("minkowski:3", "linf")
    expected = agree(prepared("builtin:digits"), metrics=metrics, ks=(1, 3, 20))
    told = "minkowski:3.0,linf,minkowski:2"  # under their usual names
    found = lines(dlkit("knn", "eval", "builtin:digits", "-k", "1,3", "--metric", told, "--json"))
    assert [each["metric"] for each in found] == ["minkowski:3"] * 2 + ["linf"] * 2 + ["l2"] * 2
    for each in found[:4]:
        assert each["accuracy"] == expected[Choice(each["metric"], "uniform", each["k"])] > 0.95


def test_real_digits_are_predicted_as_by_scikit_learn(dlkit, prepared):
    expected = agree(prepared("builtin:mnist5k"), metrics=("l2",), ks=(1, 5))
    (found,) = lines(dlkit("knn", "eval", "builtin:mnist5k", "-k", "5", "--json"))
    assert found["accuracy"] == expected[Choice("l2", "uniform", 5)] > 0.9


def test_rows_of_a_table_are_predicted_as_by_scikit_learn(dlkit, prepared, table):
    # Numbers of one digit: many distances are equal, but few where the vote hangs on it.
    ready = prepared(str(table), preprocess="standardise")
    expected = agree(
        ready, metrics=("l2", "l1", "cosine", "minkowski:3", "minkowski:1.5"), ks=(1, 5, 15)
    )
    found = lines(
        dlkit("knn", "eval", table, "--preprocess", "standardise", "-k", "1,5,15", "--json")
    )
    for each in found:
        assert each["accuracy"] == expected[Choice("l2", "uniform", each["k"])]


def test_averaged_words_are_predicted_as_by_scikit_learn(dlkit, prepared, monkeypatch):
    dlkit("word2vec", "train", "builtin:reviews", "--epochs", "1", "--dim", "24", "--threads", "1",
          "--name", "words", "--quiet")  # fmt: skip
    done = dlkit("knn", "eval", "builtin:reviews", "--features", "word2vec/words", "--limit",
                 "2000", "-k", "1,9", "--metric", "l2,cosine", "--json")  # fmt: skip
    assert "are not in word2vec/words and do not count" in done.stderr
    monkeypatch.setenv("DLKIT_HOME", str(dlkit.home))
    ready = prepared("builtin:reviews", features="word2vec/words", input={"limit": 2000})
    expected = agree(ready, metrics=("l2", "cosine"), ks=(1, 9))
    for each in lines(done):
        assert each["accuracy"] == expected[Choice(each["metric"], "uniform", each["k"])] > 0.6


def test_texts_without_features_are_refused_with_the_way_on(dlkit):
    done = dlkit("knn", "eval", "builtin:reviews", "--limit", "100", check=2)
    assert "have no distance until they are encoded" in done.stderr
    assert "hint: dlkit word2vec train builtin:reviews" in done.stderr


def test_an_encoder_of_texts_is_refused_for_images(dlkit):
    dlkit("word2vec", "train", "builtin:reviews", "--epochs", "1", "--dim", "4", "--threads", "1",
          "--name", "words", "--quiet")  # fmt: skip
    done = dlkit("knn", "eval", "builtin:digits", "--features", "words", check=2)
    assert "encodes texts; digits holds images" in done.stderr


def test_any_number_of_threads_gives_the_same_output(dlkit):
    several = [
        dlkit("knn", "eval", "builtin:digits", "--threads", str(n), "--confusion").stdout
        for n in (1, 3)
    ]
    assert several[0] == several[1]


def test_classes_and_confusion_add_up(dlkit):
    command = ("knn", "eval", "builtin:digits", "-k", "3")
    (whole,) = lines(dlkit(*command, "--per-class", "--confusion", "--json"))
    matrix = np.array(whole["confusion"])
    assert matrix.sum() == whole["samples"]
    assert np.trace(matrix) == whole["samples"] - whole["errors"]
    assert [each["samples"] for each in whole["classes"]] == matrix.sum(axis=1).tolist()
    rows = [row.split("\t") for row in dlkit(*command, "--confusion").stdout.splitlines()]
    assert sum(int(row[-1]) for row in rows) == whole["samples"]
    assert len(dlkit(*command, "--per-class").stdout.splitlines()) == 10
    assert "--json has both" in dlkit(*command, "--per-class", "--confusion", check=2).stderr


def test_people_get_tables(dlkit):
    done = dlkit("knn", "eval", "builtin:digits", "-k", "3", "--format", "human", "--per-class",
                 "--confusion")  # fmt: skip
    assert "accuracy" in done.stdout
    assert "classes by l2, uniform, k 3" in done.stdout
    assert "what was taken for what" in done.stdout


def test_leave_one_out_judges_every_training_sample(dlkit, table):
    (found,) = lines(
        dlkit("knn", "eval", table, "--cross-validate", "--folds", "loo", "-k", "3", "--json")
    )
    assert found["folds"] == found["samples"] == 150 - 30
    assert found["deviation"] is None


def test_a_sweep_says_that_it_must_not_choose(dlkit):
    assert "cross-validation" in dlkit("knn", "eval", "builtin:digits", "-k", "1,3").stderr


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("builtin:digits", "-k", "5000"), 2, "k is 5,000, but there are 1,438 points"),
        (("builtin:digits", "-k", "0"), 2, "must be at least 1"),
        (
            ("builtin:digits", "--metric", "l3"),
            2,
            "must be l2, l1, cosine, linf or minkowski:P, not l3",
        ),
        (
            ("builtin:digits", "--metric", "l1,minkowski:0.5"),
            2,
            "hint: P is a number from 1 to 1000",
        ),
        (("builtin:digits", "--metric", "minkowski:nan"), 2, "hint: P is a number from 1 to 1000"),
        (("builtin:digits", "--metric", "minkowski:inf"), 2, "hint: linf is what"),
        (("builtin:digits", "--metric", "l2,minkowski:2"), 2, "names a value twice"),
        (("builtin:digits", "--weights", "heavy"), 2, "must be of uniform, distance"),
        (("builtin:digits", "-k", "1,1"), 2, "names a value twice"),
        (("builtin:digits", "--preprocess", "hogg"), 2, "did you mean hog"),
        (("builtin:digits", "--folds", "3"), 2, "--folds is for --cross-validate"),
        (("builtin:digits", "--cross-validate", "--folds", "5000"), 2, "5,000 parts of 1,438"),
        (("builtin:digits", "--device", "tpu"), 2, "device"),
        (("nowhere.csv",), 1, "nowhere.csv"),
        ((), 3, "dlkit knn train"),
        (("--from", "none"), 3, "none"),
    ],
)
def test_mistakes_are_told(dlkit, options, code, said):
    done = dlkit("knn", "eval", *options, check=code)
    assert said in done.stderr
    assert done.stdout == ""


def test_an_empty_folder_is_told(dlkit, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "empty" in dlkit("knn", "eval", "empty", check=1).stderr


def test_a_bad_image_is_named_or_left_out_and_counted(dlkit, pictures):
    (pictures / "train" / "white" / "3.png").write_bytes(b"no image")
    done = dlkit("knn", "eval", pictures, "-k", "1", check=1)
    assert "3.png" in done.stderr
    assert "--skip-bad" in done.stderr
    done = dlkit("knn", "eval", pictures, "-k", "1", "--skip-bad", "--json")
    assert "3.png" in done.stderr
    assert lines(done)[0]["samples"] == 12


def test_few_points_take_few_neighbours(dlkit, pictures):
    done = dlkit("knn", "eval", pictures, "--limit", "6", "--json")
    assert [each["k"] for each in lines(done)] == [1, 3, 5]
    assert "k up to 5: there are 6 points to find" in done.stderr
