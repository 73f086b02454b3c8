"""What a search refuses, how it hands out tiles, what memory it takes, and life without numba."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from dlkit.errors import DlkitError
from dlkit.neighbours.config import METRICS
from dlkit.neighbours.search import Index, search

EVERY = (*METRICS, "minkowski:3", "minkowski:1.5")
POINTS = np.arange(40, dtype=np.uint8).reshape(10, 4)


@pytest.mark.parametrize(
    ("k", "said"), [(0, "k is 0"), (-1, "k is -1"), (11, "k is 11, but there are 10 points")]
)
def test_a_k_that_cannot_be(k, said):
    with pytest.raises(DlkitError, match=said):
        search(POINTS, POINTS, k)


def test_a_k_that_a_group_leaves_too_few_points_for():
    groups = [0, 0, 0, 1, 1, 1, 1, 2, 2, 2]
    with pytest.raises(DlkitError, match="outside of group 1 there are 6 points") as caught:
        search(POINTS, POINTS[:2], 7, point_groups=groups, query_groups=[0, 1])
    assert "at most 6" in caught.value.hint
    assert search(POINTS, POINTS[:2], 7, point_groups=groups, query_groups=[0, 5]).indices.shape


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (np.zeros((0, 3)), "points: 0 x 3"),
        (np.zeros((3, 0)), "points: 3 x 0"),
        (np.zeros(3), "points: 3; needed are rows and columns"),
        (np.zeros((2, 2, 2)), "points: 2 x 2 x 2"),
        (np.array([["a", "b"]]), "points: values of type <U1"),
        (np.zeros((2, 2), complex), "points: values of type complex128"),
        (np.array([[0.0, 1.0], [2.0, np.nan]]), "points: row 1, column 1 is nan"),
        (np.array([[0.0, -np.inf]], np.float32), "points: row 0, column 1 is -inf"),
        (np.array([[1e301]]), r"points: row 0, column 0 is 1e\+301"),
        (np.array([[1 << 60, (1 << 60) + 1]]), "integers beyond 2\\^53"),
    ],
)
def test_points_that_are_none(points, said):
    with pytest.raises(DlkitError, match=said):
        Index(points)


def test_queries_that_do_not_fit():
    index = Index(POINTS)
    with pytest.raises(DlkitError, match="queries: 10 x 3; the points have 4 columns"):
        index.search(POINTS[:, :3], 1)
    with pytest.raises(DlkitError, match="queries: row 0, column 2 is nan"):
        index.search([[0, 1, np.nan, 2]], 1)
    with pytest.raises(DlkitError, match="threads: 0"):
        index.search(POINTS, 1, threads=0)
    with pytest.raises(DlkitError, match="the metric is 'l3', not l2, l1, cosine, linf or"):
        Index(POINTS, "l3")
    with pytest.raises(DlkitError, match="device nonsense"):
        Index(POINTS, device="nonsense")


def test_groups_that_do_not_fit():
    with pytest.raises(DlkitError, match="the queries have none"):
        search(POINTS, POINTS, 1, point_groups=range(10))
    with pytest.raises(DlkitError, match="the points have none"):
        search(POINTS, POINTS, 1, query_groups=range(10))
    with pytest.raises(DlkitError, match="groups of points: int64 of shape"):
        search(POINTS, POINTS, 1, point_groups=range(9), query_groups=range(10))
    with pytest.raises(DlkitError, match="groups of queries: float64"):
        search(POINTS, POINTS, 1, point_groups=range(10), query_groups=np.zeros(10))


def test_mistakes_are_told_before_the_first_tile():
    with pytest.raises(DlkitError, match="k is 11"):
        Index(POINTS).tiles(POINTS, 11)


def test_no_queries_have_no_neighbours():
    found = search(POINTS, np.empty((0, 4), np.uint8), 3)
    assert found.indices.shape == found.distances.shape == (0, 3)


@pytest.mark.parametrize("threads", [1, 2])
def test_tiles_come_in_order_and_cover_all_queries(threads):
    rng = np.random.default_rng(0)
    points = rng.integers(0, 256, (100, 4)).astype(np.uint8)
    queries = rng.integers(0, 256, (5_000, 4)).astype(np.uint8)
    index = Index(points)
    tiles = list(index.tiles(queries, 2, threads=threads))
    assert len(tiles) > 2
    place = 0
    for first, neighbours in tiles:
        assert first == place
        place += len(neighbours.indices)
    assert place == 5_000


def test_a_search_may_be_left_in_the_middle():
    rng = np.random.default_rng(0)
    points = rng.integers(0, 256, (2_000, 64)).astype(np.uint8)
    tiles = Index(points).tiles(np.tile(points, (10, 1)), 1, threads=2)
    next(tiles)
    tiles.close()
    assert not [each for each in threading.enumerate() if "ThreadPool" in each.name]


def test_the_engine_says_what_it_is():
    assert Index(POINTS).engine.startswith("kernels of ")
    assert Index(POINTS, device="cpu:0").engine == "PyTorch on cpu:0"


WITHOUT_NUMBA = """
import json, sys
sys.modules["numba"] = sys.modules["llvmlite"] = None
import numpy as np
from dlkit.neighbours.search import Index
points = np.random.default_rng(0).integers(0, 9, (300, 20))
for kind in (np.uint8, np.float32):
    for metric in ("l2", "l1", "cosine", "linf", "minkowski:3", "minkowski:1.5"):
        index = Index(points.astype(kind), metric)
        found = index.search(points[:20].astype(kind), 9)
        print(json.dumps([index.engine, found.indices.tolist()]))
"""


def test_without_numba_pytorch_answers_and_says_so(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_NUMBA], capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    points = np.random.default_rng(0).integers(0, 9, (300, 20))
    cases = [(kind, metric) for kind in (np.uint8, np.float32) for metric in EVERY]
    for (kind, metric), (engine, indices) in zip(cases, lines, strict=True):
        assert engine == "PyTorch on cpu"
        wanted = search(points.astype(kind), points[:20].astype(kind), 9, metric).indices
        assert indices == wanted.tolist()


MEMORY = """
import resource, sys
import numpy as np
from dlkit.neighbours.search import Index
kind, k = np.dtype(sys.argv[1]), int(sys.argv[2])
rng = np.random.default_rng(0)
points = rng.integers(0, 256, (20_000, 200)).astype(kind)
queries = rng.integers(0, 256, (20_000, 200)).astype(kind)
index = Index(points)
index.search(queries[:20], k)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for tile in index.tiles(queries, k, threads=2):
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self"), reason="kilobytes are Linux's unit")
@pytest.mark.parametrize(("kind", "k"), [("uint8", 1), ("uint8", 100), ("float32", 10)])
def test_memory_stays_bounded(kind, k):
    """20,000 x 20,000 distances take 1.6 GB in 32 bits; a search takes its blocks only."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, kind, str(k)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 100_000
