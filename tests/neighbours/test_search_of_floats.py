"""Rows of floats: the order of float64 distances, whatever float32 makes of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.neighbours.config import METRICS
from dlkit.neighbours.search import Index, search
from tests.neighbours.oracles import float_keys

ENGINES = ("kernels", "torch")
ORDERS = ("3", "1.5", "1.1", "2.7", "7", "100", "999.5")
EVERY = (*METRICS, *(f"minkowski:{order}" for order in ORDERS))


@pytest.fixture(params=ENGINES)
def engine(request, monkeypatch):
    if request.param == "torch":
        monkeypatch.setattr("dlkit.neighbours.search.has_numba", lambda: False)
    return request.param


def check(points, queries, k, metric, *, groups=None, threads=1):
    """Distances equal the oracle's to a few roundings; where its order is clear it is ours."""
    mine, theirs = groups or (None, None)
    found = search(
        points, queries, k, metric, point_groups=mine, query_groups=theirs, threads=threads
    )
    keys = float_keys(points, queries, metric)
    if groups:
        keys[np.asarray(theirs)[:, None] == np.asarray(mine)] = np.inf
    order = np.argsort(keys, axis=1, kind="stable")[:, :k]
    wanted = np.take_along_axis(keys, order, axis=1)
    close = 1e-13 if metric == "cosine" else 0
    np.testing.assert_allclose(found.distances, wanted, rtol=1e-12, atol=close)
    mine = np.take_along_axis(keys, found.indices, axis=1)
    np.testing.assert_allclose(mine, wanted, rtol=1e-12, atol=close)
    assert all(len(set(row)) == k for row in found.indices.tolist())
    assert (np.diff(found.distances) >= 0).all()
    tied = np.diff(found.distances) == 0
    assert (np.diff(found.indices)[tied] > 0).all()
    # Where the oracle's neighbours on both sides are clearly apart, so is the place.
    padded = np.pad(np.sort(keys, axis=1), ((0, 0), (1, 1)), constant_values=(-np.inf, np.inf))
    with np.errstate(invalid="ignore"):
        gaps = np.diff(padded, axis=1) > 1e-11 * np.abs(padded[:, 1:]) + close
    clear = (gaps[:, :-1] & gaps[:, 1:])[:, :k]
    np.testing.assert_array_equal(found.indices[clear], order[clear])
    return found


@st.composite
def searches(draw):
    """Rows of many magnitudes, far from the origin or not, with copies among them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count, asked = draw(st.integers(1, 80)), draw(st.integers(1, 35))
    columns = draw(st.sampled_from([1, 2, 7, 8, 9, 16, 33, 100]))
    kind = draw(st.sampled_from([np.float32, np.float64]))
    offset = draw(st.sampled_from([0.0, 3.0, 1e4]))
    size = draw(st.sampled_from([1e-20, 1e-3, 1.0, 1e15]))
    points = ((rng.standard_normal((count, columns)) + offset) * size).astype(kind)
    queries = ((rng.standard_normal((asked, columns)) + offset) * size).astype(kind)
    copies = rng.integers(0, count, count)
    points = np.where(rng.random(count)[:, None] < 0.3, points[copies], points)
    queries[0] = points[0]
    k = draw(st.sampled_from([1, 3, count // 2 or 1, count]))
    return points, queries, min(k, count), draw(st.sampled_from(EVERY))


@settings(max_examples=150, deadline=None)
@given(searches(), st.sampled_from([1, 3]))
def test_kernels_equal_the_oracle(case, threads):
    check(*case, threads=threads)


@settings(max_examples=50, deadline=None)
@given(searches(), st.integers(2, 5))
def test_both_engines_give_the_same_bits(case, folds):
    points, queries, k, metric = case
    mine, theirs = np.arange(len(points)) % folds, np.arange(len(queries)) % folds
    left = len(points) - np.bincount(mine).max()
    for groups in ({}, {"point_groups": mine, "query_groups": theirs}):
        k = min(k, left) if groups else k
        if not k:
            return
        ours = search(points, queries, k, metric, **groups)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("dlkit.neighbours.search.has_numba", lambda: False)
            torchs = search(points, queries, k, metric, **groups)
        np.testing.assert_array_equal(ours.indices, torchs.indices)
        np.testing.assert_array_equal(ours.distances, torchs.distances)


@settings(max_examples=60, deadline=None)
@given(searches(), st.integers(2, 9))
def test_neighbours_of_the_same_group_are_left_out(case, folds):
    points, queries, k, metric = case
    mine, theirs = np.arange(len(points)) % folds, np.arange(len(queries)) % folds
    left = len(points) - np.bincount(mine, minlength=folds).max()
    if left:
        check(points, queries, min(k, left), metric, groups=(mine, theirs))


@pytest.mark.parametrize("metric", EVERY)
def test_distances_that_float32_cannot_tell_apart(engine, metric):
    """Points around a far corner: float32 products of them say nothing, float64 decides."""
    rng = np.random.default_rng(2)
    points = 1e6 + rng.standard_normal((3_000, 30)) * 1e-3
    points[:, 0] += np.linspace(0, 1e5, 3_000)
    queries = points[::300] + 1e-4
    check(points, queries, 20, metric)


@pytest.mark.parametrize("metric", EVERY)
def test_equal_rows_tie_and_go_by_index(engine, metric):
    rng = np.random.default_rng(0)
    points = np.tile(rng.standard_normal((1, 37)), (5_000, 1)).astype(np.float32)
    found = search(points, points[:3], 40, metric)
    assert (found.indices == np.arange(40)).all()
    assert not found.distances.any()


@pytest.mark.parametrize("metric", EVERY)
def test_one_point_far_away_spoils_nothing(engine, metric):
    rng = np.random.default_rng(4)
    points = rng.standard_normal((500, 12))
    points[77] *= 1e12
    queries = np.concatenate([rng.standard_normal((20, 12)), points[77:78]])
    found = check(points, queries, 6, metric)
    assert found.indices[-1, 0] == 77


def test_rows_of_zeros_have_cosine_distance_1(engine):
    points = np.array([[0, 0], [1, 1], [0, 0], [-3, -3]], np.float32)
    found = search(points, np.array([[0.0, 0.0], [2.0, 2.0]]), 4, "cosine")
    assert found.indices.tolist() == [[0, 1, 2, 3], [1, 0, 2, 3]]
    np.testing.assert_allclose(found.distances, [[1, 1, 1, 1], [0, 1, 1, 2]], atol=1e-15)


@pytest.mark.parametrize("size", [5e-324, 1e-310, 1e-160, 1e160, 2e299])
def test_squares_that_leave_float64_do_not_matter(engine, size):
    points = np.array([[3.0], [1.0], [-4.0], [2.0]]) * size
    for metric in ("l2", "l1", "linf", "minkowski:3", "minkowski:1.3", "minkowski:1000"):
        found = search(points, points[:1], 4, metric)
        assert found.indices[0].tolist() == [0, 3, 1, 2]
        np.testing.assert_allclose(found.distances[0] / size, [0, 1, 2, 7], rtol=1e-15)


def test_types_may_differ(engine):
    rng = np.random.default_rng(1)
    points = rng.integers(0, 256, (200, 20)).astype(np.uint8)
    queries = rng.integers(-300, 300, (30, 20))
    for kind in (np.int16, np.int64, np.float16, np.float32, np.float64):
        check(points, queries.astype(kind), 7, "l2")
    check(points.astype(np.int32) - 100, queries, 7, "l1")


def test_more_than_a_block_on_threads(engine):
    rng = np.random.default_rng(6)
    points = rng.standard_normal((5_000, 24)).astype(np.float32)
    queries = rng.standard_normal((1_100, 24)).astype(np.float32)
    check(points, queries, 12, "l2", threads=2)


def test_lower_bounds_are_below():
    """The error bound by itself: float32 sums of any order, worst signs and sizes drawn."""
    from dlkit.neighbours.kernels.bounds import relative_error

    rng = np.random.default_rng(8)
    for columns in (1, 10, 1_000, 50_000):
        x, y = (rng.standard_normal(columns).astype(np.float32) for _ in range(2))
        products = (x * y).astype(np.float32)
        total = np.float32(0)
        for value in np.cumsum(products, dtype=np.float32)[-1:]:
            total = value
        exact = math.fsum(x.astype(np.float64) * y.astype(np.float64))
        size = math.fsum(np.abs(x.astype(np.float64) * y.astype(np.float64)))
        assert abs(float(total) - exact) <= relative_error(columns) * size


def test_an_index_serves_queries_of_both_kinds():
    points = np.random.default_rng(0).integers(0, 256, (100, 9)).astype(np.uint8)
    index = Index(points)
    as_bytes, as_floats = index.search(points, 5), index.search(points.astype(np.float32), 5)
    np.testing.assert_array_equal(as_bytes.indices, as_floats.indices)
    np.testing.assert_allclose(as_bytes.distances, as_floats.distances, rtol=1e-14)
