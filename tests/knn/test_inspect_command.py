"""`dlkit knn inspect`: the distance of pixels follows the background, and the report says so."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image
from sklearn.neighbors import KNeighborsClassifier

from dlkit.data.shapes import draw


def test_pixels_follow_the_background_and_features_the_shape(dlkit):
    done = dlkit("knn", "inspect", "builtin:shapes", "--compare-features", "grey,hog",
                 "-k", "5", "--explain", "4", "--out", "knn.svg", "--json")  # fmt: skip
    found = json.loads(done.stdout)
    pixels, hog = found["features"]
    assert pixels["accuracy"] < 0.2
    assert pixels["shared"]["background"] > 0.8 > 0.2 > pixels["shared"]["class"]
    assert hog["accuracy"] > 0.7
    assert hog["shared"]["class"] > 0.7 > 0.2 > hog["shared"]["background"]
    assert abs(found["chance"]["background"] - 0.1) < 0.02
    assert "this distance follows the background" in found["says"][0]
    assert "this distance follows the class" in found["says"][1]
    picture = (dlkit.folder / "knn.svg").read_bytes()
    root = ElementTree.fromstring(picture)
    texts = [each.text or "" for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert any("share the background" in text for text in texts)
    right = f"are right: {pixels['accuracy']:.1%} by pixels, {hog['accuracy']:.1%} by grey,hog"
    assert any(text.endswith(right) for text in texts)
    assert any(text.startswith("✓") for text in texts)
    assert any(text.startswith("✗") for text in texts)
    assert len(root.findall("{http://www.w3.org/2000/svg}image")) == 4 * 2 * 6


def test_shares_are_those_of_scikit_learns_neighbours(dlkit):
    done = dlkit("knn", "inspect", "builtin:shapes", "--limit", "300", "--explain", "0", "-k", "3",
                 "--json")  # fmt: skip
    (pixels,) = json.loads(done.stdout)["features"]
    train, labels, ground = draw(300, size=(32, 32), agree=True, seed=1)
    test, truth, theirs = draw(75, size=(32, 32), agree=False, seed=1)
    model = KNeighborsClassifier(3, algorithm="brute")
    model.fit(train.reshape(300, -1).astype(float), labels)
    queries = test.reshape(75, -1).astype(float)
    near = model.kneighbors(queries, return_distance=False)
    assert pixels["shared"]["class"] == np.mean(labels[near] == truth[:, None])
    assert pixels["shared"]["background"] == np.mean(ground[near] == theirs[:, None])
    assert pixels["accuracy"] == np.mean(model.predict(queries) == truth)
    assert not dlkit.home.exists()


def test_an_artifact_is_inspected_with_its_own_settings(dlkit):
    dlkit("knn", "train", "builtin:digits", "-k", "3", "--metric", "l1", "--folds", "none")
    done = dlkit("knn", "inspect", "--explain", "2", "--json")
    found = json.loads(done.stdout)
    assert (found["k"], found["metric"]) == (3, "l1")
    assert found["features"][0]["shared"].keys() == {"class"}
    assert found["picture"].endswith("reports/knn/digits/inspect-1/neighbours.svg")
    refused = dlkit("knn", "inspect", "--from", "digits", "--limit", "5", check=2)
    assert "an artifact was made with its own" in refused.stderr


def test_data_without_an_artifact_are_reported_on_beside(dlkit):
    done = dlkit("knn", "inspect", "builtin:digits", "--explain", "2")
    rows = [row.split("\t") for row in done.stdout.splitlines()]
    assert rows[0][0] == "pixels"
    assert rows[1][0] == "by chance"
    assert (dlkit.home / "reports/data/digits/inspect-1/neighbours.svg").is_file()


def test_a_table_is_drawn_by_the_names_of_its_rows(dlkit, table):
    dlkit("knn", "inspect", table, "--explain", "2", "--out", "rows.svg")
    sheet = (dlkit.folder / "rows.svg").read_text(encoding="utf-8")
    assert "table.csv" in sheet
    assert ">long " in sheet


def test_recipes_and_sets_give_the_number_of_neighbours(dlkit):
    digits = ("knn", "inspect", "builtin:digits", "--explain", "0", "--json")
    assert json.loads(dlkit(*digits, "--set", "k=11").stdout)["k"] == 11
    (dlkit.folder / "r.yaml").write_text("data: builtin:digits\nk: 7\n", encoding="utf-8")
    assert json.loads(dlkit("knn", "inspect", "-r", "r.yaml", "--json").stdout)["k"] == 7
    assert json.loads(dlkit(*digits).stdout)["k"] == 5
    assert "k: one is needed" in dlkit(*digits, "--set", "k=1,3", check=2).stderr


def test_features_of_artifacts_stand_beside_each_other(dlkit):
    for name, dim in (("one", "4"), ("two", "8")):
        dlkit("word2vec", "train", "builtin:reviews", "--epochs", "1", "--dim", dim, "--threads",
              "1", "--name", name, "-q")  # fmt: skip
    command = ("knn", "inspect", "builtin:reviews", "--limit", "300", "--explain", "0", "--json",
               "--features", "word2vec/one", "--compare-features")  # fmt: skip
    done = dlkit(*command, "word2vec/two|standardise|word2vec/two,standardise|none")
    found = json.loads(done.stdout)
    names = [each["features"] for each in found["features"]]
    assert names == ["word2vec/one", "word2vec/two", "word2vec/one,standardise",
                     "word2vec/two,standardise"]  # fmt: skip
    alone = dlkit(*command[:-2], "word2vec/two", "-q")
    (other,) = json.loads(alone.stdout)["features"]
    assert found["features"][1] == other
    assert "reviews holds texts" in dlkit(*command, "pixels", check=2).stderr


def test_mistakes_are_told_before_the_work(dlkit):
    shapes = ("knn", "inspect", "builtin:shapes")
    done = dlkit(*shapes, "--compare-features", "pixels|hogg", check=2)
    assert "did you mean hog" in done.stderr
    assert "draws nothing" in dlkit(*shapes, "--explain", "0", "--out", "x.svg", check=2).stderr
    assert "one is needed" in dlkit(*shapes, "--metric", "l1,l2", check=2).stderr
    assert "k is 9,999" in dlkit(*shapes, "-k", "9999", check=2).stderr


def test_a_table_of_two_columns_is_drawn_in_the_plane(dlkit):
    rows = [f"{x},{y},{'left' if x < 4 else 'right'}" for x in range(8) for y in (1, 2, 4)]
    (dlkit.folder / "two.csv").write_text("\n".join(["width,height,label", *rows]) + "\n")
    (dlkit.folder / "q.csv").write_text("height,width\n1.2,2.1\n3,6.5\n")
    dlkit("knn", "train", "two.csv", "-k", "3", "--folds", "none", "--preprocess", "standardise")
    dlkit("knn", "search", "q.csv", "-k", "3", "--out", "s.svg")
    sheet = (dlkit.folder / "s.svg").read_text(encoding="utf-8")
    for text in ("width (standardise)", "height (standardise)", "q.csv:2", "q.csv:3", "left"):
        assert f">{text}</text>" in sheet
    assert sheet.count('r="3.8"') == 6
    done = dlkit("knn", "inspect", "two.csv", "-k", "1", "--explain", "4", "--out", "i.png",
                 "--compare-features", "standardise")  # fmt: skip
    assert "drew i.png" in done.stderr
    with Image.open(dlkit.folder / "i.png") as image:
        assert image.height > image.width  # two planes
    done = dlkit("knn", "inspect", "two.csv", "-k", "1", "--compare-features", "pca:1")
    path = done.stderr.split("drew ")[1].split("\n")[0]
    assert "nearest training samples" in Path(path).read_text(encoding="utf-8")  # no plane: cells
