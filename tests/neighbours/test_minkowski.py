"""Minkowski distances and the largest difference: names, powers, roots, and beside SciPy."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from dlkit.errors import USAGE, DlkitError
from dlkit.neighbours.config import LARGEST_ORDER, parse
from dlkit.neighbours.kernels.powers import order_of, raised
from dlkit.neighbours.ranking import roots
from dlkit.neighbours.search import Index, search

ORDERS = st.one_of(
    st.integers(3, 1000).map(float),
    st.floats(1, 20, exclude_min=True).filter(lambda p: p != 2),
    st.integers(5, 80).map(lambda n: n / 4).filter(lambda p: p != 2),
)


@pytest.fixture(params=("kernels", "torch"))
def engine(request, monkeypatch):
    if request.param == "torch":
        monkeypatch.setattr("dlkit.neighbours.search.has_numba", lambda: False)
    return request.param


def random(seed, *shape, kind=np.float64):
    rng = np.random.default_rng(seed)
    if kind == np.uint8:
        return rng.integers(0, 256, shape).astype(np.uint8)
    return rng.standard_normal(shape).astype(kind)


@pytest.mark.parametrize(
    ("text", "name"),
    [("l2", "l2"), ("linf", "linf"), ("minkowski:1", "l1"), ("minkowski:2.0", "l2"),
     ("minkowski:3.0", "minkowski:3"), ("minkowski:1.5", "minkowski:1.5"),
     ("minkowski:1e2", "minkowski:100"), ("minkowski:1.2345678901", "minkowski:1.2345678901")],
)  # fmt: skip
def test_names(text, name):
    assert parse(text).name == name
    assert parse(name) == parse(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [("minkowski:0.5", "from 1 to 1000"), ("minkowski:abc", "from 1"), ("minkowski:nan", "from 1"),
     ("minkowski", "minkowski:3"), ("minkowski:", "from 1"), ("minkowski:-3", "from 1"),
     ("minkowski:1_0", "from 1"), ("minkowski: 3", "from 1"), ("minkowski:inf", "linf"),
     ("minkowski:1e400", "linf"), ("minkowski:1001", "linf"), ("l3", "linf"), ("", "linf")],
)  # fmt: skip
def test_what_is_no_metric(text, hint):
    with pytest.raises(DlkitError, match="not l2, l1, cosine, linf or minkowski:P") as problem:
        parse(text)
    assert problem.value.code == USAGE
    assert hint in problem.value.hint


@settings(max_examples=100, deadline=None)
@given(ORDERS, st.lists(st.floats(0.01, 1), min_size=1, max_size=20))
def test_powers_are_right_to_the_error_that_is_promised(p, values):
    order = order_of(parse(f"minkowski:{p!r}"), 1)
    x = np.array(values)
    powers, work = np.empty_like(x), np.empty_like(x)
    raised(x.copy(), powers, work, order.whole, order.fraction)
    wanted = np.power(x.astype(np.longdouble), np.longdouble(p))
    there = wanted > 1e-300
    error = np.abs(powers / wanted - 1)[there]
    # The long double's own power is right to some of its digits.
    assert (error <= (p + 200) * 2.0**-53 + 1e-15).all()


def test_powers_of_whole_numbers_are_whole():
    for p, largest in ((3, 255), (5, 255), (6, 255), (13, 15)):
        order = order_of(parse(f"minkowski:{p}"), 1)
        x = np.arange(largest + 1.0)
        powers, work = np.empty_like(x), np.empty_like(x)
        raised(x.copy(), powers, work, order.whole, order.fraction)
        assert [int(value) for value in powers] == [d**p for d in range(largest + 1)]


@settings(max_examples=100, deadline=None)
@given(st.integers(3, 1000), st.integers(1, 2**53), st.integers(-300, 300))
def test_roots_of_equal_numbers_are_equal_however_they_are_scaled(p, number, shift):
    """number = (number 2^(-p s)) 2^(p s): what a common power of two does to differences."""
    order = order_of(parse(f"minkowski:{p}"), 1)
    if abs(p * shift) > 900:
        shift = 1 if p <= 900 else 0
    plain = roots(np.array([float(number)]), np.array([0]), order)
    scaled = roots(np.array([number * 2.0 ** (-p * shift)]), np.array([shift]), order)
    assert plain == scaled
    wanted = np.power(np.longdouble(number), np.longdouble(1) / p)
    assert abs(plain[0] / wanted - 1) <= 4 * 2.0**-53


def test_roots_of_whole_powers_are_whole(engine):
    """Rows that differ in one column are as far apart as the numbers in it."""
    points = np.zeros((256, 4), np.uint8)
    points[:, 2] = np.arange(256)
    for p in (3, 4, 5, 7, 50):
        for kind in (np.uint8, np.float32):
            found = search(points.astype(kind), points[:1].astype(kind), 256, f"minkowski:{p}")
            assert found.distances[0].tolist() == list(range(256))


@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("metric", ["linf", "minkowski:3", "minkowski:1.5", "minkowski:2.7",
                                    "minkowski:40"])  # fmt: skip
def test_scipy_finds_the_same(engine, kind, metric):
    points, queries = random(0, 700, 30, kind=kind), random(1, 60, 30, kind=kind)
    name, _, p = metric.partition(":")
    how = {"metric": "minkowski", "p": float(p)} if p else {"metric": "chebyshev"}
    distances = cdist(queries.astype(float), points.astype(float), **how)
    found = search(points, queries, 12, metric)
    order = np.argsort(distances, axis=1, kind="stable")[:, :12]
    theirs = np.take_along_axis(distances, order, axis=1)
    np.testing.assert_allclose(found.distances, theirs, rtol=1e-14)
    if name == "linf" and kind == np.uint8:
        np.testing.assert_array_equal(found.indices, order)  # ties are ties for both
    else:
        mine = np.take_along_axis(distances, found.indices, axis=1)
        np.testing.assert_allclose(mine, theirs, rtol=1e-14)


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("p", [1, 2])
def test_orders_1_and_2_are_l1_and_l2(engine, kind, p):
    points = random(0, 300, 20, kind=kind)
    index, plain = Index(points, f"minkowski:{p}"), Index(points, f"l{p}")
    assert index.metric == plain.metric
    ours, wanted = index.search(points[:9], 5), plain.search(points[:9], 5)
    np.testing.assert_array_equal(ours.indices, wanted.indices)
    np.testing.assert_array_equal(ours.distances, wanted.distances)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(3, 7), st.sampled_from([1, 3, 8, 40]), st.booleans())
def test_whole_numbers_as_floats_have_the_answers_of_bytes(seed, p, columns, torch):
    """Ties of sums too, whatever columns the differences are in."""
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 8, (90, columns)).astype(np.uint8)
    queries = rng.integers(0, 8, (20, columns)).astype(np.uint8)
    assert parse(f"minkowski:{p}").whole(columns) == (columns * 255**p <= 2**53)
    sums = (np.abs(queries[:, None].astype(object) - points) ** p).sum(2)
    wanted = np.array([sorted(range(90), key=lambda i: (row[i], i))[:20] for row in sums])
    with pytest.MonkeyPatch.context() as patch:
        if torch:
            patch.setattr("dlkit.neighbours.search.has_numba", lambda: False)
        answers = [
            search(points.astype(kind), queries.astype(kind), 20, f"minkowski:{p}")
            for kind in (np.uint8, np.float32, np.float64)
        ]
    for found in answers:
        np.testing.assert_array_equal(found.indices, wanted)
        np.testing.assert_array_equal(found.distances, answers[0].distances)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), ORDERS, st.integers(1, 40), st.sampled_from([np.uint8, np.float32]))
def test_any_order_on_both_engines(seed, p, columns, kind):
    points, queries = random(seed, 60, columns, kind=kind), random(seed + 1, 9, columns, kind=kind)
    metric = f"minkowski:{p!r}"
    ours = search(points, queries, 7, metric, threads=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dlkit.neighbours.search.has_numba", lambda: False)
        torchs = search(points, queries, 7, metric)
    np.testing.assert_array_equal(ours.indices, torchs.indices)
    np.testing.assert_array_equal(ours.distances, torchs.distances)
    # Beside SciPy where its powers do not leave float64.
    if p < 100:
        distances = cdist(queries.astype(float), points.astype(float), "minkowski", p=p)
        np.testing.assert_allclose(ours.distances, np.sort(distances, axis=1)[:, :7], rtol=1e-12)


def test_near_rows_keep_their_order_where_high_powers_vanish(engine):
    """Differences of 1e-9 to the 100th beside one row that is 1 away: far below float64."""
    points = np.arange(1.0, 51.0)[::-1, None] * [1e-9, 5e-10]
    points = np.concatenate([points, [[1.0, 1.0]]])
    for p in (100, 999, LARGEST_ORDER, 77.7):
        found = search(points, np.zeros((1, 2)), 51, f"minkowski:{p}")
        assert found.indices[0].tolist() == [*range(49, -1, -1), 50]
        factor = float(1 + Fraction(1, 2) ** int(p)) ** (1 / p)
        np.testing.assert_allclose(found.distances[0, :50], np.arange(1, 51) * 1e-9 * factor)


def test_differences_at_the_end_of_float64_are_found(engine):
    points = np.array([[1.0, 0.0], [0.0, 4e-320], [0.0, 0.0], [0.0, 2e-320]])
    for p in ("1.5", "3", "1000"):
        found = search(points, np.zeros((1, 2)), 4, f"minkowski:{p}")
        assert found.indices[0].tolist() == [2, 3, 1, 0]


@pytest.mark.parametrize("metric", ["linf", "minkowski:3", "minkowski:2.7", "minkowski:1.5"])
def test_threads_and_the_order_of_queries_change_no_bit(metric):
    points, queries = random(0, 3_000, 17, kind=np.float32), random(1, 700, 17, kind=np.float32)
    index = Index(points, metric)
    alone = index.search(queries, 9, threads=1)
    order = np.random.default_rng(2).permutation(700)
    for threads in (2, 5):
        found = index.search(queries[order], 9, threads=threads)
        np.testing.assert_array_equal(found.indices, alone.indices[order])
        np.testing.assert_array_equal(found.distances, alone.distances[order])


def test_bytes_whose_sums_leave_53_bits_are_ranked_as_floats(engine):
    """One difference of 255 is beaten by two, by three of 254 and so on, to the 60th power."""
    points = np.zeros((5, 6), np.uint8)
    for row, (count, value) in enumerate(((2, 254), (1, 255), (4, 253), (1, 254), (2, 255))):
        points[row, :count] = value
    sums = [sum(int(value) ** 60 for value in row) for row in points.tolist()]
    found = search(points, np.zeros((1, 6), np.uint8), 5, "minkowski:60")
    assert found.indices[0].tolist() == sorted(range(5), key=sums.__getitem__)
