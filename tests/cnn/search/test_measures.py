"""The measures of rankings are those that their names mean, whatever the ranking."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from dlkit.cnn.search.measures import Truth, measure, same_content
from dlkit.cnn.search.rankers import Pixels, Products


def last(work):
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


class Given:
    """A ranker whose keys are given."""

    def __init__(self, keys):
        self._keys = np.asarray(keys, np.uint64)

    def __len__(self):
        return self._keys.shape[1]

    def keys(self, first, stop):
        return self._keys[first:stop]


def by_hand(keys, label, labels, same, ks):
    """The measures of one query, straight from their definitions; None: nothing is right."""
    order = [place for place in np.argsort(keys, kind="stable").tolist() if place not in same]
    right = [labels[place] == label for place in order]
    total = sum(right)
    if not total:
        return None
    precision = [sum(right[:n]) / n for n in range(1, len(right) + 1)]
    found = [sum(p for p, r in zip(precision, right, strict=True) if r) / total]
    found += [right.index(True) + 1, sum(right[:total]) / total]
    found += [sum(p for p, r in zip(precision[:total], right[:total], strict=True) if r) / total]
    return [*found, *(sum(right[:k]) / k for k in ks)]


def test_average_precision_is_that_of_scikit_learn():
    random = np.random.default_rng(0)
    points, queries = unit(random.normal(size=(400, 8))), unit(random.normal(size=(50, 8)))
    labels, theirs = random.integers(0, 5, 400), random.integers(0, 5, 50)
    found = last(measure(Products(points, queries), Truth(theirs, labels, {}), (1,), threads=2))
    products = queries.astype(float) @ points.T.astype(float)
    expected = [
        average_precision_score(labels == label, row)
        for label, row in zip(theirs, products, strict=True)
    ]
    assert found.average_precision == pytest.approx(expected, abs=2e-4)
    assert (found.tied, found.without) == (0, 0)


@settings(max_examples=60)
@given(st.data())
def test_all_measures_are_those_of_the_definitions(data):
    count = data.draw(st.integers(2, 40))
    asked = data.draw(st.integers(1, 5))
    most = data.draw(st.sampled_from([1, 3, 1000]))
    keys = np.array(
        data.draw(st.lists(st.lists(st.integers(0, most), min_size=count, max_size=count),
                           min_size=asked, max_size=asked))
    )  # fmt: skip
    labels = np.array(data.draw(st.lists(st.integers(-1, 3), min_size=count, max_size=count)))
    theirs = np.array(data.draw(st.lists(st.integers(0, 3), min_size=asked, max_size=asked)))
    same = {
        place: np.unique(data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=3)))
        for place in data.draw(st.sets(st.integers(0, asked - 1)))
    }
    ks = (1, 3, 50)
    found = last(measure(Given(keys), Truth(theirs, labels, same), ks, threads=1))
    expected = {
        place: by_hand(keys[place], label, labels, set(same.get(place, ())), ks)
        for place, label in enumerate(theirs.tolist())
    }
    there = [place for place, each in expected.items() if each is not None]
    assert found.places.tolist() == there
    assert found.without == asked - len(there)
    for row, place in enumerate(there):
        values = expected[place]
        told = [found.average_precision[row], found.first[row], found.r_precision[row],
                found.map_at_r[row], *found.precision[row]]  # fmt: skip
        assert told == pytest.approx(values)


def test_ties_go_to_the_first_place_and_are_told():
    truth = Truth(np.array([1, 1, 1]), np.array([0, 1, 1]), {1: np.array([0])})
    keys = [[5, 5, 9], [5, 5, 9], [4, 5, 5]]
    found = last(measure(Given(keys), truth, (1,), threads=1))
    assert found.first.tolist() == [2, 1, 2]
    assert (
        found.tied == 1
    )  # the second query's rival is its own copy; the third's tie is of two right
    assert found.recall(1) == pytest.approx(1 / 3)


def test_many_queries_are_measured_as_few_are(monkeypatch):
    from dlkit.cnn.search import measures

    random = np.random.default_rng(1)
    keys, labels = random.integers(0, 50, (37, 23)), random.integers(0, 3, 23)
    truth = Truth(random.integers(0, 4, 37), labels, {5: np.array([2, 3]), 36: np.array([0])})
    whole = last(measure(Given(keys), truth, (1, 5), threads=2)).document()
    monkeypatch.setattr(measures, "_TILE", 23 * 4)
    monkeypatch.setattr(measures, "_BLOCK", 23 * 3)
    assert last(measure(Given(keys), truth, (1, 5), threads=2)).document() == whole


def test_products_of_either_sign_are_ordered_as_numbers_are():
    points = np.array([[-1, 0], [0, 1], [1, 0], [-0.6, 0.8], [0.6, 0.8]], np.float32)
    keys = Products(points, np.array([[1, 0]], np.float32)).keys(0, 1)[0]
    assert np.argsort(keys, kind="stable").tolist() == [2, 4, 1, 3, 0]
    # Zero is one number, whatever its sign.
    signs = Products(np.array([[0, 1], [-0.0, -1]], np.float32), np.array([[1, 0]], np.float32))
    assert len(set(signs.keys(0, 1)[0].tolist())) == 1


@pytest.mark.parametrize("width", [1, 511, 513, 1500])
def test_distances_of_pixels_are_whole_numbers(width):
    random = np.random.default_rng(width)
    points, queries = (random.integers(0, 256, (n, width)).astype(np.uint8) for n in (30, 4))
    points[0], queries[0] = 0, 255  # the farthest there can be
    wide = queries[:, None].astype(np.int64) - points.astype(np.int64)
    assert (Pixels(points, queries).keys(0, 4) == (wide**2).sum(axis=2)).all()


def test_images_of_equal_content_are_found_by_their_digests():
    points = np.array([b"a", b"b", b"a", b"c"], "S16")
    queries = np.array([b"x", b"a", b"c"], "S16")
    found = same_content(queries, points)
    assert {place: each.tolist() for place, each in found.items()} == {1: [0, 2], 2: [3]}
