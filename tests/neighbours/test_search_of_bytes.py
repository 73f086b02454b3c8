"""Rows of bytes: equal to oracles in wide integers, bit for bit, ties included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.neighbours.config import METRICS
from dlkit.neighbours.search import Index, search
from tests.neighbours.oracles import everything, integer_distances, integer_keys, ordered

ENGINES = ("kernels", "torch")
# Of the columns drawn here all sums are whole numbers below 2^53.
EVERY = (*METRICS, "minkowski:3", "minkowski:4", "minkowski:5")


@pytest.fixture(params=ENGINES)
def engine(request, monkeypatch):
    if request.param == "torch":
        monkeypatch.setattr("dlkit.neighbours.search.has_numba", lambda: False)
    return request.param


def check(points, queries, k, metric, *, groups=None, threads=1):
    mine, theirs = groups or (None, None)
    found = search(
        points, queries, k, metric, point_groups=mine, query_groups=theirs, threads=threads
    )
    allowed = everything(points, queries)
    if groups:
        allowed = np.asarray(theirs)[:, None] != np.asarray(mine)
    keys = integer_keys(points, queries, metric)
    wanted = ordered(keys, allowed, k)
    np.testing.assert_array_equal(found.indices, wanted)
    distances = integer_distances(keys, wanted, metric)
    if metric == "cosine":
        np.testing.assert_allclose(found.distances, distances, rtol=0, atol=1e-15)
        assert (np.diff(found.distances) >= 0).all()
    elif metric.startswith("minkowski"):
        np.testing.assert_allclose(found.distances, distances.astype(float), rtol=5e-16)
        assert (np.diff(found.distances) >= 0).all()
    else:
        np.testing.assert_array_equal(found.distances, distances)
    assert found.indices.dtype == np.int64
    assert found.distances.dtype == np.float64


@st.composite
def searches(draw):
    """Points, queries and k; few values make ties, copies make duplicates."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count, asked = draw(st.integers(1, 90)), draw(st.integers(1, 40))
    columns = draw(st.sampled_from([1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, 130]))
    values = draw(st.sampled_from([[0], [255], [0, 255], [0, 1], [254, 255], list(range(256))]))
    points = rng.choice(values, (count, columns)).astype(np.uint8)
    queries = rng.choice(values, (asked, columns)).astype(np.uint8)
    copies = rng.integers(0, count, count)
    points = np.where(rng.random(count)[:, None] < 0.3, points[copies], points)
    queries[0] = points[0]
    k = draw(st.sampled_from([1, 2, count // 2 or 1, count]))
    return points, queries, min(k, count), draw(st.sampled_from(EVERY))


@settings(max_examples=150, deadline=None)
@given(searches(), st.sampled_from([1, 3]))
def test_kernels_equal_the_oracle(case, threads):
    check(*case, threads=threads)


@settings(max_examples=40, deadline=None)
@given(searches())
def test_pytorch_equals_the_oracle(case):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dlkit.neighbours.search.has_numba", lambda: False)
        check(*case)


@settings(max_examples=60, deadline=None)
@given(searches(), st.integers(2, 9), st.sampled_from(ENGINES))
def test_neighbours_of_the_same_group_are_left_out(case, folds, name):
    points, queries, k, metric = case
    mine, theirs = np.arange(len(points)) % folds, np.arange(len(queries)) % (folds + 1)
    left = len(points) - np.bincount(mine, minlength=folds).max()
    if not left:
        return
    with pytest.MonkeyPatch.context() as patch:
        if name == "torch":
            patch.setattr("dlkit.neighbours.search.has_numba", lambda: False)
        check(points, queries, min(k, left), metric, groups=(mine, theirs))


@pytest.mark.parametrize("metric", EVERY)
def test_more_than_a_tile_and_a_block(engine, metric):
    rng = np.random.default_rng(1)
    points = rng.integers(0, 256, (9_000, 12)).astype(np.uint8)
    points[4_000:4_100] = points[17]
    queries = np.concatenate([points[:3], rng.integers(0, 256, (530, 12)).astype(np.uint8)])
    queries[-1] = points[17]
    found = search(points, queries, 150, metric, threads=2)
    keys = integer_keys(points, queries[-20:], metric)
    np.testing.assert_array_equal(
        found.indices[-20:], ordered(keys, everything(points, queries[-20:]), 150)
    )
    assert found.indices[-1, :101].tolist() == [17, *range(4_000, 4_100)]
    assert not found.distances[-1, :101].any()


@pytest.mark.parametrize("metric", EVERY)
def test_all_rows_equal(engine, metric):
    points = np.full((5_000, 9), 255, np.uint8)
    found = search(points, points[:20], 30, metric)
    assert (found.indices == np.arange(30)).all()
    assert not found.distances.any()


@pytest.mark.parametrize("metric", [*METRICS, "minkowski:3"])
@pytest.mark.parametrize("columns", [66_051, 66_052, 70_001])
def test_rows_whose_sums_leave_32_bits(engine, metric, columns):
    rng = np.random.default_rng(columns)
    points = rng.choice([0, 255], (40, columns)).astype(np.uint8)
    points[0], points[1], points[2:4] = 0, 255, points[5]
    points[3, -1] ^= 1
    queries = np.stack([points[0], points[1], points[2], 255 - points[2]])
    check(points, queries, 40, metric)


@pytest.mark.parametrize("metric", EVERY)
def test_sums_in_many_chunks(metric, monkeypatch):
    monkeypatch.setattr("dlkit.neighbours.kernels.integers.LONGEST", 20)
    monkeypatch.setattr("dlkit.neighbours.kernels.packing.CHUNK", 16)
    rng = np.random.default_rng(3)
    points = rng.integers(0, 256, (100, 75)).astype(np.uint8)
    check(points, points[40:70], 9, metric)


def test_a_cosine_tie_is_a_tie_of_fractions(engine):
    """2x and 3x point the same way as x, though square roots say otherwise in the last digit."""
    rng = np.random.default_rng(5)
    base = rng.integers(0, 60, (1, 50))
    points = np.concatenate([base * f for f in (3, 1, 4, 2)] + [base + 1]).astype(np.uint8)
    queries = np.concatenate([base, rng.integers(0, 256, (30, 50))]).astype(np.uint8)
    check(points, queries, 5, "cosine")
    assert search(points, queries, 5, "cosine").indices[0].tolist() == [0, 1, 2, 3, 4]


def test_cosines_that_float64_cannot_tell_apart_are_told_apart(engine):
    """[a, b] against [a + 1, b + 1]-like pairs: fractions differ in the 17th digit and beyond."""
    columns = 4_000
    points = np.full((4, columns), 255, np.uint8)
    points[:, :2] = [[255, 254], [254, 255], [255, 254], [254, 255]]
    query = np.full((1, columns), 255, np.uint8)
    query[0, 0] = 254
    check(points, query, 4, "cosine")


def test_a_row_of_zeros_has_cosine_distance_1_to_everything(engine):
    points = np.array([[0, 0], [1, 2], [0, 0], [0, 3]], np.uint8)
    found = search(points, np.array([[0, 0], [0, 1]], np.uint8), 4, "cosine")
    assert found.indices.tolist() == [[0, 1, 2, 3], [3, 1, 0, 2]]
    assert found.distances[0].tolist() == [1, 1, 1, 1]
    assert found.distances[1, 0] == 0
    assert found.distances[1, 2:].tolist() == [1, 1]


def test_leave_one_out(engine):
    rng = np.random.default_rng(0)
    points = rng.integers(0, 256, (300, 20)).astype(np.uint8)
    numbers = np.arange(300)
    found = search(points, points, 299, point_groups=numbers, query_groups=numbers)
    assert not (found.indices == numbers[:, None]).any()
    check(points, points[:50], 299, "l2", groups=(numbers, numbers[:50]))


@pytest.mark.parametrize("metric", EVERY)
def test_threads_and_the_order_of_queries_change_nothing(metric):
    rng = np.random.default_rng(7)
    points = rng.integers(0, 4, (2_000, 40)).astype(np.uint8)
    queries = rng.integers(0, 4, (700, 40)).astype(np.uint8)
    index = Index(points, metric)
    alone = index.search(queries, 11, threads=1)
    for threads in (2, 3, 8):
        together = index.search(queries, 11, threads=threads)
        np.testing.assert_array_equal(together.indices, alone.indices)
        np.testing.assert_array_equal(together.distances, alone.distances)
    order = rng.permutation(700)
    moved = index.search(queries[order], 11)
    np.testing.assert_array_equal(moved.indices, alone.indices[order])


def test_read_only_and_truth_values_and_lists():
    points = np.random.default_rng(0).integers(0, 2, (30, 5)).astype(np.uint8)
    wanted = search(points, points, 3).indices
    frozen = points.copy()
    frozen.flags.writeable = False
    for rows in (frozen, points.astype(bool), points.tolist(), np.asfortranarray(points)):
        np.testing.assert_array_equal(search(rows, rows, 3).indices, wanted)
